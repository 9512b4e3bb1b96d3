// SQL of the ledger: transactions with their entries, settled trades, transfers.
import { columns } from "@bourse/shared/postgres/columns.js";
import type { PoolClient } from "@bourse/shared/postgres/pool.js";
import { atomsOfNumeric, formatAtoms } from "@bourse/shared/units/atoms.js";
import type { Entry } from "../core/postings.js";
import type { SettledTrade } from "../core/settle.js";
import type { DoneTransfer, TransferKind } from "../core/transfer.js";
import { RaceLost } from "./database.js";

/** Writes transactions of one kind with their entries, in one statement. */
export async function insertEntries(
  client: PoolClient,
  kind: "TRADE" | TransferKind,
  entries: readonly Entry[],
): Promise<void> {
  if (entries.length === 0) return;
  await client.query({
    name: "insert_entries",
    text: `WITH entry AS MATERIALIZED (
             SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::numeric[])
                    AS u(transaction_id, user_id, asset, amount)
           ), booked AS (
             INSERT INTO wallet.ledger_transactions (transaction_id, kind)
             SELECT DISTINCT transaction_id, $1 FROM entry
           )
           INSERT INTO wallet.ledger_entries (transaction_id, user_id, asset, amount)
           SELECT transaction_id, user_id, asset, amount FROM entry`,
    values: [
      kind,
      ...columns(entries, 4, (entry) => [
        entry.transactionId,
        entry.userId,
        entry.asset,
        formatAtoms(entry.amountAtoms),
      ]),
    ],
  });
}

/** Writes settled trades. A trade id that is there already breaks the primary key (23505). */
export async function insertTrades(
  client: PoolClient,
  shard: number,
  trades: readonly SettledTrade[],
): Promise<void> {
  if (trades.length === 0) return;
  await client.query({
    name: "insert_trades",
    text: `INSERT INTO wallet.settled_trades
                  (shard, trade_id, seq, operation, executed_at_ms, symbol, base_asset, quote_asset, base_amount,
                   quote_amount, buyer_reserved_amount, buy_order_id, sell_order_id, buyer_user_id, seller_user_id,
                   buyer_role, buyer_fee, seller_fee, buyer_fee_ppm, seller_fee_ppm)
           SELECT $1, * FROM unnest($2::uuid[], $3::bigint[], $4::int[], $5::bigint[], $6::text[], $7::text[],
                  $8::text[], $9::numeric[], $10::numeric[], $11::numeric[], $12::uuid[], $13::uuid[], $14::uuid[],
                  $15::uuid[], $16::text[], $17::numeric[], $18::numeric[], $19::int[], $20::int[])`,
    values: [shard, ...columns(trades, 19, tradeCells)],
  });
}

function tradeCells({ operation, trade }: SettledTrade): unknown[] {
  return [
    trade.tradeId,
    operation.seq,
    operation.index,
    operation.timeMs,
    trade.symbol,
    trade.baseAsset,
    trade.quoteAsset,
    formatAtoms(trade.baseAtoms),
    formatAtoms(trade.quoteAtoms),
    formatAtoms(trade.buyerReservedAtoms),
    trade.buyer.orderId,
    trade.seller.orderId,
    trade.buyer.userId,
    trade.seller.userId,
    trade.buyer.role,
    formatAtoms(trade.buyer.feeAtoms),
    formatAtoms(trade.seller.feeAtoms),
    trade.buyer.feePpm,
    trade.seller.feePpm,
  ];
}

interface TransferRow {
  readonly request_id: string;
  readonly kind: TransferKind;
  readonly user_id: string;
  readonly asset: string;
  readonly amount: string;
  readonly transaction_id: string;
  readonly available_after: string;
  readonly reserved_after: string;
}

/** The transfer that was done under a request id. */
export async function findTransfer(client: PoolClient, requestId: string): Promise<DoneTransfer | undefined> {
  const { rows } = await client.query<TransferRow>({
    name: "find_transfer",
    text: `SELECT request_id, kind, user_id, asset, amount, transaction_id, available_after, reserved_after
             FROM wallet.transfers WHERE request_id = $1`,
    values: [requestId],
  });
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    kind: row.kind,
    requestId: row.request_id,
    transactionId: row.transaction_id,
    userId: row.user_id,
    asset: row.asset,
    amountAtoms: atomsOfNumeric(row.amount),
    after: {
      asset: row.asset,
      availableAtoms: atomsOfNumeric(row.available_after),
      reservedAtoms: atomsOfNumeric(row.reserved_after),
    },
  };
}

/** Writes a transfer with its answer. RaceLost when the request id was used since it was looked for. */
export async function insertTransfer(client: PoolClient, transfer: DoneTransfer): Promise<void> {
  const { rowCount } = await client.query({
    name: "insert_transfer",
    text: `INSERT INTO wallet.transfers
                  (request_id, kind, user_id, asset, amount, transaction_id, available_after, reserved_after)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (request_id) DO NOTHING`,
    values: [
      transfer.requestId,
      transfer.kind,
      transfer.userId,
      transfer.asset,
      formatAtoms(transfer.amountAtoms),
      transfer.transactionId,
      formatAtoms(transfer.after.availableAtoms),
      formatAtoms(transfer.after.reservedAtoms),
    ],
  });
  if (rowCount !== 1) throw new RaceLost("the request id was used by somebody else");
}
