// What the world may ask of an open shard, as plain functions.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { FollowerPosition } from "./followers.js";
import type { OpenShard } from "./open-shard.js";
import { watchShard } from "./watch-shard.js";

export interface HandlersOptions {
  readonly clock: Clock;
  /** Least time between two messages of a watcher. */
  readonly watchEveryMs: number;
  /** Aborts when the drain begins: no more commands then. */
  readonly signal: AbortSignal;
}

/** Commands and queries are refused with SHARD_UNAVAILABLE until every named follower has reported. */
export function shardHandlers(
  { sequencer, followers, readers, tail, queries, learner, whyReadOnly, statusChanged }: OpenShard,
  { clock, watchEveryMs, signal: draining }: HandlersOptions,
) {
  const isOpen = () => followers.isOpen() && !draining.aborted;
  const isReadOnly = () => whyReadOnly() !== undefined;
  const changed = (seq: number, notices: number, signal: AbortSignal) =>
    firstOf(signal, [(each) => tail.changed(seq, each), (each) => statusChanged.after(notices, each)]);
  const notices = statusChanged.count;
  const watch = { sequencer, isOpen, isReadOnly, notices, changed, clock, everyMs: watchEveryMs };
  return {
    requireOpen() {
      if (!isOpen()) throw new DomainError("SHARD_UNAVAILABLE", { missing: followers.missing().join(",") });
    },
    room: sequencer.room,
    order: sequencer.order,
    addMarket: sequencer.addMarket,
    cancelAll: sequencer.cancelAll,
    setSwitch: sequencer.setSwitch,
    setMarketState: sequencer.setMarketState,
    getOrder: queries.order,
    getBook: queries.book,
    getShardState: async () => ({ ...(await queries.state()), followers: followers.positions() }),
    listOpenOrders: queries.openOrders,
    header: queries.header,
    books: queries.books,
    events: readers.open,
    report(follower: string, position: FollowerPosition, isProgress: boolean) {
      const wasReadOnly = isReadOnly();
      const highestSeq = BigInt(followers.report(follower, position, isProgress));
      // No record tells of a follower that caught up.
      if (isReadOnly() !== wasReadOnly) statusChanged.wake();
      if (isOpen()) learner.reported();
      return { isOpen: isOpen(), highestSeq };
    },
    watch: (signal: AbortSignal) => watchShard(watch, signal),
  };
}

/** Resolves with the first of these; the others are left. */
async function firstOf(
  signal: AbortSignal,
  waits: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const done = new AbortController();
  const each = AbortSignal.any([signal, done.signal]);
  await Promise.race(waits.map((wait) => wait(each)));
  done.abort();
}
