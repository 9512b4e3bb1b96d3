-- A withdrawal that is held is freed, and its key forgotten, like those of cancelled ones. An adjustment becomes a
-- deposit or a withdrawal of its account in its direction: the outside world gave or took what the house did.
UPDATE wallet.accounts a
   SET available = a.available + w.amount, reserved = a.reserved - w.amount
  FROM (SELECT user_id, asset, sum(amount) AS amount FROM wallet.withdrawals WHERE state = 'HELD'
         GROUP BY user_id, asset) w
 WHERE w.user_id = a.user_id AND w.asset = a.asset;
DROP VIEW wallet.audit_i9, wallet.audit_i4, wallet.audit_i2, wallet.audit_i1;
DROP TABLE wallet.withdrawals;

GRANT UPDATE ON wallet.ledger_entries, wallet.ledger_transactions, wallet.transfers TO CURRENT_USER;
ALTER TABLE ONLY wallet.ledger_entries DISABLE TRIGGER append_only;
ALTER TABLE ONLY wallet.ledger_transactions DISABLE TRIGGER append_only;
ALTER TABLE wallet.transfers DISABLE TRIGGER append_only;
ALTER TABLE wallet.transfers DROP CONSTRAINT key_is_of_its_kind;
DROP TABLE wallet.request_ids;

INSERT INTO wallet.accounts (user_id, asset, available)
SELECT '00000000-0000-0000-0000-000000000002', asset, available FROM wallet.accounts
 WHERE user_id = '00000000-0000-0000-0000-000000000003'
ON CONFLICT (user_id, asset) DO UPDATE SET available = accounts.available + excluded.available;
-- An account is never deleted; this one stays, empty, as every account that was emptied.
UPDATE wallet.accounts SET available = 0 WHERE user_id = '00000000-0000-0000-0000-000000000003';
UPDATE wallet.ledger_entries SET user_id = '00000000-0000-0000-0000-000000000002'
 WHERE kind = 'ADJUSTMENT' AND user_id = '00000000-0000-0000-0000-000000000003';
UPDATE wallet.ledger_transactions t SET kind = CASE f.direction WHEN 'CREDIT' THEN 'DEPOSIT' ELSE 'WITHDRAWAL' END
  FROM wallet.transfers f WHERE f.transaction_id = t.transaction_id AND f.kind = 'ADJUSTMENT';
ALTER TABLE wallet.transfers DROP CONSTRAINT an_adjustment_has_a_reason;
UPDATE wallet.transfers SET kind = CASE direction WHEN 'CREDIT' THEN 'DEPOSIT' ELSE 'WITHDRAWAL' END
 WHERE kind = 'ADJUSTMENT';

ALTER TABLE wallet.transfers ENABLE TRIGGER append_only;
ALTER TABLE ONLY wallet.ledger_transactions ENABLE TRIGGER append_only;
ALTER TABLE ONLY wallet.ledger_entries ENABLE TRIGGER append_only;
REVOKE UPDATE ON wallet.ledger_entries, wallet.ledger_transactions, wallet.transfers FROM CURRENT_USER;

ALTER TABLE wallet.transfers
  DROP CONSTRAINT direction_of_its_kind,
  DROP COLUMN direction,
  DROP COLUMN reason,
  DROP COLUMN entry_ids,
  DROP CONSTRAINT transfers_kind_check,
  ADD CONSTRAINT transfers_kind_check CHECK (kind IN ('DEPOSIT', 'WITHDRAWAL'));
DROP INDEX wallet.ledger_entries_pages;
ALTER TABLE wallet.ledger_entries DROP COLUMN kind;
ALTER TABLE wallet.ledger_transactions
  DROP CONSTRAINT ledger_transactions_kind_check,
  ADD CONSTRAINT ledger_transactions_kind_check CHECK (kind IN ('TRADE', 'DEPOSIT', 'WITHDRAWAL'));
ALTER TABLE wallet.accounts
  DROP CONSTRAINT available_not_negative,
  ADD CONSTRAINT available_not_negative
    CHECK (available >= 0 OR user_id = '00000000-0000-0000-0000-000000000002');

-- As 0005-audit and 0008-ledger-months have them.
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
CREATE VIEW wallet.audit_i2 AS
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
  FULL JOIN (SELECT DISTINCT transaction_id, recorded_at FROM wallet.ledger_entries) e
    ON t.transaction_id = e.transaction_id AND t.recorded_at = e.recorded_at
 WHERE t.transaction_id IS NULL OR e.transaction_id IS NULL;
CREATE OR REPLACE VIEW wallet.audit_i3 AS
SELECT 'account' AS kind, user_id::text AS subject, asset, available, reserved, NULL::numeric AS remaining
  FROM wallet.accounts
 WHERE reserved < 0 OR (available < 0 AND user_id <> '00000000-0000-0000-0000-000000000002')
UNION ALL
SELECT 'reservation', order_id::text, asset, NULL, NULL, remaining
  FROM wallet.reservations WHERE remaining < 0 OR remaining > amount + joined;
CREATE VIEW wallet.audit_i4 AS
SELECT coalesce(a.user_id, r.user_id) AS user_id, coalesce(a.asset, r.asset) AS asset,
       coalesce(a.reserved, 0) AS reserved, coalesce(r.remaining, 0) AS remaining
  FROM wallet.accounts a
  FULL JOIN (SELECT user_id, asset, sum(remaining) AS remaining FROM wallet.reservations
              WHERE state = 'ACTIVE' GROUP BY user_id, asset) r
    ON a.user_id = r.user_id AND a.asset = r.asset
 WHERE coalesce(a.reserved, 0) <> coalesce(r.remaining, 0);
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
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bourse_auditor') THEN
    GRANT SELECT ON wallet.audit_i1, wallet.audit_i2, wallet.audit_i4, wallet.audit_i9 TO bourse_auditor;
  END IF;
END
$$;
