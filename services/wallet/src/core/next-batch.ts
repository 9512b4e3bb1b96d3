// How a follower cuts a shard's records into settlements.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Operation } from "./operation.js";
import { OPERATIONS_MAX, type Position } from "./positions.js";
import type { Hold } from "./restore.js";

/** A record as settlement sees it: its place and its effects, often none. */
export interface SettleRecord {
  readonly epoch: number;
  readonly seq: number;
  /** Shard time of the record, milliseconds since 1970 UTC. */
  readonly timeMs?: number;
  readonly operations: readonly Operation[];
  /** What it was decided on, read while a wallet that was set back catches up. */
  readonly hold?: Hold | undefined;
}

/** The next settlement, and how many records it ends. */
export interface NextBatch {
  readonly through: Position;
  readonly operations: readonly Operation[];
  readonly holds: readonly Hold[];
  /** Shard time of the last record in it; undefined when there is none. */
  readonly timeMs: number | undefined;
  readonly recordsDone: number;
  /** False when it ends within a record, which is read again if this settler ends before the rest is settled. */
  readonly isWhole: boolean;
}

/**
 * The longest batch from `cursor` on: whole records while they fit, and a part of one that is larger than
 * a batch. The first record may be the cursor's own; what is applied of it is passed over. Throws
 * SETTLEMENT_IMPOSSIBLE when it has less than that.
 */
export function nextBatch(
  cursor: Position,
  records: readonly SettleRecord[],
  limit = OPERATIONS_MAX,
): NextBatch {
  const operations: Operation[] = [];
  const holds: Hold[] = [];
  let timeMs: number | undefined;
  let through = cursor;
  let recordsDone = 0;
  let isWhole = true;
  for (const record of records) {
    const applied = record.seq === cursor.seq ? cursor.operations : 0;
    const left = record.operations.length - applied;
    if (left < 0)
      throw new DomainError("SETTLEMENT_IMPOSSIBLE", {
        why: "a record has lost effects",
        seq: String(record.seq),
      });
    const room = limit - operations.length;
    // A record is cut only when it would not fit in a batch of its own.
    if (left > room && operations.length > 0) break;
    const taken = Math.min(left, room);
    for (const operation of record.operations.slice(applied, applied + taken)) operations.push(operation);
    if (record.hold !== undefined) holds.push(record.hold);
    timeMs = record.timeMs;
    through = { epoch: record.epoch, seq: record.seq, operations: applied + taken };
    isWhole = taken === left;
    if (!isWhole) break;
    recordsDone += 1;
  }
  return { through, operations, holds, timeMs, recordsDone, isWhole };
}

/**
 * Where to read on from, so that the record of the cursor is read again if it may be applied in part. That it is
 * whole is known only where the shard no longer has it: `oldestSeq` is the first record that it retains, and it
 * retains what was not reported as applied.
 */
export function readingFrom(
  cursor: Position,
  oldestSeq = 0,
): { readonly epoch: number; readonly seq: number } {
  if (cursor.operations === 0 || oldestSeq > cursor.seq) return { epoch: cursor.epoch, seq: cursor.seq };
  // A record with effects never opens an epoch, so the one before it is of the same.
  return cursor.seq <= 1 ? { epoch: 0, seq: 0 } : { epoch: cursor.epoch, seq: cursor.seq - 1 };
}
