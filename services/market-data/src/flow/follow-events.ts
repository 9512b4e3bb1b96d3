// The events of one shard into its views, for ever.
import type { FailureReason } from "@bourse/shared/errors/domain-error.js";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { type FollowOptions, followShard } from "@bourse/shared/events/follow.js";
import { decodeMarket, decodeRecords } from "../io/matcher-events.js";
import type { FanOut } from "./fan-out.js";
import { acceptHeader, acceptRecords, resetFeed, type ShardFeed } from "./shard-feed.js";

/** What the shard answers when the views cannot come from its journal, or the stream has a gap. */
const REBUILD: ReadonlySet<FailureReason> = new Set<FailureReason>([
  "POSITION_UNKNOWN",
  "SEQ_IN_FUTURE",
  "SEQ_GAP",
  "STALE_EPOCH",
]);

interface FollowEventsOptions extends Pick<FollowOptions, "matcher" | "signal" | "clock" | "log"> {
  readonly fanOut: Pick<FanOut, "publish" | "closeAll">;
  /** Called after every step that may change readiness or lag. */
  readonly onProgress: (feed: ShardFeed) => void;
}

/**
 * Follows a shard from where its views stand until the signal aborts. A restarted matcher goes on where
 * it was; a journal that the views cannot come from (a gap, a lower epoch, an earlier end) resets the
 * views, closes their readers and rebuilds from the first record.
 */
export async function followEvents(feed: ShardFeed, options: FollowEventsOptions): Promise<void> {
  const { fanOut, log, onProgress } = options;
  await followShard({
    ...options,
    shard: feed.shard,
    after: () => Promise.resolve({ epoch: feed.view.epoch, seq: feed.view.seq }),
    onHeader(header) {
      const markets = header.markets.map(decodeMarket);
      const end = { epoch: Number(header.epoch), endSeq: Number(header.endSeq) };
      if (!acceptHeader(feed, { ...end, markets })) throw new DomainError("STALE_EPOCH");
      onProgress(feed);
    },
    onRecords(records) {
      const updates = acceptRecords(feed, decodeRecords(records));
      if (updates === undefined) throw new DomainError("SEQ_GAP");
      fanOut.publish(updates);
      onProgress(feed);
    },
    onDisconnect({ reason }) {
      if (!REBUILD.has(reason)) return;
      log.warn({ shard: feed.shard, reason, seq: feed.view.seq }, "views dropped, rebuilding");
      const views = [...feed.view.markets.values()];
      resetFeed(feed);
      fanOut.closeAll(views);
      onProgress(feed);
    },
  });
}
