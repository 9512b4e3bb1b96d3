// Carries shard time forward when nothing else does: expiries need a time that moves, and timers one that comes.
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Logger } from "@bourse/shared/runtime/log.js";
import type { Sequencer } from "./sequence.js";
import type { ShardTime } from "./shard-time.js";

/** Beyond this difference between shard time and wall clock a person should look. */
const OFFSET_MS_MAX = 5_000;

export interface KeepTimeOptions {
  readonly sequencer: Pick<Sequencer, "query" | "tick" | "runTimers" | "nextDueMs" | "whenSooner">;
  readonly time: ShardTime;
  /** Longest time without a record. */
  readonly tickMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Wall clock less shard time, seconds. */
  readonly onOffset: (seconds: number) => void;
}

/**
 * Journals the timers when they are due, and a tick whenever `tickMs` passed without a record, until the signal
 * aborts. Sleeps in between, and is woken when a timer becomes due sooner.
 */
export async function keepTime(options: KeepTimeOptions, signal: AbortSignal): Promise<void> {
  const { sequencer, time, tickMs, clock, log } = options;
  let isFar = false;
  let nap = new AbortController();
  sequencer.whenSooner(() => nap.abort());
  while (!signal.aborted) {
    nap = new AbortController();
    if (sequencer.nextDueMs() <= time.now()) await sequencer.runTimers();
    const { value: lastMs } = await sequencer.query(({ timeMs }) => timeMs);
    const nowMs = time.now();
    const tickInMs = lastMs + tickMs - nowMs;
    if (tickInMs <= 0) await sequencer.tick();
    const sleepMs = Math.min(tickInMs <= 0 ? tickMs : tickInMs, sequencer.nextDueMs() - nowMs);
    // A disk without room lets due timers wait: that must not become a loop.
    await clock.sleep(Math.max(1, Math.ceil(sleepMs)), AbortSignal.any([signal, nap.signal]));
    const offsetMs = time.offsetMs();
    options.onOffset(offsetMs / 1000);
    if (Math.abs(offsetMs) > OFFSET_MS_MAX && !isFar)
      log.error({ offsetMs }, "shard time is far from the wall clock");
    isFar = Math.abs(offsetMs) > OFFSET_MS_MAX;
  }
}
