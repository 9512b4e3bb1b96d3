// The loop of every follower: connect, read from the cursor on, apply, for ever.
import { AssertionFailed } from "../assert.js";
import { DomainError } from "../errors/domain-error.js";
import { toDomainError } from "../errors/from-wire.js";
import type { Record as ShardRecord } from "../gen/bourse/matcher/v1/events_pb.js";
import type { BookSnapshot, MatcherService, StreamHeader } from "../gen/bourse/matcher/v1/matcher_pb.js";
import type { ServiceClient } from "../rpc/client.js";
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/log.js";
import { backoffMs } from "../runtime/retry.js";

/** Where a follower goes on: the last record that it has applied whole, and that record's epoch. */
export interface FollowPosition {
  readonly epoch: number;
  readonly seq: number;
}

/** Where a connection starts: behind a position, or from the books as they are, for who keeps no history. */
export interface FollowStart extends FollowPosition {
  /** The position is (0, 0) then, and the records that come are those after the header's `endSeq`. */
  readonly fromSnapshot?: boolean;
}

export interface FollowOptions {
  readonly shard: number;
  readonly matcher: Pick<ServiceClient<typeof MatcherService>, "streamEvents">;
  /** Asked anew at every connect, since another instance may have moved the cursor. */
  readonly after: () => Promise<FollowStart>;
  /** First on every connect, before any record. */
  readonly onHeader: (header: StreamHeader, after: FollowPosition) => Promise<void> | void;
  /** All books at the header's `endSeq`, before any record, when the connection starts from them. */
  readonly onBooks?: (books: readonly BookSnapshot[], header: StreamHeader) => Promise<void> | void;
  /** Records in order, without gaps; the next ones come when this resolves. A throw reconnects. */
  readonly onRecords: (records: readonly ShardRecord[], header: StreamHeader) => Promise<void> | void;
  /**
   * Asked once for each connection, after `after`. Its abort ends the connection with its reason: for a follower whose
   * work fails behind `onRecords`, which would otherwise wait for the next record.
   */
  readonly failed?: () => AbortSignal;
  /** Called when a connection ends and what it ended with, for readiness and metrics. */
  readonly onDisconnect?: (error: DomainError) => void;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Logger;
}

const BACKOFF = { baseMs: 100, capMs: 1_000, random: Math.random };

/**
 * Follows one shard until the signal aborts. Reconnects with backoff after any failure, also when records
 * come with a gap or the epoch falls (SEQ_GAP); only a false assertion of a follower ends it.
 */
export async function followShard(options: FollowOptions): Promise<void> {
  const { signal, clock, log, shard } = options;
  for (let failures = 0; !signal.aborted; ) {
    try {
      await followOnce(options, () => {
        failures = 0;
      });
    } catch (error) {
      if (signal.aborted) return;
      // Our own code is wrong: going on with half-changed state would only spread it.
      if (error instanceof AssertionFailed) throw error;
      const failure = toDomainError(error);
      options.onDisconnect?.(failure);
      // A shard that restarts is no news; anything else is.
      const level = failure.reason === "TRANSPORT_FAILED" || failure.reason === "DRAINING" ? "debug" : "warn";
      log[level]({ shard, reason: failure.reason, err: failure }, "event stream ended");
      failures += 1;
      await clock.sleep(backoffMs(failures, BACKOFF), signal);
    }
  }
}

/** One connection, to its end: what failed behind it is told before what that did to the stream. */
async function followOnce(options: FollowOptions, onProgress: () => void): Promise<void> {
  const after = await options.after();
  const failed = options.failed?.();
  const signal = failed === undefined ? options.signal : AbortSignal.any([options.signal, failed]);
  try {
    await readStream({ ...options, signal }, after, onProgress);
  } catch (error) {
    failed?.throwIfAborted();
    throw error;
  }
}

async function readStream(options: FollowOptions, after: FollowStart, onProgress: () => void): Promise<void> {
  const { signal, matcher } = options;
  const { fromSnapshot = false } = after;
  let { seq, epoch } = after;
  let header: StreamHeader | undefined;
  const books: BookSnapshot[] = [];
  const request = { afterSeq: BigInt(after.seq), afterEpoch: BigInt(after.epoch), fromSnapshot };
  /** Hands over the books once there is one for each market. */
  const takeBooks = async (header: StreamHeader) => {
    if (fromSnapshot && books.length === header.markets.length) await options.onBooks?.(books, header);
  };
  // A shard that restarts is followed as soon as it listens, not at the end of a backoff: until its followers
  // have reported it decides nothing.
  for await (const { kind } of matcher.streamEvents(request, { signal, waitForReady: true })) {
    if (kind.case === "header") {
      header = kind.value;
      if (header.shard !== options.shard) throw new DomainError("INTERNAL", { shard: String(header.shard) });
      if (fromSnapshot) seq = Number(header.endSeq);
      await options.onHeader(header, after);
      await takeBooks(header);
      onProgress();
      continue;
    }
    if (header === undefined) throw new DomainError("INTERNAL", { missing: "header" });
    if (kind.case === "book") {
      books.push(kind.value);
      await takeBooks(header);
    } else if (kind.case === "batch") {
      if (fromSnapshot && books.length !== header.markets.length)
        throw new DomainError("INTERNAL", { missing: "book" });
      for (const record of kind.value.records) {
        if (Number(record.seq) !== seq + 1 || Number(record.epoch) < epoch) throw new DomainError("SEQ_GAP");
        seq = Number(record.seq);
        epoch = Number(record.epoch);
      }
      await options.onRecords(kind.value.records, header);
    }
  }
  throw new DomainError("TRANSPORT_FAILED");
}
