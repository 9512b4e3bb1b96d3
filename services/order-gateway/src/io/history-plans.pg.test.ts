// Every statement of the history goes by an index, whatever was asked, in a history of some size.
import type { Pool, PoolClient } from "@bourse/shared/postgres/pool.js";
import { freshDatabase, type TestDatabase } from "@bourse/shared/testing/postgres.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OrderUpdate } from "../core/order-history-types.js";
import { ensurePartitions } from "./history-partitions.js";
import { type ListOrdersQuery, listOrders, updateOrders } from "./orders-table.js";
import { type ListTradesQuery, listTrades } from "./trades-table.js";

const migrations = new URL("../../migrations/", import.meta.url);
const ORDERS = 30_000;
const userId = "00000000-0000-4000-8000-000000000007";
const orderId = "00000000-0000-5000-8000-000000000707";
const START_MS = Date.UTC(2026, 0, 20);
const MINUTE_MS = 60_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase({ directory: migrations, schema: "orders" });
  const days = Array.from({ length: 21 }, (_, day) => new Date(START_MS + day * 86_400_000).toISOString());
  await ensurePartitions(database.pool, { orderMonths: days, tradeDays: days });
  // A hundred users, an order a minute, every tenth of a user open, half of the others traded.
  await database.pool.query(
    `INSERT INTO orders.orders
       (order_id, created_at, user_id, client_order_id, symbol, shard, accepted_seq, side, type, time_in_force, price,
        quantity, post_only, status, reason, filled_quantity, executed_quote, updated_at, self_trade_prevention, triggered)
     SELECT ('00000000-0000-5000-8000-' || lpad(n::text, 12, '0'))::uuid, at,
            ('00000000-0000-4000-8000-' || lpad((n % 100)::text, 12, '0'))::uuid, 'c' || n,
            CASE n % 3 WHEN 0 THEN 'ETH/USDT' ELSE 'BTC/USDT' END, 0, n, 'BUY', 'LIMIT', 'GTC', 100, 1, false,
            status, CASE status WHEN 'CANCELLED' THEN 'USER'::orders.end_reason END,
            CASE status WHEN 'FILLED' THEN 1 ELSE 0 END, CASE status WHEN 'FILLED' THEN 100 ELSE 0 END, at,
            'CANCEL_TAKER', false
       FROM generate_series(1, $1) AS n,
            LATERAL (SELECT $2::timestamptz + n * interval '1 minute' AS at,
                            (CASE WHEN n / 100 % 10 = 0 THEN 'OPEN' WHEN n / 100 % 2 = 0 THEN 'FILLED'
                                  ELSE 'CANCELLED' END)::orders.order_status AS status) AS made`,
    [ORDERS, new Date(START_MS).toISOString()],
  );
  await database.pool.query(
    `INSERT INTO orders.trades
       (trade_id, executed_at, order_id, user_id, client_order_id, symbol, shard, sequence, trade_index, side, role,
        price, quantity, fee, fee_asset, fee_ppm)
     SELECT gen_random_uuid(), updated_at, order_id, user_id, client_order_id, symbol, shard, accepted_seq, 0, side,
            'TAKER', 100, 1, 0, 'BTC', 0 FROM orders.orders WHERE status = 'FILLED'`,
  );
  await database.pool.query("ANALYZE orders.orders, orders.trades");
}, 60_000);
afterAll(() => database.drop());

/** The pool, and the plans of all that is asked of it, for these values and for any. */
function explained() {
  const plans: string[] = [];
  const query = async (statement: { text: string; values?: unknown[] }) => {
    const client = await database.pool.connect();
    try {
      for (const mode of ["force_custom_plan", "force_generic_plan"]) {
        await client.query(`SET plan_cache_mode = ${mode}`);
        const name = `explain_${plans.length}`;
        const { text, values = [] } = statement;
        const types = values.map(() => "unknown").join(", ");
        const words = values.map((value) => client.escapeLiteral(literal(value))).join(", ");
        await client.query(`PREPARE ${name}${values.length === 0 ? "" : `(${types})`} AS ${text}`);
        const { rows } = await client.query<{ "QUERY PLAN": string }>(
          `EXPLAIN EXECUTE ${name}${values.length === 0 ? "" : `(${words})`}`,
        );
        plans.push(rows.map((row) => row["QUERY PLAN"]).join("\n"));
      }
    } finally {
      client.release(true);
    }
    return database.pool.query(statement);
  };
  return { pool: { query } as unknown as Pool, plans };
}

