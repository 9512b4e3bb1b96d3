// A process that starts while its database is away waits for it, as it would later.
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/log.js";
import { retry } from "../runtime/retry.js";
import { isDatabaseAway } from "./failure.js";

const FOREVER = { attempts: Number.POSITIVE_INFINITY, baseMs: 100, capMs: 1_000, random: Math.random };

/** Runs a migration until the database answers. Fails only when the migration itself does. */
export async function migratePatiently(
  run: () => Promise<readonly string[]>,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Promise<void> {
  let isWaiting = false;
  const isRetryable = (error: unknown) => {
    const isAway = isDatabaseAway(error);
    if (isAway && !isWaiting) log.warn({ err: error }, "database does not answer");
    isWaiting = isAway;
    return isAway;
  };
  const applied = await retry(run, { ...FOREVER, isRetryable, clock });
  log.info({ applied }, "database migrated");
}
