// Questions about markets, answered from the views.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import { bestLevels } from "../core/depth.js";
import type { Level, Market } from "../core/events.js";
import type { MarketView } from "../core/shard-view.js";
import { latestTrades, type Trade } from "../core/trades.js";
import { checksumOf } from "./depth-reader.js";
import { isCurrent, type ShardFeed, waitForSeq } from "./shard-feed.js";

/** The best levels of a book as of `seq` of its shard; the last change was `lastUpdateId`. */
export interface BookView {
  readonly market: MarketView;
  readonly seq: number;
  readonly lastUpdateId: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  readonly checksum: number;
}

export interface ReadBook {
  readonly symbol: string;
  readonly levels: number;
  /** Wait until the book includes this seq of its shard. */
  readonly minSeq: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface MarketReads {
  /** All markets by symbol; MARKET_DATA_UNAVAILABLE while a shard was never heard. */
  list(): Market[];
  /** One market; SYMBOL_NOT_FOUND, or MARKET_DATA_UNAVAILABLE while that is not certain or its views are behind. */
  find(symbol: string): MarketView;
  /** The book once it includes `minSeq`; DEADLINE_EXCEEDED when that takes too long. */
  book(request: ReadBook): Promise<BookView>;
  /** The latest trades, newest first. */
  recentTrades(symbol: string, max: number): Trade[];
}

export function createMarketReads(
  feeds: readonly ShardFeed[],
  deps: { clock: Clock; crc32: (text: string) => number },
): MarketReads {
  const locate = (symbol: string): { feed: ShardFeed; market: MarketView } => {
    for (const feed of feeds) {
      const market = feed.view.markets.get(symbol);
      if (market === undefined) continue;
      if (!isCurrent(feed)) throw unavailable();
      return { feed, market };
    }
    // A shard that is not current may still name it.
    if (!feeds.every(isCurrent)) throw unavailable();
    throw new DomainError("SYMBOL_NOT_FOUND", { field: "symbol" });
  };
  const find = (symbol: string) => locate(symbol).market;
  /** A shard that is catching up may get there in time, so whether its views are shown does not matter yet. */
  const waitFor = async (
    symbol: string,
    minSeq: number,
    wait: { timeoutMs: number; signal: AbortSignal },
  ) => {
    const feed = feeds.find(({ view }) => view.markets.has(symbol)) ?? locate(symbol).feed;
    const seq = Math.max(minSeq, feed.showFromSeq ?? 0);
    if (await waitForSeq(feed, seq, { ...wait, clock: deps.clock })) return;
    throw new DomainError("DEADLINE_EXCEEDED", { sequence: String(feed.view.seq) });
  };
  return {
    list() {
      if (!feeds.every((feed) => feed.showFromSeq !== undefined)) throw unavailable();
      const views = feeds.flatMap(({ view }) => [...view.markets.values()]);
      const listings = views.map(({ listing, status }) => ({ ...listing, state: status.state }));
      return listings.sort((a, b) => (a.symbol < b.symbol ? -1 : 1));
    },
    find,
    async book({ symbol, levels, minSeq, timeoutMs, signal }) {
      if (minSeq > 0) await waitFor(symbol, minSeq, { timeoutMs, signal });
      // Looked up after the wait: the views may have been rebuilt meanwhile.
      const { feed, market } = locate(symbol);
      return {
        market,
        seq: feed.view.seq,
        lastUpdateId: market.depth.lastUpdateId,
        bids: bestLevels(market.depth, "buy", levels),
        asks: bestLevels(market.depth, "sell", levels),
        checksum: checksumOf(market, levels, deps.crc32),
      };
    },
    recentTrades: (symbol, max) => latestTrades(find(symbol).trades, max),
  };
}

function unavailable(): DomainError {
  return new DomainError("MARKET_DATA_UNAVAILABLE", { retry_after_ms: "1000" });
}
