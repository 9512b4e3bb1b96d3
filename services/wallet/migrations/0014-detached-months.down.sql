-- Every entry must be in the ledger again: a month whose table is gone is named, and nothing is done.
DO $$
DECLARE
  missing text;
BEGIN
  SELECT string_agg(to_char(month, 'YYYY-MM'), ', ' ORDER BY month) INTO missing FROM wallet.detached_months
   WHERE to_regclass('wallet.ledger_entries' || to_char(month, '_YYYY_MM')) IS NULL;
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'the entries of % are detached and their tables are not here: restore them first', missing
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  PERFORM wallet.attach_ledger_month(month) FROM wallet.detached_months;
END
$$;

-- As 0010-account-operations has them.
CREATE OR REPLACE VIEW wallet.audit_i2 AS
SELECT 'transaction does not sum to zero' AS breach, transaction_id::text AS subject, asset, sum(amount) AS difference
  FROM wallet.ledger_entries GROUP BY transaction_id, asset HAVING sum(amount) <> 0
UNION ALL
SELECT 'transaction booked twice', transaction_id::text, NULL, NULL
  FROM wallet.ledger_transactions GROUP BY transaction_id HAVING count(*) > 1
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
  FULL JOIN (SELECT DISTINCT transaction_id, recorded_at, kind FROM wallet.ledger_entries) e
    ON t.transaction_id = e.transaction_id AND t.recorded_at = e.recorded_at AND t.kind = e.kind
 WHERE t.transaction_id IS NULL OR e.transaction_id IS NULL;
CREATE OR REPLACE VIEW wallet.audit_i9 AS
WITH house (user_id) AS (
  VALUES ('00000000-0000-0000-0000-000000000002'::uuid), ('00000000-0000-0000-0000-000000000003')
), entries AS (
  SELECT e.transaction_id, array_agg(e.entry_id ORDER BY e.entry_id) AS entry_ids,
         sum(e.amount) FILTER (WHERE h.user_id IS NULL) AS credited,
         min(e.user_id::text) FILTER (WHERE h.user_id IS NULL) AS user_id,
         min(h.user_id::text) AS house
    FROM wallet.ledger_entries e LEFT JOIN house h ON h.user_id = e.user_id
   WHERE e.kind <> 'TRADE' GROUP BY e.transaction_id
)
SELECT CASE WHEN f.request_id IS NULL THEN 'transaction without transfer'
            WHEN t.transaction_id IS NULL THEN 'transfer without transaction'
            ELSE 'entries are not the transfer' END AS breach,
       f.request_id, coalesce(f.kind, t.kind) AS kind, f.user_id, f.asset, f.amount,
       coalesce(f.transaction_id, t.transaction_id) AS transaction_id, e.credited
  FROM wallet.transfers f
  FULL JOIN (SELECT transaction_id, kind FROM wallet.ledger_transactions WHERE kind <> 'TRADE') t
    ON t.transaction_id = f.transaction_id
  LEFT JOIN entries e ON e.transaction_id = t.transaction_id
 WHERE f.request_id IS NULL OR t.transaction_id IS NULL OR t.kind <> f.kind
    OR cardinality(e.entry_ids) IS DISTINCT FROM 2 OR e.entry_ids IS DISTINCT FROM f.entry_ids
    OR e.user_id IS DISTINCT FROM f.user_id::text
    OR e.house IS DISTINCT FROM (CASE f.kind WHEN 'ADJUSTMENT' THEN '00000000-0000-0000-0000-000000000003'
                                             ELSE '00000000-0000-0000-0000-000000000002' END)
    OR e.credited IS DISTINCT FROM (CASE f.direction WHEN 'CREDIT' THEN f.amount ELSE -f.amount END)
UNION ALL
SELECT CASE WHEN w.request_id IS NULL THEN 'transfer without withdrawal' ELSE 'withdrawal is not its transfer' END,
       request_id, 'WITHDRAWAL', w.user_id, w.asset, w.amount, w.transaction_id, -f.amount
  FROM wallet.withdrawals w
  FULL JOIN (SELECT * FROM wallet.transfers WHERE kind = 'WITHDRAWAL') f USING (request_id)
 WHERE w.request_id IS NULL OR (w.state = 'COMPLETED') <> (f.request_id IS NOT NULL)
    OR (f.transaction_id, f.user_id, f.asset, f.amount) <> (w.transaction_id, w.user_id, w.asset, w.amount)
UNION ALL
SELECT 'key was never used', k.request_id, k.kind, NULL, NULL, NULL, NULL, NULL
  FROM wallet.request_ids k
  LEFT JOIN wallet.transfers f ON f.request_id = k.request_id
  LEFT JOIN wallet.withdrawals w ON w.request_id = k.request_id
 WHERE CASE k.kind WHEN 'WITHDRAWAL' THEN w.request_id ELSE f.request_id END IS NULL;

DROP FUNCTION wallet.attach_ledger_month(date);
DROP FUNCTION wallet.detach_ledger_month(date);
DROP TABLE wallet.detached_balances, wallet.detached_months;
