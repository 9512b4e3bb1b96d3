import { freshDatabase, type TestDatabase } from "@bourse/shared/testing/postgres.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HistoryPartitions } from "./history-partitions.js";

const migrations = new URL("../../migrations/", import.meta.url);
const DECEMBER_30 = Date.UTC(2026, 11, 30, 23, 30);

let database: TestDatabase;
beforeEach(async () => {
  database = await freshDatabase({ directory: migrations, schema: "orders" });
});
afterEach(() => database.drop());

async function partitions(): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE c.relkind = 'r' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

test("partitions are made ahead over the turn of the year, from each day on", async () => {
  const made = new HistoryPartitions(database.pool);
  expect(await made.ensureAhead(DECEMBER_30, 2)).toBe(2);
  const days = ["trades_2026_12_30", "trades_2026_12_31", "trades_2027_01_01"];
  expect(await partitions()).toEqual(["orders_2026_12", "orders_2027_01", ...days]);
  expect(await made.ensureAhead(DECEMBER_30 + 3_600_000, 2)).toBe(2);
  expect(await partitions()).toEqual(["orders_2026_12", "orders_2027_01", ...days, "trades_2027_01_02"]);
});

test("a batch gets the partitions of its own times, whenever they are", async () => {
  const made = new HistoryPartitions(database.pool);
  const orders = [{ createdAtMs: Date.UTC(2031, 1, 28) }, { createdAtMs: Date.UTC(2031, 2, 1) }];
  const fills = [{ executedAtMs: Date.UTC(2031, 2, 1) }];
  const changes = { orders, fills };
  await Promise.all([made.ensureFor(changes), new HistoryPartitions(database.pool).ensureFor(changes)]);
  expect(await partitions()).toEqual(["orders_2031_02", "orders_2031_03", "trades_2031_03_01"]);
});
