// The migration as a step of its own: says what it did, or why not, in its last line.
import { migrate, migrateDown } from "./migrate.js";
import { openPool } from "./pool.js";

const STATEMENT_MS_MAX = 60_000;

/**
 * Applies what is missing and prints it; with the arguments `--to N` undoes every migration above N, for the
 * way back to a release that does not know them. A failure is printed and sets exit code 1.
 */
export async function migrateOnce(options: {
  readonly url: string;
  readonly migrations: URL;
  readonly schema: string;
  readonly args?: readonly string[];
}): Promise<void> {
  const { url, migrations, schema, args = [] } = options;
  const pool = openPool(url, {
    connectionsMax: 1,
    statementTimeoutMs: STATEMENT_MS_MAX,
    applicationName: `bourse-migrate-${schema}`,
    // Nothing here is prepared, and the address may be a pooler's.
    preparedStatements: false,
  });
  try {
    const to = undoTo(args);
    const names =
      to === undefined
        ? await migrate(pool, migrations, { schema })
        : await migrateDown(pool, migrations, { schema, to });
    const done = `${to === undefined ? "applied" : "undid"} ${names.join(", ")}`;
    process.stdout.write(`schema ${schema}: ${names.length === 0 ? "nothing to do" : done}\n`);
  } catch (error) {
    // The message of a failed connection or statement names hosts and roles, never a password.
    const why = error instanceof Error ? error.message || error.name : String(error);
    process.stderr.write(`schema ${schema}: migration failed: ${why}\n`);
    process.exitCode = 1;
  } finally {
    await pool.end();
  }
}

function undoTo(args: readonly string[]): number | undefined {
  if (args.length === 0) return undefined;
  const [flag, number = ""] = args;
  if (args.length === 2 && flag === "--to" && /^\d{1,4}$/.test(number)) return Number(number);
  throw new Error(`arguments are none, or --to and the number of a migration; not "${args.join(" ")}"`);
}
