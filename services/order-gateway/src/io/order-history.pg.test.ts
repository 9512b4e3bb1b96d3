import { AssertionFailed } from "@bourse/shared/assert.js";
import {
  EndReason,
  OrderStatus,
  OrderType,
  SelfTradePrevention,
  Side,
  TimeInForce,
  TradeRole,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { migrate, migrateDown } from "@bourse/shared/postgres/migrate.js";
import { inTransaction } from "@bourse/shared/postgres/transaction.js";
import { freshDatabase, type TestDatabase } from "@bourse/shared/testing/postgres.js";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Fill, NewOrder } from "../core/order-history-types.js";
import { fenceCursor, moveCursor, projectedSeq, readCursor } from "./history-cursor.js";
import { ensurePartitions } from "./history-partitions.js";
import { insertOrders, listOrders, type OrdersCursor, updateOrders } from "./orders-table.js";
import { insertTrades, listTrades, type TradesCursor } from "./trades-table.js";

const migrations = new URL("../../migrations/", import.meta.url);
const USER = "00000000-0000-4000-8000-000000000001";
const OTHER = "00000000-0000-4000-8000-000000000002";
const DAY_MS = 86_400_000;
const JANUARY = Date.UTC(2026, 0, 31, 12);

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase({ directory: migrations, schema: "orders" });
});
afterAll(() => database.drop());

describe("migrations", () => {
  test("go up, down and up again, and leave nothing in between", async () => {
    const empty = await freshDatabase();
    try {
      await migrate(empty.pool, migrations, { schema: "orders" });
      await ensurePartitions(empty.pool, { orderMonths: ["2026-01-15"], tradeDays: ["2026-01-15"] });
      await migrateDown(empty.pool, migrations, { schema: "orders", to: 0 });
      const left = await empty.pool.query(
        `SELECT relname FROM pg_class WHERE relnamespace = 'orders'::regnamespace AND relname !~ 'schema_migrations'
         UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'orders'::regnamespace`,
      );
      expect(left.rows).toEqual([]);
      await migrate(empty.pool, migrations, { schema: "orders" });
    } finally {
      await empty.drop();
    }
  });
});

describe("the migration to stops and amends", () => {
  test("goes up and down with orders in the tables", async () => {
    const own = await freshDatabase();
    const shown = async () => {
      const columns = "client_order_id, type, status, quantity::float, filled_quantity::float";
      return (await own.pool.query(`SELECT ${columns} FROM orders.orders ORDER BY accepted_seq`)).rows;
    };
    try {
      await migrate(own.pool, migrations, { schema: "orders" });
      await migrateDown(own.pool, migrations, { schema: "orders", to: 2 });
      await ensurePartitions(own.pool, { orderMonths: ["2026-01-15"], tradeDays: [] });
      // Orders of before, as the projector of then stored them.
      await own.pool.query(
        `INSERT INTO orders.orders (order_id, created_at, user_id, client_order_id, symbol, shard, accepted_seq,
                                    side, type, time_in_force, price, quantity, quote_budget, post_only, status,
                                    reason, filled_quantity, executed_quote, updated_at)
         SELECT gen_random_uuid(), t, $1, v.*, t
           FROM (VALUES ('limit', 'BTC/USDT', 0, 1, 1, 1, 1, 100, 1, NULL::numeric, false, 2, 0, 0, 0),
                        ('market', 'BTC/USDT', 0, 2, 1, 2, 2, NULL, NULL, 5, false, 4, 0, 1, 4)) AS v,
                (SELECT '2026-01-15 00:00:00+00'::timestamptz AS t) AS at`,
        [USER],
      );
      await migrate(own.pool, migrations, { schema: "orders" });
      const old = { stop_price: null, self_trade_prevention: "CANCEL_TAKER", triggered: false };
      const { rows } = await own.pool.query(
        "SELECT stop_price, self_trade_prevention, triggered FROM orders.audit_orders",
      );
      expect(rows).toEqual([old, old]);
      const january = Date.UTC(2026, 0, 20);
      const at = { createdAtMs: january, updatedAtMs: january };
      const later = [
        { ...order(3), ...at, type: 3, price: undefined, stopPrice: "90", status: 1, clientOrderId: "stop" },
        { ...order(4), ...at, type: 4, stopPrice: "90", status: 2, reason: 0, triggered: true },
      ];
      await inTransaction(own.pool, (client) => insertOrders(client, 0, later));
      await migrateDown(own.pool, migrations, { schema: "orders", to: 2 });
      expect(await shown()).toEqual([
        { client_order_id: "limit", type: 1, status: 2, quantity: 1, filled_quantity: 0 },
        { client_order_id: "market", type: 2, status: 4, quantity: null, filled_quantity: 1 },
        { client_order_id: "stop", type: 3, status: 1, quantity: 1, filled_quantity: 0 },
        { client_order_id: "4", type: 4, status: 2, quantity: 1, filled_quantity: 0 },
      ]);
      await own.pool.query("DELETE FROM orders.orders WHERE type > 2");
      await migrate(own.pool, migrations, { schema: "orders" });
      await ensurePartitions(own.pool, { orderMonths: ["2026-05-01"], tradeDays: [] });
    } finally {
      await own.drop();
    }
  });
});

