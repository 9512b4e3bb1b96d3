// One shard's events into the wallet, in order, for ever.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { toDomainError } from "@bourse/shared/errors/from-wire.js";
import { type FollowOptions, followShard } from "@bourse/shared/events/follow.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Logger } from "@bourse/shared/runtime/log.js";
import { readingFrom } from "../core/next-batch.js";
import { beginning, isSamePosition, OPERATIONS_MAX, type Position } from "../core/positions.js";
import type { MatcherClient } from "../io/matcher-client.js";
import type { RecordReader } from "../io/matcher-events.js";
import type { WalletClient } from "../io/wallet-client.js";
import { type CursorReports, createCursorReports } from "./report-cursor.js";
import { createSetBack, type SetBack, type SetBackWatch } from "./set-back.js";
import { createSettleQueue, type Settled, type SettleQueue } from "./settle-queue.js";

type Header = Parameters<FollowOptions["onHeader"]>[0];
type Records = Parameters<FollowOptions["onRecords"]>[0];

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
  const { shard, events, watch, clock, log } = options;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const settling = new ShardSettling({ ...options, signal }, () => stop.abort());
  await followShard({
    shard,
    matcher: events,
    signal,
    clock,
    log,
    after: () => settling.start(),
    failed: () => settling.failed,
    async onHeader(header) {
      await settling.begin(header);
      watch.onState(true);
    },
    onRecords: (records) => settling.take(records),
    onDisconnect(failure) {
      settling.ended(failure);
      watch.onState(false, failure.reason);
    },
  });
  await settling.close();
}

/** What is known of the wallet's cursor and of the shard's records, over all connections. */
class ShardSettling {
  readonly #options: FollowShardOptions;
  readonly #stop: () => void;
  readonly #reports: CursorReports;
  readonly #setBack: SetBack;
  /** First record that the shard retains, once it has refused to go back further. */
  #oldestSeq = 0;
  #cursor: Position = beginning;
  #endSeq = 0;
  #queue: SettleQueue | undefined;
  /** Ends the connection: with the failure of a settlement, which no record of the shard would tell of. */
  #connection = new AbortController();
  /** Money was missing: smaller steps tell what may still bring it. */
  #isShort = false;

  constructor(options: FollowShardOptions, stop: () => void) {
    const { clock, watch, others = [] } = options;
    this.#options = options;
    this.#stop = stop;
    this.#reports = createCursorReports(options);
    this.#setBack = createSetBack({
      clock,
      watch: { onSetBack: (isSetBack, facts) => watch.onSetBack?.(isSetBack, facts) },
      isAlwaysOn: options.isSetBack === true,
      othersMovedMs: () => lastMoveOf(others),
      patienceMs: PATIENCE_MS,
    });
  }

  /** Aborts when the settlement of what the connection brings fails. */
  get failed(): AbortSignal {
    return this.#connection.signal;
  }

  /** Where a connection reads on. */
  async start() {
    this.#connection = new AbortController();
    // Two queues of one shard would only take turns at losing.
    await this.#queue?.close();
    this.#cursor = await this.#options.wallet.cursor(this.#options.shard);
    this.#setBack.heard(this.#cursor);
    return readingFrom(this.#cursor, this.#oldestSeq);
  }

  async begin(header: Header): Promise<void> {
    const { shard, state, wallet, reader, operationsMax, watch } = this.#options;
    const epoch = Number(header.epoch);
    const cursor = this.#cursor;
    await wallet.settle({ shard, epoch, after: cursor, through: cursor, operations: [] });
    reader.setMarkets(header.markets);
    const highestSeq = await this.#reports.now(readingFrom(cursor, this.#oldestSeq));
    // Another settler of the shard may have gone on since, and told so: that is no wallet that was set back.
    if (highestSeq > cursor.seq && !isSamePosition(await wallet.cursor(shard), cursor))
      throw new DomainError("SEQ_GAP", { shard: String(shard) });
    this.#endSeq = Number(header.endSeq);
    this.#setBack.began(cursor, { highestSeq, endSeq: this.#endSeq });
    state.isBehind = this.#setBack.isBehind();
    this.#queue = createSettleQueue({
      shard,
      epoch,
      cursor,
      operationsMax,
      settle: wallet.settle,
      isSetBack: this.#setBack.sendsHolds,
      batchMax: () => (this.#isShort ? 1 : OPERATIONS_MAX),
      onSettled: (settled) => this.#settled(settled),
      onWaiting: (operations) => watch.onWaiting?.(operations),
      onFailed: (error) => this.#failed(toDomainError(error)),
    });
    this.#tellLag();
  }

  async take(records: Records): Promise<void> {
    const { state, reader } = this.#options;
    const last = records.at(-1);
    if (last === undefined || this.#queue === undefined) return;
    state.timeMs = Number(last.timeMs);
    this.#endSeq = Math.max(this.#endSeq, Number(last.seq));
    await this.#queue.push(records.map(this.#setBack.sendsHolds() ? reader.readWithHold : reader.read));
  }

  /** A connection ended with this. */
  ended(failure: DomainError): void {
    // The failure of a settlement was looked at when it came.
    if (this.failed.aborted) return;
    if (failure.reason === "SEQ_TOO_OLD") this.#oldestSeq = Number(failure.facts.oldest_seq ?? 0);
    this.#stopIfImpossible(failure);
  }

  async close(): Promise<void> {
    await this.#queue?.close();
    await this.#reports.ended();
  }

  #settled({ cursor, isWhole, timeMs }: Settled): void {
    const { state, clock } = this.#options;
    this.#cursor = cursor;
    this.#isShort = false;
    this.#setBack.settled(cursor);
    state.isBehind = this.#setBack.isBehind();
    state.movedMs = clock.monotonicMs();
    state.settledTimeMs = timeMs ?? state.settledTimeMs;
    this.#tellLag();
    // What is reported may be deleted there: not a record of which a part is still to be read.
    this.#reports.changed(isWhole ? cursor : readingFrom(cursor));
  }

  /** A settlement failed: what follows it must not wait for the shard's next record. */
  #failed(failure: DomainError): void {
    const { shard, state, log, signal } = this.#options;
    this.#stopIfImpossible(failure);
    if (!state.isStopped && !signal.aborted)
      log.warn({ shard, reason: failure.reason }, "settlement failed; it goes on from the wallet's cursor");
    this.#connection.abort(failure);
  }

  #stopIfImpossible(failure: DomainError): void {
    const { state, watch } = this.#options;
    if (!isForGood(failure, this.#cursor) || state.isStopped || this.#setBack.shownBy(failure)) return;
    this.#isShort = this.#setBack.mayWait(failure);
    if (this.#isShort) return;
    state.isStopped = true;
    watch.onStopped(failure);
    this.#stop();
  }

  #tellLag(): void {
    this.#options.watch.onLag(Math.max(0, this.#endSeq - this.#cursor.seq));
  }
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
