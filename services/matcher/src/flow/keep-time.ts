// Carries shard time forward when nothing else does: expiries need a time that moves.
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Logger } from "@bourse/shared/runtime/log.js";
import type { Sequencer } from "./sequence.js";
import type { ShardTime } from "./shard-time.js";

/** Beyond this difference between shard time and wall clock a person should look. */
const OFFSET_MS_MAX = 5_000;

export interface KeepTimeOptions {
  readonly sequencer: Sequencer;
  readonly time: ShardTime;
  /** Longest time without a record. */
  readonly tickMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Wall clock less shard time, seconds. */
  readonly onOffset: (seconds: number) => void;
}

/** Journals a tick whenever `tickMs` passed without a record, until the signal aborts. */
export async function keepTime(options: KeepTimeOptions, signal: AbortSignal): Promise<void> {
  const { sequencer, time, tickMs, clock, log } = options;
  let isFar = false;
  while (!signal.aborted) {
    const { value: lastMs } = await sequencer.query(({ timeMs }) => timeMs);
    const dueInMs = lastMs + tickMs - time.now();
    if (dueInMs <= 0) await sequencer.tick();
    await clock.sleep(dueInMs <= 0 ? tickMs : Math.max(1, dueInMs), signal);
    const offsetMs = time.offsetMs();
    options.onOffset(offsetMs / 1000);
    if (Math.abs(offsetMs) > OFFSET_MS_MAX && !isFar)
      log.error({ offsetMs }, "shard time is far from the wall clock");
    isFar = Math.abs(offsetMs) > OFFSET_MS_MAX;
  }
}