describe("partitions", () => {
  test("are created once, by month and by day, whoever asks at the same time", async () => {
    const wanted = {
      orderMonths: ["2027-02-28", "2027-02-01", "2027-03-01"],
      tradeDays: ["2027-02-28", "2027-03-01"],
    };
    const created = await Promise.all([1, 2, 3].map(() => ensurePartitions(database.pool, wanted)));
    expect(created.reduce((sum, each) => sum + each)).toBe(4);
    const { rows } = await database.pool.query<{ name: string; bounds: string }>(
      `SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds FROM pg_class c
        WHERE c.relname IN ('orders_2027_02', 'trades_2027_02_28') ORDER BY 1`,
    );
    expect(rows.map(({ name }) => name)).toEqual(["orders_2027_02", "trades_2027_02_28"]);
    expect(rows[0]?.bounds).toMatch(/2027-02-01 00:00:00\+00.*2027-03-01 00:00:00\+00/);
    expect(rows[1]?.bounds).toMatch(/2027-02-28 00:00:00\+00.*2027-03-01 00:00:00\+00/);
  });
});

test("the tables take every reason of the contract", async () => {
  await clear();
  const reasons = Object.values(EndReason).filter((each) => typeof each === "number" && each > 0) as number[];
  const rows = reasons.map((reason, index) => ({
    ...order(index + 1),
    ...{ createdAtMs: JANUARY, updatedAtMs: JANUARY, status: OrderStatus.CANCELLED },
    reason,
  }));
  await inTransaction(database.pool, (client) => insertOrders(client, 0, rows));
  const { orders: stored } = await listOrders(database.pool, { userId: USER, statuses: [], pageSize: 100 });
  expect(stored.map(({ reason }) => reason).sort((a, b) => a - b)).toEqual(reasons.sort((a, b) => a - b));
});

test("the words of the tables are those of the contract, in its order", async () => {
  const types = { side: Side, order_type: OrderType, time_in_force: TimeInForce, order_status: OrderStatus };
  const more = { self_trade_prevention: SelfTradePrevention, trade_role: TradeRole, end_reason: EndReason };
  for (const [name, words] of Object.entries({ ...types, ...more })) {
    const { rows } = await database.pool.query<{ words: string[] }>(
      `SELECT enum_range(NULL::orders.${name})::text[] AS words`,
    );
    const numbers = Object.values(words).filter((each) => typeof each === "number" && each > 0) as number[];
    expect(rows[0]?.words).toEqual(numbers.sort((a, b) => a - b).map((number) => (words as never)[number]));
  }
});

