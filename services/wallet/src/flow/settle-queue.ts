// What one connection to a shard has read and the wallet has not settled yet. One settlement in flight;
// what arrives meanwhile forms the next.
import { nextBatch, type SettleRecord } from "../core/next-batch.js";
import { isSamePosition, type Position } from "../core/positions.js";
import type { Settlement } from "../io/wallet-client.js";

/** Records on their way into the wallet. */
export interface SettleQueue {
  /** Takes records; resolves when there is room for more. Rejects when a settlement has failed. */
  push(records: readonly SettleRecord[]): Promise<void>;
  /** Drops what is not in flight; resolves when nothing is. */
  close(): Promise<void>;
}

/** A step of a queue. */
export interface Settled {
  readonly cursor: Position;
  /** Whether the record at the cursor is applied whole. */
  readonly isWhole: boolean;
  /** Shard time of that record, milliseconds since 1970 UTC; undefined when nothing moved. */
  readonly timeMs: number | undefined;
}

/** Where a queue begins, and who hears of what becomes of it. */
export interface SettleQueueOptions {
  readonly shard: number;
  readonly epoch: number;
  readonly cursor: Position;
  readonly operationsMax: number;
  readonly settle: (settlement: Settlement) => Promise<void>;
  /** Most operations of one settlement; asked before each. */
  readonly batchMax?: () => number;
  /** Whether the wallet was set back and catches up; asked before each. */
  readonly isSetBack?: () => boolean;
  readonly onSettled: (settled: Settled) => void;
  /** Operations that wait, after each change. */
  readonly onWaiting?: (operations: number) => void;
  readonly onFailed: (error: unknown) => void;
}

/**
 * A queue that starts at the wallet's cursor. `onSettled` hears of every step. After a failure, of which `onFailed`
 * hears, it takes nothing more.
 */
export function createSettleQueue(options: SettleQueueOptions): SettleQueue {
  const { shard, epoch, settle } = options;
  let cursor = options.cursor;
  let queue: SettleRecord[] = [];
  let waiting = 0;
  let running: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  let onRoom = () => {};

  const tellWaiting = () => options.onWaiting?.(waiting - queue.length);
  const settleNext = async () => {
    const { through, operations, holds, timeMs, ...batch } = nextBatch(cursor, queue, options.batchMax?.());
    const { recordsDone, isWhole } = batch;
    const isSetBack = options.isSetBack?.() === true;
    if (!isSamePosition(cursor, through)) {
      await settle({ shard, epoch, after: cursor, through, operations, holds, isSetBack });
      cursor = through;
    }
    options.onSettled({ cursor, isWhole, timeMs });
    // Closed meanwhile, it is empty.
    for (const record of queue.slice(0, recordsDone)) waiting -= weightOf(record);
    queue = queue.slice(recordsDone);
    tellWaiting();
    onRoom();
  };
  const run = async () => {
    try {
      while (queue.length > 0) await settleNext();
    } catch (error) {
      failure = { error };
      options.onFailed(error);
    } finally {
      running = undefined;
      onRoom();
    }
  };
  return {
    async push(records) {
      for (const record of records) {
        queue.push(record);
        waiting += weightOf(record);
      }
      tellWaiting();
      if (failure === undefined) running ??= run();
      while (waiting > options.operationsMax && failure === undefined) {
        await new Promise<void>((resolve) => {
          onRoom = resolve;
        });
      }
      if (failure !== undefined) throw failure.error;
    },
    async close() {
      queue = [];
      waiting = 0;
      tellWaiting();
      await running;
    },
  };
}

/** Records without effects take room too. */
function weightOf(record: SettleRecord): number {
  return 1 + record.operations.length;
}
