// Records of a shard to changes of the order history: a pure fold. Enum values are those of the wire.
import { assert } from "@bourse/shared/assert.js";
import { formatAtoms } from "@bourse/shared/units/atoms.js";
import {
  baseAtoms,
  feeAtoms,
  formatNotional,
  formatPrice,
  formatQuantity,
  type Grid,
  quoteAtoms,
} from "@bourse/shared/units/market.js";

/** Side of an order, `bourse.types.v1.Side`. */
const BUY = 1;
const SELL = 2;
/** Statuses that the fold itself decides on, `bourse.types.v1.OrderStatus`. */
const OPEN = 2;
const PARTIALLY_FILLED = 3;
/** Roles, `bourse.types.v1.TradeRole`. */
const MAKER = 1;
const TAKER = 2;

/** An order as it was accepted or refused. Zero and empty text stand for what the order does not have. */
export interface HistoryTerms {
  readonly orderId: string;
  readonly userId: string;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: number;
  readonly type: number;
  readonly timeInForce: number;
  readonly priceTicks: number;
  readonly quantityLots: number;
  /** Decimal text as the client sent it. */
  readonly quoteBudget: string;
  readonly postOnly: boolean;
}

/** One order's half of a trade. */
export interface HistoryParty {
  readonly orderId: string;
  readonly userId: string;
  readonly clientOrderId: string;
  readonly feePpm: number;
  /** What it had received in this role before: lots for a buyer, tick × lot for a seller. */
  readonly receivedBefore: bigint;
  readonly createdAtMs: number;
}

export type HistoryEvent =
  | { readonly type: "accepted"; readonly terms: HistoryTerms }
  | {
      readonly type: "traded";
      readonly tradeId: string;
      readonly symbol: string;
      readonly priceTicks: number;
      readonly quantityLots: number;
      readonly takerSide: number;
      readonly maker: HistoryParty;
      readonly taker: HistoryParty;
      readonly index: number;
    }
  | {
      readonly type: "ended";
      readonly orderId: string;
      readonly symbol: string;
      readonly status: number;
      readonly reason: number;
      readonly executedLots: number;
      readonly executedTickLots: bigint;
      readonly createdAtMs: number;
      /** Terms of an order that was refused; absent for one that was accepted, and for a tombstone. */
      readonly terms: HistoryTerms | undefined;
      readonly isTombstone: boolean;
    }
  | { readonly type: "market_added"; readonly grid: Grid };

/** One record of a shard's journal. */
export interface HistoryRecord {
  readonly seq: number;
  readonly epoch: number;
  readonly timeMs: number;
  readonly events: readonly HistoryEvent[];
}

/** An order that a batch brought, in its state after the batch. Decimal text; undefined: has none. */
export interface NewOrder {
  readonly orderId: string;
  readonly createdAtMs: number;
  readonly userId: string;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: number;
  readonly type: number;
  readonly timeInForce: number;
  readonly price: string | undefined;
  readonly quantity: string | undefined;
  readonly quoteBudget: string | undefined;
  readonly postOnly: boolean;
  readonly status: number;
  readonly reason: number;
  readonly filledQuantity: string;
  readonly executedQuote: string;
  readonly updatedAtMs: number;
  readonly acceptedSeq: number;
}

/** What a batch did to an order that an earlier one brought. */
export interface OrderUpdate {
  readonly orderId: string;
  readonly createdAtMs: number;
  readonly status: number;
  readonly reason: number;
  /** Executed by this batch. */
  readonly addedQuantity: string;
  readonly addedQuote: string;
  /** Executed in all, as the final word says; undefined while the order is open. */
  readonly finalQuantity: string | undefined;
  readonly finalQuote: string | undefined;
  readonly updatedAtMs: number;
}

/** One party's half of a trade. */
export interface Fill {
  readonly tradeId: string;
  readonly executedAtMs: number;
  readonly orderId: string;
  readonly userId: string;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: number;
  readonly role: number;
  readonly price: string;
  readonly quantity: string;
  readonly fee: string;
  readonly feeAsset: string;
  readonly feePpm: number;
  readonly seq: number;
  readonly index: number;
}

