// The time that the writer journals. It never runs backwards, advances by the monotonic clock and slews
// towards the wall clock by at most a tenth, so that a wall clock that jumps expires nothing at once.
import type { Clock } from "@bourse/shared/runtime/clock.js";

const SLEW = 0.1;

export interface ShardTime {
  /** Milliseconds since 1970 UTC for the next record. */
  now(): number;
  /** Wall clock less shard time, milliseconds. Above five seconds a person should look. */
  offsetMs(): number;
}

/** At recovery time jumps forward to the wall clock once; if that is behind the log, time waits for it. */
export function createShardTime(clock: Clock, lastJournaledMs: number): ShardTime {
  let timeMs = Math.max(lastJournaledMs, clock.wallMs());
  let readMs = clock.monotonicMs();
  return {
    now() {
      const nowMs = clock.monotonicMs();
      const passedMs = nowMs - readMs;
      readMs = nowMs;
      const aheadMs = clock.wallMs() - (timeMs + passedMs);
      timeMs += passedMs + Math.max(-SLEW * passedMs, Math.min(SLEW * passedMs, aheadMs));
      return Math.floor(timeMs);
    },
    offsetMs: () => clock.wallMs() - timeMs,
  };
}
