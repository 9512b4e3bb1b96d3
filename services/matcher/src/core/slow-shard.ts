// State of the plain model: lists that are searched from end to end, bigint sums, no slots, no index. It is
// what tests hold the fast core against, and shares nothing with it but the words.
import type {
  AmendRefusal,
  EndReason,
  FinalStatus,
  Market,
  MarketState,
  MatcherEvent,
  OrderStatus,
  OrderTerms,
  Side,
} from "./types.js";

/** Trades and preventions in one record, and orders that one record ends at once, at most. */
export const SLOW_ROOM = 20_000;

export interface SlowOrder {
  readonly terms: OrderTerms;
  readonly createdAtMs: number;
  readonly acceptedSeq: number;
  /** Limit price now; 0 for MARKET and STOP. */
  price: bigint;
  /** Quantity now; 0 for an order by quote budget. */
  quantity: bigint;
  /** Open lots; 0 for an order by quote budget. */
  remaining: bigint;
  /** What an order with a budget may still spend. */
  budgetLeft: bigint;
  executed: bigint;
  notional: bigint;
  /** Received in each role so far: lots for a buyer, tick times lot for a seller. */
  asMaker: bigint;
  asTaker: bigint;
  /** Where it waits, and its place in every queue there: lower is earlier. */
  where: "nowhere" | "book" | "stops";
  place: number;
  isTriggered: boolean;
  status: OrderStatus;
  reason: EndReason;
  updatedAtMs: number;
  /** Seq of the record that ended it; 0 while it is open. */
  endedSeq: number;
}

export interface SlowTombstone {
  readonly type: "tombstone";
  readonly userId: string;
  readonly status: FinalStatus;
  readonly reason: EndReason;
  readonly endedSeq: number;
}

/** Key of an amend that was decided. */
export interface SlowLeg {
  readonly type: "leg";
  readonly orderId: string;
  readonly userId: string;
  /** What it asked for; 0 where it kept what there was. */
  readonly priceTicks: number;
  readonly quantityLots: number;
  readonly refusal: AmendRefusal | "";
  readonly seq: number;
}

/** Key of an amend that was decided. */
export interface SlowLeg {
  readonly type: "leg";
  readonly orderId: string;
  readonly userId: string;
  readonly refusal: AmendRefusal | "";
  readonly seq: number;
}

/** An id that was decided about. */
export type SlowKnown = { readonly type: "order"; readonly order: SlowOrder } | SlowTombstone | SlowLeg;

export interface SlowMarket {
  readonly market: Market;
  state: MarketState;
  /** Price of the last trade; 0 before the first. */
  lastTrade: bigint;
  delistedAtMs: number;
}

export interface SlowShard {
  seq: number;
  timeMs: number;
  readonly markets: SlowMarket[];
  /** Everything that rests or waits. */
  orders: SlowOrder[];
  readonly known: Map<string, SlowKnown>;
  switches: { readonly userId: string; readonly symbol: string; readonly dueMs: number }[];
  /** Cursors that were learned, and when what they allow to forget is due. */
  learned: { readonly throughSeq: number; readonly dueMs: number }[];
  /** Seq up to which ended ids were forgotten. */
  forgotten: number;
  cancelAlls: SlowCancelAll[];
  nextPlace: number;
}

/** A cancel-all that is remembered until it expires. */
export interface SlowCancelAll {
  readonly userId: string;
  readonly requestId: string;
  readonly symbol: string;
  readonly side: Side | "";
  readonly expiresAtMs: number;
  readonly operatorId: string;
}

/** The record that is being decided: its events, and what counts over the whole of it. */
export interface SlowRecord {
  readonly seq: number;
  readonly timeMs: number;
  readonly events: MatcherEvent[];
  trades: number;
  preventions: number;
  /** Highest and lowest trade; 0 without one. */
  highest: bigint;
  lowest: bigint;
}

export function createSlowShard(): SlowShard {
  return {
    seq: 0,
    timeMs: 0,
    markets: [],
    orders: [],
    known: new Map(),
    switches: [],
    learned: [],
    forgotten: 0,
    cancelAlls: [],
    nextPlace: 0,
  };
}

export function slowMarket(shard: SlowShard, symbol: string): SlowMarket {
  const found = shard.markets.find(({ market }) => market.symbol === symbol);
  if (found === undefined) throw new Error(`no market ${symbol}`);
  return found;
}

/** Resting orders of one side in price-time priority. */
export function slowSide(shard: SlowShard, symbol: string, side: Side): SlowOrder[] {
  const better = side === "buy" ? -1n : 1n;
  return shard.orders
    .filter((order) => order.where === "book" && order.terms.symbol === symbol && order.terms.side === side)
    .sort((a, b) => Number(better * (a.price - b.price)) || a.place - b.place);
}

/** The order that an incoming one of this side meets next. */
export function slowBest(shard: SlowShard, symbol: string, takerSide: Side): SlowOrder | undefined {
  let best: SlowOrder | undefined;
  for (const order of shard.orders) {
    if (order.where !== "book" || order.terms.symbol !== symbol || order.terms.side === takerSide) continue;
    if (best === undefined || isBetter(order, best)) best = order;
  }
  return best;
}

function isBetter(a: SlowOrder, b: SlowOrder): boolean {
  if (a.price === b.price) return a.place < b.place;
  return a.terms.side === "buy" ? a.price > b.price : a.price < b.price;
}

/** True for what trades up to a limit: LIMIT, and STOP_LIMIT once it fired. */
export function hasLimit({ terms }: SlowOrder): boolean {
  return terms.type === "LIMIT" || terms.type === "STOP_LIMIT";
}

/** Puts an order at the end of its queue, in the book or among the stops. */
export function slowWait(shard: SlowShard, order: SlowOrder, where: "book" | "stops"): void {
  order.where = where;
  order.place = shard.nextPlace;
  shard.nextPlace += 1;
  shard.orders.push(order);
  if (where === "stops") order.status = "PENDING";
  else order.status = order.executed > 0n ? "PARTIALLY_FILLED" : "OPEN";
}

/** Takes an order out of where it waits. */
export function slowLeave(shard: SlowShard, order: SlowOrder): void {
  shard.orders = shard.orders.filter((each) => each !== order);
  order.where = "nowhere";
}

/** The final word on an order. */
export function slowEnd(
  shard: SlowShard,
  record: SlowRecord,
  order: SlowOrder,
  end: { readonly status: FinalStatus; readonly reason: EndReason; readonly isRefused?: boolean },
): void {
  const { terms } = order;
  const wasResting = order.where === "book";
  if (order.where !== "nowhere") slowLeave(shard, order);
  order.status = end.status;
  order.reason = end.reason;
  order.updatedAtMs = record.timeMs;
  order.endedSeq = record.seq;
  record.events.push({
    type: "ended",
    orderId: terms.orderId,
    userId: terms.userId,
    symbol: terms.symbol,
    status: end.status,
    reason: end.reason,
    executedLots: Number(order.executed),
    executedTickLots: `${order.notional}`,
    resting: wasResting ? { side: terms.side, priceTicks: Number(order.price) } : undefined,
    remainingLots: Number(order.remaining),
    createdAtMs: order.createdAtMs,
    acceptedSeq: order.acceptedSeq,
    terms: end.isRefused === true ? terms : undefined,
    isTombstone: false,
    amendedPriceTicks: order.price === BigInt(terms.priceTicks) ? 0 : Number(order.price),
    amendedQuantityLots: order.quantity === BigInt(terms.quantityLots) ? 0 : Number(order.quantity),
  });
}
