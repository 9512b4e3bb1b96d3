// One shard as market data sees it: its views, whether they may be shown, and who waits for a seq.
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { ListedMarket, ShardBook, ShardRecord } from "../core/events.js";
import {
  applyRecords,
  emptyShardView,
  isContinuation,
  listMarket,
  loadBooks,
  type MarketUpdate,
  type ShardView,
} from "../core/shard-view.js";

/** What a shard says first on every stream. */
export interface FeedHeader {
  /** Epoch of the serving process. */
  readonly epoch: number;
  /** Seq of its last durable record. */
  readonly endSeq: number;
  readonly markets: readonly ListedMarket[];
}

/** Life of a feed: silent → catching up → current; a break in the stream begins it anew. */
export interface ShardFeed {
  readonly shard: number;
  readonly tradesMax: number;
  view: ShardView;
  /** Highest epoch that a header named; 0 before the first. */
  headerEpoch: number;
  /** Highest seq that the shard is known to have. */
  knownSeq: number;
  /** Seq from which on the views are shown: the end of the first header. Undefined while silent. */
  showFromSeq: number | undefined;
  /** True when the journal no longer goes back to the views: the next connection starts from the books. */
  startsFromBooks: boolean;
  readonly waiting: Set<SeqWaiter>;
}

interface SeqWaiter {
  readonly seq: number;
  readonly wake: () => void;
}

export function createShardFeed(shard: number, tradesMax: number): ShardFeed {
  const view = emptyShardView(tradesMax);
  return {
    shard,
    tradesMax,
    view,
    headerEpoch: 0,
    knownSeq: 0,
    showFromSeq: undefined,
    startsFromBooks: false,
    waiting: new Set(),
  };
}

/** True when the views include all that the shard had when it was first heard. */
export function isCurrent(feed: ShardFeed): boolean {
  return feed.showFromSeq !== undefined && feed.view.seq >= feed.showFromSeq;
}

/**
 * Why the feeds cannot be shown yet; undefined when they can. While `isPatient` all shards are waited for; then
 * one that is never heard no longer keeps the markets of the others from their readers.
 */
export function whyNotShown(feeds: readonly ShardFeed[], isPatient: boolean): string | undefined {
  const late = feeds.filter((feed) => !isCurrent(feed));
  const silent = late.filter(({ showFromSeq }) => showFromSeq === undefined);
  const isEnough = silent.length === late.length && late.length < feeds.length && !isPatient;
  if (late.length === 0 || isEnough) return undefined;
  const words = late.map(
    (feed) => `${feed.shard} ${silent.includes(feed) ? "not heard yet" : "catching up"}`,
  );
  return `shard ${words.join(", ")}`;
}

/** Records that the shard is known to have and the views do not include yet. */
export function lagRecords(feed: ShardFeed): number {
  return Math.max(0, feed.knownSeq - feed.view.seq);
}

/**
 * Takes a header. False when it cannot be the journal that the views were built from: its epoch is
 * lower than one heard before, or it ends before the views do.
 */
export function acceptHeader(feed: ShardFeed, header: FeedHeader): boolean {
  if (header.epoch < feed.headerEpoch || header.endSeq < feed.view.seq) return false;
  feed.headerEpoch = header.epoch;
  feed.knownSeq = Math.max(feed.knownSeq, header.endSeq);
  feed.showFromSeq ??= header.endSeq;
  for (const market of header.markets) listMarket(feed.view, market);
  return true;
}

/** Applies records; undefined when they do not continue the views. */
export function acceptRecords(feed: ShardFeed, records: readonly ShardRecord[]): MarketUpdate[] | undefined {
  if (!isContinuation(feed.view, records)) return undefined;
  const updates = applyRecords(feed.view, records);
  hasAdvanced(feed);
  return updates;
}

/** Replaces the views by the books as they are at the header's end. */
export function acceptBooks(
  feed: ShardFeed,
  { epoch, endSeq }: Pick<FeedHeader, "epoch" | "endSeq">,
  books: readonly ShardBook[],
): MarketUpdate[] {
  const updates = loadBooks(feed.view, { epoch, seq: endSeq }, books);
  feed.startsFromBooks = false;
  hasAdvanced(feed);
  return updates;
}

function hasAdvanced(feed: ShardFeed): void {
  feed.knownSeq = Math.max(feed.knownSeq, feed.view.seq);
  for (const waiter of feed.waiting) if (waiter.seq <= feed.view.seq) waiter.wake();
}

/** Drops all state; the next connection rebuilds it from the first record. */
export function resetFeed(feed: ShardFeed): void {
  feed.view = emptyShardView(feed.tradesMax);
  feed.headerEpoch = 0;
  feed.knownSeq = 0;
  feed.showFromSeq = undefined;
  feed.startsFromBooks = false;
}

/** Waits until the views include `seq`. False when the time is over or the signal aborts before. */
export async function waitForSeq(
  feed: ShardFeed,
  seq: number,
  options: { timeoutMs: number; clock: Clock; signal: AbortSignal },
): Promise<boolean> {
  if (feed.view.seq >= seq) return true;
  const done = new AbortController();
  const waiter = { seq, wake: () => done.abort() };
  feed.waiting.add(waiter);
  await options.clock.sleep(options.timeoutMs, AbortSignal.any([done.signal, options.signal]));
  feed.waiting.delete(waiter);
  return feed.view.seq >= seq;
}
