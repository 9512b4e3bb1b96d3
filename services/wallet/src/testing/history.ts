// Random but valid histories of one market: what gateways reserve and what a shard then decides about it.
// Prices, limits, roles and rates vary; sums and fees are computed here a second time, from lots.
import { createHash } from "node:crypto";
import {
  type EventSchema,
  RecordSchema,
  type Record as ShardRecord,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { EndReason, OrderStatus, Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Operation, PartyOfTrade } from "../core/operation.js";
import type { Role } from "../core/reservation.js";
import type { ReserveRequest } from "../core/reserve.js";

/** One step: money is asked for, or the shard's next record, as events and as what settlement makes of them. */
export type Step =
  | { readonly type: "reserve"; readonly request: ReserveRequest }
  | { readonly type: "record"; readonly record: ShardRecord; readonly operations: readonly Operation[] };

export const BASE = "BTC";
export const QUOTE = "USDT";
const SYMBOL = `${BASE}/${QUOTE}`;
const LOT_ATOMS = 1_000n;
const QUOTE_ATOMS_PER_TICK_LOT = 7n;
/** The market of a history: lots of 1,000 atoms, and 7 atoms of quote per tick and lot. */
export const MARKET = {
  symbol: SYMBOL,
  baseAsset: BASE,
  quoteAsset: QUOTE,
  tickSize: "0.007",
  lotSize: "0.00001",
};

interface OpenOrder {
  readonly orderId: string;
  readonly userId: string;
  readonly isBuy: boolean;
  readonly limitTicks: number;
  readonly bornSeq: number;
  openLots: number;
  executedLots: number;
  executedTickLots: bigint;
  readonly received: Record<Role, bigint>;
  readonly ppm: Record<Role, number>;
}

/** A UUID that follows from a number or name. */
export function uuidOf(name: string | number): string {
  const hex = createHash("sha1").update(String(name)).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Content hash that follows from a name. */
export function fingerprintOf(name: string): string {
  return createHash("sha256").update(name).digest("hex");
}

/** A reserve request that asks for little of USDT, with what the test names. */
export function reserveRequest(
  overrides: Partial<ReserveRequest> & { orderId: string; userId: string },
): ReserveRequest {
  return {
    asset: QUOTE,
    amountAtoms: 100n,
    fingerprintHex: fingerprintOf(overrides.orderId),
    shard: 0,
    terms: new Uint8Array([1, 2, 3]),
    ...overrides,
  };
}

/** Users of a history. */
export function usersOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => uuidOf(`user ${index}`));
}

/**
 * `orders` orders of a market and all that becomes of them, in the order of the shard's log, from record 2
 * on (the first opens the epoch); at the end all are closed. `isHeld` says whether the wallet took a
 * reserve: a refused one never reaches the shard.
 */
export function* history(
  seed: number,
  options: { orders: number; users: readonly string[]; isHeld?: (request: ReserveRequest) => boolean },
): Generator<Step> {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const open: OpenOrder[] = [];
  let seq = 1;
  const record = (facts: readonly Fact[]): Step => {
    seq += 1;
    return recordOf(seq, facts);
  };
  for (let number = 0; number < options.orders; number += 1) {
    const order = newOrder(`${seed} ${number}`, seq + 1, options.users, below);
    const request = requestOf(order);
    yield { type: "reserve", request };
    if (options.isHeld?.(request) === false) continue;

    open.push(order);
    yield record([acceptedOf(order), ...tradesOf(order, open, below)]);
    const cancelled = below(4) === 0 ? open[below(open.length)] : undefined;
    if (cancelled !== undefined) {
      yield record([endOf(cancelled, "CANCELLED")]);
      open.splice(open.indexOf(cancelled), 1);
    }
  }
  for (const order of open) yield record([endOf(order, "CANCELLED")]);
}

/** One event and its effect on money. */
interface Fact {
  readonly event: MessageInitShape<typeof EventSchema>;
  readonly effect: Operation["effect"];
}

/** The record that opens the epoch: no effect on money. */
export function firstRecord(): ShardRecord {
  return create(RecordSchema, {
    seq: 1n,
    epoch: 1n,
    timeMs: 1_000n,
    command: { kind: { case: "startEpoch", value: { epoch: 1n } } },
  });
}

function recordOf(seq: number, facts: readonly Fact[]): Step {
  const timeMs = 1_000 * seq;
  const events = facts.map(({ event }) => event);
  const ended = new Set(facts.flatMap(({ effect }) => (effect.type === "release" ? [effect.orderId] : [])));
  const operations = facts
    .map(({ effect }) => effect)
    .filter((effect) => effect.type !== "mark" || !ended.has(effect.orderId))
    .map((effect, index) => ({ seq, index, timeMs, effect }));
  const record = create(RecordSchema, { seq: BigInt(seq), epoch: 1n, timeMs: BigInt(timeMs), events });
  return { type: "record", record, operations };
}

function acceptedOf({ orderId, userId }: OpenOrder): Fact {
  const terms = { orderId, userId, symbol: SYMBOL };
  return { event: { kind: { case: "accepted", value: { terms } } }, effect: { type: "mark", orderId } };
}

function newOrder(
  name: string,
  bornSeq: number,
  users: readonly string[],
  below: (limit: number) => number,
): OpenOrder {
  return {
    orderId: uuidOf(`order ${name}`),
    userId: users[below(users.length)] ?? "",
    isBuy: below(2) === 0,
    limitTicks: 95 + below(11),
    bornSeq,
    openLots: 1 + below(50),
    executedLots: 0,
    executedTickLots: 0n,
    received: { MAKER: 0n, TAKER: 0n },
    ppm: { MAKER: below(3) * 333, TAKER: below(4) * 777 },
  };
}

