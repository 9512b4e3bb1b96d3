-- Withdrawals in two steps, adjustments by operators, and the ledger in pages. All account operations share one
-- name space of keys. Deposits wait while this runs; those of a wallet of before fail after it, its settlements
-- go on.
CREATE TABLE wallet.request_ids (
  request_id text PRIMARY KEY CHECK (request_id ~ '^[A-Za-z0-9._:-]{1,64}$'),
  kind text NOT NULL CHECK (kind IN ('DEPOSIT', 'WITHDRAWAL', 'ADJUSTMENT')),
  UNIQUE (request_id, kind)
);
INSERT INTO wallet.request_ids SELECT request_id, kind FROM wallet.transfers;

-- House account …0003: minus what operators gave to accounts by hand, plus what they took.
ALTER TABLE wallet.accounts
  DROP CONSTRAINT available_not_negative,
  ADD CONSTRAINT available_not_negative CHECK (
    available >= 0
    OR user_id IN ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000003')
  );

ALTER TABLE wallet.ledger_transactions
  DROP CONSTRAINT ledger_transactions_kind_check,
  ADD CONSTRAINT ledger_transactions_kind_check CHECK (kind IN ('TRADE', 'DEPOSIT', 'WITHDRAWAL', 'ADJUSTMENT'));

-- The kind of its transaction stands in each entry too, so that one index finds every page: each asset and each
-- kind of a user is a run of it in the order of time. Whoever does not say it writes trades.
ALTER TABLE wallet.ledger_entries ADD COLUMN kind text NOT NULL DEFAULT 'TRADE';
ALTER TABLE ONLY wallet.ledger_entries DISABLE TRIGGER append_only;
GRANT UPDATE ON wallet.ledger_entries TO CURRENT_USER;
UPDATE wallet.ledger_entries e SET kind = t.kind FROM wallet.ledger_transactions t
 WHERE t.kind <> 'TRADE' AND t.transaction_id = e.transaction_id AND t.recorded_at = e.recorded_at;
REVOKE UPDATE ON wallet.ledger_entries FROM CURRENT_USER;
ALTER TABLE ONLY wallet.ledger_entries ENABLE TRIGGER append_only;
CREATE INDEX ledger_entries_pages ON wallet.ledger_entries (user_id, asset, kind, recorded_at, entry_id);

ALTER TABLE wallet.transfers
  DROP CONSTRAINT transfers_kind_check,
  ADD CONSTRAINT transfers_kind_check CHECK (kind IN ('DEPOSIT', 'WITHDRAWAL', 'ADJUSTMENT')),
  -- Seen from the account of the user.
  ADD COLUMN direction text NOT NULL DEFAULT 'CREDIT',
  -- Why an operator adjusted the account.
  ADD COLUMN reason text CHECK (char_length(reason) BETWEEN 1 AND 200),
  -- Its ledger entries, ascending: a part of the answer.
  ADD COLUMN entry_ids bigint[] NOT NULL DEFAULT '{}';
ALTER TABLE wallet.transfers DISABLE TRIGGER append_only;
GRANT UPDATE ON wallet.transfers TO CURRENT_USER;
UPDATE wallet.transfers f
   SET direction = CASE kind WHEN 'DEPOSIT' THEN 'CREDIT' ELSE 'DEBIT' END, entry_ids = e.entry_ids
  FROM (SELECT transaction_id, array_agg(entry_id ORDER BY entry_id) AS entry_ids
          FROM wallet.ledger_entries WHERE kind <> 'TRADE' GROUP BY transaction_id) e
 WHERE e.transaction_id = f.transaction_id;
REVOKE UPDATE ON wallet.transfers FROM CURRENT_USER;
ALTER TABLE wallet.transfers ENABLE TRIGGER append_only;
ALTER TABLE wallet.transfers
  ALTER COLUMN direction DROP DEFAULT,
  ALTER COLUMN entry_ids DROP DEFAULT,
  ADD CONSTRAINT direction_of_its_kind CHECK (
    direction IN ('CREDIT', 'DEBIT') AND CASE kind WHEN 'DEPOSIT' THEN direction = 'CREDIT'
                                                   WHEN 'WITHDRAWAL' THEN direction = 'DEBIT' ELSE true END
  ),
  ADD CONSTRAINT an_adjustment_has_a_reason CHECK ((reason IS NOT NULL) = (kind = 'ADJUSTMENT')),
  ADD CONSTRAINT key_is_of_its_kind FOREIGN KEY (request_id, kind) REFERENCES wallet.request_ids (request_id, kind);

-- A withdrawal holds its amount in `reserved` of its account until it ends, once. Only a completed one has a
-- transfer, under the same key.
CREATE TABLE wallet.withdrawals (
  request_id text PRIMARY KEY,
  kind text NOT NULL GENERATED ALWAYS AS ('WITHDRAWAL') STORED,
  -- Of the ledger transaction that completes it.
  transaction_id uuid NOT NULL UNIQUE,
  user_id uuid NOT NULL,
  asset text NOT NULL CHECK (asset ~ '^[A-Z0-9]{2,10}$'),
  amount numeric(38, 8) NOT NULL CHECK (amount > 0),
  state text NOT NULL CHECK (state IN ('HELD', 'COMPLETED', 'CANCELLED')),
  -- The answers of the first calls, given again to every repeat: the account right after the hold and the end.
  held_available numeric(38, 8) NOT NULL,
  held_reserved numeric(38, 8) NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  ended_available numeric(38, 8),
  ended_reserved numeric(38, 8),
  ended_at timestamptz,
  CONSTRAINT ended_has_its_answer
    CHECK (num_nulls(ended_available, ended_reserved, ended_at) = CASE state WHEN 'HELD' THEN 3 ELSE 0 END),
  CONSTRAINT key_is_of_its_kind FOREIGN KEY (request_id, kind) REFERENCES wallet.request_ids (request_id, kind)
);
-- Those of before were done in one step.
INSERT INTO wallet.withdrawals (request_id, transaction_id, user_id, asset, amount, state, held_available,
                                held_reserved, created_at, ended_available, ended_reserved, ended_at)
