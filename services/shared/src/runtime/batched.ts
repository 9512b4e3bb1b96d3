import { DomainError } from "../errors/domain-error.js";

/**
 * Many callers, one bounded batch: items that arrive while `inFlightMax` batches run form the next one.
 * No timers: what waits when a slot frees goes out. `run` answers per item, in order; when it rejects,
 * every item of the batch rejects. At `queueMax` waiting items a caller gets OVERLOADED.
 */
export function batched<T, R>(
  run: (items: readonly T[]) => Promise<readonly R[]>,
  options: { batchMax: number; inFlightMax: number; queueMax: number },
): (item: T) => Promise<R> {
  interface Waiting {
    readonly item: T;
    readonly resolve: (result: R) => void;
    readonly reject: (error: unknown) => void;
  }
  let queue: Waiting[] = [];
  let inFlight = 0;
  let isScheduled = false;

  const start = () => {
    isScheduled = false;
    while (inFlight < options.inFlightMax && queue.length > 0) {
      const batch = queue.slice(0, options.batchMax);
      queue = queue.slice(options.batchMax);
      inFlight += 1;
      void settle(batch).finally(() => {
        inFlight -= 1;
        start();
      });
    }
  };
  const settle = async (batch: readonly Waiting[]) => {
    try {
      const results = await run(batch.map(({ item }) => item));
      batch.forEach(({ resolve, reject }, index) => {
        if (index < results.length) resolve(results[index] as R);
        else reject(new Error("the batch has fewer answers than items"));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };
  return (item) =>
    new Promise((resolve, reject) => {
      if (queue.length >= options.queueMax) return reject(new DomainError("OVERLOADED"));
      queue.push({ item, resolve, reject });
      // One turn of the event loop gathers what arrives together.
      if (!isScheduled) {
        isScheduled = true;
        setImmediate(start);
      }
    });
}