describe("the tables refuse", () => {
  beforeAll(() => withPartitions());
  test.each<[string, Partial<NewOrder>]>([
    ["orders_filled", { filledQuantity: "2", quantity: "1" }],
    ["orders_filled_whole", { status: 4, filledQuantity: "0.5" }],
    ["orders_price", { price: undefined }],
    ["orders_price", { type: 2 }],
    ["orders_quantity_or_budget", { quantity: undefined }],
    ["orders_quote_budget", { quantity: undefined, quoteBudget: "5" }],
    ["orders_reason", { status: 5, reason: 0 }],
    ["orders_reason", { status: 2, reason: 20 }],
    ["orders_rejected_empty", { status: 7, reason: 40, filledQuantity: "0.1" }],
    ["orders_times", { updatedAtMs: JANUARY - 1 }],
    ["orders_stop_price", { type: 4 }],
    ["orders_stop_price", { stopPrice: "90" }],
    ["orders_stop_price", { type: 3, price: undefined, stopPrice: "0" }],
    ["orders_price", { type: 3, stopPrice: "90" }],
    ["orders_price", { type: 4, price: undefined, stopPrice: "90" }],
    ["orders_triggered", { triggered: true }],
    ["orders_triggered", { status: 1 }],
    ["orders_triggered", { type: 4, stopPrice: "90", status: 2 }],
    ["orders_triggered", { type: 4, stopPrice: "90", status: 1, triggered: true }],
    ["orders_triggered", { type: 4, stopPrice: "90", status: 5, reason: 20, filledQuantity: "0.1" }],
  ])("an order that breaks %s", async (constraint, change) => {
    const row = { ...order(1), ...change };
    const insert = inTransaction(database.pool, (client) => insertOrders(client, 0, [row]));
    await expect(insert).rejects.toMatchObject({ constraint });
  });

  test.each<[string, Partial<Fill>]>([
    ["trades_fee", { fee: "1.1" }],
    ["trades_fee", { side: 2, fee: "-1" }],
    ["trades_quantity", { quantity: "0", fee: "0" }],
  ])("a trade that breaks %s", async (constraint, change) => {
    const row = { ...fill(1), ...change };
    const insert = inTransaction(database.pool, (client) => insertTrades(client, 0, [row]));
    await expect(insert).rejects.toMatchObject({ constraint });
  });

  test.each<[string, Partial<NewOrder>]>([
    ["side", { side: 0 }],
    ["type", { type: 0 }],
    ["time_in_force", { timeInForce: 0 }],
    ["status", { status: 0 }],
    ["self_trade_prevention", { selfTradePrevention: 0 }],
  ])("an order without %s", async (column, change) => {
    const row = { ...order(1), ...change };
    const insert = inTransaction(database.pool, (client) => insertOrders(client, 0, [row]));
    await expect(insert).rejects.toMatchObject({ code: "23502", column });
  });

  test.each<[string, Partial<Fill>]>([
    ["side", { side: 0 }],
    ["role", { role: 0 }],
  ])("a trade without %s", async (column, change) => {
    const row = { ...fill(1), ...change };
    const insert = inTransaction(database.pool, (client) => insertTrades(client, 0, [row]));
    await expect(insert).rejects.toMatchObject({ code: "23502", column });
  });

  test("a word of a later contract: the process must end, not write half of it", async () => {
    for (const change of [{ status: 99 }, { reason: 99 }, { side: 3 }]) {
      const row = { ...order(1), ...change };
      const insert = inTransaction(database.pool, (client) => insertOrders(client, 0, [row]));
      await expect(insert).rejects.toBeInstanceOf(AssertionFailed);
    }
  });

  test("a second row of the same half", async () => {
    const insert = inTransaction(database.pool, (client) => insertTrades(client, 0, [fill(1), fill(1)]));
    await expect(insert).rejects.toMatchObject({ code: "23505" });
  });
});

