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
  { sequencer, followers, readers, tail, queries }: OpenShard,
  { clock, watchEveryMs, signal: draining }: HandlersOptions,
) {
  const isOpen = () => followers.isOpen() && !draining.aborted;
  const watch = { sequencer, isOpen, changed: tail.changed, clock, everyMs: watchEveryMs };
  return {
    requireOpen() {
      if (!isOpen()) throw new DomainError("SHARD_UNAVAILABLE", { missing: followers.missing().join(",") });
    },
    room: sequencer.room,
    order: sequencer.order,
    addMarket: sequencer.addMarket,
    getOrder: queries.order,
    getBook: queries.book,
    getShardState: async () => ({ ...(await queries.state()), followers: followers.positions() }),
    listOpenOrders: queries.openOrders,
    header: queries.header,
    events: readers.open,
    report(follower: string, position: FollowerPosition) {
      followers.report(follower, position);
      return { isOpen: isOpen() };
    },
    watch: (signal: AbortSignal) => watchShard(watch, signal),
  };
}