function literal(value: unknown): string {
  return Array.isArray(value) ? `{${value.join(",")}}` : String(value);
}

const month = { fromMs: START_MS, toMs: START_MS + 20 * 1_440 * MINUTE_MS };
const orderAfter = { createdAtMs: START_MS + 9_999 * MINUTE_MS, acceptedSeq: 9_999, orderId };
const tradeAfter = { executedAtMs: START_MS + 9_999 * MINUTE_MS, seq: 9_999, index: 0, tradeId: orderId };

describe("a page of orders", () => {
  const symbol = "BTC/USDT";
  test.each<[string, string, Partial<ListOrdersQuery>]>([
    ["all", "by_user|user_id_created", {}],
    ["of a market", "by_user_symbol|user_id_symbol", { symbol }],
    ["that are open", "user_id", { statuses: [1, 2, 3] }],
    ["of a market, open", "user", { symbol, statuses: [1, 2, 3] }],
    ["of a market and one status", "user_id_symbol_status", { symbol, statuses: [7] }],
    ["of a market and some statuses", "user", { symbol, statuses: [4, 5, 6, 7] }],
    ["of some statuses", "user", { statuses: [4, 6] }],
    ["of a time", "user", month],
    ["after another", "user", { after: orderAfter }],
    ["of everything at once", "user", { symbol, statuses: [5], ...month, after: orderAfter }],
  ])("%s", async (_, index, query) => {
    const { pool, plans } = explained();
    const { orders } = await listOrders(pool, { userId, statuses: [], pageSize: 50, ...query });
    if (query.statuses?.[0] !== 7) expect(orders.length).toBeGreaterThan(0);
    expect(plans).toHaveLength(2);
    for (const plan of plans) {
      expect(plan).not.toMatch(/Seq Scan/);
      expect(plan).toMatch(new RegExp(`(Scan|using|on) .*(${index})`));
    }
  });
});

describe("a page of trades", () => {
  test.each<[string, Partial<ListTradesQuery>]>([
    ["all", {}],
    ["of a market", { symbol: "BTC/USDT" }],
    ["of an order", { orderId }],
    ["of a time", month],
    ["after another", { after: tradeAfter }],
    ["of everything at once", { symbol: "BTC/USDT", ...month, after: tradeAfter }],
  ])("%s", async (_, query) => {
    const { pool, plans } = explained();
    await listTrades(pool, { userId, pageSize: 50, ...query });
    expect(plans).toHaveLength(2);
    for (const plan of plans) {
      expect(plan).not.toMatch(/Seq Scan/);
      expect(plan).toMatch(/Index (Only )?Scan|Bitmap Index Scan/);
    }
  });
});

test("orders that change are found by their keys, with and without the time they were made", async () => {
  const { pool, plans } = explained();
  const open = await database.pool.query<{ id: string; ms: number }>(
    `SELECT order_id AS id, (extract(epoch FROM created_at) * 1000)::bigint AS ms FROM orders.orders
      WHERE status = 'OPEN' LIMIT 2`,
  );
  const updates = open.rows.map(
    ({ id, ms }, index): OrderUpdate => ({
      ...{ orderId: id, createdAtMs: index === 0 ? ms : undefined, status: 5, reason: 20, triggered: false },
      ...{ price: undefined, quantity: undefined, loweredQuantity: "0", addedQuantity: "0", addedQuote: "0" },
      ...{ finalQuantity: "0", finalQuote: "0", updatedAtMs: ms + 1 },
    }),
  );
  // Its settings hold in its own transaction only; the plans are looked at without them.
  await updateOrders(pool as unknown as PoolClient, updates);
  const found = plans.filter((plan) => /orders_2026|orders_pkey|Update on/.test(plan));
  expect(found.length).toBeGreaterThanOrEqual(4);
  for (const plan of found) expect(plan).not.toMatch(/Seq Scan/);
});

test.each([
  [
    "what is open in a market",
    "open_by_symbol|symbol_created",
    "symbol = 'BTC/USDT' AND status < 'FILLED' ORDER BY created_at",
  ],
  ["an order by its client's id", "client_order_id", `user_id = '${userId}' AND client_order_id = 'c707'`],
])("an operator finds %s by its index", async (_, index, where) => {
  const { rows } = await database.pool.query<{ "QUERY PLAN": string }>(
    `EXPLAIN SELECT * FROM orders.orders WHERE ${where} LIMIT 10`,
  );
  const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
  expect(plan).not.toMatch(/Seq Scan/);
  expect(plan).toMatch(new RegExp(index));
});
