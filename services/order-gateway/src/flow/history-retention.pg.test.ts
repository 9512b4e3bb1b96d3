import { createLogger } from "@bourse/shared/runtime/log.js";
import { manualClock } from "@bourse/shared/testing/clock.js";
import { freshDatabase, type TestDatabase } from "@bourse/shared/testing/postgres.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { projectedSeq } from "../io/history-cursor.js";
import { fakeMatcher } from "../testing/fake-matcher.js";
import { playSession } from "../testing/shard-session.js";
import { type TinyShard, tinyShard } from "../testing/tiny-shard.js";
import { HistoryPartitions } from "./history-partitions.js";
import { keepRetention } from "./history-retention.js";
import { projectHistory } from "./project-history.js";

const migrations = new URL("../../migrations/", import.meta.url);
const log = createLogger({ service: "test", level: "silent" });
const DAY_MS = 86_400_000;
/** After all that the sessions play. */
const NOW = Date.UTC(2027, 1, 1);
const VIEWS = ["audit_order_mismatches", "audit_trade_mismatches", "audit_fee_mismatches"];

let database: TestDatabase;
let partitions: HistoryPartitions;
beforeEach(async () => {
  database = await freshDatabase({ directory: migrations, schema: "orders" });
  partitions = new HistoryPartitions(database.pool);
});
afterEach(() => database.drop());

const count = async (what: string) =>
  (await database.pool.query<{ count: number }>(`SELECT count(*)::int FROM orders.${what}`)).rows[0]?.count;

/** Projects what the shard has. */
async function project(shard: TinyShard, own = partitions): Promise<void> {
  const stop = new AbortController();
  await projectHistory({
    ...{ shard: shard.shard, pool: database.pool, partitions: own, signal: stop.signal, log },
    matcher: fakeMatcher(shard, { epoch: 9, random: seededRandom(1) }),
    clock: { ...manualClock(0), sleep: () => Promise.resolve() },
    ...{ batchRecordsMax: 50, bufferRecordsMax: 100, onLag: () => {}, onRows: () => {} },
    onPosition: ({ seq }) => seq === shard.records.length && stop.abort(),
  });
}

/** A history of November 20 to 24 or so and of January. */
async function twoMonths(): Promise<TinyShard> {
  const shard = tinyShard();
  playSession(shard, { seed: 21, length: 800 });
  shard.pass(50 * DAY_MS);
  playSession(shard, { seed: 22, length: 100 });
  await project(shard);
  return shard;
}

test("what is past is detached whole, but for months with open orders; what is kept is audited as ever", async () => {
  const shard = await twoMonths();
  const [orders, trades] = [await count("orders"), await count("trades")];
  const december = Date.UTC(2026, 11, 1);
  while ((await partitions.detachBefore(december, NOW)).length > 0);
  // Orders of November are open: their month stays, its trades do not.
  expect(await count("orders")).toBe(orders);
  expect(await count("trades")).toBeLessThan(trades ?? 0);
  for (const view of VIEWS) expect(await count(view)).toBe(0);
  for (const { terms } of [...shard.orders.values()]) shard.cancel(terms.orderId);
  await project(shard);
  expect(await partitions.detachBefore(december, NOW)).toEqual(["detached_orders_2026_11"]);
  const kept = [...shard.orders.values()].filter(({ createdAtMs }) => createdAtMs >= december);
  expect(await count("orders")).toBe(kept.length);
  expect(((await count("orders")) ?? 0) + ((await count("detached_orders_2026_11")) ?? 0)).toBe(orders);
  for (const view of VIEWS) expect(await count(view)).toBe(0);
  const { rows } = await database.pool.query("SELECT orders_from, trades_from FROM orders.audit_retention");
  expect(rows[0].orders_from.getTime()).toBe(december);
  expect(rows[0].trades_from.getTime()).toBeLessThanOrEqual(december);
});

test("what is wrong with what is kept still shows", async () => {
  const shard = await twoMonths();
  for (const { terms } of [...shard.orders.values()]) shard.cancel(terms.orderId);
  await project(shard);
  while ((await partitions.detachBefore(Date.UTC(2026, 11, 1), NOW)).length > 0);
  await database.pool.query(`UPDATE orders.trades SET fee = fee + 0.00000001 WHERE side = 'SELL'`);
  expect(await count("audit_fee_mismatches")).toBeGreaterThan(0);
  expect(await count("audit_order_mismatches")).toBe(0);
  await database.pool.query("DELETE FROM orders.trades WHERE trade_index = 0");
  expect(await count("audit_order_mismatches")).toBeGreaterThan(0);
});

test("a projector goes on where another one detached what it knew", async () => {
  const shard = tinyShard();
  playSession(shard, { seed: 23, length: 50 });
  await project(shard);
  for (const { terms } of [...shard.orders.values()]) shard.cancel(terms.orderId);
  await project(shard);
  await new HistoryPartitions(database.pool).detachBefore(Date.UTC(2027, 0, 1), NOW);
  expect(await count("orders")).toBe(0);
  playSession(shard, { seed: 24, length: 50 });
  await project(shard);
  expect(await projectedSeq(database.pool, 0)).toBe(shard.records.length);
  expect(await count("orders")).toBeGreaterThan(0);
});

test("detaching waits two seconds for a reader, then lets those behind it pass", async () => {
  await partitions.ensureAhead(Date.UTC(2026, 0, 1), 1);
  const reader = await database.pool.connect();
  try {
    await reader.query("BEGIN");
    await reader.query("SELECT FROM orders.trades");
    await expect(partitions.detachBefore(Date.UTC(2026, 5, 1), NOW)).rejects.toMatchObject({ code: "55P03" });
    await reader.query("COMMIT");
  } finally {
    reader.release();
  }
  expect(await partitions.detachBefore(Date.UTC(2026, 5, 1), NOW)).toHaveLength(3);
});

test("the days that are kept move with time; 0 keeps everything", async () => {
  const clock = manualClock(Date.UTC(2026, 0, 10));
  const stop = new AbortController();
  const asked: number[] = [];
  const told: string[][] = [];
  const answers: (string[] | Error)[] = [["a", "b"], ["c"], [], new Error("no database"), ["d"], []];
  const detach = async (beforeMs: number) => {
    asked.push((Date.UTC(2026, 0, 10) - beforeMs) / DAY_MS);
    const answer = answers.shift() ?? [];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const onDetached = (tables: readonly string[]) => told.push([...tables]);
  const options = { detach, onDetached, clock, log, signal: stop.signal };
  await keepRetention({ ...options, days: 0 });
  expect(asked).toEqual([]);
  const running = keepRetention({ ...options, days: 3 });
  const slept = () => vi.waitFor(() => expect(clock.sleeping()).toBe(1));
  await slept();
  clock.advance(3_600_000);
  await slept();
  clock.advance(60_000);
  await slept();
  stop.abort();
  await running;
  const hour = 1 / 24;
  const later = hour + 1 / 1440;
  expect(asked.map((days) => days.toFixed(4))).toEqual(
    [3, 3, 3, 3 - hour, 3 - later, 3 - later].map((days) => days.toFixed(4)),
  );
  expect(told).toEqual([["a", "b"], ["c"], ["d"]]);
});
