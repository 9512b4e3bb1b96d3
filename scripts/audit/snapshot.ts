// Everything the databases say, in one snapshot: wallet and order history as of the same instant.
import { EndReason, OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { openPool, type Pool, type PoolClient } from "@bourse/shared/postgres/pool.js";
import type { KeptHistory } from "./cuts.js";

/** A reservation as the wallet stores it; amounts are decimal text. */
export interface ReservationRow {
  /** The leg's own id if it is one. */
  readonly order_id: string;
  /** Order that it is a leg of. */
  readonly leg_of: string | null;
  /** Null for money that no shard decides about: held, settled and freed by call. */
  readonly shard: number | null;
  readonly state: "ACTIVE" | "CLOSED" | "REFUSED";
  readonly asset: string | null;
  readonly amount: string;
  readonly remaining: string;
  /** What a leg gave to its order. */
  readonly moved: string;
  readonly final_status: string | null;
  readonly executed_lots: string | null;
  readonly executed_tick_lots: string | null;
  readonly ended_seq: string | null;
  readonly age_ms: string;
  /** Terms that the first Reserve stored, as the gateway wrote them. */
  readonly terms: Buffer | null;
}

/** A trade whose money moved. */
export interface SettledTradeRow {
  readonly trade_id: string;
  /** Null, and no seq, for one that was settled by call. */
  readonly shard: number | null;
  readonly seq: string;
  readonly base_amount: string;
  readonly quote_amount: string;
  readonly buy_order_id: string;
  readonly sell_order_id: string;
  readonly buyer_fee: string;
  readonly seller_fee: string;
}

/** An order as the history shows it. */
export interface HistoryOrderRow {
  readonly order_id: string;
  readonly shard: number;
  readonly status: number;
  readonly reason: number;
  readonly filled_quantity: string;
  readonly executed_quote: string;
  readonly fee: string;
  readonly trades: string;
  readonly accepted_seq: string;
}

/** Where a follower stands in a shard's journal. */
export interface CursorRow {
  readonly shard: number;
  readonly epoch: string;
  readonly seq: string;
  /** Operations of the record at `seq` that are applied; the history applies whole records. */
  readonly operations: number;
}

/** Rows of a view whose every row is a breach. */
export interface BreachView {
  readonly view: string;
  readonly breaches: readonly string[];
}

/** The databases at one instant. */
export interface Snapshot {
  readonly views: ReadonlyMap<string, BreachView>;
  readonly figures: Readonly<Record<string, string>>;
  readonly reservations: readonly ReservationRow[];
  readonly settledTrades: readonly SettledTradeRow[];
  readonly walletCursors: readonly CursorRow[];
  readonly historyOrders: readonly HistoryOrderRow[];
  readonly keptHistory: KeptHistory;
  readonly historyCursors: readonly CursorRow[];
}

/** Views that must be empty. */
const breachViews = [
  ...["i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8", "i9", "i10", "i14"].map(
    (name) => `wallet.audit_${name}`,
  ),
  "orders.audit_order_mismatches",
  "orders.audit_trade_mismatches",
  "orders.audit_fee_mismatches",
];

/** How many breaches of a view are fetched in words. */
const breachesMax = 20;

/** Figures that the lines of the audit show, each a single value. */
const figureQueries: Readonly<Record<string, string>> = {
  accounts: "SELECT count(*) FROM wallet.accounts",
  assets: "SELECT count(DISTINCT asset) FROM wallet.accounts",
  difference:
    "SELECT coalesce(sum(abs(total)), 0) FROM (SELECT sum(available + reserved) AS total FROM wallet.accounts GROUP BY asset) AS totals",
  transactions: "SELECT count(*) FROM wallet.ledger_transactions",
  entries: "SELECT count(*) FROM wallet.ledger_entries",
  transfers: "SELECT count(*) FROM wallet.transfers",
  fees: "SELECT count(*) FROM wallet.settled_trades WHERE buyer_fee > 0 OR seller_fee > 0",
};

const statementMsMax = 300_000;

/** Opens the database as the auditor. */
export function openAuditPool(url: string): Pool {
  return openPool(url, {
    connectionsMax: 2,
    statementTimeoutMs: statementMsMax,
    applicationName: "bourse-audit",
  });
}

/** Reads everything in one read-only transaction that sees one instant. */
export async function readSnapshot(pool: Pool): Promise<Snapshot> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const snapshot = await readAll(client);
    await client.query("COMMIT");
    return snapshot;
  } finally {
    client.release();
  }
}

