// Token buckets as arithmetic: no clock, no storage.

/** How a bucket fills. */
export interface BucketRate {
  /** Tokens per second. */
  readonly perSecond: number;
  /** Tokens that a full bucket holds. */
  readonly burst: number;
}

/** A bucket as last touched. */
export interface Bucket {
  readonly tokens: number;
  /** Monotonic milliseconds. */
  readonly updatedMs: number;
}

/** What became of an attempt to take tokens. */
export interface Take {
  readonly isAllowed: boolean;
  readonly bucket: Bucket;
  /** Whole tokens that are left. */
  readonly remaining: number;
  /** Milliseconds until the same attempt can succeed; 0 when it did. */
  readonly retryAfterMs: number;
  /** Milliseconds until the bucket is full. */
  readonly resetMs: number;
}

/**
 * Takes `cost` tokens from a bucket, which fills up by time first; a new bucket is full. What costs more than
 * a bucket holds passes when the bucket is full, and is paid back before anything else passes.
 */
export function takeTokens(rate: BucketRate, before: Bucket | undefined, nowMs: number, cost = 1): Take {
  const tokens = tokensAt(rate, before, nowMs);
  const needed = Math.min(cost, rate.burst);
  const isAllowed = tokens >= needed;
  const left = isAllowed ? tokens - cost : tokens;
  const msUntil = (wanted: number) => Math.max(0, Math.ceil(((wanted - left) * 1000) / rate.perSecond));
  return {
    isAllowed,
    bucket: { tokens: left, updatedMs: nowMs },
    remaining: Math.max(0, Math.floor(left)),
    retryAfterMs: isAllowed ? 0 : msUntil(needed),
    resetMs: msUntil(rate.burst),
  };
}

function tokensAt(rate: BucketRate, before: Bucket | undefined, nowMs: number): number {
  if (before === undefined) return rate.burst;
  const gained = (Math.max(0, nowMs - before.updatedMs) * rate.perSecond) / 1000;
  return Math.min(rate.burst, before.tokens + gained);
}