/** Row changes of a batch: each order stands in at most one of `orders` and `updates`. */
export interface HistoryChanges {
  readonly orders: readonly NewOrder[];
  readonly updates: readonly OrderUpdate[];
  readonly fills: readonly Fill[];
}

/** An order in the course of a batch. */
interface Touched {
  readonly orderId: string;
  readonly createdAtMs: number;
  readonly grid: Grid;
  /** Present when the batch brought the order. */
  readonly placed: { readonly terms: HistoryTerms; readonly seq: number } | undefined;
  addedLots: number;
  addedTickLots: bigint;
  ended: Extract<HistoryEvent, { type: "ended" }> | undefined;
  updatedAtMs: number;
}

interface Fold {
  readonly grids: Map<string, Grid>;
  readonly touched: Map<string, Touched>;
  readonly fills: Fill[];
}

/**
 * Row changes of a run of records. Orders are followed from acceptance or refusal to their end; the
 * tombstone of an order that the shard never saw has no terms and makes no row. Markets that the
 * records add are added to `grids`, which must know all earlier ones.
 */
export function foldHistory(grids: Map<string, Grid>, records: readonly HistoryRecord[]): HistoryChanges {
  const fold: Fold = { grids, touched: new Map(), fills: [] };
  for (const record of records) for (const event of record.events) foldEvent(fold, record, event);
  const orders: NewOrder[] = [];
  const updates: OrderUpdate[] = [];
  for (const order of fold.touched.values()) {
    if (order.placed === undefined) updates.push(updateOf(order));
    else orders.push(newOrderOf(order, order.placed));
  }
  return { orders, updates, fills: fold.fills };
}

function foldEvent(fold: Fold, record: HistoryRecord, event: HistoryEvent): void {
  switch (event.type) {
    case "market_added":
      fold.grids.set(event.grid.symbol, event.grid);
      return;
    case "accepted":
      place(fold, record, event.terms, record.timeMs);
      return;
    case "traded":
      return foldTrade(fold, record, event);
    case "ended":
      return foldEnd(fold, record, event);
  }
}

function foldTrade(
  fold: Fold,
  record: HistoryRecord,
  trade: Extract<HistoryEvent, { type: "traded" }>,
): void {
  const grid = gridOf(fold, trade.symbol);
  const tickLots = BigInt(trade.priceTicks) * BigInt(trade.quantityLots);
  const halves = [
    { party: trade.maker, role: MAKER, side: trade.takerSide === BUY ? SELL : BUY },
    { party: trade.taker, role: TAKER, side: trade.takerSide },
  ];
  for (const { party, role, side } of halves) {
    const order = touch(fold, record, { ...party, grid });
    order.addedLots += trade.quantityLots;
    order.addedTickLots += tickLots;
    fold.fills.push({
      tradeId: trade.tradeId,
      executedAtMs: record.timeMs,
      orderId: party.orderId,
      userId: party.userId,
      clientOrderId: party.clientOrderId,
      symbol: trade.symbol,
      side,
      role,
      price: formatPrice(grid, trade.priceTicks),
      quantity: formatQuantity(grid, trade.quantityLots),
      fee: formatAtoms(feeOf(grid, side, party, { quantityLots: trade.quantityLots, tickLots })),
      feeAsset: side === BUY ? grid.baseAsset : grid.quoteAsset,
      feePpm: party.feePpm,
      seq: record.seq,
      index: trade.index,
    });
  }
}

/** Fee of one party: taken from what it receives, the buyer's in base, the seller's in quote. */
function feeOf(
  grid: Grid,
  side: number,
  party: HistoryParty,
  traded: { quantityLots: number; tickLots: bigint },
): bigint {
  if (side === BUY) {
    return feeAtoms(
      party.feePpm,
      baseAtoms(grid, party.receivedBefore),
      baseAtoms(grid, traded.quantityLots),
    );
  }
  return feeAtoms(party.feePpm, quoteAtoms(grid, party.receivedBefore), quoteAtoms(grid, traded.tickLots));
}