/** Where the followers stand now. */
export async function readCursors(pool: Pool): Promise<Pick<Snapshot, "walletCursors" | "historyCursors">> {
  const client = await pool.connect();
  try {
    return { walletCursors: await walletCursors(client), historyCursors: await historyCursors(client) };
  } finally {
    client.release();
  }
}

async function readAll(client: PoolClient): Promise<Snapshot> {
  const views = new Map<string, BreachView>();
  for (const view of breachViews) {
    const { rows } = await client.query<{ breach: string }>(
      `SELECT row_to_json(breaches)::text AS breach FROM ${view} AS breaches LIMIT ${breachesMax}`,
    );
    views.set(view, { view, breaches: rows.map(({ breach }) => breach) });
  }
  const figures: Record<string, string> = {};
  for (const [name, sql] of Object.entries(figureQueries)) {
    const { rows } = await client.query<{ figure: string }>(`SELECT (${sql})::text AS figure`);
    figures[name] = rows[0]?.figure ?? "";
  }
  return {
    views,
    figures,
    reservations: await all(client, reservationsSql),
    settledTrades: await all(client, settledTradesSql),
    walletCursors: await walletCursors(client),
    historyOrders: (await all<StoredHistoryOrder>(client, historyOrdersSql)).map(historyOrderOf),
    keptHistory: await keptHistory(client),
    historyCursors: await historyCursors(client),
  };
}

async function all<Row extends object>(client: PoolClient, sql: string): Promise<Row[]> {
  return (await client.query<Row>(sql)).rows;
}

const reservationsSql = `
  SELECT order_id::text, leg_of::text, shard, state, asset, amount::text, remaining::text, moved::text, final_status, executed_lots::text,
         executed_tick_lots::text, ended_seq::text, terms,
         (extract(epoch FROM transaction_timestamp() - created_at) * 1000)::bigint::text AS age_ms
    FROM wallet.reservations`;

const settledTradesSql = `
  SELECT trade_id::text, shard, seq::text, base_amount::text, quote_amount::text, buy_order_id::text,
         sell_order_id::text, buyer_fee::text, seller_fee::text
    FROM wallet.settled_trades`;

const historyOrdersSql = `
  SELECT order_id::text, shard, status::text, reason::text, filled_quantity::text, executed_quote::text, fee::text,
         trades::text, accepted_seq::text
    FROM orders.audit_orders`;

/** Words of the history as numbers of the contract. */
type StoredHistoryOrder = Omit<HistoryOrderRow, "status" | "reason"> & {
  readonly status: keyof typeof OrderStatus;
  readonly reason: keyof typeof EndReason | null;
};

function historyOrderOf({ status, reason, ...row }: StoredHistoryOrder): HistoryOrderRow {
  return { ...row, status: OrderStatus[status], reason: EndReason[reason ?? "UNSPECIFIED"] };
}

async function keptHistory(client: PoolClient): Promise<KeptHistory> {
  const ms = (column: string) =>
    `greatest(0, (extract(epoch FROM nullif(${column}, '-infinity')) * 1000)::bigint)`;
  const [row] = await all<{ orders: number; trades: number }>(
    client,
    `SELECT ${ms("orders_from")} AS orders, ${ms("trades_from")} AS trades FROM orders.audit_retention`,
  );
  return { ordersFromMs: BigInt(row?.orders ?? 0), tradesFromMs: BigInt(row?.trades ?? 0) };
}

function walletCursors(client: PoolClient): Promise<CursorRow[]> {
  return all(
    client,
    "SELECT shard, epoch::text, seq::text, operations FROM wallet.shard_cursors ORDER BY shard",
  );
}

function historyCursors(client: PoolClient): Promise<CursorRow[]> {
  return all(
    client,
    "SELECT shard, epoch::text, seq::text, 0 AS operations FROM orders.audit_cursors ORDER BY shard",
  );
}
