-- What joined an order becomes a part of what it held at first, as if it had asked for all of it at once, and
-- the leg never held it: every atom is where it was.
ALTER TABLE wallet.reservations DISABLE TRIGGER final_never_changes;
UPDATE wallet.reservations SET amount = amount + joined - moved, joined = 0, moved = 0
 WHERE joined > 0 OR moved > 0;
ALTER TABLE wallet.reservations ENABLE TRIGGER final_never_changes;

DROP VIEW wallet.audit_i7;
ALTER TABLE wallet.reservations
  DROP CONSTRAINT every_atom_is_somewhere,
  ADD CONSTRAINT every_atom_is_somewhere CHECK (
    amount + joined = CASE state WHEN 'REFUSED' THEN amount ELSE spent + improvement + released + remaining END
  ),
  DROP CONSTRAINT refused_moved_nothing,
  ADD CONSTRAINT refused_moved_nothing
    CHECK (state <> 'REFUSED' OR (joined = 0 AND spent = 0 AND improvement = 0 AND released = 0)),
  DROP CONSTRAINT a_leg_joins_whole,
  DROP CONSTRAINT only_refused_has_a_refusal,
  DROP CONSTRAINT only_closed_was_amended,
  DROP COLUMN leg_of,
  DROP COLUMN moved,
  DROP COLUMN refusal,
  DROP COLUMN amended_price_ticks,
  DROP COLUMN amended_quantity_lots;

-- As 0005-audit has it.
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
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bourse_auditor') THEN
    GRANT SELECT ON wallet.audit_i7 TO bourse_auditor;
  END IF;
END
$$;
