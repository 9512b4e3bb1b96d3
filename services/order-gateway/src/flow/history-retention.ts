// How long the history is kept: what is past is detached from its tables, and left to the operator.
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Logger } from "@bourse/shared/runtime/log.js";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const RETRY_MS = 60_000;

/**
 * Detaches partitions that ended more than `days` days ago until the signal aborts: at once, then every hour, after
 * a failure every minute. 0 days keeps everything.
 */
export async function keepRetention(options: {
  readonly days: number;
  /** Detaches some of what ended before a time; returns the names of the tables that it made, none when all is done. */
  readonly detach: (beforeMs: number, nowMs: number) => Promise<readonly string[]>;
  readonly onDetached: (tables: readonly string[]) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { days, detach, onDetached, clock, log, signal } = options;
  if (days === 0) return;
  while (!signal.aborted) {
    const isDone = await detachAll().catch((error: unknown) => {
      log.warn({ err: error }, "past partitions were not detached");
      return false;
    });
    await clock.sleep(isDone ? HOUR_MS : RETRY_MS, signal);
  }

  async function detachAll(): Promise<boolean> {
    while (!signal.aborted) {
      const nowMs = clock.wallMs();
      const tables = await detach(nowMs - days * DAY_MS, nowMs);
      if (tables.length === 0) return true;
      onDetached(tables);
      log.info({ tables }, "detached: archive or drop these tables");
    }
    return true;
  }
}
