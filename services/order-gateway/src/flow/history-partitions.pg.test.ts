import { createLogger } from "@bourse/shared/runtime/log.js";
import { manualClock } from "@bourse/shared/testing/clock.js";
import { freshDatabase, type TestDatabase } from "@bourse/shared/testing/postgres.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HistoryPartitions } from "./history-partitions.js";

const migrations = new URL("../../migrations/", import.meta.url);
const log = createLogger({ service: "test", level: "silent" });
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

test("partitions are made ahead over the turn of the year, again every hour", async () => {
  const stop = new AbortController();
  const clock = manualClock(DECEMBER_30);
  const ahead: number[] = [];
  let wake = () => {};
  const told = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  const onAhead = (days: number) => {
    ahead.push(days);
    wake();
  };
  const first = told();
  const made = new HistoryPartitions(database.pool);
  const running = made.keepAhead({ daysAhead: 2, clock, log, signal: stop.signal, onAhead });
  await first;
  const days = ["trades_2026_12_30", "trades_2026_12_31", "trades_2027_01_01"];
  expect(await partitions()).toEqual(["orders_2026_12", "orders_2027_01", ...days]);
  const second = told();
  clock.advance(3_600_000);
  await second;
  expect(await partitions()).toEqual(["orders_2026_12", "orders_2027_01", ...days, "trades_2027_01_02"]);
  expect(ahead).toEqual([2, 2]);
  stop.abort();
  await running;
});

test("a batch gets the partitions of its own times, whenever they are", async () => {
  const made = new HistoryPartitions(database.pool);
  const orders = [{ createdAtMs: Date.UTC(2031, 1, 28) }, { createdAtMs: Date.UTC(2031, 2, 1) }];
  const fills = [{ executedAtMs: Date.UTC(2031, 2, 1) }];
  const changes = { orders, fills };
  await Promise.all([made.ensureFor(changes), new HistoryPartitions(database.pool).ensureFor(changes)]);
  expect(await partitions()).toEqual(["orders_2031_02", "orders_2031_03", "trades_2031_03_01"]);
});
