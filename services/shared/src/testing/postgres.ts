// A fresh database per caller on the server that the test run started.
import { randomBytes } from "node:crypto";
import pg from "pg";
import { migrate } from "../postgres/migrate.js";
import { openPool, type Pool } from "../postgres/pool.js";

export interface TestDatabase {
  readonly url: string;
  readonly pool: Pool;
  drop(): Promise<void>;
}

/** Creates a database, applies the migrations if any are named, and opens a pool on it. */
export async function freshDatabase(migrations?: { directory: URL; schema: string }): Promise<TestDatabase> {
  const server = process.env.BOURSE_TEST_POSTGRES_URL;
  if (server === undefined)
    throw new Error("BOURSE_TEST_POSTGRES_URL is not set: run tests through npm test");
  const name = `test_${randomBytes(6).toString("hex")}`;
  await onServer(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const pool = openPool(url.href, {
    connectionsMax: 20,
    statementTimeoutMs: 10_000,
    applicationName: "test",
  });
  if (migrations !== undefined) await migrate(pool, migrations.directory, { schema: migrations.schema });
  return {
    url: url.href,
    pool,
    async drop() {
      await pool.end();
      await onServer(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
