// Places in a shard's log, and what a batch of operations must look like to fit between two of them.

/**
 * The first `operations` operations of record `seq`, and everything before that record, are applied.
 * `epoch` is the record's. All zero at the very beginning.
 */
export interface Position {
  readonly epoch: number;
  readonly seq: number;
  readonly operations: number;
}

/** Where nothing is applied yet. */
export const beginning: Position = { epoch: 0, seq: 0, operations: 0 };

/** Operations that one call may carry. */
export const OPERATIONS_MAX = 1_000;

export function isSamePosition(a: Position, b: Position): boolean {
  return a.epoch === b.epoch && a.seq === b.seq && a.operations === b.operations;
}

/** Place of one operation: index among the operations of its record. */
interface Place {
  readonly seq: number;
  readonly index: number;
}

/**
 * Says why operations do not lie gaplessly between two positions; undefined when they do. The caller
 * leaves nothing out within a record: indices count up from `after` or from 0, and the last operation
 * is where `through` stands, unless `through` is a later record without operations.
 */
export function misfitOf(batch: {
  readonly epoch: number;
  readonly after: Position;
  readonly through: Position;
  readonly operations: readonly Place[];
}): string | undefined {
  const { after, through, operations } = batch;
  if (operations.length > OPERATIONS_MAX) return "more operations than one call may carry";
  // A server of an epoch before the cursor's is no misfit: the cursor itself refuses it, as STALE_EPOCH.
  const isStale = batch.epoch < after.epoch;
  if (through.epoch < after.epoch || (through.epoch > batch.epoch && !isStale))
    return "the epoch of the end does not fit";
  if (isBefore(through, after)) return "the end lies before the beginning";
  let last: Place = { seq: after.seq, index: after.operations - 1 };
  for (const place of operations) {
    const isNext =
      place.seq === last.seq ? place.index === last.index + 1 : place.seq > last.seq && place.index === 0;
    if (!isNext) return "the operations have a gap or are not in order";
    last = place;
  }
  const reached = through.seq === last.seq ? through.operations === last.index + 1 : through.seq > last.seq;
  if (!reached) return "the operations do not end where the cursor goes";
  if (through.seq > last.seq && through.operations !== 0) return "operations are missing at the end";
  return undefined;
}

/** True when `a` lies before `b` in the log of their shard. */
export function isBefore(a: Position, b: Position): boolean {
  return a.seq < b.seq || (a.seq === b.seq && a.operations < b.operations);
}

/** Why a shard's cursor refuses to move; undefined when it may. */
export function cursorRefusal(
  cursor: Position,
  storedEpoch: number,
  batch: { readonly epoch: number; readonly after: Position },
): "STALE_EPOCH" | "SEQ_GAP" | undefined {
  if (batch.epoch < storedEpoch) return "STALE_EPOCH";
  return isSamePosition(cursor, batch.after) ? undefined : "SEQ_GAP";
}
