// Numbered migrations in plain SQL, up and down, each in a transaction of its own under an advisory lock.
import { readdir, readFile } from "node:fs/promises";
import pg from "pg";
import { systemClock } from "../runtime/clock.js";
import { retry } from "../runtime/retry.js";
import type { Pool, PoolClient } from "./pool.js";
import { inTransaction } from "./transaction.js";

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly up: string;
  readonly down: string;
  /** A program that knows at least this migration runs on the schema after this one. */
  readonly oldest: number;
}

/** One lock for every migration of the database: two processes that start together wait for each other. */
const LOCK_KEY = 7_310_579;
/** How long one migration may take, the wait for another process's included. */
const MIGRATION_MS_MAX = 3_600_000;
/** Who waits for a table lets those behind it pass after so long, and tries again. */
const TABLE_LOCK_MS_MAX = 5_000;
const RETRIES = { attempts: 20, baseMs: 200, capMs: 5_000, clock: systemClock, random: Math.random };

/**
 * Reads `NNNN-name.up.sql` and `NNNN-name.down.sql` of a directory; every up has a down. A line
 * `-- oldest: NNNN` of an up says that programs which know no later migration than that go on running on the
 * schema; without it a program must know the migration itself.
 */
export async function readMigrations(directory: URL): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith(".up.sql")).sort();
  return Promise.all(
    files.map(async (file) => {
      const name = file.slice(0, -".up.sql".length);
      const [up, down] = await Promise.all([
        readFile(new URL(file, directory), "utf8"),
        readFile(new URL(`${name}.down.sql`, directory), "utf8"),
      ]);
      const number = Number(name.slice(0, 4));
      return { number, name, up, down, oldest: Number(/^-- oldest: (\d{4})$/m.exec(up)?.[1] ?? number) };
    }),
  );
}

/**
 * Applies what is missing, each migration in a transaction with its mark, also through a pooler. Returns the
 * names applied. Fails before it changes anything when the schema is newer than this program knows how to use.
 */
export async function migrate(pool: Pool, directory: URL, options: { schema: string }): Promise<string[]> {
  const migrations = await readMigrations(directory);
  const { schema } = options;
  const before = await locked(pool, schema, (_, marks) => Promise.resolve(marks));
  refuseUnknown(schema, migrations, before);
  const applied: string[] = [];
  for (const { number, name, up, oldest } of migrations.filter((each) => !before.has(each.number))) {
    const isDone = await locked(pool, schema, async (client, marks) => {
      if (marks.has(number)) return false;
      await client.query(patient(up));
      await client.query(`INSERT INTO ${table(schema)} (number, name, oldest) VALUES ($1, $2, $3)`, [
        number,
        name,
        oldest,
      ]);
      return true;
    });
    if (isDone) applied.push(name);
  }
  return applied;
}

/** Undoes every migration above `to`, newest first. Returns the names undone. */
export async function migrateDown(
  pool: Pool,
  directory: URL,
  options: { schema: string; to: number },
): Promise<string[]> {
  const { schema, to } = options;
  const undone: string[] = [];
  for (const { number, name, down } of (await readMigrations(directory)).reverse()) {
    if (number <= to) break;
    const isDone = await locked(pool, schema, async (client, marks) => {
      if (!marks.has(number)) return false;
      await client.query(patient(down));
      await client.query(`DELETE FROM ${table(schema)} WHERE number = $1`, [number]);
      return true;
    });
    if (isDone) undone.push(name);
  }
  return undone;
}

interface Mark {
  readonly number: number;
  readonly name: string;
  /** Absent in marks of before. */
  readonly oldest: number | null;
}

function refuseUnknown(
  schema: string,
  migrations: readonly Migration[],
  marks: ReadonlyMap<number, Mark>,
): void {
  const known = migrations.at(-1)?.number ?? 0;
  for (const { number, name, oldest } of marks.values()) {
    const own = migrations.find((each) => each.number === number);
    if (own !== undefined && own.name !== name)
      throw new Error(`migration ${number} of schema ${schema} is ${name} there and ${own.name} here`);
    if (own === undefined && (oldest ?? number) > known)
      throw new Error(
        `schema ${schema} is newer than this program: ${name} was applied, and only programs that know it may ` +
          `run on it. Start the newer release, or undo the migration with that release (--to ${known})`,
      );
  }
}

/**
 * Runs in a transaction that holds the migrations' lock, which ends with it: a lock of the session would stay
 * with a pooler. Tried again when a table was not free in time, or a deadlock was resolved at our cost.
 */
function locked<T>(
  pool: Pool,
  schema: string,
  run: (client: PoolClient, marks: ReadonlyMap<number, Mark>) => Promise<T>,
): Promise<T> {
  const once = () =>
    inTransaction(pool, async (client) => {
      await client.query(`SET LOCAL statement_timeout = ${MIGRATION_MS_MAX}`);
      await client.query(patient(`SELECT pg_advisory_xact_lock(${LOCK_KEY})`));
      await client.query(`SET LOCAL lock_timeout = ${TABLE_LOCK_MS_MAX}`);
      await makeTable(client, schema);
      const { rows } = await client.query<Mark>(`SELECT number, name, oldest FROM ${table(schema)}`);
      return run(client, new Map(rows.map((mark) => [mark.number, mark])));
    });
  return retry(once, { ...RETRIES, isRetryable: wasInTheWay });
}

// Looks first: IF NOT EXISTS would ask for the right to make schemas, and for a lock on the table that a backup
// holds for long, where there is nothing to make.
async function makeTable(client: PoolClient, schema: string): Promise<void> {
  const { rows } = await client.query<{ has_schema: boolean; has_table: boolean; has_oldest: boolean }>(
    `SELECT to_regnamespace(quote_ident($1)) IS NOT NULL AS has_schema,
            to_regclass(quote_ident($1) || '.schema_migrations') IS NOT NULL AS has_table,
            EXISTS (SELECT FROM pg_attribute WHERE attname = 'oldest' AND NOT attisdropped
                      AND attrelid = to_regclass(quote_ident($1) || '.schema_migrations')) AS has_oldest`,
    [schema],
  );
  const [has] = rows;
  if (has?.has_schema !== true) await client.query(`CREATE SCHEMA ${pg.escapeIdentifier(schema)}`);
  if (has?.has_table !== true)
    await client.query(`CREATE TABLE ${table(schema)} (number int PRIMARY KEY, name text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now(), oldest int)`);
  // Marks of before do not say it.
  else if (!has.has_oldest) await client.query(`ALTER TABLE ${table(schema)} ADD COLUMN oldest int`);
}

/** A statement for which the driver waits longer than the pool's own limit. */
function patient(text: string): pg.QueryConfig {
  return { text, query_timeout: MIGRATION_MS_MAX } as pg.QueryConfig;
}

function wasInTheWay(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "55P03" || code === "40P01";
}

function table(schema: string): string {
  return `${pg.escapeIdentifier(schema)}.schema_migrations`;
}