describe("updates", () => {
  beforeEach(async () => {
    await clear();
    await inTransaction(database.pool, (client) => insertOrders(client, 0, [order(1)]));
  });
  const update = {
    ...{
      orderId: order(1).orderId,
      createdAtMs: order(1).createdAtMs,
      reason: 0,
      updatedAtMs: JANUARY + DAY_MS,
    },
    ...{ triggered: false, price: undefined, quantity: undefined, loweredQuantity: "0" },
    ...{
      status: 0,
      addedQuantity: "0.25",
      addedQuote: "25",
      finalQuantity: undefined,
      finalQuote: undefined,
    },
  };
  const apply = (change: object) =>
    inTransaction(database.pool, (client) => updateOrders(client, [{ ...update, ...change }]));

  test("add what was executed", async () => {
    await apply({});
    await apply({ status: 5, reason: 20, finalQuantity: "0.5", finalQuote: "50" });
    const { orders } = await listOrders(database.pool, { userId: USER, statuses: [], pageSize: 1 });
    expect(orders[0]).toMatchObject({ status: 5, reason: 20, filledQuantity: "0.5", executedQuote: "50" });
  });

  test.each([
    ["is not stored", { orderId: OTHER }],
    ["is not stored, whenever it was made", { orderId: OTHER, createdAtMs: undefined }],
    ["disagrees with its final word", { status: 5, reason: 20, finalQuantity: "0.3", finalQuote: "25" }],
    ["disagrees on the notional", { status: 5, reason: 20, finalQuantity: "0.25", finalQuote: "26" }],
  ])("stop when the order %s", async (_, change) => {
    await expect(apply(change)).rejects.toThrow("every changed order is stored");
  });

  test("know what an open order is by what it executed", async () => {
    const shown = async () =>
      (await listOrders(database.pool, { userId: USER, statuses: [], pageSize: 1 })).orders[0];
    await apply({ addedQuantity: "0", addedQuote: "0", price: "90", quantity: "2" });
    expect(await shown()).toMatchObject({ status: 2, price: "90", quantity: "2" });
    await apply({ loweredQuantity: "0.5" });
    expect(await shown()).toMatchObject({ status: 3, price: "90", quantity: "1.5", filledQuantity: "0.25" });
    await apply({ status: 5, reason: 25, quantity: "0.25", addedQuantity: "0", addedQuote: "0" });
    expect(await shown()).toMatchObject({ status: 5, quantity: "0.25", filledQuantity: "0.25" });
  });

  test("let a stop wait until it is triggered, and find it by its id alone", async () => {
    const stop = { ...order(2), type: 4, stopPrice: "95", status: 1, reason: 0 };
    await inTransaction(database.pool, (client) => insertOrders(client, 0, [stop]));
    const shown = async (statuses: number[]) =>
      (await listOrders(database.pool, { userId: USER, statuses, pageSize: 9 })).orders;
    const nothing = { addedQuantity: "0", addedQuote: "0", orderId: stop.orderId };
    await apply({ ...nothing, createdAtMs: stop.createdAtMs, price: "94" });
    expect(await shown([1])).toMatchObject([
      { orderId: stop.orderId, status: 1, price: "94", stopPrice: "95", triggered: false },
    ]);
    const both = [
      { ...update, ...nothing, createdAtMs: undefined, triggered: true },
      { ...update, status: 5, reason: 20 },
    ];
    await inTransaction(database.pool, (client) => updateOrders(client, both));
    expect(await shown([1])).toEqual([]);
    expect(await shown([2])).toMatchObject([{ orderId: stop.orderId, status: 2, triggered: true }]);
  });

  // With a plan that walks the month for each order this does not end before the statement's time does.
  test("of 20,000 orders at once go by their keys, in a partition of which nothing is known yet", async () => {
    await clear();
    const many = Array.from({ length: 20_000 }, (_, number) => ({
      ...order(number * 2 + 1),
      createdAtMs: JANUARY + number,
    }));
    await inTransaction(database.pool, (client) => insertOrders(client, 0, many));
    const end = { ...update, status: 5, reason: 21, addedQuantity: "0", addedQuote: "0" };
    const ended = many.map(({ orderId, createdAtMs }, number) => ({
      ...{ ...end, orderId, createdAtMs: number % 2 === 0 ? createdAtMs : undefined },
    }));
    await inTransaction(database.pool, (client) => updateOrders(client, ended));
    const { rows } = await database.pool.query("SELECT DISTINCT status, reason FROM orders.orders");
    expect(rows).toEqual([{ status: "CANCELLED", reason: "CANCEL_ALL" }]);
  });

  test("stop when the order had ended", async () => {
    await apply({ status: 5, reason: 20 });
    await expect(apply({})).rejects.toThrow("every changed order is stored");
  });
});

