// A process that starts while its database is away waits for it, as it would later.
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/log.js";
import { backoffMs } from "../runtime/retry.js";
import { isDatabaseAway } from "./failure.js";

const BACKOFF = { baseMs: 100, capMs: 1_000, random: Math.random };

/** Runs a migration until the database answers. Fails only when the migration itself does. */
export async function migratePatiently(
  run: () => Promise<readonly string[]>,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Promise<void> {
  for (let failures = 0; ; ) {
    try {
      const applied = await run();
      log.info({ applied }, "database migrated");
      return;
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
      failures += 1;
      if (failures === 1) log.warn({ err: error }, "database does not answer");
      await clock.sleep(backoffMs(failures, BACKOFF));
    }
  }
}
