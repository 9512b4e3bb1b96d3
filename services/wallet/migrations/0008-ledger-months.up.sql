-- The ledger by month (UTC), so that old months can be detached whole; every INSERT of entries balances by
-- itself; and the wallet's own role keeps only the rights that it uses. Who settles or transfers waits while
-- the rows are copied; reserves, balances and cursors go on.
-- oldest: 0007
ALTER TABLE wallet.ledger_transactions RENAME TO ledger_transactions_whole;
ALTER TABLE wallet.ledger_transactions_whole RENAME CONSTRAINT ledger_transactions_pkey TO ledger_transactions_whole_pkey;
ALTER TABLE wallet.ledger_entries RENAME TO ledger_entries_whole;
ALTER TABLE wallet.ledger_entries_whole RENAME CONSTRAINT ledger_entries_pkey TO ledger_entries_whole_pkey;
ALTER SEQUENCE wallet.ledger_entries_entry_id_seq RENAME TO ledger_entries_whole_entry_id_seq;

-- That a transaction is booked once is the key of settled_trades and transfers; here the key holds the time.
CREATE TABLE wallet.ledger_transactions (
  -- Trade id, or id of the transfer.
  transaction_id uuid NOT NULL,
  kind text NOT NULL CONSTRAINT ledger_transactions_kind_check CHECK (kind IN ('TRADE', 'DEPOSIT', 'WITHDRAWAL')),
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (transaction_id, recorded_at)
) PARTITION BY RANGE (recorded_at);

CREATE TABLE wallet.ledger_entries (
  -- One sequence for all months.
  entry_id bigint GENERATED ALWAYS AS IDENTITY,
  transaction_id uuid NOT NULL,
  user_id uuid NOT NULL,
  asset text NOT NULL,
  -- Positive credits the account, negative debits it. Per transaction and asset the sum is zero.
  amount numeric(38, 8) NOT NULL CHECK (amount <> 0),
  -- As of the transaction, since both are written in one statement.
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (entry_id, recorded_at)
) PARTITION BY RANGE (recorded_at);

CREATE FUNCTION wallet.refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  wrong record;
BEGIN
  SELECT transaction_id, asset, sum(amount) AS total INTO wrong
    FROM written GROUP BY transaction_id, asset HAVING sum(amount) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'ledger entries of transaction % in % sum to %, not to zero',
      wrong.transaction_id, wrong.asset, wrong.total
      USING ERRCODE = 'check_violation', SCHEMA = 'wallet', TABLE = TG_TABLE_NAME, CONSTRAINT = 'entries_balance';
  END IF;
  RETURN NULL;
END
$$;

