// Numbered migrations in plain SQL, up and down, under an advisory lock.
import { readdir, readFile } from "node:fs/promises";
import pg from "pg";
import type { Pool, PoolClient } from "./pool.js";

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly up: string;
  readonly down: string;
}

/** One lock for every migration of the database: two processes that start together wait for each other. */
const LOCK_KEY = 7_310_579;

/** Reads `NNNN-name.up.sql` and `NNNN-name.down.sql` of a directory; every up has a down. */
export async function readMigrations(directory: URL): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith(".up.sql")).sort();
  return Promise.all(
    files.map(async (file) => {
      const name = file.slice(0, -".up.sql".length);
      const [up, down] = await Promise.all([
        readFile(new URL(file, directory), "utf8"),
        readFile(new URL(`${name}.down.sql`, directory), "utf8"),
      ]);
      return { number: Number(name.slice(0, 4)), name, up, down };
    }),
  );
}

/** Applies what is missing, each migration in a transaction with its mark. Returns the names applied. */
export async function migrate(pool: Pool, directory: URL, options: { schema: string }): Promise<string[]> {
  const migrations = await readMigrations(directory);
  return locked(pool, options.schema, async (client, applied) => {
    const missing = migrations.filter(({ number }) => !applied.has(number));
    for (const { number, name, up } of missing) {
      await inOwnTransaction(client, async () => {
        await client.query(up);
        await client.query(`INSERT INTO ${table(options.schema)} (number, name) VALUES ($1, $2)`, [
          number,
          name,
        ]);
      });
    }
    return missing.map(({ name }) => name);
  });
}

/** Undoes every migration above `to`, newest first. Returns the names undone. */
export async function migrateDown(
  pool: Pool,
  directory: URL,
  options: { schema: string; to: number },
): Promise<string[]> {
  const migrations = (await readMigrations(directory)).reverse();
  return locked(pool, options.schema, async (client, applied) => {
    const surplus = migrations.filter(({ number }) => number > options.to && applied.has(number));
    for (const { number, down } of surplus) {
      await inOwnTransaction(client, async () => {
        await client.query(down);
        await client.query(`DELETE FROM ${table(options.schema)} WHERE number = $1`, [number]);
      });
    }
    return surplus.map(({ name }) => name);
  });
}

async function locked<T>(
  pool: Pool,
  schema: string,
  run: (client: PoolClient, applied: ReadonlySet<number>) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    // A session's lock, given back below; a transaction-mode pooler must not stand in between.
    await client.query("SELECT pg_advisory_lock($1)", [LOCK_KEY]);
    try {
      await client.query(`CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(schema)}`);
      await client.query(`CREATE TABLE IF NOT EXISTS ${table(schema)}
        (number int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
      const { rows } = await client.query<{ number: number }>(`SELECT number FROM ${table(schema)}`);
      return await run(client, new Set(rows.map(({ number }) => number)));
    } finally {
      await client.query("SELECT pg_advisory_unlock($1)", [LOCK_KEY]);
    }
  } finally {
    client.release();
  }
}

async function inOwnTransaction(client: PoolClient, run: () => Promise<void>): Promise<void> {
  await client.query("BEGIN");
  try {
    await run();
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}

function table(schema: string): string {
  return `${pg.escapeIdentifier(schema)}.schema_migrations`;
}
