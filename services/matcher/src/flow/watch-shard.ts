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
  readonly markets: readonly Market[];
  readonly quotes: readonly QuoteView[];
}

export interface WatchOptions {
  readonly sequencer: Sequencer;
  readonly isOpen: () => boolean;
  /** Resolves when something may have changed since a seq, or the signal aborts. */
  readonly changed: (seq: number, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  /** Least time between two messages. */
  readonly everyMs: number;
}

/** The whole status first, then its changes, until the signal aborts. */
export async function* watchShard(options: WatchOptions, signal: AbortSignal): AsyncGenerator<ShardStatus> {
  const sent = { markets: 0, quotes: new Map<string, QuoteView>() };
  while (!signal.aborted) {
    const { value, seq } = await options.sequencer.query((shard) => snapshot(shard, sent));
    for (const quote of value.quotes) sent.quotes.set(quote.symbol, quote);
    sent.markets += value.markets.length;
    yield { ...value, seq, isOpen: options.isOpen() };
    await options.clock.sleep(options.everyMs, signal);
    await options.changed(seq, signal);
  }
}

function snapshot(
  shard: Shard,
  sent: { readonly markets: number; readonly quotes: ReadonlyMap<string, QuoteView> },
): Omit<ShardStatus, "seq" | "isOpen"> {
  const { epoch, timeMs, books } = shard;
  return {
    epoch,
    timeMs,
    // Markets are only ever added.
    markets: books.slice(sent.markets).map(({ market }) => market),
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
