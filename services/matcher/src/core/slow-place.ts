// The plain model: new orders, and stops whose trigger came.
import {
  hasLimit,
  type SlowMarket,
  type SlowOrder,
  type SlowRecord,
  type SlowShard,
  slowBest,
  slowEnd,
  slowLeave,
  slowMarket,
  slowWait,
} from "./slow-shard.js";
import { slowCrosses, slowTaker } from "./slow-take.js";
import type { EndReason, OrderTerms } from "./types.js";

/** Stops that wait in one market at most. */
const STOPS_MAX = 10_000;

const isStop = ({ type }: OrderTerms) => type === "STOP" || type === "STOP_LIMIT";

/** Decides about a new order: refused, waiting for its trigger, or a taker at once. */
export function slowPlace(shard: SlowShard, record: SlowRecord, terms: OrderTerms): void {
  const order = newOrder(record, terms);
  shard.known.set(terms.orderId, { type: "order", order });
  const reason = refusal(shard, order);
  if (reason !== undefined) {
    return slowEnd(shard, record, order, { status: "REJECTED", reason, isRefused: true });
  }
  record.events.push({ type: "accepted", terms });
  if (!isStop(terms)) return slowTaker(shard, record, order);
  slowWait(shard, order, "stops");
  const { orderId, symbol, side, stopPriceTicks } = terms;
  const remainingLots = terms.quantityLots;
  record.events.push({ type: "stopPlaced", orderId, symbol, side, stopPriceTicks, remainingLots });
}

function newOrder({ seq, timeMs }: SlowRecord, terms: OrderTerms): SlowOrder {
  return {
    terms,
    createdAtMs: timeMs,
    acceptedSeq: seq,
    price: BigInt(terms.priceTicks),
    quantity: BigInt(terms.quantityLots),
    remaining: BigInt(terms.quantityLots),
    budgetLeft: BigInt(terms.budgetTickLots),
    executed: 0n,
    notional: 0n,
    asMaker: 0n,
    asTaker: 0n,
    where: "nowhere",
    place: 0,
    isTriggered: false,
    status: "OPEN",
    reason: "",
    updatedAtMs: timeMs,
    endedSeq: 0,
  };
}

/** The matcher's own checks in their order; the first failure wins. */
function refusal(shard: SlowShard, order: SlowOrder): EndReason | undefined {
  const { terms } = order;
  const state = slowMarket(shard, terms.symbol);
  const isPostOnlyLimit = terms.type === "LIMIT" && terms.postOnly;
  if (state.state !== "TRADING" && !(state.state === "POST_ONLY" && isPostOnlyLimit)) {
    return `SYMBOL_${state.state}`;
  }
  if (terms.type === "LIMIT" && slowOutOfBand(state, order.price)) return "PRICE_OUT_OF_BAND";
  const { openOrdersMax } = state.market;
  const isCapped = isStop(terms) || terms.timeInForce === "GTC" || terms.timeInForce === "DAY";
  const own = shard.orders.filter(
    (each) => each.terms.userId === terms.userId && each.terms.symbol === terms.symbol,
  );
  if (openOrdersMax > 0 && isCapped && own.length >= openOrdersMax) return "OPEN_ORDER_LIMIT";
  const stops = shard.orders.filter((each) => each.where === "stops" && each.terms.symbol === terms.symbol);
  if (isStop(terms) && stops.length >= STOPS_MAX) return "OPEN_ORDER_LIMIT";
  if (isPostOnlyLimit && slowWouldTake(shard, order)) return "POST_ONLY_WOULD_TAKE";
  const reference = state.lastTrade;
  return isStop(terms) && reference > 0n && isReached(order, { highest: reference, lowest: reference })
    ? "STOP_WOULD_TRIGGER"
    : undefined;
}

/** |limit − last trade| × 10,000 > band × last trade. */
export function slowOutOfBand({ market, lastTrade }: SlowMarket, price: bigint): boolean {
  if (market.bandBps === 0 || lastTrade === 0n) return false;
  const away = price > lastTrade ? price - lastTrade : lastTrade - price;
  return away * 10_000n > BigInt(market.bandBps) * lastTrade;
}

/** True when any opposite order is at or through the limit of this one. */
export function slowWouldTake(shard: SlowShard, order: SlowOrder): boolean {
  const best = slowBest(shard, order.terms.symbol, order.terms.side);
  return best !== undefined && slowCrosses(order, best);
}

function isReached({ terms }: SlowOrder, at: { highest: bigint; lowest: bigint }): boolean {
  const stop = BigInt(terms.stopPriceTicks);
  return terms.side === "buy" ? at.highest >= stop : at.lowest <= stop;
}

/** Fires what the trades of this record reached, one stop at a time, looking again after each. */
export function slowCascade(shard: SlowShard, record: SlowRecord, symbol: string): void {
  for (let fired = slowNextStop(shard, record, symbol); fired !== undefined; ) {
    trigger(shard, record, fired);
    fired = slowNextStop(shard, record, symbol);
  }
}

function slowNextStop(shard: SlowShard, record: SlowRecord, symbol: string): SlowOrder | undefined {
  if (record.trades === 0) return undefined;
  const reached = shard.orders.filter(
    (order) => order.where === "stops" && order.terms.symbol === symbol && isReached(order, record),
  );
  const stopOf = ({ terms }: SlowOrder) => terms.stopPriceTicks;
  const buys = reached
    .filter(({ terms }) => terms.side === "buy")
    .sort((a, b) => stopOf(a) - stopOf(b) || a.place - b.place);
  const sells = reached
    .filter(({ terms }) => terms.side === "sell")
    .sort((a, b) => stopOf(b) - stopOf(a) || a.place - b.place);
  return buys[0] ?? sells[0];
}

function trigger(shard: SlowShard, record: SlowRecord, order: SlowOrder): void {
  const { orderId, userId, symbol, side, stopPriceTicks, postOnly } = order.terms;
  const state = slowMarket(shard, symbol);
  if (state.state !== "TRADING") throw new Error("nothing triggers where nothing trades");
  slowLeave(shard, order);
  order.isTriggered = true;
  order.updatedAtMs = record.timeMs;
  const remainingLots = Number(order.remaining);
  record.events.push({ type: "stopTriggered", orderId, userId, symbol, side, stopPriceTicks, remainingLots });
  if (hasLimit(order) && slowOutOfBand(state, order.price)) {
    return slowEnd(shard, record, order, { status: "EXPIRED", reason: "PRICE_OUT_OF_BAND" });
  }
  if (hasLimit(order) && postOnly && slowWouldTake(shard, order)) {
    return slowEnd(shard, record, order, { status: "EXPIRED", reason: "POST_ONLY_AT_TRIGGER" });
  }
  slowTaker(shard, record, order);
}
