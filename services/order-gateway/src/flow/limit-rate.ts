import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Tier } from "@bourse/shared/units/tiers.js";
import type { BucketRate, Take } from "../core/rate-limit.js";
import type { BucketStore } from "../io/rate-limit-store.js";

/** Requests per second of each tier and of one address. */
export interface Rates {
  readonly basic: number;
  readonly plus: number;
  readonly pro: number;
  readonly perIp: number;
}

/** Cancels have a bucket of their own, so that who is over the limit can still get out. */
export type RequestKind = "request" | "cancel";

/** What is left of a limit. */
export interface Allowance {
  readonly limit: number;
  readonly remaining: number;
  readonly resetMs: number;
}

export interface Limiter {
  /** Counts one request of an address; refuses with RATE_LIMITED and when to come again. */
  checkAddress(address: string): Promise<void>;
  /** Counts requests of a user, one by default; refuses likewise. Undefined without a limit. */
  checkUser(
    user: { userId: string; tier: Tier },
    kind: RequestKind,
    cost?: number,
  ): Promise<Allowance | undefined>;
}

/** Limits by address and by user. A bucket holds one second's worth. */
export function createLimiter(store: BucketStore, rates: Rates): Limiter {
  const take = async (key: string, perSecond: number, cost = 1): Promise<Allowance> => {
    const rate: BucketRate = { perSecond, burst: perSecond };
    const result: Take = await store.take(key, rate, cost);
    if (!result.isAllowed) {
      throw new DomainError("RATE_LIMITED", {
        retry_after_ms: String(result.retryAfterMs),
        limit: String(perSecond),
        remaining: String(result.remaining),
        reset: String(Math.ceil(result.resetMs / 1000)),
      });
    }
    return { limit: perSecond, remaining: result.remaining, resetMs: result.resetMs };
  };
  return {
    async checkAddress(address) {
      await take(`ip:${address}`, rates.perIp);
    },
    async checkUser({ userId, tier }, kind, cost) {
      return tier === "unlimited" ? undefined : take(`${kind}:${userId}`, rates[tier], cost);
    },
  };
}
