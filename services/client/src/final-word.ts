// When a failed call may be repeated: the three outcomes of SEMANTICS, as a caller has to read them.
import { type DomainError, type FailureReason, failures } from "@bourse/shared/errors/domain-error.js";
import { toDomainError } from "@bourse/shared/errors/from-wire.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import { backoffMs } from "@bourse/shared/runtime/retry.js";

/** Statuses that say nothing about the request itself: the same call may succeed later. */
const temporaryStatuses: ReadonlySet<string> = new Set(["UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED"]);

/** Reasons of other statuses that pass by themselves. */
const temporaryReasons: ReadonlySet<FailureReason> = new Set<FailureReason>([
  "RATE_LIMITED",
  "SHARD_READ_ONLY",
  "TOO_MANY_IN_FLIGHT",
  "SLOW_CONSUMER",
  "CANCELLED",
]);

/**
 * True when the same call should be made again: its outcome is UNKNOWN, or it was NOT_ATTEMPTED for a
 * reason that passes. NOT_ACCEPTED is final whatever the reason, and so is every refusal of the
 * request itself. An internal error says nothing at all, so the outcome is unknown too.
 */
export function isWorthRepeating(error: DomainError): boolean {
  if (error.facts.outcome === "NOT_ACCEPTED") return false;
  if (error.facts.outcome === "UNKNOWN" || error.reason === "INTERNAL") return true;
  return temporaryStatuses.has(failures[error.reason].status) || temporaryReasons.has(error.reason);
}

export interface RepeatOptions {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Ends the repeating; the last failure is then thrown. */
  readonly signal?: AbortSignal | undefined;
  /** Told before each pause. */
  readonly onRepeat?: ((error: DomainError, attempt: number) => void) | undefined;
}

const backoff = { baseMs: 50, capMs: 1_000 };

/**
 * Makes an idempotent call again and again until it has a final word: a result, or a failure that
 * repeating cannot change. Survives restarts of the whole exchange; only the signal ends it early.
 */
export async function untilFinal<T>(run: () => Promise<T>, options: RepeatOptions): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (cause) {
      const error = toDomainError(cause);
      if (isAborted(options.signal) || !isWorthRepeating(error)) throw error;
      options.onRepeat?.(error, attempt);
      await pauseBeforeRepeat(error, attempt, options);
      if (isAborted(options.signal)) throw error;
    }
  }
}

/** Waits with backoff and full jitter, and at least as long as the failure asks for. */
export function pauseBeforeRepeat(
  error: DomainError,
  attempt: number,
  options: RepeatOptions,
): Promise<void> {
  const askedMs = Number(error.facts.retry_after_ms ?? 0);
  const waitMs = backoffMs(attempt, { ...backoff, random: options.random });
  return options.clock.sleep(Math.max(waitMs, Math.min(askedMs, backoff.capMs)), options.signal);
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
