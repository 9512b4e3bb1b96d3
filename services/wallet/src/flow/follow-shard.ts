// One shard's events into the wallet, in order, for ever.
import type { DomainError } from "@bourse/shared/errors/domain-error.js";
import { toDomainError } from "@bourse/shared/errors/from-wire.js";
import { type FollowOptions, followShard } from "@bourse/shared/events/follow.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Logger } from "@bourse/shared/runtime/log.js";
import { readingFrom } from "../core/next-batch.js";
import { beginning, OPERATIONS_MAX, type Position } from "../core/positions.js";
import type { MatcherClient } from "../io/matcher-client.js";
import type { RecordReader } from "../io/matcher-events.js";
import type { WalletClient } from "../io/wallet-client.js";
import { createCursorReports } from "./report-cursor.js";
import { createSetBack, type SetBackWatch } from "./set-back.js";
import { createSettleQueue, type Settled, type SettleQueue } from "./settle-queue.js";

/** How long money may be missing that other shards might bring, once they do not move. */
const PATIENCE_MS = 15_000;

/** What the process shows of a shard. */
export interface ShardWatch {
  /** Following, or why not. */
  readonly onState: (isFollowing: boolean, why?: string) => void;
  /** Records that are durable at the shard and not settled. */
  readonly onLag: (records: number) => void;
  /** Operations that were read and are not settled. */
  readonly onWaiting?: (operations: number) => void;
  /** The wallet has lost what it had settled of the shard, or has made up for it. */
  readonly onSetBack?: SetBackWatch["onSetBack"];
  /** Settlement ended for good, with everything behind it unsettled. A person must look. */
  readonly onStopped: (failure: DomainError) => void;
}

/** What is known of a shard while it is followed; the sweep reads it. */
export interface ShardState {
  /** Shard time last heard, milliseconds; undefined before the first record. */
  timeMs: number | undefined;
  isStopped: boolean;
  /** Shard time of the last record that is settled, milliseconds; undefined before the first. */
  settledTimeMs?: number | undefined;
  /** True while the wallet makes up for lost commits, and when it last came further, by the monotonic clock. */
  isBehind?: boolean;
  movedMs?: number;
}

