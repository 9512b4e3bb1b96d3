// The migration as a step of its own: says what it did, or why not, in its last line.
import { migrate } from "./migrate.js";
import { openPool } from "./pool.js";

const STATEMENT_MS_MAX = 60_000;

/** Applies what is missing and prints it; a failure is printed and sets exit code 1. */
export async function migrateOnce(options: {
  readonly url: string;
  readonly migrations: URL;
  readonly schema: string;
}): Promise<void> {
  const { url, migrations, schema } = options;
  const pool = openPool(url, {
    connectionsMax: 1,
    statementTimeoutMs: STATEMENT_MS_MAX,
    applicationName: `bourse-migrate-${schema}`,
  });
  try {
    const applied = await migrate(pool, migrations, { schema });
    const what = applied.length === 0 ? "nothing to do" : `applied ${applied.join(", ")}`;
    process.stdout.write(`schema ${schema}: ${what}\n`);
  } catch (error) {
    // The message of a failed connection or statement names hosts and roles, never a password.
    const why = error instanceof Error ? error.message || error.name : String(error);
    process.stderr.write(`schema ${schema}: migration failed: ${why}\n`);
    process.exitCode = 1;
  } finally {
    await pool.end();
  }
}