SELECT request_id, transaction_id, user_id, asset, amount, 'COMPLETED', available_after, reserved_after, created_at,
       available_after, reserved_after, created_at
  FROM wallet.transfers WHERE kind = 'WITHDRAWAL';

CREATE TRIGGER final_never_changes BEFORE UPDATE ON wallet.withdrawals
  FOR EACH ROW WHEN (
    OLD.state <> 'HELD'
    OR (NEW.request_id, NEW.transaction_id, NEW.user_id, NEW.asset, NEW.amount, NEW.held_available, NEW.held_reserved,
        NEW.created_at)
       IS DISTINCT FROM (OLD.request_id, OLD.transaction_id, OLD.user_id, OLD.asset, OLD.amount, OLD.held_available,
                         OLD.held_reserved, OLD.created_at)
  ) EXECUTE FUNCTION wallet.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON wallet.withdrawals
  FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.request_ids
  FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();
REVOKE DELETE, TRUNCATE ON wallet.withdrawals FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON wallet.request_ids FROM CURRENT_USER;
-- A foreign key locks the row of its key with the right to update any column; the trigger refuses all the same.
GRANT UPDATE (kind) ON wallet.request_ids TO CURRENT_USER;

-- I1: adjustments move money between users and the house, so they bring nothing in; what the house gave and took
-- by hand is the account for it.
CREATE OR REPLACE VIEW wallet.audit_i1 AS
WITH held AS (
  SELECT asset, sum(available + reserved) AS held FROM wallet.accounts
   WHERE user_id <> '00000000-0000-0000-0000-000000000002' GROUP BY asset
), outside AS (
  SELECT asset, available + reserved AS outside FROM wallet.accounts
   WHERE user_id = '00000000-0000-0000-0000-000000000002'
), adjustments AS (
  SELECT asset, available + reserved AS adjustments FROM wallet.accounts
   WHERE user_id = '00000000-0000-0000-0000-000000000003'
), moved AS (
  SELECT asset,
         sum(CASE direction WHEN 'CREDIT' THEN amount ELSE -amount END) FILTER (WHERE kind <> 'ADJUSTMENT') AS came_in,
         sum(CASE direction WHEN 'CREDIT' THEN amount ELSE -amount END) FILTER (WHERE kind = 'ADJUSTMENT') AS adjusted
    FROM wallet.transfers GROUP BY asset
)
SELECT asset, coalesce(held, 0) AS held, coalesce(came_in, 0) AS came_in, coalesce(outside, 0) AS outside,
       coalesce(adjusted, 0) AS adjusted, coalesce(adjustments, 0) AS adjustments
  FROM held FULL JOIN moved USING (asset) FULL JOIN outside USING (asset) FULL JOIN adjustments USING (asset)
 WHERE coalesce(held, 0) <> coalesce(came_in, 0) OR coalesce(outside, 0) <> -coalesce(came_in, 0)
    OR coalesce(adjustments, 0) <> -coalesce(adjusted, 0);

-- I2: an entry is of its transaction's kind, too.
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

-- I3: the account for adjustments may be below zero, as the outside world's.
CREATE OR REPLACE VIEW wallet.audit_i3 AS
SELECT 'account' AS kind, user_id::text AS subject, asset, available, reserved, NULL::numeric AS remaining
  FROM wallet.accounts
 WHERE reserved < 0
    OR (available < 0
        AND user_id NOT IN ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000003'))
UNION ALL
SELECT 'reservation', order_id::text, asset, NULL, NULL, remaining
  FROM wallet.reservations WHERE remaining < 0 OR remaining > amount + joined;

-- I4: what an account has reserved is what remains of its active reservations and what its withdrawals hold.
CREATE OR REPLACE VIEW wallet.audit_i4 AS
WITH held AS (
  SELECT user_id, asset, sum(remaining) AS remaining FROM (
    SELECT user_id, asset, remaining FROM wallet.reservations WHERE state = 'ACTIVE'
    UNION ALL
    SELECT user_id, asset, amount FROM wallet.withdrawals WHERE state = 'HELD'
  ) AS holds GROUP BY user_id, asset
)
SELECT coalesce(a.user_id, h.user_id) AS user_id, coalesce(a.asset, h.asset) AS asset,
       coalesce(a.reserved, 0) AS reserved, coalesce(h.remaining, 0) AS remaining
  FROM wallet.accounts a FULL JOIN held h ON a.user_id = h.user_id AND a.asset = h.asset
 WHERE coalesce(a.reserved, 0) <> coalesce(h.remaining, 0);

-- I9: every transfer has one transaction of its own with exactly its two entries, the user's and that of the right
-- house account; a withdrawal has a transfer of its own if it is completed and none else; every key was used.
DROP VIEW wallet.audit_i9;
CREATE VIEW wallet.audit_i9 AS
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

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bourse_auditor') THEN
    GRANT SELECT ON wallet.request_ids, wallet.withdrawals, wallet.audit_i9 TO bourse_auditor;
  END IF;
END
$$;
