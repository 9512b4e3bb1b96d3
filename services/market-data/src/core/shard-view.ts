// Everything public about the markets of one shard, as of one position in its journal.
import { assert } from "@bourse/shared/assert.js";
import type { Grid } from "@bourse/shared/units/market.js";
import { applyToDepth, assertNotCrossed, closeBatch, type Depth, depthOfBook, emptyDepth } from "./depth.js";
import type { ListedMarket, Market, MarketEvent, ShardBook, ShardRecord } from "./events.js";
import { addTrade, emptyTrades, type Trade, type TradeRing } from "./trades.js";

/** What a market accepts. */
export interface MarketStatus {
  /** `bourse.types.v1.MarketState`. */
  readonly state: number;
  /** Why; empty when no change was seen. */
  readonly reason: string;
  /** When it changed, shard time in milliseconds since 1970 UTC; undefined when no change was seen. */
  readonly changedAtMs: number | undefined;
  /** Seq of the record that it rests on; 0 when only a header said it. */
  readonly seq: number;
}

/** One market: what is listed, what it accepts, what rests, what traded lately. */
export interface MarketView {
  readonly symbol: string;
  readonly grid: Grid;
  /** As the shard last described it; its state may be ahead of the view, which has it in `status`. */
  listing: Market;
  status: MarketStatus;
  depth: Depth;
  trades: TradeRing;
}

/** The markets of one shard after the record at (epoch, seq); (0, 0) before the first. */
export interface ShardView {
  readonly tradesMax: number;
  readonly markets: Map<string, MarketView>;
  epoch: number;
  seq: number;
}

/** What a batch did to one market. */
export interface MarketUpdate {
  readonly market: MarketView;
  readonly hasDepthChanged: boolean;
  readonly trades: readonly Trade[];
  /** Changes of what it accepts, in order. */
  readonly statuses: readonly MarketStatus[];
}

export function emptyShardView(tradesMax: number): ShardView {
  return { tradesMax, markets: new Map(), epoch: 0, seq: 0 };
}

/** Lists a market, or takes over what changed in its listing. */
export function listMarket(view: ShardView, { listing, grid }: ListedMarket): void {
  const known = view.markets.get(listing.symbol);
  if (known !== undefined) {
    known.listing = listing;
    return;
  }
  const { symbol } = listing;
  const trades = emptyTrades(view.tradesMax);
  const status = unchanged(listing, 0);
  view.markets.set(symbol, { symbol, grid, listing, status, depth: emptyDepth(), trades });
}

/**
 * Replaces all that is known by the books as they are at a position. Views of markets stay the same objects, so
 * that their readers can go on; what traded before is forgotten, since trades after it may be missing.
 */
export function loadBooks(
  view: ShardView,
  at: { readonly epoch: number; readonly seq: number },
  books: readonly ShardBook[],
): MarketUpdate[] {
  const updates = books.map((book) => {
    const { listing } = book.market;
    listMarket(view, book.market);
    const market = view.markets.get(listing.symbol);
    assert(market !== undefined, "a market is there once it is listed");
    const hasChanged = market.status.state !== listing.state;
    if (hasChanged || market.status.seq === 0) market.status = unchanged(listing, at.seq);
    market.depth = depthOfBook(book, at.seq);
    market.trades = emptyTrades(view.tradesMax);
    return { market, hasDepthChanged: true, trades: [], statuses: hasChanged ? [market.status] : [] };
  });
  view.seq = at.seq;
  view.epoch = at.epoch;
  return updates;
}

/** The state that a listing names, of which no change was seen. */
function unchanged({ state }: Market, seq: number): MarketStatus {
  return { state, reason: "", changedAtMs: undefined, seq };
}

/** True when the records go on, without gap and with no lower epoch, where the view stands. */
export function isContinuation(view: ShardView, records: readonly ShardRecord[]): boolean {
  let { seq, epoch } = view;
  for (const record of records) {
    if (record.seq !== seq + 1 || record.epoch < epoch) return false;
    seq = record.seq;
    epoch = record.epoch;
  }
  return true;
}

/** Applies a batch that continues the view, and says which markets it touched. */
export function applyRecords(view: ShardView, records: readonly ShardRecord[]): MarketUpdate[] {
  assert(isContinuation(view, records), "a batch continues the view");
  const touched: Touched = new Map();
  for (const record of records) applyRecord(view, record, touched);
  return Array.from(touched, ([market, { updateIdBefore, trades, statuses }]) => {
    closeBatch(market.depth);
    return { market, hasDepthChanged: market.depth.lastUpdateId !== updateIdBefore, trades, statuses };
  });
}

type Touched = Map<MarketView, { updateIdBefore: number; trades: Trade[]; statuses: MarketStatus[] }>;

function applyRecord(view: ShardView, record: ShardRecord, touched: Touched): void {
  const named = new Set<MarketView>();
  for (const event of record.events) {
    if (event.type === "market_added") {
      addMarket(view, record, event.market);
      continue;
    }
    const market = view.markets.get(event.symbol);
    assert(market !== undefined, "events name markets that were added");
    named.add(market);
    const update = touched.get(market) ?? {
      updateIdBefore: market.depth.lastUpdateId,
      trades: [],
      statuses: [],
    };
    touched.set(market, update);
    applyToDepth(market.depth, record.seq, event);
    if (event.type === "traded") {
      const trade = tradeOf(record, event);
      addTrade(market.trades, trade);
      update.trades.push(trade);
    } else if (event.type === "state_changed") {
      const { state, reason } = event;
      market.status = { state, reason, changedAtMs: record.timeMs, seq: record.seq };
      update.statuses.push(market.status);
    }
  }
  // Only a whole record says how a book is: an order that moves leaves one level before it comes to another.
  for (const { depth } of named) assertNotCrossed(depth);
  view.seq = record.seq;
  view.epoch = record.epoch;
}

/** A header may have listed it before the record comes, in a state that it only gets later. */
function addMarket(view: ShardView, record: ShardRecord, market: ListedMarket): void {
  listMarket(view, market);
  const added = view.markets.get(market.listing.symbol);
  assert(added !== undefined, "a market is there once it is listed");
  added.status = unchanged(market.listing, record.seq);
}

function tradeOf(record: ShardRecord, event: Extract<MarketEvent, { type: "traded" }>): Trade {
  const { tradeId, symbol, priceTicks, quantityLots, takerSide, index } = event;
  const at = { executedAtMs: record.timeMs, seq: record.seq, index };
  return { tradeId, symbol, priceTicks, quantityLots, takerSide, ...at };
}
