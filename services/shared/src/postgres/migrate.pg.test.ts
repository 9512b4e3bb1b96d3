import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freshDatabase, type TestDatabase } from "../testing/postgres.js";
import { migrate, migrateDown } from "./migrate.js";
import { inTransaction } from "./transaction.js";

let database: TestDatabase;
const schema = "shop";

function directoryOf(files: Record<string, string>): URL {
  const directory = mkdtempSync(join(tmpdir(), "bourse-migrations-"));
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(directory, name), sql);
  return pathToFileURL(`${directory}/`);
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
  expect(runs.flat()).toEqual(["0001-things", "0002-names"]);
  await database.pool.query("INSERT INTO shop.things VALUES (1, 'one')");
  expect(await migrateDown(database.pool, directory, { schema, to: 1 })).toEqual(["0002-names"]);
  expect(await migrate(database.pool, directory, { schema })).toEqual(["0002-names"]);
  const { rows } = await database.pool.query("SELECT id, name FROM shop.things");
  expect(rows).toEqual([{ id: 1, name: null }]);
});

test("a migration that fails leaves nothing of itself", async () => {
  const broken = directoryOf({
    "0001-broken.up.sql": "CREATE TABLE shop2.half (id int); SELECT 1 / 0",
    "0001-broken.down.sql": "DROP TABLE shop2.half",
  });
  await expect(migrate(database.pool, broken, { schema: "shop2" })).rejects.toThrow("division by zero");
  const { rows } = await database.pool.query("SELECT to_regclass('shop2.half') AS half");
  expect(rows).toEqual([{ half: null }]);
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
