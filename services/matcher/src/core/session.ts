// When something falls due, in journaled time.
import type { Shard } from "./shard.js";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** First end of a market's session strictly after a time. */
export function dayEndAfter(timeMs: number, sessionEndMinutes: number): number {
  const into = timeMs - sessionEndMinutes * MINUTE_MS;
  return (Math.floor(into / DAY_MS) + 1) * DAY_MS + sessionEndMinutes * MINUTE_MS;
}

/** Notes that a timer may be due at a time. */
export function noteDue(shard: Shard, dueMs: number): void {
  if (dueMs < shard.nextDueMs) shard.nextDueMs = dueMs;
}
