-- One table again, every row under its own id; an entry's time is that of its transaction.
DROP VIEW wallet.audit_i10, wallet.audit_i9, wallet.audit_i6, wallet.audit_i2;
ALTER TABLE wallet.ledger_transactions RENAME TO ledger_transactions_months;
ALTER TABLE wallet.ledger_transactions_months RENAME CONSTRAINT ledger_transactions_pkey TO ledger_transactions_months_pkey;
ALTER TABLE wallet.ledger_entries RENAME TO ledger_entries_months;
ALTER TABLE wallet.ledger_entries_months RENAME CONSTRAINT ledger_entries_pkey TO ledger_entries_months_pkey;
ALTER SEQUENCE wallet.ledger_entries_entry_id_seq RENAME TO ledger_entries_months_entry_id_seq;

-- As 0003-ledger has them.
CREATE TABLE wallet.ledger_transactions (
  transaction_id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('TRADE', 'DEPOSIT', 'WITHDRAWAL')),
  recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE wallet.ledger_entries (
  entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  transaction_id uuid NOT NULL,
  user_id uuid NOT NULL,
  asset text NOT NULL,
  amount numeric(38, 8) NOT NULL CHECK (amount <> 0)
);
INSERT INTO wallet.ledger_transactions (transaction_id, kind, recorded_at)
SELECT transaction_id, kind, recorded_at FROM wallet.ledger_transactions_months;
INSERT INTO wallet.ledger_entries (entry_id, transaction_id, user_id, asset, amount) OVERRIDING SYSTEM VALUE
SELECT entry_id, transaction_id, user_id, asset, amount FROM wallet.ledger_entries_months ORDER BY entry_id;
SELECT setval('wallet.ledger_entries_entry_id_seq', last_value, is_called) FROM wallet.ledger_entries_months_entry_id_seq;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.ledger_transactions
  FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.ledger_entries
  FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();
ANALYZE wallet.ledger_transactions;
ANALYZE wallet.ledger_entries;

DROP TABLE wallet.ledger_entries_months, wallet.ledger_transactions_months;
DROP FUNCTION wallet.make_ledger_months(integer);
DROP FUNCTION wallet.make_ledger_month(date);
DROP FUNCTION wallet.guard_ledger(text, boolean);
DROP FUNCTION wallet.refuse_unbalanced();

-- As 0005-audit has them.
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

ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
GRANT ALL ON wallet.accounts, wallet.reservations, wallet.shard_cursors, wallet.settled_trades, wallet.transfers
  TO CURRENT_USER;
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bourse_auditor') THEN
    ALTER DEFAULT PRIVILEGES IN SCHEMA wallet REVOKE SELECT ON TABLES FROM bourse_auditor;
    GRANT SELECT ON ALL TABLES IN SCHEMA wallet TO bourse_auditor;
  END IF;
END
$$;
