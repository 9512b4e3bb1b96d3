// SQL of the trades of all users: one row for each party of a trade.
import { columns } from "@bourse/shared/postgres/columns.js";
import type { Pool, PoolClient } from "@bourse/shared/postgres/pool.js";
import type { Fill } from "../core/order-history-types.js";
import { millis, timeOf, Where } from "./history-query.js";
import { sides, tradeRoles } from "./history-words.js";

/** One party's half of a trade as ListTrades shows it. Enums are wire numbers, amounts decimal text. */
export interface TradeRow {
  readonly tradeId: string;
  readonly orderId: string;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: number;
  readonly role: number;
  readonly price: string;
  readonly quantity: string;
  readonly fee: string;
  readonly feeAsset: string;
  readonly executedAtMs: number;
  readonly seq: number;
  readonly index: number;
}

/** Place of a trade in a user's list. */
export interface TradesCursor {
  readonly executedAtMs: number;
  readonly seq: number;
  readonly index: number;
  readonly tradeId: string;
}

export interface ListTradesQuery {
  readonly userId: string;
  readonly symbol?: string | undefined;
  readonly orderId?: string | undefined;
  /** Executed at or after. */
  readonly fromMs?: number | undefined;
  /** Executed before. */
  readonly toMs?: number | undefined;
  readonly pageSize: number;
  /** Only what comes after this trade in the list. */
  readonly after?: TradesCursor | undefined;
}

/** Stores both halves of the trades of a batch; partitions of their days must exist. */
export async function insertTrades(client: PoolClient, shard: number, rows: readonly Fill[]): Promise<void> {
  if (rows.length === 0) return;
  const cells = columns(rows, 15, (row) => [
    row.tradeId,
    timeOf(row.executedAtMs),
    row.orderId,
    row.userId,
    row.clientOrderId,
    row.symbol,
    row.seq,
    row.index,
    sides.wordOf(row.side),
    tradeRoles.wordOf(row.role),
    row.price,
    row.quantity,
    row.fee,
    row.feeAsset,
    row.feePpm,
  ]);
  await client.query({
    name: "insert_trades",
    text: `INSERT INTO orders.trades
             (trade_id, executed_at, order_id, user_id, client_order_id, symbol,
              sequence, trade_index, side, role, price, quantity, fee, fee_asset, fee_ppm, shard)
           SELECT u.*, $16::int
             FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::text[], $6::text[],
                         $7::bigint[], $8::int[], $9::orders.side[], $10::orders.trade_role[], $11::numeric[],
                         $12::numeric[], $13::numeric[], $14::text[], $15::int[]) AS u`,
    values: [...cells, shard],
  });
}

/** Trades of a user, newest first, and where the next page starts if there is one. */
export async function listTrades(
  pool: Pool,
  query: ListTradesQuery,
): Promise<{ trades: TradeRow[]; next?: TradesCursor }> {
  const { name, text, values } = listStatement(query);
  const { rows } = await pool.query<StoredTrade>({ name, text, values });
  const trades = rows.slice(0, query.pageSize).map(tradeOf);
  const last = trades.at(-1);
  if (rows.length <= query.pageSize || last === undefined) return { trades };
  const { executedAtMs, seq, index, tradeId } = last;
  return { trades, next: { executedAtMs, seq, index, tradeId } };
}

function listStatement(query: ListTradesQuery) {
  const { userId, symbol, orderId, fromMs, toMs, after, pageSize } = query;
  const where = new Where("list_trades");
  where.add("user", (user) => `user_id = ${user}`, userId);
  if (symbol !== undefined) where.add("symbol", (name) => `symbol = ${name}`, symbol);
  if (orderId !== undefined) where.add("order", (id) => `order_id = ${id}`, orderId);
  if (fromMs !== undefined) where.add("from", (time) => `executed_at >= ${time}`, timeOf(fromMs));
  if (toMs !== undefined) where.add("to", (time) => `executed_at < ${time}`, timeOf(toMs));
  if (after !== undefined) {
    // The first condition says again what follows from the second: it spares the newer partitions.
    where.add("after", (time) => `executed_at <= ${time}`, timeOf(after.executedAtMs));
    where.add(
      "key",
      (time, seq, index, id) =>
        `(executed_at, sequence, trade_index, trade_id) < (${time}, ${seq}, ${index}, ${id})`,
      ...[timeOf(after.executedAtMs), after.seq, after.index, after.tradeId],
    );
  }
  return where.statement(
    (conditions, limit) => `
      SELECT trade_id AS "tradeId", order_id AS "orderId", client_order_id AS "clientOrderId", symbol,
             side, role, trim_scale(price)::text AS price, trim_scale(quantity)::text AS quantity,
             trim_scale(fee)::text AS fee, fee_asset AS "feeAsset",
             ${millis("executed_at")} AS "executedAtMs", sequence AS seq, trade_index AS index
        FROM orders.trades
       WHERE ${conditions}
       ORDER BY executed_at DESC, sequence DESC, trade_index DESC, trade_id DESC
       LIMIT ${limit}`,
    pageSize + 1,
  );
}

/** A trade as a statement returns it. */
type StoredTrade = Omit<TradeRow, "side" | "role"> & { readonly side: string; readonly role: string };

function tradeOf(row: StoredTrade): TradeRow {
  return { ...row, side: sides.numberOf(row.side), role: tradeRoles.numberOf(row.role) };
}
