import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Bucket, BucketRate, Take } from "../core/rate-limit.js";

/** Where buckets are kept: in memory on one machine; a shared store answers later, hence the promise. */
export interface BucketStore {
  /** Takes tokens from the bucket of a key; buckets that were never seen are full. */
  take(key: string, rate: BucketRate, cost: number): Take | Promise<Take>;
}

type TakeTokens = (rate: BucketRate, before: Bucket | undefined, nowMs: number, cost: number) => Take;

/** Buckets in memory. Above `bucketsMax` the one untouched longest is forgotten, which fills it. */
export function memoryBuckets(options: { take: TakeTokens; clock: Clock; bucketsMax: number }): BucketStore {
  const buckets = new Map<string, Bucket>();
  /** One for ever: it stands behind what was forgotten, which a new one would walk over each time. */
  const byAge = buckets.keys();
  return {
    take(key, rate, cost) {
      const result = options.take(rate, buckets.get(key), options.clock.monotonicMs(), cost);
      buckets.delete(key);
      buckets.set(key, result.bucket);
      if (buckets.size > options.bucketsMax) {
        const { value: oldest } = byAge.next();
        if (oldest !== undefined) buckets.delete(oldest);
      }
      return result;
    },
  };
}
