-- Before this every row had a shard. Those without go to one that nobody runs, 2147483647, with a cursor of its
-- own: no sweep and no settlement touches them, what they hold stays held and every audit stays clean.
GRANT UPDATE ON wallet.settled_trades TO CURRENT_USER;
ALTER TABLE wallet.reservations
  DISABLE TRIGGER final_never_changes,
  DROP CONSTRAINT released_by_call_without_shard,
  DROP CONSTRAINT a_leg_has_a_shard,
  DROP CONSTRAINT closed_has_its_final_word;
ALTER TABLE wallet.settled_trades DISABLE TRIGGER append_only, DROP CONSTRAINT settled_by_shard_or_by_call;

INSERT INTO wallet.shard_cursors (shard, seq)
SELECT 2147483647, 1 + (SELECT count(*) FROM wallet.settled_trades WHERE shard IS NULL)
 WHERE EXISTS (SELECT FROM wallet.reservations WHERE shard IS NULL)
ON CONFLICT (shard) DO UPDATE SET seq = shard_cursors.seq + EXCLUDED.seq;
UPDATE wallet.settled_trades AS t SET shard = 2147483647, seq = c.seq - n.number, operation = 0
  FROM (SELECT trade_id, row_number() OVER (ORDER BY trade_id DESC) AS number
          FROM wallet.settled_trades WHERE shard IS NULL) AS n, wallet.shard_cursors AS c
 WHERE t.trade_id = n.trade_id AND c.shard = 2147483647;
UPDATE wallet.reservations SET shard = 2147483647, sequenced = true WHERE shard IS NULL;
UPDATE wallet.reservations
   SET final_status = 'CANCELLED', final_reason = 'OPERATOR', executed_lots = 0, executed_tick_lots = 0,
       order_ended_at_ms = 0, ended_seq = 0
 WHERE state = 'CLOSED' AND final_status IS NULL;

DROP VIEW wallet.audit_i14, wallet.audit_i6;
ALTER TABLE wallet.reservations
  ENABLE TRIGGER final_never_changes,
  DROP COLUMN release_fingerprint,
  ALTER COLUMN shard SET NOT NULL,
  ADD CONSTRAINT closed_has_its_final_word CHECK (
    (state = 'CLOSED') = (final_status IS NOT NULL)
    AND num_nulls(final_status, executed_lots, executed_tick_lots, order_ended_at_ms, ended_seq) IN (0, 5)
  );
ALTER TABLE wallet.settled_trades
  ENABLE TRIGGER append_only,
  DROP COLUMN fingerprint,
  DROP COLUMN entry_ids,
  ALTER COLUMN shard SET NOT NULL,
  ALTER COLUMN seq SET NOT NULL,
  ALTER COLUMN operation SET NOT NULL;
REVOKE UPDATE ON wallet.settled_trades FROM CURRENT_USER;

-- As 0008-ledger-months and 0005-audit have them.
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
CREATE VIEW wallet.audit_i14 AS
SELECT 'epoch is not stored' AS breach, shard, seq, epoch::text AS detail FROM wallet.shard_cursors
 WHERE epoch > stored_epoch
UNION ALL
SELECT 'ended beyond the cursor', r.shard, r.ended_seq, r.order_id::text
  FROM wallet.reservations r LEFT JOIN wallet.shard_cursors c ON c.shard = r.shard
 WHERE r.state = 'CLOSED' AND (c.shard IS NULL OR r.ended_seq > c.seq);
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bourse_auditor') THEN
    GRANT SELECT ON wallet.audit_i6, wallet.audit_i14 TO bourse_auditor;
  END IF;
END
$$;
