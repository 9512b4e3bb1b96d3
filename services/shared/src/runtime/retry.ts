// Backoff with full jitter, and the circuit breaker.
import { DomainError, type FailureReason } from "../errors/domain-error.js";
import type { Clock } from "./clock.js";

export interface RetryOptions {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  readonly baseMs: number;
  readonly capMs: number;
  readonly isRetryable: (error: unknown) => boolean;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly signal?: AbortSignal | undefined;
  /** Wall-clock milliseconds at which the caller stops waiting: no attempt begins at or after it. */
  readonly deadlineMs?: number | undefined;
  /** Called before each attempt but the first. */
  readonly onRetry?: (() => void) | undefined;
}

/**
 * Runs an idempotent call until it succeeds, fails for good, the attempts end, the signal aborts or the next
 * attempt would come too late.
 */
export async function retry<T>(run: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (attempt >= options.attempts || !options.isRetryable(error)) throw error;
      const delayMs = backoffMs(attempt, options);
      if (options.clock.wallMs() + delayMs >= (options.deadlineMs ?? Number.POSITIVE_INFINITY)) throw error;
      await options.clock.sleep(delayMs, options.signal);
      if (options.signal?.aborted === true) throw error;
      options.onRetry?.();
    }
  }
}

/** Delay before the attempt after `attempt`: uniform below base × 2^(attempt − 1), capped. */
export function backoffMs(
  attempt: number,
  options: { baseMs: number; capMs: number; random: () => number },
): number {
  return options.random() * Math.min(options.capMs, options.baseMs * 2 ** Math.min(attempt - 1, 30));
}

export interface BreakerOptions {
  /** Consecutive infrastructure failures that open it. */
  readonly failuresToOpen: number;
  /** How long it stays open. */
  readonly openMs: number;
  /** Calls at once while half open. */
  readonly trialsMax: number;
  /** Successes in a row that close it again. */
  readonly successesToClose: number;
  readonly clock: Clock;
  /** Business answers are no failures. */
  readonly isInfrastructureFailure: (error: unknown) => boolean;
  /** An end that says nothing about the other side, of a call that ran so long: neither success nor failure. */
  readonly saysNothing?: (error: unknown, ranMs: number) => boolean;
  /** What a refused caller is told. */
  readonly reason: FailureReason;
  /** Called on each move, for metrics and logs. */
  readonly onMove?: ((state: BreakerState) => void) | undefined;
  /** Called for each call that it refuses. */
  readonly onRefused?: (() => void) | undefined;
}

export type BreakerState = "closed" | "open" | "half_open";

export interface Breaker {
  /** Runs the call, or rejects at once with `reason` and `retry_after_ms`. */
  run<T>(call: () => Promise<T>): Promise<T>;
  /** Refuses, as `run` would, while it is open; for callers that would wait before they run. */
  check(): void;
  state(): BreakerState;
}

/**
 * Circuit breaker. closed → open after `failuresToOpen` failures in a row; open → half_open after
 * `openMs`; half_open → closed after `successesToClose` successes, → open at the first failure.
 */
export function createBreaker(options: BreakerOptions): Breaker {
  let state: BreakerState = "closed";
  /** Counts the moves: an answer to a call of an earlier state says nothing about this one. */
  let era = 0;
  let failures = 0;
  let successes = 0;
  let trials = 0;
  let openedAtMs = 0;
  const move = (next: BreakerState) => {
    state = next;
    era += 1;
    failures = 0;
    successes = 0;
    trials = 0;
    if (next === "open") openedAtMs = options.clock.monotonicMs();
    options.onMove?.(next);
  };
  const refuse = (retryAfterMs: number): never => {
    options.onRefused?.();
    throw new DomainError(options.reason, { retry_after_ms: String(Math.ceil(Math.max(1, retryAfterMs))) });
  };
  const check = () => {
    const leftMs = openedAtMs + options.openMs - options.clock.monotonicMs();
    if (state === "open" && leftMs > 0) refuse(leftMs);
  };
  const admit = () => {
    check();
    if (state === "open") move("half_open");
    if (state !== "half_open") return;
    if (trials >= options.trialsMax) refuse(100);
    trials += 1;
  };
  const record = (admittedIn: number, end: "success" | "failure" | "nothing") => {
    if (admittedIn !== era) return;
    if (state === "half_open") trials -= 1;
    if (end === "nothing") return;
    if (state === "half_open") {
      if (end === "failure") return move("open");
      successes += 1;
      if (successes >= options.successesToClose) move("closed");
      return;
    }
    failures = end === "failure" ? failures + 1 : 0;
    if (failures >= options.failuresToOpen) move("open");
  };
  const endOf = (error: unknown, ranMs: number) => {
    if (options.saysNothing?.(error, ranMs) === true) return "nothing";
    return options.isInfrastructureFailure(error) ? "failure" : "success";
  };
  return {
    state: () => state,
    check,
    async run(call) {
      admit();
      const admittedIn = era;
      const startedMs = options.clock.monotonicMs();
      try {
        const result = await call();
        record(admittedIn, "success");
        return result;
      } catch (error) {
        record(admittedIn, endOf(error, options.clock.monotonicMs() - startedMs));
        throw error;
      }
    },
  };
}