export interface FollowShardOptions {
  readonly shard: number;
  readonly state: ShardState;
  readonly wallet: WalletClient;
  readonly matcher: MatcherClient;
  readonly events: FollowOptions["matcher"];
  readonly reader: RecordReader;
  readonly operationsMax: number;
  readonly reportEveryMs: number;
  /** An operator's word that the wallet was set back. */
  readonly isSetBack?: boolean;
  /** The other shards of this process. */
  readonly others?: readonly ShardState[];
  readonly watch: ShardWatch;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Follows a shard from the wallet's cursor on and settles what it decides, until the signal aborts.
 *
 * Each connection starts with the wallet's cursor, stores the server's epoch at the wallet before anything
 * else (from then on older servers are refused), and reports the cursor, without which the shard does not
 * open. A failure on the way reconnects and starts there again. A settlement that cannot be applied ends
 * it: nothing is skipped, the process stays alive and not ready. A wallet that was set back by lost commits is sent
 * the holds of what it settles, until it has made up for it.
 */
export async function followAndSettle(options: FollowShardOptions): Promise<void> {
  const { shard, state, wallet, watch, reader, clock, log } = options;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const reports = createCursorReports({ ...options, signal });
  /** First record that the shard retains, once it has refused to go back further. */
  let oldestSeq = 0;
  let cursor: Position = beginning;
  let endSeq = 0;
  let queue: SettleQueue | undefined;
  /** Money was missing: smaller steps tell what may still bring it. */
  let isShort = false;
  const setBack = createSetBack({
    clock,
    watch: { onSetBack: (isSetBack, facts) => watch.onSetBack?.(isSetBack, facts) },
    isAlwaysOn: options.isSetBack === true,
    othersMovedMs: () => lastMoveOf(options.others ?? []),
    patienceMs: PATIENCE_MS,
  });

  const stopIfImpossible = (error: unknown) => {
    const failure = toDomainError(error);
    if (!isForGood(failure, cursor) || state.isStopped) return;
    isShort = setBack.mayWait(failure);
    if (isShort) return;
    state.isStopped = true;
    watch.onStopped(failure);
    stop.abort();
  };
  const onSettled = ({ cursor: position, isWhole, timeMs }: Settled) => {
    cursor = position;
    isShort = false;
    setBack.settled(cursor);
    state.isBehind = setBack.isBehind();
    state.movedMs = clock.monotonicMs();
    state.settledTimeMs = timeMs ?? state.settledTimeMs;
    watch.onLag(Math.max(0, endSeq - cursor.seq));
    // What is reported may be deleted there: not a record of which a part is still to be read.
    reports.changed(isWhole ? cursor : readingFrom(cursor));
  };
  await followShard({
    shard,
    matcher: options.events,
    signal,
    clock,
    log,
    async after() {
      // Two queues of one shard would only take turns at losing.
      await queue?.close();
      cursor = await wallet.cursor(shard);
      setBack.heard(cursor);
      return readingFrom(cursor, oldestSeq);
    },
    async onHeader(header) {
      const epoch = Number(header.epoch);
      await wallet.settle({ shard, epoch, after: cursor, through: cursor, operations: [] });
      reader.setMarkets(header.markets);
      const highestSeq = await reports.now(readingFrom(cursor, oldestSeq));
      endSeq = Number(header.endSeq);
      setBack.began(cursor, { highestSeq, endSeq });
      state.isBehind = setBack.isBehind();
      queue = createSettleQueue({
        shard,
        epoch,
        cursor,
        operationsMax: options.operationsMax,
        settle: wallet.settle,
        isSetBack: setBack.sendsHolds,
        batchMax: () => (isShort ? 1 : OPERATIONS_MAX),
        onSettled,
        onWaiting: (operations) => watch.onWaiting?.(operations),
        onFailed: stopIfImpossible,
      });
      watch.onLag(Math.max(0, endSeq - cursor.seq));
      watch.onState(true);
    },
    async onRecords(records) {
      const last = records.at(-1);
      if (last === undefined || queue === undefined) return;
      state.timeMs = Number(last.timeMs);
      endSeq = Math.max(endSeq, Number(last.seq));
      await queue.push(records.map(setBack.sendsHolds() ? reader.readWithHold : reader.read));
    },
    onDisconnect(failure) {
      if (failure.reason === "SEQ_TOO_OLD") oldestSeq = Number(failure.facts.oldest_seq ?? 0);
      stopIfImpossible(failure);
      watch.onState(false, failure.reason);
    },
  });
  await queue?.close();
  await reports.ended();
}

/** When one of these shards last came further while it makes up for something; undefined when none has to. */
function lastMoveOf(others: readonly ShardState[]): number | undefined {
  const moves = others.flatMap(({ isBehind, isStopped, movedMs = 0 }) =>
    isBehind === true && !isStopped ? [movedMs] : [],
  );
  return moves.length === 0 ? undefined : Math.max(...moves);
}

/**
 * The wallet or the reader refuses the content itself, or the shard no longer has what is to be settled next, so
 * the next attempt would end the same. Everything else (a cursor that another settler moved, an older server, a
 * wallet that is away) is tried anew.
 */
function isForGood({ reason, facts }: DomainError, cursor: Position): boolean {
  if (reason === "SEQ_TOO_OLD") return Number(facts.oldest_seq ?? 0) > cursor.seq + 1;
  return /^(?:SETTLEMENT_IMPOSSIBLE$|INVALID_|TOO_MANY_DECIMALS$|VALUE_TOO_LARGE$)|_(?:REQUIRED|NOT_POSITIVE)$/.test(
    reason,
  );
}
