import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freshDatabase, type TestDatabase } from "../testing/postgres.js";
import { migrate, migrateDown } from "./migrate.js";
import { openPool } from "./pool.js";
import { inTransaction } from "./transaction.js";

let database: TestDatabase;
const schema = "shop";

function directoryOf(files: Record<string, string>): URL {
  const directory = mkdtempSync(join(tmpdir(), "bourse-migrations-"));
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(directory, name), sql);
  return pathToFileURL(`${directory}/`);
}

/** Migrations of a schema by name, with these ups; the downs do nothing. */
function upsOf(ups: Record<string, string>): URL {
  return directoryOf(
    Object.fromEntries(
      Object.entries(ups).flatMap(([name, sql]) => [
        [`${name}.up.sql`, sql],
        [`${name}.down.sql`, "SELECT 1"],
      ]),
    ),
  );
}

const directory = directoryOf({
  "0001-things.up.sql": "CREATE TABLE shop.things (id int PRIMARY KEY)",
  "0001-things.down.sql": "DROP TABLE shop.things",
  "0002-names.up.sql": "ALTER TABLE shop.things ADD COLUMN name text",
  "0002-names.down.sql": "ALTER TABLE shop.things DROP COLUMN name",
});

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

test("migrations go up once, however many start together, and down with data in the tables", async () => {
  const runs = await Promise.all([1, 2, 3].map(() => migrate(database.pool, directory, { schema })));
  expect(runs.flat().sort()).toEqual(["0001-things", "0002-names"]);
  await database.pool.query("INSERT INTO shop.things VALUES (1, 'one')");
  expect(await migrateDown(database.pool, directory, { schema, to: 1 })).toEqual(["0002-names"]);
  expect(await migrate(database.pool, directory, { schema })).toEqual(["0002-names"]);
  const { rows } = await database.pool.query("SELECT id, name FROM shop.things");
  expect(rows).toEqual([{ id: 1, name: null }]);
});

test("a migration that fails leaves nothing of itself, and what came before it stays", async () => {
  const broken = upsOf({
    "0001-whole": "CREATE TABLE shop2.whole (id int)",
    "0002-broken": "CREATE TABLE shop2.half (id int); SELECT 1 / 0",
  });
  await expect(migrate(database.pool, broken, { schema: "shop2" })).rejects.toThrow("division by zero");
  const { rows } = await database.pool.query(
    "SELECT to_regclass('shop2.half') AS half, (SELECT array_agg(name) FROM shop2.schema_migrations) AS applied",
  );
  expect(rows).toEqual([{ half: null, applied: ["0001-whole"] }]);
});

test("a program does not run on a schema that is newer than what it knows", async () => {
  const [things, names] = ["CREATE TABLE shop3.things (id int)", "ALTER TABLE shop3.things ADD name text"];
  await migrate(database.pool, upsOf({ "0001-things": things, "0002-names": names }), { schema: "shop3" });
  await expect(migrate(database.pool, upsOf({ "0001-things": things }), { schema: "shop3" })).rejects.toThrow(
    "schema shop3 is newer than this program: 0002-names was applied, and only programs that know it may run on it. " +
      "Start the newer release, or undo the migration with that release (--to 1)",
  );
  const other = upsOf({ "0001-things": things, "0002-labels": names });
  await expect(migrate(database.pool, other, { schema: "shop3" })).rejects.toThrow(
    "migration 2 of schema shop3 is 0002-names there and 0002-labels here",
  );
});

test("a program runs on a newer schema whose migrations say that it may", async () => {
  const things = { "0001-things": "CREATE TABLE shop4.things (id int)" };
  const names = { "0002-names": "-- Only adds.\n-- oldest: 0001\nALTER TABLE shop4.things ADD name text" };
  await migrate(database.pool, upsOf({ ...things, ...names }), { schema: "shop4" });
  expect(await migrate(database.pool, upsOf(things), { schema: "shop4" })).toEqual([]);
  const drop = { "0003-less": "-- oldest: 0002\nALTER TABLE shop4.things DROP id" };
  await migrate(database.pool, upsOf({ ...things, ...names, ...drop }), { schema: "shop4" });
  expect(await migrate(database.pool, upsOf({ ...things, ...names }), { schema: "shop4" })).toEqual([]);
  await expect(migrate(database.pool, upsOf(things), { schema: "shop4" })).rejects.toThrow(
    "0003-less was applied",
  );
});

