-- Retention of the ledger: the entries of a month that is past are detached as a table of their own, for the operator
-- to archive or drop. What they add up to per account stays, so that entries still explain every balance;
-- transactions, trades and transfers stay whole.
-- oldest: 0008

CREATE TABLE wallet.detached_months (
  month date PRIMARY KEY CHECK (extract(day FROM month) = 1),
  detached_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE wallet.detached_balances (
  month date NOT NULL REFERENCES wallet.detached_months,
  user_id uuid NOT NULL,
  asset text NOT NULL,
  -- Sum of the month's entries of this account.
  amount numeric(38, 8) NOT NULL,
  PRIMARY KEY (month, user_id, asset)
);
REVOKE TRUNCATE ON wallet.detached_months, wallet.detached_balances FROM CURRENT_USER;

-- Detaches the entries of the month that begins on this day, when it is over since a day. Returns the table they are
-- in from then on, which stays append-only. Settlements wait for it shortly; it fails when it waits for 2 s itself.
CREATE FUNCTION wallet.detach_ledger_month(month date) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog SET lock_timeout = '2s' AS $$
DECLARE
  name text := 'ledger_entries' || to_char(month, '_YYYY_MM');
BEGIN
  PERFORM pg_advisory_xact_lock(7310581);
  IF (month + interval '1 month 1 day') AT TIME ZONE 'UTC' > now() THEN
    RAISE EXCEPTION '% is not over since a day', to_char(month, 'YYYY-MM')
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  INSERT INTO wallet.detached_months (month) VALUES (detach_ledger_month.month);
  -- Nobody writes into a month that is over: what is added up is what is detached.
  EXECUTE format('INSERT INTO wallet.detached_balances SELECT %L::date, user_id, asset, sum(amount) FROM wallet.%I
                   GROUP BY user_id, asset', month, name);
  EXECUTE format('ALTER TABLE wallet.ledger_entries DETACH PARTITION wallet.%I', name);
  RETURN 'wallet.' || name;
END
$$;

-- The way back, for a month whose table is there again as it was detached.
CREATE FUNCTION wallet.attach_ledger_month(month date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog SET lock_timeout = '2s' AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7310581);
  EXECUTE format('ALTER TABLE wallet.ledger_entries ATTACH PARTITION wallet.%I FOR VALUES FROM (%L) TO (%L)',
                 'ledger_entries' || to_char(month, '_YYYY_MM'),
                 month || ' 00:00:00+00', (month + interval '1 month')::date || ' 00:00:00+00');
  DELETE FROM wallet.detached_balances b WHERE b.month = attach_ledger_month.month;
  DELETE FROM wallet.detached_months m WHERE m.month = attach_ledger_month.month;
END
$$;
REVOKE ALL ON FUNCTION wallet.detach_ledger_month(date), wallet.attach_ledger_month(date) FROM PUBLIC;

-- I2: what was detached counts with what it adds up to.
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
  FULL JOIN (SELECT user_id, asset, sum(amount) AS total
               FROM (SELECT user_id, asset, amount FROM wallet.ledger_entries
                     UNION ALL SELECT user_id, asset, amount FROM wallet.detached_balances) AS every
              GROUP BY user_id, asset) e
    ON a.user_id = e.user_id AND a.asset = e.asset
 WHERE coalesce(a.balance, 0) <> coalesce(e.total, 0)
UNION ALL
SELECT CASE WHEN t.transaction_id IS NULL THEN 'entry without transaction' ELSE 'transaction without entries' END,
       coalesce(t.transaction_id, e.transaction_id)::text, NULL, NULL
  FROM (SELECT * FROM wallet.ledger_transactions
         WHERE date_trunc('month', recorded_at AT TIME ZONE 'UTC')::date NOT IN (SELECT month FROM wallet.detached_months)) t
  FULL JOIN (SELECT DISTINCT transaction_id, recorded_at, kind FROM wallet.ledger_entries) e
    ON t.transaction_id = e.transaction_id AND t.recorded_at = e.recorded_at AND t.kind = e.kind
 WHERE t.transaction_id IS NULL OR e.transaction_id IS NULL
UNION ALL
SELECT 'detached month does not sum to zero', month::text, asset, sum(amount)
  FROM wallet.detached_balances GROUP BY month, asset HAVING sum(amount) <> 0;

-- I9: the entries of a transfer may be detached.
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
  FULL JOIN (SELECT transaction_id, kind, date_trunc('month', recorded_at AT TIME ZONE 'UTC')::date IN (SELECT month FROM wallet.detached_months) AS is_detached
               FROM wallet.ledger_transactions WHERE kind <> 'TRADE') t
    ON t.transaction_id = f.transaction_id
  LEFT JOIN entries e ON e.transaction_id = t.transaction_id
 WHERE f.request_id IS NULL OR t.transaction_id IS NULL OR t.kind <> f.kind
    OR NOT t.is_detached AND (
       cardinality(e.entry_ids) IS DISTINCT FROM 2 OR e.entry_ids IS DISTINCT FROM f.entry_ids
    OR e.user_id IS DISTINCT FROM f.user_id::text
    OR e.house IS DISTINCT FROM (CASE f.kind WHEN 'ADJUSTMENT' THEN '00000000-0000-0000-0000-000000000003'
                                             ELSE '00000000-0000-0000-0000-000000000002' END)
    OR e.credited IS DISTINCT FROM (CASE f.direction WHEN 'CREDIT' THEN f.amount ELSE -f.amount END))
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
