// Migrations of a history that has partitions with rows in them, up and down.
import { EndReason, OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { migrate, migrateDown } from "@bourse/shared/postgres/migrate.js";
import { freshDatabase, type TestDatabase } from "@bourse/shared/testing/postgres.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { detachPartitions, ensurePartitions } from "./history-partitions.js";
import { listOrders } from "./orders-table.js";
import { listTrades } from "./trades-table.js";

const migrations = new URL("../../migrations/", import.meta.url);
const USER = "00000000-0000-4000-8000-000000000001";
const FEBRUARY = Date.UTC(2026, 1, 1);
const ORDERS = "SELECT * FROM orders.orders ORDER BY accepted_seq";
const TRADES = "SELECT * FROM orders.trades ORDER BY trade_id, order_id";
const VIEWS = ["audit_order_mismatches", "audit_trade_mismatches", "audit_fee_mismatches"];

let database: TestDatabase;
beforeEach(async () => {
  database = await freshDatabase({ directory: migrations, schema: "orders" });
});
afterEach(() => database.drop());

const down = (to: number) => migrateDown(database.pool, migrations, { schema: "orders", to });
const up = () => migrate(database.pool, migrations, { schema: "orders" });
const rows = async (sql: string) => (await database.pool.query(sql)).rows;

/** What the schema consists of: columns, constraints, indexes, functions, views, types. */
const shape = () =>
  rows(`SELECT 'column' AS kind, table_name || '.' || column_name AS name,
               udt_name || ' ' || is_nullable || ' ' || coalesce(column_default, '') AS is
          FROM information_schema.columns WHERE table_schema = 'orders' AND table_name <> 'schema_migrations'
        UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
          FROM pg_constraint WHERE connamespace = 'orders'::regnamespace AND contype <> 'n'
        UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'orders'
        UNION ALL SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'orders'::regnamespace
        UNION ALL SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = 'orders'
        UNION ALL SELECT 'type', typname, '' FROM pg_type
                   WHERE typnamespace = 'orders'::regnamespace AND typtype = 'e'
        ORDER BY 1, 2, 3`);

/** Orders of every word, in two months, and one trade, as the projector stored them in numbers. */
async function storeNumbers(): Promise<void> {
  await ensurePartitions(database.pool, {
    orderMonths: ["2026-01-01", "2026-02-01"],
    tradeDays: ["2026-01-31", "2026-02-01"],
  });
  await database.pool.query(
    `INSERT INTO orders.orders (order_id, created_at, user_id, client_order_id, symbol, shard, accepted_seq, side, type,
                                time_in_force, price, quantity, quote_budget, post_only, status, reason,
                                filled_quantity, executed_quote, updated_at, stop_price, self_trade_prevention, triggered)
     SELECT ('00000000-0000-4000-9000-0000000000' || seq)::uuid, at, $1, 'c' || seq, 'BTC/USDT', 0, seq, side, type, tif,
            price, quantity, budget, false, status, reason, filled, quote, at, stop, stp, triggered
       FROM (VALUES
         (11, '2026-01-31 23:00+00'::timestamptz, 1, 1, 1, 100, 2, NULL::numeric, 3, 0, 1, 100, NULL::numeric, 1, false),
         (12, '2026-01-31 23:01+00', 2, 1, 2, 100, 1, NULL, 4, 0, 1, 100, NULL, 2, false),
         (13, '2026-02-01 00:01+00', 1, 2, 3, NULL, NULL, 5, 6, 3, 0, 0, NULL, 3, false),
         (14, '2026-02-01 00:02+00', 2, 3, 4, NULL, 1, NULL, 1, 0, 0, 0, 90, 4, false),
         (15, '2026-02-01 00:03+00', 1, 4, 1, 95, 1, NULL, 2, 0, 0, 0, 90, 1, true),
         (16, '2026-02-01 00:04+00', 1, 1, 1, 95, 1, NULL, 5, 25, 0, 0, NULL, 1, false),
         (17, '2026-02-01 00:05+00', 1, 1, 1, 95, 1, NULL, 7, 47, 0, 0, NULL, 1, false))
         AS v (seq, at, side, type, tif, price, quantity, budget, status, reason, filled, quote, stop, stp, triggered)`,
    [USER],
  );
  await database.pool.query(
    `INSERT INTO orders.trades
     SELECT '00000000-0000-4000-a000-000000000001', '2026-01-31 23:01+00', order_id, user_id, client_order_id, symbol,
            shard, 12, 0, side, CASE side WHEN 1 THEN 1 ELSE 2 END, 100, 1, 0, CASE side WHEN 1 THEN 'BTC' ELSE 'USDT' END, 0
       FROM orders.orders WHERE accepted_seq < 13`,
  );
}

test("every migration leads back to where it began", async () => {
  const shapes = [await shape()];
  for (const to of [4, 3]) {
    await down(to);
    shapes.push(await shape());
  }
  await up();
  expect(await shape()).toEqual(shapes[0]);
  for (const [index, to] of [4, 3].entries()) {
    await down(to);
    expect(await shape()).toEqual(shapes[index + 1]);
  }
});

describe("a history in numbers", () => {
  test("becomes one in words, and back, every row as it was", async () => {
    await down(3);
    await storeNumbers();
    const before = [await rows(ORDERS), await rows(TRADES)];
    const shapeBefore = await shape();
    await up();
    const words = `SELECT side, type, time_in_force, status, reason, self_trade_prevention FROM orders.orders ORDER BY accepted_seq`;
    expect((await rows(words)).map((row) => Object.values(row).join(" "))).toEqual([
      "BUY LIMIT GTC PARTIALLY_FILLED  CANCEL_TAKER",
      "SELL LIMIT IOC FILLED  CANCEL_MAKER",
      "BUY MARKET FOK EXPIRED INSUFFICIENT_LIQUIDITY CANCEL_BOTH",
      "SELL STOP DAY PENDING  DECREMENT",
      "BUY STOP_LIMIT GTC OPEN  CANCEL_TAKER",
      "BUY LIMIT GTC CANCELLED AMENDED CANCEL_TAKER",
      "BUY LIMIT GTC REJECTED NOT_SEQUENCED CANCEL_TAKER",
    ]);
    const { orders } = await listOrders(database.pool, { userId: USER, statuses: [6, 7], pageSize: 9 });
    expect(orders.map(({ status, reason }) => [status, reason])).toEqual([
      [OrderStatus.REJECTED, EndReason.NOT_SEQUENCED],
      [OrderStatus.EXPIRED, EndReason.INSUFFICIENT_LIQUIDITY],
    ]);
    const { trades } = await listTrades(database.pool, { userId: USER, pageSize: 9 });
    expect(trades.map(({ side, role }) => [side, role]).sort()).toEqual([
      [1, 1],
      [2, 2],
    ]);
    for (const view of VIEWS) expect(await rows(`SELECT * FROM orders.${view}`)).toEqual([]);
    // New partitions have the indexes and constraints of the others.
    await ensurePartitions(database.pool, { orderMonths: ["2026-03-01"], tradeDays: ["2026-03-01"] });
    const indexes = await rows(
      `SELECT tablename, count(*)::int FROM pg_indexes WHERE tablename ~ '^orders_2026' GROUP BY 1 ORDER BY 1`,
    );
    expect(indexes.map(({ count }) => count)).toEqual([7, 7, 7]);
    await database.pool.query("DROP TABLE orders.orders_2026_03, orders.trades_2026_03_01");
    await down(3);
    expect([await rows(ORDERS), await rows(TRADES)]).toEqual(before);
    expect(await shape()).toEqual(shapeBefore);
  });
});

describe("detached partitions", () => {
  test("are attached again on the way down", async () => {
    await down(3);
    await storeNumbers();
    const before = [await rows(ORDERS), await rows(TRADES)];
    await up();
    // January has an open order: it stays.
    expect(await detachPartitions(database.pool, FEBRUARY, FEBRUARY)).toEqual(["detached_trades_2026_01_31"]);
    await database.pool.query(
      "UPDATE orders.orders SET status = 'CANCELLED', reason = 'USER' WHERE accepted_seq = 11",
    );
    expect(await detachPartitions(database.pool, FEBRUARY, FEBRUARY)).toEqual(["detached_orders_2026_01"]);
    expect(await rows(ORDERS)).toHaveLength(5);
    await down(4);
    await database.pool.query(
      "UPDATE orders.orders SET status = 'PARTIALLY_FILLED', reason = NULL WHERE accepted_seq = 11",
    );
    await down(3);
    expect([await rows(ORDERS), await rows(TRADES)]).toEqual(before);
  });
});