function foldEnd(fold: Fold, record: HistoryRecord, event: Extract<HistoryEvent, { type: "ended" }>): void {
  if (event.terms !== undefined && !fold.touched.has(event.orderId)) {
    place(fold, record, event.terms, event.createdAtMs);
  } else if (event.isTombstone) {
    return;
  }
  const order = touch(fold, record, { ...event, grid: gridOf(fold, event.symbol) });
  assert(order.ended === undefined, "an order ends once");
  order.ended = event;
}

function place(fold: Fold, record: HistoryRecord, terms: HistoryTerms, createdAtMs: number): void {
  assert(!fold.touched.has(terms.orderId), "an order is placed once, before anything else happens to it");
  fold.touched.set(terms.orderId, {
    orderId: terms.orderId,
    createdAtMs,
    grid: gridOf(fold, terms.symbol),
    placed: { terms, seq: record.seq },
    addedLots: 0,
    addedTickLots: 0n,
    ended: undefined,
    updatedAtMs: record.timeMs,
  });
}

function touch(
  fold: Fold,
  record: HistoryRecord,
  order: { readonly orderId: string; readonly createdAtMs: number; readonly grid: Grid },
): Touched {
  const { orderId, createdAtMs, grid } = order;
  let touched = fold.touched.get(orderId);
  if (touched === undefined) {
    const nothing = { placed: undefined, addedLots: 0, addedTickLots: 0n, ended: undefined };
    touched = { orderId, createdAtMs, grid, ...nothing, updatedAtMs: record.timeMs };
    fold.touched.set(orderId, touched);
  }
  assert(touched.createdAtMs === createdAtMs, "an order was created once");
  assert(touched.ended === undefined, "nothing happens to an order after its end");
  touched.updatedAtMs = record.timeMs;
  return touched;
}

function gridOf(fold: Fold, symbol: string): Grid {
  const grid = fold.grids.get(symbol);
  assert(grid !== undefined, "events name markets that were added");
  return grid;
}

function newOrderOf(order: Touched, placed: { terms: HistoryTerms; seq: number }): NewOrder {
  const { grid, ended } = order;
  const { terms } = placed;
  if (ended !== undefined) {
    assert(ended.executedLots === order.addedLots, "the final word agrees with the trades on the quantity");
    assert(
      ended.executedTickLots === order.addedTickLots,
      "the final word agrees with the trades on the notional",
    );
  }
  return {
    orderId: order.orderId,
    createdAtMs: order.createdAtMs,
    userId: terms.userId,
    clientOrderId: terms.clientOrderId,
    symbol: terms.symbol,
    side: terms.side,
    type: terms.type,
    timeInForce: terms.timeInForce,
    price: terms.priceTicks === 0 ? undefined : formatPrice(grid, terms.priceTicks),
    quantity: terms.quantityLots === 0 ? undefined : formatQuantity(grid, terms.quantityLots),
    quoteBudget: terms.quoteBudget === "" ? undefined : terms.quoteBudget,
    postOnly: terms.postOnly,
    status: statusOf(order),
    reason: ended?.reason ?? 0,
    filledQuantity: formatQuantity(grid, order.addedLots),
    executedQuote: formatNotional(grid, order.addedTickLots),
    updatedAtMs: order.updatedAtMs,
    acceptedSeq: placed.seq,
  };
}

function updateOf(order: Touched): OrderUpdate {
  const { grid, ended } = order;
  return {
    orderId: order.orderId,
    createdAtMs: order.createdAtMs,
    status: statusOf(order),
    reason: ended?.reason ?? 0,
    addedQuantity: formatQuantity(grid, order.addedLots),
    addedQuote: formatNotional(grid, order.addedTickLots),
    finalQuantity: ended === undefined ? undefined : formatQuantity(grid, ended.executedLots),
    finalQuote: ended === undefined ? undefined : formatNotional(grid, ended.executedTickLots),
    updatedAtMs: order.updatedAtMs,
  };
}

/** An order that did not end rests; one that was touched later without ending has traded. */
function statusOf(order: Touched): number {
  if (order.ended !== undefined) return order.ended.status;
  return order.addedLots === 0 ? OPEN : PARTIALLY_FILLED;
}
