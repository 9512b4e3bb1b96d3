-- The wallet's invariants as views: each returns only rows that breach it, so an empty answer is a clean
-- audit. One statement sees one snapshot, so they may run while money moves. For auditors too.

-- I1: what users and the house hold equals what came in less what went out, per asset.
CREATE VIEW wallet.audit_i1 AS
WITH held AS (
  SELECT asset, sum(available + reserved) AS held FROM wallet.accounts
   WHERE user_id <> '00000000-0000-0000-0000-000000000002' GROUP BY asset
), outside AS (
  SELECT asset, available + reserved AS outside FROM wallet.accounts
   WHERE user_id = '00000000-0000-0000-0000-000000000002'
), came_in AS (
  SELECT asset, sum(CASE kind WHEN 'DEPOSIT' THEN amount ELSE -amount END) AS came_in
    FROM wallet.transfers GROUP BY asset
)
SELECT asset, coalesce(held, 0) AS held, coalesce(came_in, 0) AS came_in, coalesce(outside, 0) AS outside
  FROM held FULL JOIN came_in USING (asset) FULL JOIN outside USING (asset)
 WHERE coalesce(held, 0) <> coalesce(came_in, 0) OR coalesce(outside, 0) <> -coalesce(came_in, 0);

-- I2: every ledger transaction sums to zero per asset; an account's entries sum to its balance; no entry
-- without transaction, no transaction without entries.
CREATE VIEW wallet.audit_i2 AS
SELECT 'transaction does not sum to zero' AS breach, transaction_id::text AS subject, asset, sum(amount) AS difference
  FROM wallet.ledger_entries GROUP BY transaction_id, asset HAVING sum(amount) <> 0
UNION ALL
SELECT 'entries are not the balance', coalesce(a.user_id, e.user_id)::text, coalesce(a.asset, e.asset),
       coalesce(a.balance, 0) - coalesce(e.total, 0)
  FROM (SELECT user_id, asset, available + reserved AS balance FROM wallet.accounts) a
  FULL JOIN (SELECT user_id, asset, sum(amount) AS total FROM wallet.ledger_entries GROUP BY user_id, asset) e
    ON a.user_id = e.user_id AND a.asset = e.asset
 WHERE coalesce(a.balance, 0) <> coalesce(e.total, 0)
UNION ALL
SELECT CASE WHEN t.transaction_id IS NULL THEN 'entry without transaction' ELSE 'transaction without entries' END,
       coalesce(t.transaction_id, e.transaction_id)::text, NULL, NULL
  FROM wallet.ledger_transactions t
  FULL JOIN (SELECT DISTINCT transaction_id FROM wallet.ledger_entries) e ON t.transaction_id = e.transaction_id
 WHERE t.transaction_id IS NULL OR e.transaction_id IS NULL;

-- I3: nothing is negative, nothing remains that was never held.
CREATE VIEW wallet.audit_i3 AS
SELECT 'account' AS kind, user_id::text AS subject, asset, available, reserved, NULL::numeric AS remaining
  FROM wallet.accounts
 WHERE reserved < 0 OR (available < 0 AND user_id <> '00000000-0000-0000-0000-000000000002')
UNION ALL
SELECT 'reservation', order_id::text, asset, NULL, NULL, remaining
  FROM wallet.reservations WHERE remaining < 0 OR remaining > amount + joined;

-- I4: what an account has reserved is what remains of its active reservations.
CREATE VIEW wallet.audit_i4 AS
SELECT coalesce(a.user_id, r.user_id) AS user_id, coalesce(a.asset, r.asset) AS asset,
       coalesce(a.reserved, 0) AS reserved, coalesce(r.remaining, 0) AS remaining
  FROM wallet.accounts a
  FULL JOIN (SELECT user_id, asset, sum(remaining) AS remaining FROM wallet.reservations
              WHERE state = 'ACTIVE' GROUP BY user_id, asset) r
    ON a.user_id = r.user_id AND a.asset = r.asset
 WHERE coalesce(a.reserved, 0) <> coalesce(r.remaining, 0);

-- I5: a closed or refused reservation holds nothing; one reservation per order.
CREATE VIEW wallet.audit_i5 AS
SELECT 'ended but holds' AS breach, order_id, remaining FROM wallet.reservations
 WHERE state <> 'ACTIVE' AND remaining <> 0
UNION ALL
SELECT 'more than one', order_id, sum(remaining) FROM wallet.reservations GROUP BY order_id HAVING count(*) > 1;

-- I6: each trade is settled once, none behind the cursor of its shard, each with its ledger transaction.
-- That the set is exactly the journal's is for whoever reads the journal beside wallet.settled_trades.
CREATE VIEW wallet.audit_i6 AS
SELECT 'settled twice' AS breach, trade_id, min(shard) AS shard, min(seq) AS seq
  FROM wallet.settled_trades GROUP BY trade_id HAVING count(*) > 1
UNION ALL
SELECT 'behind the cursor', s.trade_id, s.shard, s.seq
  FROM wallet.settled_trades s LEFT JOIN wallet.shard_cursors c ON c.shard = s.shard
 WHERE c.shard IS NULL OR s.seq > c.seq OR (s.seq = c.seq AND s.operation >= c.operations)
UNION ALL
SELECT CASE WHEN s.trade_id IS NULL THEN 'ledger without trade' ELSE 'trade without ledger' END,
       coalesce(s.trade_id, t.transaction_id), s.shard, s.seq
  FROM wallet.settled_trades s
  FULL JOIN (SELECT transaction_id FROM wallet.ledger_transactions WHERE kind = 'TRADE') t
    ON t.transaction_id = s.trade_id
 WHERE s.trade_id IS NULL OR t.transaction_id IS NULL;