-- What guards a table of the ledger, the whole or a month: a statement fires the triggers of the table that
-- it names alone. Rows are read and added; the owner too must give itself a right before it could do more.
CREATE FUNCTION wallet.guard_ledger(name text, is_entries boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.%I
                    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change()', name);
  IF is_entries THEN
    EXECUTE format('CREATE TRIGGER entries_balance AFTER INSERT ON wallet.%I REFERENCING NEW TABLE AS written
                      FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_unbalanced()', name);
  END IF;
  EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON wallet.%I FROM CURRENT_USER', name);
END
$$;

-- Makes the month that begins on this day in both tables, where it is missing.
CREATE FUNCTION wallet.make_ledger_month(month date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  parent text;
  name text;
BEGIN
  FOREACH parent IN ARRAY ARRAY['ledger_transactions', 'ledger_entries'] LOOP
    name := parent || to_char(month, '_YYYY_MM');
    IF to_regclass(format('wallet.%I', name)) IS NULL THEN
      -- Made aside and attached: readers and writers of the whole go on meanwhile.
      EXECUTE format('CREATE TABLE wallet.%I (LIKE wallet.%I INCLUDING ALL EXCLUDING IDENTITY)', name, parent);
      PERFORM wallet.guard_ledger(name, parent = 'ledger_entries');
      EXECUTE format('ALTER TABLE wallet.%I ATTACH PARTITION wallet.%I FOR VALUES FROM (%L) TO (%L)', parent, name,
                     month || ' 00:00:00+00', (month + interval '1 month')::date || ' 00:00:00+00');
    ELSIF NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = format('wallet.%I', name)::regclass) THEN
      RAISE EXCEPTION 'wallet.% is no part of wallet.%: attach it, or rename it', name, parent
        USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
  END LOOP;
END
$$;

-- Makes what is missing of this month and those of the next days, by the clock that stamps the rows. Returns
-- for how many days from now on every instant has its month.
CREATE FUNCTION wallet.make_ledger_months(days integer) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
  month date := date_trunc('month', today)::date;
BEGIN
  -- One at a time: two that start together would both make the same table.
  PERFORM pg_advisory_xact_lock(7310581);
  LOOP
    PERFORM wallet.make_ledger_month(month);
    month := (month + interval '1 month')::date;
    EXIT WHEN month > today + days;
  END LOOP;
  RETURN month - today;
END
$$;

DO $$
DECLARE
  month date;
BEGIN
  FOR month IN SELECT DISTINCT date_trunc('month', recorded_at AT TIME ZONE 'UTC')::date
                 FROM wallet.ledger_transactions_whole ORDER BY 1 LOOP
    PERFORM wallet.make_ledger_month(month);
  END LOOP;
  PERFORM wallet.make_ledger_months(31);
END
$$;

INSERT INTO wallet.ledger_transactions (transaction_id, kind, recorded_at)
SELECT transaction_id, kind, recorded_at FROM wallet.ledger_transactions_whole;
-- An entry without transaction is for audit_i2 to report, not for a migration to lose.
INSERT INTO wallet.ledger_entries (entry_id, transaction_id, user_id, asset, amount, recorded_at) OVERRIDING SYSTEM VALUE
SELECT e.entry_id, e.transaction_id, e.user_id, e.asset, e.amount, coalesce(t.recorded_at, now())
  FROM wallet.ledger_entries_whole e LEFT JOIN wallet.ledger_transactions_whole t USING (transaction_id)
 ORDER BY e.entry_id;
SELECT setval('wallet.ledger_entries_entry_id_seq', last_value, is_called) FROM wallet.ledger_entries_whole_entry_id_seq;

SELECT wallet.guard_ledger('ledger_transactions', false);
SELECT wallet.guard_ledger('ledger_entries', true);

DROP VIEW wallet.audit_i9, wallet.audit_i6, wallet.audit_i2;
DROP TABLE wallet.ledger_entries_whole, wallet.ledger_transactions_whole;
ANALYZE wallet.ledger_transactions;
ANALYZE wallet.ledger_entries;

-- I2: every ledger transaction is booked once and sums to zero per asset; an account's entries sum to its
-- balance; no entry without transaction of the same instant, no transaction without entries.
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

-- As 0005-audit has them.
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

-- Balances, reservations and cursors change, all else is only added to. Nothing is ever deleted.
REVOKE DELETE, TRUNCATE ON wallet.accounts, wallet.reservations, wallet.shard_cursors FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON wallet.settled_trades, wallet.transfers FROM CURRENT_USER;
REVOKE ALL ON SCHEMA wallet FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA wallet FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA wallet FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
-- I10: nobody but the owner of this schema writes in it, the owner itself only adds to what is append-only, and
-- the triggers that refuse are there and on, in every month too.
CREATE VIEW wallet.audit_i10 AS
WITH relation AS (
  SELECT c.oid, c.relname AS name, c.relkind AS kind, c.relowner AS owner, n.nspowner AS schema_owner,
         coalesce(i.inhparent::regclass::text, c.oid::regclass::text) AS whole
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
   WHERE n.nspname = 'wallet' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
), guard AS (
  SELECT tgrelid, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal
), append_only AS (
  SELECT relation.*, need.guard
    FROM relation JOIN (
      SELECT tgrelid::regclass::text AS whole, tgname AS guard FROM guard
       WHERE tgname IN ('append_only', 'entries_balance')
    ) AS need USING (whole)
)
SELECT 'may be written by another role' AS breach, relation.name::text AS relation, rolname::text AS role, privilege
  FROM relation CROSS JOIN pg_roles
 CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) AS privilege
 WHERE pg_roles.oid <> schema_owner AND rolcanlogin AND NOT rolsuper
   AND has_table_privilege(pg_roles.oid, relation.oid, privilege)
UNION ALL
SELECT 'may be created in by another role', nspname, rolname, 'CREATE'
  FROM pg_namespace CROSS JOIN pg_roles
 WHERE nspname = 'wallet' AND pg_roles.oid <> nspowner AND rolcanlogin AND NOT rolsuper
   AND has_schema_privilege(pg_roles.oid, pg_namespace.oid, 'CREATE')
UNION ALL
SELECT 'belongs to another role', name, owner::regrole::text, 'OWNER' FROM relation WHERE owner <> schema_owner
UNION ALL
SELECT DISTINCT 'may be rewritten by its owner', name::text, rolname::text, privilege
  FROM append_only JOIN pg_roles ON pg_roles.oid = owner
 CROSS JOIN unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS privilege
 WHERE NOT rolsuper AND has_table_privilege(owner, append_only.oid, privilege)
UNION ALL
SELECT 'guard is missing', name, NULL, append_only.guard
  FROM append_only LEFT JOIN guard ON tgrelid = oid AND tgname = append_only.guard WHERE tgname IS NULL
UNION ALL
SELECT 'guard is off', name, NULL, tgname
  FROM relation JOIN guard ON tgrelid = oid WHERE tgenabled <> 'O';

-- The auditor reads what is here and what will be made, months too.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bourse_auditor') THEN
    GRANT SELECT ON ALL TABLES IN SCHEMA wallet TO bourse_auditor;
    ALTER DEFAULT PRIVILEGES IN SCHEMA wallet GRANT SELECT ON TABLES TO bourse_auditor;
  END IF;
END
$$;
