// Waiting for what a cluster brings about and offers no event for.
import { systemClock } from "@bourse/shared/runtime/clock.js";

export interface Wait {
  readonly seconds: number;
  readonly everyMs: number;
  /** What is said when the time is over. */
  readonly orElse: () => string | Promise<string>;
}

/** Looks again and again until there is something to see, and returns it; throws when the time is over. */
export async function until<T>(
  look: () => Promise<T | undefined>,
  { everyMs, orElse, seconds }: Wait,
): Promise<T> {
  const untilMs = systemClock.monotonicMs() + seconds * 1_000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (systemClock.monotonicMs() > untilMs) throw new Error(await orElse());
    await systemClock.sleep(everyMs);
  }
}

/** As `until`, for a fact. */
export async function untilTrue(isTrue: () => Promise<boolean>, wait: Wait): Promise<void> {
  await until(async () => ((await isTrue()) ? true : undefined), wait);
}