-- I7: every atom that was ever reserved for an order is accounted for; what an order paid is what its
-- settled trades say.
CREATE VIEW wallet.audit_i7 AS
WITH paid AS (
  SELECT order_id, sum(spent) AS spent, sum(improvement) AS improvement FROM (
    SELECT buy_order_id AS order_id, quote_amount AS spent, buyer_reserved_amount - quote_amount AS improvement
      FROM wallet.settled_trades
    UNION ALL
    SELECT sell_order_id, base_amount, 0 FROM wallet.settled_trades
  ) AS halves GROUP BY order_id
)
SELECT r.order_id, r.state, r.amount, r.joined, r.spent, r.improvement, r.released, r.remaining,
       paid.spent AS paid, paid.improvement AS given_back
  FROM wallet.reservations r FULL JOIN paid ON paid.order_id = r.order_id
 WHERE r.order_id IS NULL
    OR (r.state <> 'REFUSED' AND r.amount + r.joined <> r.spent + r.improvement + r.released + r.remaining)
    OR r.spent <> coalesce(paid.spent, 0) OR r.improvement <> coalesce(paid.improvement, 0);

-- I8: a fee is never negative and never above what was received; per order and role the total is exactly
-- ceil(rate × received), and the totals are those of the settled trades.
CREATE VIEW wallet.audit_i8 AS
WITH halves AS (
  SELECT buy_order_id AS order_id, buyer_role AS role, base_amount AS received, buyer_fee AS fee, buyer_fee_ppm AS ppm
    FROM wallet.settled_trades
  UNION ALL
  SELECT sell_order_id, CASE buyer_role WHEN 'MAKER' THEN 'TAKER' ELSE 'MAKER' END, quote_amount, seller_fee, seller_fee_ppm
    FROM wallet.settled_trades
), traded AS (
  SELECT order_id, role, sum(received) AS received, sum(fee) AS fees, min(ppm) AS ppm, max(ppm) AS ppm_max,
         bool_or(fee < 0 OR fee > received) AS has_bad_fee
    FROM halves GROUP BY order_id, role
), stored AS (
  SELECT order_id, 'MAKER' AS role, maker_received AS received, maker_fees AS fees, maker_fee_ppm AS ppm
    FROM wallet.reservations WHERE maker_received <> 0 OR maker_fee_ppm IS NOT NULL
  UNION ALL
  SELECT order_id, 'TAKER', taker_received, taker_fees, taker_fee_ppm
    FROM wallet.reservations WHERE taker_received <> 0 OR taker_fee_ppm IS NOT NULL
)
SELECT order_id, role, t.received AS traded_received, t.fees AS traded_fees, s.received, s.fees, s.ppm
  FROM traded t FULL JOIN stored s USING (order_id, role)
 WHERE t.order_id IS NULL OR s.order_id IS NULL OR t.has_bad_fee
    OR t.received <> s.received OR t.fees <> s.fees OR t.ppm <> s.ppm OR t.ppm_max <> s.ppm
    -- Both sides in atoms: received × 10^8 × rate / 10^6, rounded up.
    OR s.fees * 100000000 <> ceil(s.received * 100 * s.ppm);

-- I9: every deposit and withdrawal has one transaction of its own with exactly its two entries.
CREATE VIEW wallet.audit_i9 AS
WITH entries AS (
  SELECT e.transaction_id, count(*) AS entries,
         sum(e.amount) FILTER (WHERE e.user_id <> '00000000-0000-0000-0000-000000000002') AS credited,
         min(e.user_id::text) FILTER (WHERE e.user_id <> '00000000-0000-0000-0000-000000000002') AS user_id
    FROM wallet.ledger_entries e JOIN wallet.ledger_transactions t ON t.transaction_id = e.transaction_id
   WHERE t.kind <> 'TRADE' GROUP BY e.transaction_id
)
SELECT f.request_id, f.kind, f.user_id, f.asset, f.amount, t.transaction_id, e.credited
  FROM wallet.transfers f
  FULL JOIN (SELECT transaction_id, kind FROM wallet.ledger_transactions WHERE kind <> 'TRADE') t
    ON t.transaction_id = f.transaction_id
  LEFT JOIN entries e ON e.transaction_id = t.transaction_id
 WHERE f.request_id IS NULL OR t.transaction_id IS NULL OR t.kind <> f.kind
    OR e.entries IS DISTINCT FROM 2 OR e.user_id IS DISTINCT FROM f.user_id::text
    OR e.credited IS DISTINCT FROM (CASE f.kind WHEN 'DEPOSIT' THEN f.amount ELSE -f.amount END);

-- I14, the wallet's half: nothing that a shard decided is stored beyond its cursor. (That cursors only
-- advance is a trigger; that they end within the journal, the shard checks when they are reported.)
CREATE VIEW wallet.audit_i14 AS
SELECT 'epoch is not stored' AS breach, shard, seq, epoch::text AS detail FROM wallet.shard_cursors
 WHERE epoch > stored_epoch
UNION ALL
SELECT 'ended beyond the cursor', r.shard, r.ended_seq, r.order_id::text
  FROM wallet.reservations r LEFT JOIN wallet.shard_cursors c ON c.shard = r.shard
 WHERE r.state = 'CLOSED' AND (c.shard IS NULL OR r.ended_seq > c.seq);

-- Auditors read everything and change nothing. The role is made by whoever sets up the database.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bourse_auditor') THEN
    GRANT USAGE ON SCHEMA wallet TO bourse_auditor;
    GRANT SELECT ON ALL TABLES IN SCHEMA wallet TO bourse_auditor;
  END IF;
END
$$;