function requestOf(order: OpenOrder): ReserveRequest {
  const tickLots = BigInt(order.limitTicks) * BigInt(order.openLots);
  return reserveRequest({
    orderId: order.orderId,
    userId: order.userId,
    asset: order.isBuy ? QUOTE : BASE,
    amountAtoms: order.isBuy ? tickLots * QUOTE_ATOMS_PER_TICK_LOT : BigInt(order.openLots) * LOT_ATOMS,
  });
}

function* tradesOf(taker: OpenOrder, open: OpenOrder[], below: (limit: number) => number): Generator<Fact> {
  for (const maker of [...open]) {
    if (taker.openLots === 0) break;
    const [buyer, seller] = taker.isBuy ? [taker, maker] : [maker, taker];
    const crosses = maker.isBuy !== taker.isBuy && buyer.limitTicks >= seller.limitTicks;
    if (!crosses || maker.userId === taker.userId) continue;
    const lots = Math.min(taker.openLots, maker.openLots, 1 + below(40));
    yield tradeOf(uuidOf(`trade ${taker.orderId} ${maker.orderId}`), { taker, maker, buyer, seller, lots });
    for (const order of [maker, taker]) {
      if (order.openLots > 0) continue;
      yield endOf(order, "FILLED");
      open.splice(open.indexOf(order), 1);
    }
  }
}

interface Match {
  readonly taker: OpenOrder;
  readonly maker: OpenOrder;
  readonly buyer: OpenOrder;
  readonly seller: OpenOrder;
  readonly lots: number;
}

function tradeOf(tradeId: string, match: Match): Fact {
  const event = tradeEvent(tradeId, match);
  const { taker, maker, buyer, seller, lots } = match;
  const tickLots = BigInt(maker.limitTicks) * BigInt(lots);
  const baseAtoms = BigInt(lots) * LOT_ATOMS;
  const quoteAtoms = tickLots * QUOTE_ATOMS_PER_TICK_LOT;
  const roleOf = (order: OpenOrder): Role => (order === taker ? "TAKER" : "MAKER");
  const effect = {
    type: "trade" as const,
    tradeId,
    symbol: SYMBOL,
    baseAsset: BASE,
    quoteAsset: QUOTE,
    baseAtoms,
    quoteAtoms,
    buyerReservedAtoms: BigInt(buyer.limitTicks) * BigInt(lots) * QUOTE_ATOMS_PER_TICK_LOT,
    buyer: partyOf(buyer, roleOf(buyer), baseAtoms),
    seller: partyOf(seller, roleOf(seller), quoteAtoms),
  };
  for (const order of [buyer, seller]) {
    order.openLots -= lots;
    order.executedLots += lots;
    order.executedTickLots += tickLots;
  }
  return { event, effect };
}

/** The trade as the shard says it: ticks and lots, before its totals are counted. */
function tradeEvent(tradeId: string, { taker, maker, buyer, lots }: Match): Fact["event"] {
  const half = (order: OpenOrder, role: Role) => ({
    orderId: order.orderId,
    userId: order.userId,
    feePpm: order.ppm[role],
    receivedBefore: String(order.received[role] / (order.isBuy ? LOT_ATOMS : QUOTE_ATOMS_PER_TICK_LOT)),
  });
  const value = {
    tradeId,
    symbol: SYMBOL,
    priceTicks: BigInt(maker.limitTicks),
    quantityLots: BigInt(lots),
    takerSide: taker.isBuy ? Side.BUY : Side.SELL,
    maker: half(maker, "MAKER"),
    taker: half(taker, "TAKER"),
    buyerLimitTicks: BigInt(buyer.limitTicks),
  };
  return { kind: { case: "trade", value } };
}

function partyOf(order: OpenOrder, role: Role, receivedAtoms: bigint): PartyOfTrade {
  const before = order.received[role];
  const ppm = BigInt(order.ppm[role]);
  const due = (received: bigint) => {
    const exact = received * ppm;
    return exact / 1_000_000n + (exact % 1_000_000n > 0n ? 1n : 0n);
  };
  order.received[role] = before + receivedAtoms;
  return {
    orderId: order.orderId,
    userId: order.userId,
    role,
    feePpm: order.ppm[role],
    receivedBeforeAtoms: before,
    feeAtoms: due(before + receivedAtoms) - due(before),
  };
}

function endOf(order: OpenOrder, status: "FILLED" | "CANCELLED"): Fact {
  const { orderId, userId, executedLots, executedTickLots } = order;
  const orderCreatedAtMs = 1_000 * order.bornSeq;
  const reason = status === "FILLED" ? "" : "USER";
  const value = {
    orderId,
    userId,
    symbol: SYMBOL,
    status: OrderStatus[status],
    reason: status === "FILLED" ? EndReason.UNSPECIFIED : EndReason.USER,
    executedLots: BigInt(executedLots),
    executedTickLots: String(executedTickLots),
    createdAtMs: BigInt(orderCreatedAtMs),
    acceptedSeq: BigInt(order.bornSeq),
  };
  return {
    event: { kind: { case: "ended", value } },
    effect: {
      type: "release",
      orderId,
      userId,
      status,
      reason,
      executedLots,
      executedTickLots,
      orderCreatedAtMs,
      acceptedSeq: order.bornSeq,
    },
  };
}
