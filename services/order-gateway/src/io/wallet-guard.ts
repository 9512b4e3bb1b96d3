// Circuit breaker and retries around calls to the wallet.
import { DomainError, type FailureReason } from "@bourse/shared/errors/domain-error.js";
import { isInfrastructureFailure, toDomainError } from "@bourse/shared/errors/from-wire.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import { type BreakerState, createBreaker, retry } from "@bourse/shared/runtime/retry.js";
import { createRetryBudget } from "./retry-budget.js";

export interface WalletGuardOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Failures in a row that open the breaker, and how long it stays open. */
  readonly breakerFailures: number;
  readonly breakerOpenMs: number;
  readonly onBreakerMove?: (state: BreakerState) => void;
}

export interface WalletGuard {
  /** Runs a call unless the breaker is open: then it rejects at once with WALLET_UNAVAILABLE. */
  once<T>(call: () => Promise<T>): Promise<T>;
  /** True when what `once` rejected with may be tried again. */
  mayRetry(error: unknown): boolean;
  /** Runs an idempotent call, again after failures of the way; what stays away is WALLET_UNAVAILABLE. */
  retried<T>(call: () => Promise<T>): Promise<T>;
}

/** A wallet that has not answered for so long is at fault; before, it is the caller who did not wait. */
const FAIR_MS = 1_000;

/** What the breaker hears of a failure that it has counted already. */
const COUNTED = new Error("counted");

/** Attempts of one call, the first included. */
export const ATTEMPTS = 3;
export const BACKOFF = { baseMs: 50, capMs: 1_000 };

const RETRYABLE: ReadonlySet<FailureReason> = new Set<FailureReason>([
  "TRANSPORT_FAILED",
  "DRAINING",
  "OVERLOADED",
  "WALLET_UNAVAILABLE",
]);

/**
 * Makes the guard. One broken stream rejects many calls with one and the same error: it counts as one
 * failure, or the breaker would open at the first of them and the budget be gone.
 */
export function guardWallet(options: WalletGuardOptions): WalletGuard {
  const { clock, random, breakerFailures, breakerOpenMs, onBreakerMove } = options;
  const budget = createRetryBudget();
  const breaker = createBreaker({
    failuresToOpen: breakerFailures,
    openMs: breakerOpenMs,
    trialsMax: 10,
    successesToClose: 10,
    clock,
    isInfrastructureFailure,
    // Else a few callers with tiny deadlines would cut everybody off.
    saysNothing: (error, ranMs) =>
      error === COUNTED || (toDomainError(error).reason === "DEADLINE_EXCEEDED" && ranMs < FAIR_MS),
    reason: "WALLET_UNAVAILABLE",
    ...(onBreakerMove === undefined ? {} : { onMove: onBreakerMove }),
  });
  /** Failures that were counted, and whether they may be tried again. */
  const counted = new WeakMap<DomainError, boolean>();

  const once = <T>(call: () => Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      const counting = async () => {
        const result = await answered(call);
        if (!(result instanceof DomainError)) {
          budget.earn();
          return resolve(result);
        }
        reject(result);
        if (counted.has(result)) throw COUNTED;
        counted.set(result, RETRYABLE.has(result.reason) && budget.spend());
        throw result;
      };
      breaker.run(counting).catch(reject);
    });
  const mayRetry = (error: unknown) => error instanceof DomainError && counted.get(error) === true;
  return {
    once,
    mayRetry,
    async retried(call) {
      try {
        const rules = { attempts: ATTEMPTS, ...BACKOFF, isRetryable: mayRetry, clock, random };
        return await retry(() => once(call), rules);
      } catch (error) {
        throw asWalletFailure(toDomainError(error));
      }
    },
  };
}

/** What fails on the way to the wallet is the wallet being away; a deadline and business answers stay. */
export function asWalletFailure(error: DomainError): DomainError {
  const isOurs = error.reason === "DEADLINE_EXCEEDED" || error.reason === "WALLET_UNAVAILABLE";
  if (isOurs || !isInfrastructureFailure(error)) return error;
  return new DomainError("WALLET_UNAVAILABLE", { retry_after_ms: "1000" }, { cause: error });
}

async function answered<T>(call: () => Promise<T>): Promise<T | DomainError> {
  try {
    return await call();
  } catch (error) {
    return toDomainError(error);
  }
}
