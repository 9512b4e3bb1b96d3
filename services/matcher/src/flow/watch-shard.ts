// What gateways need to route and to price: markets, best prices, shard time; conflated, and only what is
// durable.
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Shard } from "../core/shard.js";
import type { Market } from "../core/types.js";
import { type QuoteView, quoteOf } from "../core/view.js";
import type { Sequencer } from "./sequence.js";

/** Status of the shard, or what changed in it. */
export interface ShardStatus {
  readonly epoch: number;
  readonly seq: number;
  readonly timeMs: number;
  readonly isOpen: boolean;
  /** True when new orders are not taken. */
  readonly isReadOnly: boolean;
  readonly markets: readonly Market[];
  readonly quotes: readonly QuoteView[];
}

export interface WatchOptions {
  readonly sequencer: Sequencer;
  readonly isOpen: () => boolean;
  readonly isReadOnly: () => boolean;
  /** Counts changes that no record tells of. */
  readonly notices: () => number;
  /** Resolves when something may have changed since a seq and a count of notices, or the signal aborts. */
  readonly changed: (seq: number, notices: number, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  /** Least time between two messages. */
  readonly everyMs: number;
}

/** The whole status first, then its changes, until the signal aborts. */
export async function* watchShard(options: WatchOptions, signal: AbortSignal): AsyncGenerator<ShardStatus> {
  const sent: Sent = { markets: new Map(), quotes: new Map() };
  while (!signal.aborted) {
    const notices = options.notices();
    const { value, seq } = await options.sequencer.query((shard) => snapshot(shard, sent));
    for (const quote of value.quotes) sent.quotes.set(quote.symbol, quote);
    for (const market of value.markets) sent.markets.set(market.symbol, market);
    yield { ...value, seq, isOpen: options.isOpen(), isReadOnly: options.isReadOnly() };
    await options.clock.sleep(options.everyMs, signal);
    await options.changed(seq, notices, signal);
  }
}

interface Sent {
  readonly markets: Map<string, Market>;
  readonly quotes: Map<string, QuoteView>;
}

function snapshot(shard: Shard, sent: Sent): Omit<ShardStatus, "seq" | "isOpen" | "isReadOnly"> {
  const { epoch, timeMs, books } = shard;
  return {
    epoch,
    timeMs,
    // A market that changes is another object.
    markets: books.map(({ market }) => market).filter((market) => sent.markets.get(market.symbol) !== market),
    quotes: books.map(quoteOf).filter((quote) => !isSame(quote, sent.quotes.get(quote.symbol))),
  };
}

function isSame(quote: QuoteView, other: QuoteView | undefined): boolean {
  return (
    quote.lastTradeTicks === other?.lastTradeTicks &&
    quote.bestBidTicks === other.bestBidTicks &&
    quote.bestAskTicks === other.bestAskTicks
  );
}