describe("lists of orders", () => {
  beforeAll(async () => {
    await clear();
    const many = Array.from({ length: 25 }, (_, number) => order(number + 1));
    const foreign = { ...order(99), userId: OTHER };
    await inTransaction(database.pool, (client) => insertOrders(client, 0, [...many, foreign]));
  });
  const list = (query: object) =>
    listOrders(database.pool, { userId: USER, statuses: [], pageSize: 100, ...query });
  const numbers = async (query: object) =>
    (await list(query)).orders.map(({ clientOrderId }) => Number(clientOrderId));
  const all = Array.from({ length: 25 }, (_, number) => 25 - number);

  test("are newest first, across partitions, and hold one user's orders only", async () => {
    expect(await numbers({})).toEqual(all);
  });

  test("page without gaps or repeats, also where times are equal", async () => {
    const seen: number[] = [];
    let after: OrdersCursor | undefined;
    do {
      const page = await list({ pageSize: 4, after });
      expect(page.orders.length).toBeLessThanOrEqual(4);
      seen.push(...page.orders.map(({ clientOrderId }) => Number(clientOrderId)));
      after = page.next;
    } while (after !== undefined);
    expect(seen).toEqual(all);
  });

  test("a full last page has no next", async () => {
    expect((await list({ pageSize: 25 })).next).toBeUndefined();
    expect((await list({ pageSize: 24 })).next).toBeDefined();
  });

  test("filter by symbol, status and time", async () => {
    expect(await numbers({ symbol: "ETH/USDT" })).toEqual(all.filter((number) => number % 3 === 0));
    expect(await numbers({ statuses: [2, 3] })).toEqual(all.filter((number) => number % 2 === 1));
    expect(await numbers({ statuses: [5] })).toEqual(all.filter((number) => number % 2 === 0));
    const [fromMs, toMs] = [order(5).createdAtMs, order(9).createdAtMs];
    const between = all.filter((number) => {
      const { createdAtMs } = order(number);
      return createdAtMs >= fromMs && createdAtMs < toMs;
    });
    expect(await numbers({ fromMs, toMs })).toEqual(between);
  });

  test("show canonical decimals and exact times", async () => {
    const { orders } = await list({ pageSize: 1, symbol: "ETH/USDT" });
    expect(orders[0]).toEqual({
      ...{
        orderId: order(24).orderId,
        clientOrderId: "24",
        symbol: "ETH/USDT",
        side: 1,
        type: 1,
        timeInForce: 1,
      },
      ...{ price: "100", quantity: "1", quoteBudget: undefined, postOnly: false, status: 5, reason: 20 },
      ...{ stopPrice: undefined, selfTradePrevention: 1, triggered: false },
      ...{ filledQuantity: "0", executedQuote: "0", acceptedSeq: 24 },
      ...{ createdAtMs: order(24).createdAtMs, updatedAtMs: order(24).updatedAtMs },
    });
  });
});

describe("lists of trades", () => {
  beforeAll(async () => {
    await clear();
    const many = Array.from({ length: 25 }, (_, number) => fill(number + 1));
    await inTransaction(database.pool, (client) =>
      insertTrades(client, 0, [...many, { ...fill(99), userId: OTHER }]),
    );
  });
  const list = (query: object) => listTrades(database.pool, { userId: USER, pageSize: 100, ...query });
  const numbers = async (query: object) => (await list(query)).trades.map(({ seq }) => seq);
  const all = Array.from({ length: 25 }, (_, number) => 25 - number);

  test("are newest first and page without gaps or repeats", async () => {
    const seen: number[] = [];
    let after: TradesCursor | undefined;
    do {
      const page = await list({ pageSize: 4, after });
      seen.push(...page.trades.map(({ seq }) => seq));
      after = page.next;
    } while (after !== undefined);
    expect(seen).toEqual(all);
  });

  test("filter by order, symbol and time", async () => {
    expect(await numbers({ orderId: fill(3).orderId })).toEqual(all.filter((number) => number % 5 === 3));
    expect(await numbers({ symbol: "ETH/USDT" })).toEqual(all.filter((number) => number % 3 === 0));
    expect(await numbers({ fromMs: fill(20).executedAtMs })).toEqual(
      all.filter((number) => fill(number).executedAtMs >= fill(20).executedAtMs),
    );
  });

  test("show canonical decimals and exact times", async () => {
    const { trades } = await list({ pageSize: 1, symbol: "ETH/USDT" });
    const { tradeId, orderId, clientOrderId, executedAtMs } = fill(24);
    expect(trades[0]).toEqual({
      ...{ tradeId, orderId, clientOrderId, executedAtMs, symbol: "ETH/USDT", side: 1, role: 1 },
      ...{ price: "100.5", quantity: "1", fee: "0.0025", feeAsset: "BTC", seq: 24, index: 0 },
    });
  });
});

