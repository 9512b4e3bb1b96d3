// When a snapshot is due, and what may go once it is there.
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Logger } from "@bourse/shared/runtime/log.js";
import type { MadeSnapshot } from "./make-snapshot.js";

/** Snapshots that are kept; every file from the older one on is kept with them. */
const KEPT = 2;
const LOOK_EVERY_MS = 1_000;
/** After a snapshot that failed. */
const RETRY_MS = 60_000;

/** The journal as far as its past is concerned. */
export interface PastOfLog {
  durableSeq(): number;
  oldestSeq(): number;
  /** Deletes files whose records all lie below a seq and that were last written before a time. */
  deleteBelow(seq: number, writtenBeforeMs: number): Promise<number>;
}

export interface SnapshotStore {
  /** Seqs, newest first. */
  list(): Promise<number[]>;
  delete(seq: number): Promise<void>;
  /** Bytes that are free on the volume. */
  freeBytes(): Promise<number>;
}

export interface SnapshotMeters {
  made(seconds: number, snapshot: MadeSnapshot): void;
  failed(): void;
  /** First record that is still there, and what is free on the volume. */
  kept(oldestSeq: number, freeBytes: number): void;
}

export interface KeepSnapshotsOptions {
  readonly past: PastOfLog;
  readonly store: SnapshotStore;
  /** Makes a snapshot of what is durable, beside the shard; rejects when it does not hold. */
  readonly make: (durableSeq: number) => Promise<MadeSnapshot>;
  /** Least seq that every named follower has reported; undefined until each has. */
  readonly followersSeq: () => number | undefined;
  readonly everyRecords: number;
  /** How long records are kept at least, whatever else would let them go. */
  readonly retentionMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: SnapshotMeters;
}

/** Makes snapshots and deletes what they make obsolete, until the signal aborts. */
export async function keepSnapshots(options: KeepSnapshotsOptions, signal: AbortSignal): Promise<void> {
  const { past, store, everyRecords, clock, log, meters } = options;
  let notBeforeMs = 0;
  let newestSeq = (await store.list())[0] ?? 0;
  while (!signal.aborted) {
    const durableSeq = past.durableSeq();
    if (durableSeq - newestSeq >= everyRecords && clock.monotonicMs() >= notBeforeMs) {
      const made = await makeOne(options, durableSeq, signal);
      newestSeq = made?.seq ?? newestSeq;
      if (made === undefined) notBeforeMs = clock.monotonicMs() + RETRY_MS;
    }
    try {
      await deleteObsolete(options);
      meters.kept(past.oldestSeq(), await store.freeBytes());
    } catch (error) {
      log.error({ err: error }, "what is obsolete cannot be deleted");
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

async function makeOne(
  options: KeepSnapshotsOptions,
  durableSeq: number,
  signal: AbortSignal,
): Promise<MadeSnapshot | undefined> {
  const { make, clock, log, meters } = options;
  const startedMs = clock.monotonicMs();
  try {
    const made = await make(durableSeq);
    const seconds = (clock.monotonicMs() - startedMs) / 1000;
    meters.made(seconds, made);
    const { seq, bytes, stateHash, provenTo } = made;
    log.info({ seq, bytes, stateHash, provenTo, seconds }, "snapshot made");
    for (const bad of made.bad) log.warn({ bad }, "a snapshot cannot be used");
    return made;
  } catch (error) {
    // The process drains: the next one makes it.
    if (signal.aborted) return undefined;
    meters.failed();
    log.error({ err: error }, "a snapshot failed; the one before it stays");
    return undefined;
  }
}

/**
 * All but the newest two snapshots; then the files below the older of these, below every follower's position
 * and older than the retention. Until each named follower has reported nothing goes.
 */
async function deleteObsolete(options: KeepSnapshotsOptions): Promise<void> {
  const { past, store, followersSeq, retentionMs, clock, log } = options;
  const snapshots = await store.list();
  for (const seq of snapshots.slice(KEPT)) await store.delete(seq);
  const older = snapshots[KEPT - 1];
  const followed = followersSeq();
  if (older === undefined || followed === undefined) return;
  // A follower asks for what comes behind its position, and the record at the position says its epoch.
  const deleted = await past.deleteBelow(Math.min(older, followed), clock.wallMs() - retentionMs);
  if (deleted > 0) log.info({ files: deleted, oldestSeq: past.oldestSeq() }, "files of the journal deleted");
}
