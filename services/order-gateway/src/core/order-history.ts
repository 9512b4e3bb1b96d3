// Records of a shard to changes of the order history: a pure fold. Enum values are those of the wire.
import { assert } from "@bourse/shared/assert.js";
import { formatAtoms } from "@bourse/shared/units/atoms.js";
import {
  baseAtoms,
  feeAtoms,
  formatPrice,
  formatQuantity,
  type Grid,
  quoteAtoms,
} from "@bourse/shared/units/market.js";
import { newOrderOf, type Touched, updateOf } from "./order-history-rows.js";
import type {
  Fill,
  HistoryChanges,
  HistoryEvent,
  HistoryParty,
  HistoryRecord,
  HistoryTerms,
  NewOrder,
  OrderUpdate,
} from "./order-history-types.js";

/** Side of an order, `bourse.types.v1.Side`. */
const BUY = 1;
const SELL = 2;
/** Roles, `bourse.types.v1.TradeRole`. */
const MAKER = 1;
const TAKER = 2;

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
    case "stop_placed": {
      const order = fold.touched.get(event.orderId);
      assert(order?.placed !== undefined, "a stop is placed in the record that accepts it");
      order.isWaiting = true;
      return;
    }
    case "stop_triggered": {
      const order = touch(fold, record, event);
      order.isWaiting = false;
      order.isTriggered = true;
      return;
    }
    case "amended":
      amend(touch(fold, record, event), event.priceTicks, event.quantityLots);
      return;
    case "decremented":
      return foldDecrement(fold, record, event);
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
    const { orderId, createdAtMs } = party;
    const order = touch(fold, record, { orderId, createdAtMs, symbol: trade.symbol });
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

/** The quantity of who goes on is lowered for good; who reaches zero ends with the quantity that it had. */
function foldDecrement(
  fold: Fold,
  record: HistoryRecord,
  event: Extract<HistoryEvent, { type: "decremented" }>,
): void {
  for (const { orderId, remainingLots } of event.orders) {
    const order = touch(fold, record, { orderId, symbol: event.symbol });
    if (remainingLots > 0) order.loweredLots += event.quantityLots;
  }
}

/** Sets price and quantity; 0 keeps them. */
function amend(order: Touched, priceTicks: number, quantityLots: number): void {
  if (priceTicks > 0) order.amendedPriceTicks = priceTicks;
  if (quantityLots === 0) return;
  order.amendedLots = quantityLots;
  order.loweredLots = 0;
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
  const order = touch(fold, record, event);
  amend(order, event.amendedPriceTicks, event.amendedQuantityLots);
  order.ended = event;
}

function place(fold: Fold, record: HistoryRecord, terms: HistoryTerms, createdAtMs: number): void {
  assert(!fold.touched.has(terms.orderId), "an order is placed once, before anything else happens to it");
  const { orderId, symbol } = terms;
  const placed = { terms, seq: record.seq };
  fold.touched.set(orderId, untouched(fold, record, { orderId, createdAtMs, symbol }, placed));
}

/** What an event says about an order that it names. */
interface Named {
  readonly orderId: string;
  readonly symbol: string;
  /** Not every event says it. */
  readonly createdAtMs?: number;
}

function touch(fold: Fold, record: HistoryRecord, named: Named): Touched {
  const touched = fold.touched.get(named.orderId) ?? untouched(fold, record, named);
  fold.touched.set(named.orderId, touched);
  const createdAtMs = named.createdAtMs ?? touched.createdAtMs;
  assert((touched.createdAtMs ?? createdAtMs) === createdAtMs, "an order was created once");
  assert(touched.ended === undefined, "nothing happens to an order after its end");
  touched.createdAtMs = createdAtMs;
  touched.updatedAtMs = record.timeMs;
  return touched;
}

/** An order that the batch names for the first time. Written out: objects that are spread cost many times more. */
function untouched(
  fold: Fold,
  record: HistoryRecord,
  { orderId, symbol, createdAtMs }: Named,
  placed?: Touched["placed"],
): Touched {
  return {
    orderId,
    createdAtMs,
    grid: gridOf(fold, symbol),
    placed,
    addedLots: 0,
    addedTickLots: 0n,
    isWaiting: false,
    isTriggered: false,
    amendedPriceTicks: 0,
    amendedLots: 0,
    loweredLots: 0,
    ended: undefined,
    updatedAtMs: record.timeMs,
  };
}

function gridOf(fold: Fold, symbol: string): Grid {
  const grid = fold.grids.get(symbol);
  assert(grid !== undefined, "events name markets that were added");
  return grid;
}
