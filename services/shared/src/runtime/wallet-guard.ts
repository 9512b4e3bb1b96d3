// Circuit breaker and retries around calls to the wallet, for every process that makes them. The only layer that
// repeats such a call: channels have no retry policy, and the wallet repeats only what its database did.
import { DomainError, type FailureReason } from "../errors/domain-error.js";
import { isInfrastructureFailure, toDomainError } from "../errors/from-wire.js";
import type { Clock } from "./clock.js";
import type { Logger } from "./log.js";
import type { Metrics } from "./metrics.js";
import { type BreakerState, createBreaker, retry } from "./retry.js";
import { createRetryBudget } from "./retry-budget.js";

/** What is seen of a guard. */
export interface GuardWatch {
  readonly onMove?: (state: BreakerState) => void;
  /** A call was refused without being tried. */
  readonly onRefused?: () => void;
  /** A call is tried again. */
  readonly onRetry?: () => void;
}

export interface WalletGuardOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Failures in a row that open the breaker. */
  readonly breakerFailures: number;
  /** Milliseconds that it stays open. */
  readonly breakerOpenMs: number;
  /** Calls at once while it is half open, and successes in a row that close it. */
  readonly breakerTrials: number;
  readonly watch?: GuardWatch | undefined;
}

export interface RetriedCall {
  /** Wall-clock milliseconds at which the caller stops waiting. */
  readonly deadlineMs?: number | undefined;
  /** Ends the waiting between two attempts. */
  readonly signal?: AbortSignal | undefined;
}

export interface WalletGuard {
  /** Runs a call unless the breaker is open: then it rejects at once with WALLET_UNAVAILABLE. */
  once<T>(call: () => Promise<T>): Promise<T>;
  /** Throws what `once` would reject with while the breaker is open. */
  check(): void;
  /** Notes another attempt of a call, made by whoever repeats with `once`. */
  retrying(): void;
  /** True when what `once` rejected with may be tried again. */
  mayRetry(error: unknown): boolean;
  /** Runs an idempotent call, again after failures of the way; what stays away is WALLET_UNAVAILABLE. */
  retried<T>(call: () => Promise<T>, limits?: RetriedCall): Promise<T>;
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

/** How a call ends whose caller went away or did not wait. */
const CALLERS_OWN: ReadonlySet<FailureReason> = new Set<FailureReason>(["DEADLINE_EXCEEDED", "CANCELLED"]);

/**
 * Makes the guard. One broken stream rejects many calls with one and the same error: it counts as one
 * failure, or the breaker would open at the first of them and the budget be gone.
 */
export function guardWallet(options: WalletGuardOptions): WalletGuard {
  const { clock, random, breakerFailures, breakerOpenMs, breakerTrials, watch } = options;
  const budget = createRetryBudget();
  const breaker = createBreaker({
    failuresToOpen: breakerFailures,
    openMs: breakerOpenMs,
    trialsMax: breakerTrials,
    successesToClose: breakerTrials,
    clock,
    isInfrastructureFailure,
    // Else a few callers with tiny deadlines would cut everybody off.
    saysNothing: (error, ranMs) =>
      error === COUNTED || (CALLERS_OWN.has(toDomainError(error).reason) && ranMs < FAIR_MS),
    reason: "WALLET_UNAVAILABLE",
    onMove: watch?.onMove,
    onRefused: watch?.onRefused,
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
  const retrying = () => watch?.onRetry?.();
  return {
    once,
    check: breaker.check,
    retrying,
    mayRetry,
    async retried(call, limits) {
      let sends = 0;
      const attempt = () =>
        once(() => {
          sends += 1;
          return call();
        });
      try {
        const rules = { attempts: ATTEMPTS, ...BACKOFF, isRetryable: mayRetry, onRetry: retrying };
        return await retry(attempt, { ...rules, ...limits, clock, random });
      } catch (error) {
        throw toldWhether(sends, asWalletFailure(toDomainError(error)));
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

/**
 * A call that never left did nothing. After more than one attempt what the last one says of itself says nothing about
 * those before it: the caller judges.
 */
function toldWhether(sends: number, error: DomainError): DomainError {
  const { outcome, ...facts } = error.facts;
  if (sends === 0 && error.reason === "WALLET_UNAVAILABLE")
    return new DomainError(error.reason, { ...facts, outcome: "NOT_ATTEMPTED" }, { cause: error });
  if (sends < 2 || outcome !== "NOT_ATTEMPTED") return error;
  return new DomainError(error.reason, facts, { cause: error });
}

/** State, moves, refusals and retries of a process's guard as metrics; moves in the log too. */
export function measureGuard(metrics: Metrics, log: Logger): GuardWatch {
  const state = metrics.gauge("bourse_wallet_breaker_state", "0 closed, 1 half open, 2 open.");
  const transitions = metrics.counter(
    "bourse_wallet_breaker_transitions_total",
    "Moves of the wallet's circuit breaker, by the state it moved to.",
    ["state"],
  );
  const refused = metrics.counter(
    "bourse_wallet_breaker_rejections_total",
    "Calls to the wallet that the open breaker refused.",
  );
  const retries = metrics.counter(
    "bourse_wallet_retries_total",
    "Calls to the wallet that were tried again.",
  );
  state.set(0);
  return {
    onMove(to) {
      state.set({ closed: 0, half_open: 1, open: 2 }[to]);
      transitions.inc({ state: to });
      log[to === "open" ? "warn" : "info"]({ state: to }, "circuit breaker of the wallet moved");
    },
    onRefused: () => refused.inc(),
    onRetry: () => retries.inc(),
  };
}

async function answered<T>(call: () => Promise<T>): Promise<T | DomainError> {
  try {
    return await call();
  } catch (error) {
    return toDomainError(error);
  }
}
