import type { Clock } from "../runtime/clock.js";

/** A clock that only moves by hand. Sleepers wake in order of their time. */
export interface ManualClock extends Clock {
  /** Moves time forward and wakes who is due. */
  advance(ms: number): void;
  /** How many sleep now. */
  sleeping(): number;
}

/** A clock at `startMs` on both scales. */
export function manualClock(startMs = 0): ManualClock {
  let nowMs = startMs;
  let sleepers: { atMs: number; wake: () => void }[] = [];
  return {
    wallMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleeping: () => sleepers.length,
    sleep: (delayMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const sleeper = { atMs: nowMs + delayMs, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener("abort", () => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          resolve();
        });
      }),
    advance(ms) {
      nowMs += ms;
      const due = sleepers.filter(({ atMs }) => atMs <= nowMs).sort((a, b) => a.atMs - b.atMs);
      sleepers = sleepers.filter(({ atMs }) => atMs > nowMs);
      for (const { wake } of due) wake();
    },
  };
}
