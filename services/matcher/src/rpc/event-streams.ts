// The streams of a shard on the wire.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import {
  RecordBatchSchema,
  type ReportCursorRequest,
} from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { create, type UnknownField } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { StoredEntry } from "../flow/log.js";
import type { StreamHead } from "../flow/queries.js";
import type { ShardStatus } from "../flow/watch-shard.js";
import { position } from "./fields.js";
import { marketInit } from "./market-wire.js";
import type { MatcherHandlers } from "./matcher-handlers.js";
import { levelInit } from "./matcher-wire.js";

/** StreamEvents, ReportCursor and WatchShard: served before the shard opens. */
export function eventStreams(matcher: MatcherHandlers) {
  return {
    async *streamEvents(
      { afterSeq, afterEpoch, fromSnapshot }: { afterSeq: bigint; afterEpoch: bigint; fromSnapshot: boolean },
      { signal }: { signal: AbortSignal },
    ) {
      const after = { epoch: position("after_epoch", afterEpoch), seq: position("after_seq", afterSeq) };
      if (fromSnapshot) {
        if (after.seq !== 0 || after.epoch !== 0)
          throw new DomainError("INVALID_COMBINATION", { field: "from_snapshot" });
        yield* fromBooks(matcher, signal);
        return;
      }
      const batches = matcher.events(after, signal);
      yield headerOf(matcher.shard, await matcher.header());
      yield* batchesOf(batches);
    },
    async reportCursor({ follower, epoch, seq, isProgress }: ReportCursorRequest) {
      if (!/^[a-z][a-z0-9-]{0,31}$/.test(follower))
        throw new DomainError("INVALID_FIELD", { field: "follower" });
      const reported = { epoch: position("epoch", epoch), seq: position("seq", seq) };
      return matcher.report(follower, reported, isProgress);
    },
    async *watchShard(_: object, { signal }: { signal: AbortSignal }) {
      for await (const status of matcher.watch(signal)) yield statusInit(matcher.shard, status);
    },
  };
}

/** The books as they are, then the records after them. */
async function* fromBooks(matcher: MatcherHandlers, signal: AbortSignal) {
  const { books, ...head } = await matcher.books();
  const batches = matcher.events({ epoch: head.epoch, seq: head.endSeq }, signal);
  yield headerOf(matcher.shard, head);
  for (const { market, bids, asks, lastTradeTicks } of books) {
    const value = {
      market: marketInit(market),
      bids: bids.map(levelInit),
      asks: asks.map(levelInit),
      lastTradeTicks: BigInt(lastTradeTicks),
    };
    yield { kind: { case: "book" as const, value } };
  }
  yield* batchesOf(batches);
}

async function* batchesOf(batches: AsyncIterable<readonly StoredEntry[]>) {
  for await (const entries of batches) yield { kind: { case: "batch" as const, value: batchOf(entries) } };
}

function headerOf(shard: number, { epoch, endSeq, markets }: StreamHead) {
  const value = { shard, epoch: BigInt(epoch), endSeq: BigInt(endSeq), markets: markets.map(marketInit) };
  return { kind: { case: "header" as const, value } };
}

/**
 * A batch of records as they are stored. Their bytes are messages already: put behind the tag of `records` as
 * an unknown field they leave as they are, while decoding and encoding them anew would cost each follower
 * more than matching did.
 */
function batchOf(entries: readonly StoredEntry[]) {
  const batch = create(RecordBatchSchema);
  const { number } = RecordBatchSchema.field.records;
  batch.$unknown = entries.map(({ payload }): UnknownField => {
    const data = new BinaryWriter().bytes(payload).finish();
    return { no: number, wireType: WireType.LengthDelimited, data };
  });
  return batch;
}

function statusInit(shard: number, status: ShardStatus) {
  return {
    shard,
    epoch: BigInt(status.epoch),
    seq: BigInt(status.seq),
    timeMs: BigInt(status.timeMs),
    isOpen: status.isOpen,
    isReadOnly: status.isReadOnly,
    markets: status.markets.map(marketInit),
    quotes: status.quotes.map(({ symbol, lastTradeTicks, bestBidTicks, bestAskTicks }) => ({
      symbol,
      lastTradeTicks: BigInt(lastTradeTicks),
      bestBidTicks: BigInt(bestBidTicks),
      bestAskTicks: BigInt(bestAskTicks),
    })),
  };
}
