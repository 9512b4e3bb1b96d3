// The wallet's database: migrated at first contact, watched from then on.
import { isDatabaseAway } from "@bourse/shared/postgres/failure.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Readiness } from "@bourse/shared/runtime/life.js";
import type { Logger } from "@bourse/shared/runtime/log.js";
import { backoffMs } from "@bourse/shared/runtime/retry.js";
import { type Database, ping } from "../io/database.js";

const BACKOFF = { baseMs: 100, capMs: 1_000 };

/**
 * Waits for the database as long as it takes, migrates it, calls `onMigrated`, then keeps `readiness` true
 * to whether it answers. Fails only when the migration itself does: an older or broken schema is no place
 * for money.
 */
export async function keepDatabase(
  database: Database,
  options: {
    readonly migrate: () => Promise<readonly string[]>;
    readonly onMigrated: () => void;
    readonly readiness: Readiness;
    readonly pingEveryMs: number;
    readonly clock: Clock;
    readonly log: Logger;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { readiness, clock, log, signal, pingEveryMs } = options;
  let isMigrated = false;
  for (let failures = 0; !signal.aborted; ) {
    try {
      if (isMigrated) await ping(database);
      else {
        const applied = await options.migrate();
        log.info({ applied }, "database migrated");
        isMigrated = true;
        options.onMigrated();
      }
      if (failures > 0) log.info("database answers again");
      failures = 0;
      readiness.set(true);
      await clock.sleep(pingEveryMs, signal);
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
      failures += 1;
      readiness.set(false, "postgres does not answer");
      if (failures === 1) log.warn({ err: error }, "database does not answer");
      await clock.sleep(backoffMs(failures, { ...BACKOFF, random: database.random }), signal);
    }
  }
}
