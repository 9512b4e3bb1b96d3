// A wallet that has been running for a while, for tests of plans: as many rows as make reading a whole table the
// wrong choice. They obey the tables' constraints; their sums are not those of any exchange.
import type { Pool } from "@bourse/shared/postgres/pool.js";

/** Fills the tables as the superuser, whose session leaves triggers out, and counts what there is. */
export async function fillWithManyRows(pool: Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN; SET LOCAL session_replication_role = replica");
    await client.query(ACCOUNTS);
    await client.query(RESERVATIONS);
    await client.query(LEDGER);
    await client.query(TRADES);
    await client.query(ACCOUNT_OPERATIONS);
    await client.query("COMMIT");
    await client.query("ANALYZE");
  } finally {
    client.release();
  }
}

const ACCOUNTS = `
INSERT INTO wallet.accounts (user_id, asset, available)
SELECT md5('user ' || n)::uuid, asset, 1000 FROM generate_series(1, 25000) AS n, unnest(ARRAY['BTC', 'USDT']) AS asset`;

// Few are open, fewer are silent, most ended long ago.
const RESERVATIONS = `
INSERT INTO wallet.reservations
       (order_id, user_id, state, sequenced, shard, asset, amount, remaining, released, fingerprint, terms, created_at,
        final_status, executed_lots, executed_tick_lots, order_ended_at_ms, ended_seq)
SELECT gen_random_uuid(), md5('user ' || (1 + n % 25000))::uuid, CASE WHEN is_open THEN 'ACTIVE' ELSE 'CLOSED' END, n % 300 <> 0,
       n % 4, 'USDT', 2, CASE WHEN is_open THEN 2 ELSE 0 END, CASE WHEN is_open THEN 0 ELSE 2 END, sha256(''), '\\x010203',
       now() - n * interval '1 minute',
       CASE WHEN NOT is_open THEN 'CANCELLED' END, CASE WHEN NOT is_open THEN 0 END, CASE WHEN NOT is_open THEN 0 END,
       CASE WHEN NOT is_open THEN 1 END, CASE WHEN NOT is_open THEN n END
  FROM (SELECT n, n % 10 = 0 AS is_open FROM generate_series(1, 50000) AS n) AS numbers`;

// Two months before this one and this one.
const LEDGER = `
SELECT wallet.make_ledger_month((date_trunc('month', now() AT TIME ZONE 'UTC') - months * interval '1 month')::date)
  FROM generate_series(1, 2) AS months;
WITH booked AS (
  INSERT INTO wallet.ledger_transactions (transaction_id, kind, recorded_at)
  SELECT md5('trade ' || n)::uuid, 'TRADE', now() - (n % 80) * interval '1 day' FROM generate_series(1, 25000) AS n
  RETURNING transaction_id, recorded_at
)
INSERT INTO wallet.ledger_entries (transaction_id, user_id, asset, amount, recorded_at)
SELECT transaction_id, md5('user ' || (1 + side + (hashtext(transaction_id::text) & 16383)))::uuid, 'USDT', side * 2 - 1, recorded_at
  FROM booked, generate_series(0, 1) AS side`;

const TRADES = `
INSERT INTO wallet.settled_trades
       (trade_id, shard, seq, operation, executed_at_ms, symbol, base_asset, quote_asset, base_amount, quote_amount,
        buyer_reserved_amount, buy_order_id, sell_order_id, buyer_user_id, seller_user_id, buyer_role, buyer_fee,
        seller_fee, buyer_fee_ppm, seller_fee_ppm)
SELECT md5('trade ' || n)::uuid, 1 + n % 3, n, 0, n, 'BTC/USDT', 'BTC', 'USDT', 1, 1, 1, gen_random_uuid(), gen_random_uuid(),
       gen_random_uuid(), gen_random_uuid(), 'MAKER', 0, 0, 0, 0
  FROM generate_series(1, 25000) AS n`;

const ACCOUNT_OPERATIONS = `
INSERT INTO wallet.request_ids (request_id, kind)
SELECT kind || n, kind FROM generate_series(1, 8000) AS n, unnest(ARRAY['DEPOSIT', 'WITHDRAWAL']) AS kind;
INSERT INTO wallet.transfers (request_id, kind, user_id, asset, amount, transaction_id, available_after, reserved_after,
                              direction, entry_ids)
SELECT 'DEPOSIT' || n, 'DEPOSIT', md5('user ' || n)::uuid, 'USDT', 1, gen_random_uuid(), 1, 0, 'CREDIT', '{}'
  FROM generate_series(1, 8000) AS n;
INSERT INTO wallet.withdrawals (request_id, transaction_id, user_id, asset, amount, state, held_available, held_reserved)
SELECT 'WITHDRAWAL' || n, gen_random_uuid(), md5('user ' || n)::uuid, 'USDT', 1, 'HELD', 0, 1
  FROM generate_series(1, 8000) AS n`;
