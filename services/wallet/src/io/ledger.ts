// SQL of the ledger: transactions of trades with their entries, settled trades.
import { assert } from "@bourse/shared/assert.js";
import { columns } from "@bourse/shared/postgres/columns.js";
import type { PoolClient } from "@bourse/shared/postgres/pool.js";
import { numericOfAtoms } from "@bourse/shared/units/atoms.js";
import type { TradeOperation } from "../core/operation.js";
import type { Entry } from "../core/postings.js";
import type { SettledTrade } from "../core/settle.js";
import { RaceLost } from "./database.js";

const INSERT_ENTRIES = `WITH entry AS MATERIALIZED (
             SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::numeric[])
                    AS u(transaction_id, user_id, asset, amount)
           ), booked AS (
             INSERT INTO wallet.ledger_transactions (transaction_id, kind)
             SELECT DISTINCT transaction_id, $1 FROM entry
           )
           INSERT INTO wallet.ledger_entries (transaction_id, user_id, asset, amount, kind)
           SELECT transaction_id, user_id, asset, amount, $1 FROM entry`;

/** Writes one transaction with its entries, one per account. Returns their ids in the same order. */
export async function insertNumberedEntries(
  client: PoolClient,
  kind: "TRADE",
  entries: readonly Entry[],
): Promise<number[]> {
  const { rows } = await client.query<{ entry_id: number; user_id: string; asset: string }>({
    name: "insert_numbered_entries",
    text: `${INSERT_ENTRIES} RETURNING entry_id, user_id, asset`,
    values: entryValues(kind, entries),
  });
  const ids = new Map(rows.map((row) => [`${row.user_id}/${row.asset}`, row.entry_id]));
  assert(ids.size === entries.length, "a transaction has one entry per account");
  return entries.map((entry) => ids.get(`${entry.userId}/${entry.asset}`) ?? 0);
}

function entryValues(kind: string, entries: readonly Entry[]): unknown[] {
  return [
    kind,
    ...columns(entries, 4, (entry) => [
      entry.transactionId,
      entry.userId,
      entry.asset,
      numericOfAtoms(entry.amountAtoms),
    ]),
  ];
}

/**
 * Writes settled trades with their ledger transactions and entries, whose amounts follow from the trade: those of
 * `tradeOf` in the core. A trade id that is there already breaks the primary key (23505).
 */
export async function insertTrades(
  client: PoolClient,
  { shard, feesUserId }: { readonly shard: number; readonly feesUserId: string },
  trades: readonly SettledTrade[],
): Promise<void> {
  if (trades.length === 0) return;
  await client.query({
    name: "insert_trades",
    text: `WITH trade AS (
             INSERT INTO wallet.settled_trades
                    (shard, trade_id, seq, operation, executed_at_ms, symbol, base_asset, quote_asset, base_amount,
                     quote_amount, buyer_reserved_amount, buy_order_id, sell_order_id, buyer_user_id, seller_user_id,
                     buyer_role, buyer_fee, seller_fee, buyer_fee_ppm, seller_fee_ppm)
             SELECT $1, * FROM unnest($2::uuid[], $3::bigint[], $4::int[], $5::bigint[], $6::text[], $7::text[],
                    $8::text[], $9::numeric[], $10::numeric[], $11::numeric[], $12::uuid[], $13::uuid[], $14::uuid[],
                    $15::uuid[], $16::text[], $17::numeric[], $18::numeric[], $19::int[], $20::int[])
             RETURNING trade_id, base_asset, quote_asset, base_amount, quote_amount, buyer_user_id, seller_user_id,
                       buyer_fee, seller_fee
           ), booked AS (
             INSERT INTO wallet.ledger_transactions (transaction_id, kind) SELECT trade_id, 'TRADE' FROM trade
           )
           INSERT INTO wallet.ledger_entries (transaction_id, user_id, asset, amount, kind)
           SELECT trade_id, entry.user_id, entry.asset, entry.amount, 'TRADE'
             FROM trade CROSS JOIN LATERAL (
                    VALUES (buyer_user_id, quote_asset, -quote_amount),
                           (buyer_user_id, base_asset, base_amount - buyer_fee),
                           (seller_user_id, base_asset, -base_amount),
                           (seller_user_id, quote_asset, quote_amount - seller_fee),
                           ($21::uuid, base_asset, buyer_fee),
                           ($21::uuid, quote_asset, seller_fee)
                  ) AS entry(user_id, asset, amount)
            WHERE entry.amount <> 0`,
    values: [shard, ...columns(trades, 19, tradeCells), feesUserId],
  });
}

/** A trade that was settled, as far as a repeat of it must know. */
export interface StoredTrade {
  /** Shard that settled it; undefined when a call did. */
  readonly shard: number | undefined;
  /** SHA-256 of the call, lower-case hex; "" when a shard settled it. */
  readonly fingerprintHex: string;
  /** Ids of its ledger entries, in their order; empty when a shard settled it. */
  readonly entryIds: readonly number[];
}

/** The settled trade of an id. */
export async function findTrade(client: PoolClient, tradeId: string): Promise<StoredTrade | undefined> {
  const { rows } = await client.query<{
    shard: number | null;
    fingerprint_hex: string | null;
    entry_ids: number[] | null;
  }>({
    name: "find_trade",
    text: `SELECT shard, encode(fingerprint, 'hex') AS fingerprint_hex, entry_ids
             FROM wallet.settled_trades WHERE trade_id = $1`,
    values: [tradeId],
  });
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    shard: row.shard ?? undefined,
    fingerprintHex: row.fingerprint_hex ?? "",
    entryIds: (row.entry_ids ?? []).map(Number),
  };
}

/** Writes a trade that no shard decided about. RaceLost when its id was used since it was looked for. */
export async function insertCalledTrade(
  client: PoolClient,
  settled: SettledTrade,
  call: { readonly fingerprintHex: string; readonly entryIds: readonly number[] },
): Promise<void> {
  const { rowCount } = await client.query({
    name: "insert_called_trade",
    text: `INSERT INTO wallet.settled_trades
                  (trade_id, executed_at_ms, symbol, base_asset, quote_asset, base_amount, quote_amount,
                   buyer_reserved_amount, buy_order_id, sell_order_id, buyer_user_id, seller_user_id, buyer_role,
                   buyer_fee, seller_fee, buyer_fee_ppm, seller_fee_ppm, fingerprint, entry_ids)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                   decode($18, 'hex'), $19::bigint[])
           ON CONFLICT (trade_id) DO NOTHING`,
    values: [
      settled.trade.tradeId,
      settled.operation.timeMs,
      ...moneyCells(settled.trade),
      call.fingerprintHex,
      call.entryIds,
    ],
  });
  if (rowCount !== 1) throw new RaceLost("the trade id was used by somebody else");
}

function tradeCells({ operation, trade }: SettledTrade): unknown[] {
  return [trade.tradeId, operation.seq, operation.index, operation.timeMs, ...moneyCells(trade)];
}

function moneyCells(trade: TradeOperation): unknown[] {
  return [
    trade.symbol,
    trade.baseAsset,
    trade.quoteAsset,
    numericOfAtoms(trade.baseAtoms),
    numericOfAtoms(trade.quoteAtoms),
    numericOfAtoms(trade.buyerReservedAtoms),
    trade.buyer.orderId,
    trade.seller.orderId,
    trade.buyer.userId,
    trade.seller.userId,
    trade.buyer.role,
    numericOfAtoms(trade.buyer.feeAtoms),
    numericOfAtoms(trade.seller.feeAtoms),
    trade.buyer.feePpm,
    trade.seller.feePpm,
  ];
}
