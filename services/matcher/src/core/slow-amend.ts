// The plain model: amends of resting orders and waiting stops.
import { slowCascade, slowOutOfBand, slowWouldTake } from "./slow-place.js";
import {
  hasLimit,
  type SlowOrder,
  type SlowRecord,
  type SlowShard,
  slowEnd,
  slowLeave,
  slowMarket,
  slowWait,
} from "./slow-shard.js";
import { slowTaker } from "./slow-take.js";
import type { AmendCommand, AmendRefusal } from "./types.js";

const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/** What an amend asks for, once what it keeps is filled in. */
interface Change {
  readonly price: bigint;
  readonly total: bigint;
  readonly open: bigint;
  /** What one lot reserves: a buyer's price, 1 for a seller. */
  readonly perLotBefore: bigint;
  readonly perLotNow: bigint;
}

/** Amends an order that the shard knows. */
export function slowAmend(shard: SlowShard, record: SlowRecord, command: AmendCommand): void {
  const { orderId, userId, legId, priceTicks, quantityLots } = command;
  const known = shard.known.get(orderId);
  const order = known?.type === "order" && known.order.where !== "nowhere" ? known.order : undefined;
  const remember = (refusal: AmendRefusal | "") =>
    shard.known.set(legId, {
      ...{ type: "leg", orderId, userId, priceTicks, quantityLots },
      ...{ refusal, seq: record.seq },
    });
  const refuse = (reason: AmendRefusal) => {
    const { symbol } = command;
    remember(reason);
    record.events.push({ type: "amendRefused", orderId, userId, legId, symbol, reason });
  };
  if (order === undefined) return refuse("ORDER_NOT_OPEN");
  const total = command.quantityLots === 0 ? order.quantity : BigInt(command.quantityLots);
  if (total <= order.executed) {
    remember("");
    return endByAmend(shard, record, command, order);
  }
  const change = changeOf(order, command, total);
  const refusal = refusalOf(shard, order, { ...change, command });
  if (refusal !== undefined) return refuse(refusal);
  remember("");
  amend(shard, record, command, order, change);
}

/** No more than what was executed is wanted: the rest is cancelled. */
function endByAmend(shard: SlowShard, record: SlowRecord, command: AmendCommand, order: SlowOrder): void {
  const before = { price: order.price, remaining: order.remaining };
  order.quantity = order.executed;
  order.remaining = 0n;
  pushAmended(record, { command, order, before, keepsPlace: true });
  slowEnd(shard, record, order, { status: "CANCELLED", reason: "AMENDED" });
}

function changeOf(order: SlowOrder, { priceTicks }: AmendCommand, total: bigint): Change {
  const price = priceTicks === 0 ? order.price : BigInt(priceTicks);
  const open = total - order.executed;
  if (order.terms.side === "sell") return { price, total, open, perLotBefore: 1n, perLotNow: 1n };
  if (hasLimit(order)) return { price, total, open, perLotBefore: order.price, perLotNow: price };
  const perLot = order.budgetLeft / order.remaining;
  return { price, total, open, perLotBefore: perLot, perLotNow: perLot };
}

/** Why the amend changes nothing; the first failure wins. */
function refusalOf(
  shard: SlowShard,
  order: SlowOrder,
  { price, total, open, perLotBefore, perLotNow, command }: Change & { readonly command: AmendCommand },
): AmendRefusal | undefined {
  const { terms } = order;
  const state = slowMarket(shard, terms.symbol);
  if (command.priceTicks > 0 && terms.type === "STOP") return "PRICE_NOT_ALLOWED";
  const wouldTake = order.where === "book" && slowWouldTake(shard, { ...order, price });
  if (state.state !== "TRADING" && !(state.state === "POST_ONLY" && !wouldTake)) {
    return `SYMBOL_${state.state}`;
  }
  const prices = [price, BigInt(terms.stopPriceTicks), perLotNow];
  if (prices.some((each) => each * total > SAFE_MAX)) return "NOTIONAL_TOO_LARGE";
  if (perLotBefore * order.remaining + BigInt(command.legUnits) < perLotNow * open) return "LEG_TOO_SMALL";
  const isNewLimit = order.where === "book" && price !== order.price;
  if (isNewLimit && slowOutOfBand(state, price)) return "PRICE_OUT_OF_BAND";
  return terms.postOnly && wouldTake ? "POST_ONLY_WOULD_TAKE" : undefined;
}

function amend(
  shard: SlowShard,
  record: SlowRecord,
  command: AmendCommand,
  order: SlowOrder,
  change: Change,
): void {
  const before = { price: order.price, remaining: order.remaining };
  const keepsPlace = change.price === order.price && change.total <= order.quantity;
  order.price = change.price;
  order.quantity = change.total;
  order.remaining = change.open;
  if (order.budgetLeft > 0n) order.budgetLeft = change.perLotNow * change.open;
  order.updatedAtMs = record.timeMs;
  pushAmended(record, { command, order, before, keepsPlace });
  if (keepsPlace) return;
  const { where } = order;
  slowLeave(shard, order);
  if (where === "stops") return slowWait(shard, order, "stops");
  slowTaker(shard, record, order);
  slowCascade(shard, record, order.terms.symbol);
}

function pushAmended(
  record: SlowRecord,
  done: {
    readonly command: AmendCommand;
    readonly order: SlowOrder;
    readonly before: { readonly price: bigint; readonly remaining: bigint };
    readonly keepsPlace: boolean;
  },
): void {
  const { command, order, before, keepsPlace } = done;
  const perUnit = hasLimit(order) ? order.price * order.remaining : order.budgetLeft;
  const reserved = order.terms.side === "sell" ? order.remaining : perUnit;
  record.events.push({
    type: "amended",
    orderId: command.orderId,
    userId: order.terms.userId,
    legId: command.legId,
    symbol: order.terms.symbol,
    side: order.terms.side,
    keepsPlace,
    wasResting: order.where === "book",
    oldPriceTicks: Number(before.price),
    oldRemainingLots: Number(before.remaining),
    priceTicks: Number(order.price),
    remainingLots: Number(order.remaining),
    quantityLots: Number(order.quantity),
    reservedUnits: Number(reserved),
    createdAtMs: order.createdAtMs,
  });
}
