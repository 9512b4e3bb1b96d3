// Everything public about the markets of one shard, as of one position in its journal.
import { assert } from "@bourse/shared/assert.js";
import type { Grid } from "@bourse/shared/units/market.js";
import { applyToDepth, assertNotCrossed, closeBatch, type Depth, emptyDepth } from "./depth.js";
import type { ListedMarket, Market, MarketEvent, ShardRecord } from "./events.js";
import { addTrade, emptyTrades, type Trade, type TradeRing } from "./trades.js";

/** One market: what is listed, what rests, what traded lately. */
export interface MarketView {
  readonly symbol: string;
  readonly grid: Grid;
  listing: Market;
  readonly depth: Depth;
  readonly trades: TradeRing;
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
  view.markets.set(symbol, { symbol, grid, listing, depth: emptyDepth(), trades });
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
  return Array.from(touched, ([market, { updateIdBefore, trades }]) => {
    closeBatch(market.depth);
    return { market, hasDepthChanged: market.depth.lastUpdateId !== updateIdBefore, trades };
  });
}

type Touched = Map<MarketView, { updateIdBefore: number; trades: Trade[] }>;

function applyRecord(view: ShardView, record: ShardRecord, touched: Touched): void {
  for (const event of record.events) {
    if (event.type === "market_added") {
      listMarket(view, event.market);
      continue;
    }
    const market = view.markets.get(event.symbol);
    assert(market !== undefined, "events name markets that were added");
    let update = touched.get(market);
    if (update === undefined) {
      update = { updateIdBefore: market.depth.lastUpdateId, trades: [] };
      touched.set(market, update);
    }
    applyToDepth(market.depth, record.seq, event);
    if (event.type === "traded") {
      const trade = tradeOf(record, event);
      addTrade(market.trades, trade);
      update.trades.push(trade);
    }
    // Trades of a record come before the rest of their taker, so no event leaves the book crossed.
    assertNotCrossed(market.depth);
  }
  view.seq = record.seq;
  view.epoch = record.epoch;
}

function tradeOf(record: ShardRecord, event: Extract<MarketEvent, { type: "traded" }>): Trade {
  const { tradeId, symbol, priceTicks, quantityLots, takerSide, index } = event;
  const at = { executedAtMs: record.timeMs, seq: record.seq, index };
  return { tradeId, symbol, priceTicks, quantityLots, takerSide, ...at };
}
