// SQL of the orders of all users.
import { assert } from "@bourse/shared/assert.js";
import { OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { columns } from "@bourse/shared/postgres/columns.js";
import type { Pool, PoolClient } from "@bourse/shared/postgres/pool.js";
import type { NewOrder, OrderRow, OrderUpdate } from "../core/order-history-types.js";
import { millis, timeOf, Where } from "./history-query.js";
import {
  endReasons,
  orderStatuses,
  orderTypes,
  selfTradePreventions,
  sides,
  timesInForce,
} from "./history-words.js";

/** Place of an order in a user's list. */
export interface OrdersCursor {
  readonly createdAtMs: number;
  readonly acceptedSeq: number;
  readonly orderId: string;
}

export interface ListOrdersQuery {
  readonly userId: string;
  readonly symbol?: string | undefined;
  /** Wire numbers of the statuses wanted; empty for all. */
  readonly statuses: readonly number[];
  /** Created at or after. */
  readonly fromMs?: number | undefined;
  /** Created before. */
  readonly toMs?: number | undefined;
  readonly pageSize: number;
  /** Only what comes after this order in the list. */
  readonly after?: OrdersCursor | undefined;
}

/** Statuses below this are open: PENDING, OPEN, PARTIALLY_FILLED. */
const TERMINAL_FROM = OrderStatus.FILLED;
const IS_OPEN = "status < 'FILLED'";

/** Stores orders that the history does not have yet; partitions of their months must exist. */
export async function insertOrders(
  client: PoolClient,
  shard: number,
  rows: readonly NewOrder[],
): Promise<void> {
  if (rows.length === 0) return;
  const cells = columns(rows, 21, (row) => [
    row.orderId,
    timeOf(row.createdAtMs),
    row.userId,
    row.clientOrderId,
    row.symbol,
    row.acceptedSeq,
    sides.wordOf(row.side),
    orderTypes.wordOf(row.type),
    timesInForce.wordOf(row.timeInForce),
    row.price,
    row.quantity,
    row.quoteBudget,
    row.postOnly,
    orderStatuses.wordOf(row.status),
    endReasons.wordOf(row.reason),
    row.filledQuantity,
    row.executedQuote,
    timeOf(row.updatedAtMs),
    row.stopPrice,
    selfTradePreventions.wordOf(row.selfTradePrevention),
    row.triggered,
  ]);
  await client.query({
    name: "insert_orders",
    text: `INSERT INTO orders.orders
             (order_id, created_at, user_id, client_order_id, symbol, accepted_seq,
              side, type, time_in_force, price, quantity, quote_budget, post_only,
              status, reason, filled_quantity, executed_quote, updated_at,
              stop_price, self_trade_prevention, triggered, shard)
           SELECT u.*, $22::int
             FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[], $6::bigint[],
                         $7::orders.side[], $8::orders.order_type[], $9::orders.time_in_force[],
                         $10::numeric[], $11::numeric[], $12::numeric[], $13::boolean[],
                         $14::orders.order_status[], $15::orders.end_reason[], $16::numeric[], $17::numeric[],
                         $18::timestamptz[], $19::numeric[], $20::orders.self_trade_prevention[],
                         $21::boolean[]) AS u`,
    values: [...cells, shard],
  });
}

/**
 * Adds what a batch did to orders that are stored. Asserts that each is there, was open, and agrees
 * with the final word on what was executed: otherwise the history is not the fold of the journal.
 */
export async function updateOrders(client: PoolClient, rows: readonly OrderUpdate[]): Promise<void> {
  if (rows.length === 0) return;
  // Rows are found by key, however little the planner knows of young partitions: reading a month of
  // orders for a batch would cost more with every order.
  await client.query({
    name: "plan_by_key",
    text: `SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
                  set_config('enable_seqscan', 'off', true),
                  set_config('plan_cache_mode', 'force_custom_plan', true)`,
  });
  let updated = 0;
  for (const [month, some] of byMonth(await dated(client, rows)))
    updated += await updateMonth(client, month, some);
  assert(updated === rows.length, "every changed order is stored, open, and agrees with its final word");
}

type DatedUpdate = OrderUpdate & { readonly createdAtMs: number };

/** The rows with the times at which they were created, those that do not say it looked up; unknown orders left out. */
async function dated(client: PoolClient, rows: readonly OrderUpdate[]): Promise<DatedUpdate[]> {
  const ids = rows.filter(({ createdAtMs }) => createdAtMs === undefined).map(({ orderId }) => orderId);
  const { rows: found } =
    ids.length === 0
      ? { rows: [] }
      : await client.query<{ id: string; ms: number }>({
          name: "find_order_times",
          text: `SELECT order_id AS id, ${millis("created_at")} AS ms FROM orders.orders
                  WHERE order_id = ANY($1::uuid[])`,
          values: [ids],
        });
  const times = new Map(found.map(({ id, ms }) => [id, ms]));
  return rows.flatMap((row) => {
    const createdAtMs = row.createdAtMs ?? times.get(row.orderId);
    return createdAtMs === undefined ? [] : [{ ...row, createdAtMs }];
  });
}

/** The rows by the month of their partition, `YYYY_MM`. */
function byMonth(rows: readonly DatedUpdate[]): Map<string, DatedUpdate[]> {
  const months = new Map<string, DatedUpdate[]>();
  for (const row of rows) {
    const month = timeOf(row.createdAtMs).slice(0, 7).replace("-", "_");
    const some = months.get(month);
    if (some === undefined) months.set(month, [row]);
    else some.push(row);
  }
  return months;
}

/**
 * Updates orders of one month; returns how many were found so. It names the partition, and says nothing of the
 * table alone that an index could serve: the planner would believe that this leaves few rows, walk them for each
 * order of the batch, and 20,000 orders that one record ended would take minutes.
 */
async function updateMonth(client: PoolClient, month: string, rows: readonly DatedUpdate[]): Promise<number> {
  const cells = columns(rows, 13, (row) => [
    ...[
      row.orderId,
      timeOf(row.createdAtMs),
      orderStatuses.wordOf(row.status),
      endReasons.wordOf(row.reason),
    ],
    row.addedQuantity,
    row.addedQuote,
    row.finalQuantity,
    row.finalQuote,
    timeOf(row.updatedAtMs),
    row.triggered,
    row.price,
    row.quantity,
    row.loweredQuantity,
  ]);
  const { rowCount } = await client.query({
    name: `update_orders_${month}`,
    // A stop that was not triggered goes on waiting; any other open order is what it executed.
    text: `UPDATE orders.orders_${month} AS o
              SET status = CASE WHEN u.status IS NOT NULL THEN u.status
                                WHEN o.status = 'PENDING' AND NOT u.triggered THEN 'PENDING'
                                WHEN o.filled_quantity + u.added_quantity > 0 THEN 'PARTIALLY_FILLED'
                                ELSE 'OPEN' END,
                  reason = u.reason, updated_at = u.updated_at,
                  triggered = o.triggered OR u.triggered,
                  price = coalesce(u.price, o.price),
                  quantity = coalesce(u.quantity, o.quantity) - u.lowered_quantity,
                  filled_quantity = o.filled_quantity + u.added_quantity,
                  executed_quote = o.executed_quote + u.added_quote
             FROM unnest($1::uuid[], $2::timestamptz[], $3::orders.order_status[], $4::orders.end_reason[],
                         $5::numeric[], $6::numeric[], $7::numeric[], $8::numeric[], $9::timestamptz[], $10::boolean[],
                         $11::numeric[], $12::numeric[], $13::numeric[])
               AS u (order_id, created_at, status, reason, added_quantity, added_quote,
                     final_quantity, final_quote, updated_at, triggered, price, quantity, lowered_quantity)
            WHERE o.order_id = u.order_id AND o.created_at = u.created_at
              AND coalesce(o.status, 'FILLED') < 'FILLED'
              AND o.filled_quantity + u.added_quantity = coalesce(u.final_quantity, o.filled_quantity + u.added_quantity)
              AND o.executed_quote + u.added_quote = coalesce(u.final_quote, o.executed_quote + u.added_quote)`,
    values: cells,
  });
  return rowCount ?? 0;
}

/** Orders of a user, newest first, and where the next page starts if there is one. */
export async function listOrders(
  pool: Pool,
  query: ListOrdersQuery,
): Promise<{ orders: OrderRow[]; next?: OrdersCursor }> {
  const { name, text, values } = listStatement(query);
  const { rows } = await pool.query<StoredOrder>({ name, text, values });
  const orders = rows.slice(0, query.pageSize).map(orderOf);
  const last = orders.at(-1);
  if (rows.length <= query.pageSize || last === undefined) return { orders };
  const { createdAtMs, acceptedSeq, orderId } = last;
  return { orders, next: { createdAtMs, acceptedSeq, orderId } };
}

function listStatement(query: ListOrdersQuery) {
  const { userId, symbol, statuses, fromMs, toMs, after, pageSize } = query;
  const where = new Where("list_orders");
  where.add("user", (user) => `user_id = ${user}`, userId);
  if (symbol !== undefined) where.add("symbol", (name) => `symbol = ${name}`, symbol);
  const words = statuses.map(orderStatuses.wordOf);
  // One status of a market is a range of its index, in order.
  if (words.length === 1)
    where.add("status", (wanted) => `status = ${wanted}::orders.order_status`, words[0]);
  if (words.length > 1)
    where.add("statuses", (wanted) => `status = ANY(${wanted}::orders.order_status[])`, words);
  // Said in so many words, or the index of open orders is not used.
  if (statuses.length > 0 && statuses.every((status) => status < TERMINAL_FROM)) {
    where.add("open", () => IS_OPEN);
  }
  if (fromMs !== undefined) where.add("from", (time) => `created_at >= ${time}`, timeOf(fromMs));
  if (toMs !== undefined) where.add("to", (time) => `created_at < ${time}`, timeOf(toMs));
  if (after !== undefined) {
    // The first condition says again what follows from the second: it spares the newer partitions.
    where.add("after", (time) => `created_at <= ${time}`, timeOf(after.createdAtMs));
    where.add(
      "key",
      (time, seq, id) => `(created_at, accepted_seq, order_id) < (${time}, ${seq}, ${id})`,
      ...[timeOf(after.createdAtMs), after.acceptedSeq, after.orderId],
    );
  }
  return where.statement(
    (conditions, limit) => `
      SELECT order_id AS "orderId", client_order_id AS "clientOrderId", symbol, side, type,
             time_in_force AS "timeInForce", trim_scale(price)::text AS price,
             trim_scale(stop_price)::text AS "stopPrice", trim_scale(quantity)::text AS quantity, trim_scale(quote_budget)::text AS "quoteBudget",
             post_only AS "postOnly", self_trade_prevention AS "selfTradePrevention", triggered, status, reason,
             trim_scale(filled_quantity)::text AS "filledQuantity",
             trim_scale(executed_quote)::text AS "executedQuote",
             ${millis("created_at")} AS "createdAtMs", ${millis("updated_at")} AS "updatedAtMs",
             accepted_seq AS "acceptedSeq"
        FROM orders.orders
       WHERE ${conditions}
       ORDER BY created_at DESC, accepted_seq DESC, order_id DESC
       LIMIT ${limit}`,
    pageSize + 1,
  );
}

/** An order as a statement returns it. */
type StoredOrder = Omit<OrderRow, keyof OrderWords> & OrderWords;

interface OrderWords {
  readonly side: string;
  readonly type: string;
  readonly timeInForce: string;
  readonly selfTradePrevention: string;
  readonly status: string;
  readonly reason: string | null;
}

function orderOf(row: StoredOrder): OrderRow {
  return {
    ...row,
    side: sides.numberOf(row.side),
    type: orderTypes.numberOf(row.type),
    timeInForce: timesInForce.numberOf(row.timeInForce),
    selfTradePrevention: selfTradePreventions.numberOf(row.selfTradePrevention),
    status: orderStatuses.numberOf(row.status),
    reason: endReasons.numberOf(row.reason),
    price: row.price ?? undefined,
    stopPrice: row.stopPrice ?? undefined,
    quantity: row.quantity ?? undefined,
    quoteBudget: row.quoteBudget ?? undefined,
  };
}
