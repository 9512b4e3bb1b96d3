// Tables that are cut by time: whoever writes them makes their partitions before the time comes.
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/log.js";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const RETRY_MS = 60_000;

/**
 * Makes partitions ahead until the signal aborts: at once, then every hour, after a failure every minute. What
 * was made before a failure still counts, and runs out day by day.
 */
export async function keepPartitionsAhead(options: {
  /** Makes what is missing. Returns for how many days from `nowMs` on there is a partition. */
  readonly make: (nowMs: number) => Promise<number>;
  /** Told after each round how many whole days ahead are made. */
  readonly onAhead: (days: number) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { make, onAhead, clock, log, signal } = options;
  let madeUntilMs = 0;
  while (!signal.aborted) {
    const nowMs = clock.wallMs();
    let waitMs = HOUR_MS;
    try {
      madeUntilMs = nowMs + (await make(nowMs)) * DAY_MS;
    } catch (error) {
      log.warn({ err: error }, "partitions were not made ahead");
      waitMs = RETRY_MS;
    }
    onAhead(Math.max(0, Math.floor((madeUntilMs - nowMs) / DAY_MS)));
    await clock.sleep(waitMs, signal);
  }
}