describe("cursors", () => {
  const at = (epoch: number, seq: number) => ({ epoch, seq });

  test("start at the beginning, move only from where they stand, and only for the followed epoch", async () => {
    const shard = 7;
    const { pool } = database;
    expect(await readCursor(pool, shard)).toEqual(at(0, 0));
    expect(await fenceCursor(pool, shard, 3)).toBe(true);
    const move = { shard, serverEpoch: 3, after: at(0, 0), through: at(2, 10) };
    expect(await moveCursor(pool, move)).toBe(true);
    expect(await moveCursor(pool, move)).toBe(false);
    expect(await projectedSeq(pool, shard)).toBe(10);
    const next = { shard, serverEpoch: 3, after: at(2, 10), through: at(3, 11) };
    expect(await moveCursor(pool, { ...next, after: at(1, 10) })).toBe(false);
    expect(await fenceCursor(pool, shard, 4)).toBe(true);
    expect(await moveCursor(pool, next)).toBe(false);
    expect(await fenceCursor(pool, shard, 3)).toBe(false);
    expect(await moveCursor(pool, { ...next, serverEpoch: 4 })).toBe(true);
  });
});

async function withPartitions(): Promise<void> {
  const days = Array.from({ length: 12 }, (_, number) =>
    new Date(JANUARY + number * DAY_MS).toISOString().slice(0, 10),
  );
  await ensurePartitions(database.pool, { orderMonths: days, tradeDays: days });
}

async function clear(): Promise<void> {
  await withPartitions();
  await database.pool.query("TRUNCATE orders.orders, orders.trades");
}

/** An order of USER; every second one cancelled, every third one in another market, three to a time. */
function order(number: number): NewOrder {
  const createdAtMs = JANUARY + Math.floor(number / 3) * 20_000_001;
  const isEven = number % 2 === 0;
  return {
    orderId: `00000000-0000-5000-8000-${String(number).padStart(12, "0")}`,
    createdAtMs,
    userId: USER,
    clientOrderId: String(number),
    symbol: number % 3 === 0 ? "ETH/USDT" : "BTC/USDT",
    ...{
      side: 1,
      type: 1,
      timeInForce: 1,
      price: "100.00",
      quantity: "1",
      quoteBudget: undefined,
      postOnly: false,
    },
    ...{ stopPrice: undefined, selfTradePrevention: 1, triggered: false },
    ...{ status: isEven ? 5 : 2, reason: isEven ? 20 : 0, filledQuantity: "0", executedQuote: "0" },
    updatedAtMs: createdAtMs + 1,
    acceptedSeq: number,
  };
}

/** A fill of USER, five orders in turn, three to a time. */
function fill(number: number): Fill {
  const order = number % 5;
  return {
    tradeId: `00000000-0000-5000-9000-${String(number).padStart(12, "0")}`,
    executedAtMs: JANUARY + Math.floor(number / 3) * 20_000_001,
    orderId: `00000000-0000-5000-8000-${String(order).padStart(12, "0")}`,
    userId: USER,
    clientOrderId: String(order),
    symbol: number % 3 === 0 ? "ETH/USDT" : "BTC/USDT",
    ...{
      side: 1,
      role: 1,
      price: "100.50",
      quantity: "1",
      fee: "0.00250000",
      feeAsset: "BTC",
      feePpm: 2_500,
    },
    ...{ seq: number, index: 0 },
  };
}
