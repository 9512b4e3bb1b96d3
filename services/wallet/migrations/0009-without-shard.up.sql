-- Reservations that no shard decides about: made, settled and ended by the unary calls alone. Their rows and
-- trades name no shard; what a duplicate must say again stands beside them. A program of before never
-- meets them: no shard has a word about them.
-- oldest: 0008
ALTER TABLE wallet.reservations
  ALTER COLUMN shard DROP NOT NULL,
  -- SHA-256 of the release that closed the row, so that another one under the same id is told from a repeat.
  ADD COLUMN release_fingerprint bytea CHECK (octet_length(release_fingerprint) = 32),
  ADD CONSTRAINT released_by_call_without_shard
    CHECK ((release_fingerprint IS NOT NULL) = (shard IS NULL AND state = 'CLOSED')),
  -- Only a shard amends.
  ADD CONSTRAINT a_leg_has_a_shard CHECK (leg_of IS NULL OR shard IS NOT NULL),
  DROP CONSTRAINT closed_has_its_final_word,
  -- What held money without shard was no order: nobody has a last word about it.
  ADD CONSTRAINT closed_has_its_final_word CHECK (
    num_nulls(final_status, executed_lots, executed_tick_lots, order_ended_at_ms, ended_seq)
      = CASE WHEN state = 'CLOSED' AND (shard IS NOT NULL OR asset IS NULL) THEN 0 ELSE 5 END
  );

ALTER TABLE wallet.settled_trades
  ALTER COLUMN shard DROP NOT NULL,
  ALTER COLUMN seq DROP NOT NULL,
  ALTER COLUMN operation DROP NOT NULL,
  -- SHA-256 of the call and the ids of its ledger entries in their order: the answer to every repeat.
  ADD COLUMN fingerprint bytea CHECK (octet_length(fingerprint) = 32),
  ADD COLUMN entry_ids bigint[],
  ADD CONSTRAINT settled_by_shard_or_by_call CHECK (
    num_nulls(shard, seq, operation) = CASE WHEN shard IS NULL THEN 3 ELSE 0 END
    AND num_nulls(fingerprint, entry_ids) = CASE WHEN shard IS NULL THEN 0 ELSE 2 END
  );

-- I6: what names no shard has no cursor; it was settled by a call, between reservations that name none either.
CREATE OR REPLACE VIEW wallet.audit_i6 AS
SELECT 'settled twice' AS breach, trade_id, min(shard) AS shard, min(seq) AS seq
  FROM wallet.settled_trades GROUP BY trade_id HAVING count(*) > 1
UNION ALL
SELECT 'behind the cursor', s.trade_id, s.shard, s.seq
  FROM wallet.settled_trades s LEFT JOIN wallet.shard_cursors c ON c.shard = s.shard
 WHERE s.shard IS NOT NULL
   AND (c.shard IS NULL OR s.seq > c.seq OR (s.seq = c.seq AND s.operation >= c.operations))
UNION ALL
SELECT CASE WHEN s.trade_id IS NULL THEN 'ledger without trade' ELSE 'trade without ledger' END,
       coalesce(s.trade_id, t.transaction_id), s.shard, s.seq
  FROM wallet.settled_trades s
  FULL JOIN (SELECT transaction_id FROM wallet.ledger_transactions WHERE kind = 'TRADE') t
    ON t.transaction_id = s.trade_id
 WHERE s.trade_id IS NULL OR t.transaction_id IS NULL
UNION ALL
SELECT 'orders of another shard', s.trade_id, s.shard, s.seq
  FROM wallet.settled_trades s
 CROSS JOIN LATERAL (VALUES (s.buy_order_id), (s.sell_order_id)) AS o(order_id)
  JOIN wallet.reservations r USING (order_id)
 WHERE r.shard IS DISTINCT FROM s.shard;

-- I14: without shard there is no cursor to be beyond.
CREATE OR REPLACE VIEW wallet.audit_i14 AS
SELECT 'epoch is not stored' AS breach, shard, seq, epoch::text AS detail FROM wallet.shard_cursors
 WHERE epoch > stored_epoch
UNION ALL
SELECT 'ended beyond the cursor', r.shard, r.ended_seq, r.order_id::text
  FROM wallet.reservations r LEFT JOIN wallet.shard_cursors c ON c.shard = r.shard
 WHERE r.state = 'CLOSED' AND r.shard IS NOT NULL AND (c.shard IS NULL OR r.ended_seq > c.seq);
