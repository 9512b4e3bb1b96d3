import { DomainError } from "../errors/domain-error.js";

/** Limits of batching. */
export interface BatchOptions<T> {
  readonly batchMax: number;
  /** Batches at once. */
  readonly inFlightMax: number;
  /** Waiting items at which a caller is refused. */
  readonly queueMax: number;
  /** Items of one key never run in two batches at once, so that these do not wait for each other's locks. */
  readonly keyOf?: (item: T) => string;
}

/**
 * Many callers, one bounded batch: items that arrive while `inFlightMax` batches run form the next one.
 * No timers: what waits when a slot frees goes out. `run` answers per item, in order; when it rejects,
 * every item of the batch rejects. At `queueMax` waiting items a caller gets OVERLOADED.
 */
export function batched<T, R>(
  run: (items: readonly T[]) => Promise<readonly R[]>,
  options: BatchOptions<T>,
): (item: T) => Promise<R> {
  const { batchMax, inFlightMax, queueMax, keyOf } = options;
  // With keys each slot has a queue of its own, without them all slots share one.
  const laneCount = keyOf === undefined ? 1 : inFlightMax;
  const lanes = Array.from({ length: laneCount }, () => createLane(run, batchMax, inFlightMax / laneCount));
  const laneOf = keyOf === undefined ? () => 0 : (item: T) => hashOf(keyOf(item)) % laneCount;
  return (item) =>
    new Promise((resolve, reject) => {
      const waiting = lanes.reduce((sum, lane) => sum + lane.waiting(), 0);
      if (waiting >= queueMax) return reject(new DomainError("OVERLOADED"));
      lanes[laneOf(item)]?.push({ item, resolve, reject });
    });
}

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** A queue and the batches that run from it. */
function createLane<T, R>(
  run: (items: readonly T[]) => Promise<readonly R[]>,
  batchMax: number,
  inFlightMax: number,
) {
  let queue: Waiting<T, R>[] = [];
  let inFlight = 0;
  let isScheduled = false;

  const start = () => {
    isScheduled = false;
    while (inFlight < inFlightMax && queue.length > 0) {
      const batch = queue.slice(0, batchMax);
      queue = queue.slice(batchMax);
      inFlight += 1;
      void runBatch(run, batch).finally(() => {
        inFlight -= 1;
        start();
      });
    }
  };
  return {
    waiting: () => queue.length,
    push(waiting: Waiting<T, R>): void {
      queue.push(waiting);
      // One turn of the event loop gathers what arrives together.
      if (isScheduled) return;
      isScheduled = true;
      setImmediate(start);
    },
  };
}

async function runBatch<T, R>(
  run: (items: readonly T[]) => Promise<readonly R[]>,
  batch: readonly Waiting<T, R>[],
): Promise<void> {
  try {
    const results = await run(batch.map(({ item }) => item));
    batch.forEach(({ resolve, reject }, index) => {
      if (index < results.length) resolve(results[index] as R);
      else reject(new Error("the batch has fewer answers than items"));
    });
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
}

/** FNV-1a of a text, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
