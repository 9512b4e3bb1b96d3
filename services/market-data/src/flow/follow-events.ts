// The events of one shard into its views, for ever.
import type { FailureReason } from "@bourse/shared/errors/domain-error.js";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { type FollowOptions, followShard } from "@bourse/shared/events/follow.js";
import { decodeBook, decodeMarket, decodeRecords } from "../io/matcher-events.js";
import type { FanOut } from "./fan-out.js";
import { acceptBooks, acceptHeader, acceptRecords, resetFeed, type ShardFeed } from "./shard-feed.js";

/** What the shard answers when the views cannot come from its journal, or the stream has a gap. */
const REBUILD: ReadonlySet<FailureReason> = new Set<FailureReason>([
  "POSITION_UNKNOWN",
  "SEQ_IN_FUTURE",
  "SEQ_GAP",
  "STALE_EPOCH",
]);

interface FollowEventsOptions extends Pick<FollowOptions, "matcher" | "signal" | "clock" | "log"> {
  readonly fanOut: Pick<FanOut, "publish" | "closeAll" | "closeTrades">;
  /** Called after every step that may change readiness or lag. */
  readonly onProgress: (feed: ShardFeed) => void;
}

/**
 * Follows a shard from where its views stand until the signal aborts. A restarted matcher goes on where
 * it was; a journal that the views cannot come from (a gap, a lower epoch, an earlier end) resets the
 * views, closes their readers and rebuilds from the first record. When the shard no longer keeps the records
 * that come next, the views become the books as they are now: readers of depth get a snapshot and go on, those
 * of trades are closed, since some were missed.
 */
export async function followEvents(feed: ShardFeed, options: FollowEventsOptions): Promise<void> {
  const { fanOut, log, onProgress } = options;
  await followShard({
    ...options,
    shard: feed.shard,
    after: () => {
      if (feed.startsFromBooks) return Promise.resolve({ epoch: 0, seq: 0, fromSnapshot: true });
      return Promise.resolve({ epoch: feed.view.epoch, seq: feed.view.seq });
    },
    onHeader(header) {
      const markets = header.markets.map(decodeMarket);
      const end = { epoch: Number(header.epoch), endSeq: Number(header.endSeq) };
      if (!acceptHeader(feed, { ...end, markets })) throw new DomainError("STALE_EPOCH");
      onProgress(feed);
    },
    onBooks(books, header) {
      const end = { epoch: Number(header.epoch), endSeq: Number(header.endSeq) };
      log.warn({ shard: feed.shard, seq: feed.view.seq, ...end }, "views go on from the books");
      const updates = acceptBooks(feed, end, books.map(decodeBook));
      fanOut.publish(updates);
      fanOut.closeTrades(updates.map(({ market }) => market));
      onProgress(feed);
    },
    onRecords(records) {
      const updates = acceptRecords(feed, decodeRecords(records));
      if (updates === undefined) throw new DomainError("SEQ_GAP");
      fanOut.publish(updates);
      onProgress(feed);
    },
    onDisconnect({ reason }) {
      if (reason === "SEQ_TOO_OLD") feed.startsFromBooks = true;
      if (!REBUILD.has(reason)) return;
      log.warn({ shard: feed.shard, reason, seq: feed.view.seq }, "views dropped, rebuilding");
      const views = [...feed.view.markets.values()];
      resetFeed(feed);
      fanOut.closeAll(views);
      onProgress(feed);
    },
  });
}