test("a migration that waits for a table lets others pass, and is made when the table is free", async () => {
  const reader = await database.pool.connect();
  await reader.query("BEGIN; CREATE SCHEMA shop5; CREATE TABLE shop5.things (id int); COMMIT");
  await reader.query("BEGIN; SELECT FROM shop5.things");
  const migrated = migrate(database.pool, upsOf({ "0001-names": "ALTER TABLE shop5.things ADD name text" }), {
    schema: "shop5",
  });
  // Waits behind the migration that waits for the reader, until that one gives way.
  await expect.poll(() => waitsFor("ALTER TABLE shop5"), { interval: 20 }).toBe(true);
  await database.pool.query("INSERT INTO shop5.things VALUES (1)");
  await reader.query("COMMIT");
  reader.release();
  expect(await migrated).toEqual(["0001-names"]);
});

async function waitsFor(statement: string): Promise<boolean> {
  const { rows } = await database.pool.query(
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1",
    [`${statement}%`],
  );
  return rows.length > 0;
}

test("a backup that reads everything keeps nobody from starting", async () => {
  const backup = await database.pool.connect();
  await backup.query("BEGIN; LOCK TABLE shop.things, shop.schema_migrations IN ACCESS SHARE MODE");
  try {
    expect(await migrate(database.pool, directory, { schema })).toEqual([]);
  } finally {
    await backup.query("ROLLBACK");
    backup.release();
  }
});

test("marks of a program that knew no oldest are taken over", async () => {
  await database.pool.query(
    `CREATE SCHEMA shop8; CREATE TABLE shop8.things (id int);
     CREATE TABLE shop8.schema_migrations
       (number int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
     INSERT INTO shop8.schema_migrations (number, name) VALUES (1, '0001-things')`,
  );
  const next = { "0001-things": "SELECT 1", "0002-names": "ALTER TABLE shop8.things ADD name text" };
  expect(await migrate(database.pool, upsOf(next), { schema: "shop8" })).toEqual(["0002-names"]);
  await expect(migrate(database.pool, upsOf({}), { schema: "shop8" })).rejects.toThrow(
    "0001-things was applied",
  );
});

test("a role that may make no schema migrates the one it owns", async () => {
  await database.pool.query("CREATE SCHEMA shop6 AUTHORIZATION bourse_wallet");
  const url = new URL(database.url);
  url.username = "bourse_wallet";
  const options = { connectionsMax: 1, statementTimeoutMs: 5_000, applicationName: "test" };
  const pool = openPool(url.href, options);
  try {
    const things = upsOf({ "0001-things": "CREATE TABLE shop6.things (id int)" });
    expect(await migrate(pool, things, { schema: "shop6" })).toEqual(["0001-things"]);
    await expect(migrate(pool, things, { schema: "shop7" })).rejects.toThrow(
      "permission denied for database",
    );
  } finally {
    await pool.end();
  }
});

test("a transaction that throws is rolled back and its connection stays usable", async () => {
  const doomed = inTransaction(database.pool, async (client) => {
    await client.query("INSERT INTO shop.things VALUES (2, 'two')");
    throw new Error("changed my mind");
  });
  await expect(doomed).rejects.toThrow("changed my mind");
  const { rows } = await database.pool.query("SELECT count(*) AS things FROM shop.things WHERE id = 2");
  expect(rows).toEqual([{ things: 0 }]);
});

test("statements without names and settings with each transaction, for a pooler", async () => {
  const settings = { random_page_cost: "1.5" };
  const seen =
    "SELECT current_setting('random_page_cost') AS cost, current_setting('statement_timeout') AS timeout";
  const options = { connectionsMax: 1, statementTimeoutMs: 4_000, applicationName: "test", settings };
  for (const preparedStatements of [true, false]) {
    const pool = openPool(database.url, { ...options, preparedStatements });
    try {
      const inside = await inTransaction(pool, async (client) => {
        const { rows } = await client.query({ name: "seen", text: `${seen}, $1::int AS n`, values: [1] });
        const prepared = await client.query("SELECT name FROM pg_prepared_statements");
        return { ...rows[0], prepared: prepared.rows.map(({ name }) => name) };
      });
      const set = { cost: "1.5", timeout: "4s" };
      expect(inside).toEqual({ ...set, n: 1, prepared: preparedStatements ? ["seen"] : [] });
      // The session itself is as the server made it.
      const outside = (await pool.query(seen)).rows[0];
      expect(outside).toEqual(preparedStatements ? set : { cost: "1.1", timeout: "0" });
    } finally {
      await pool.end();
    }
  }
});
