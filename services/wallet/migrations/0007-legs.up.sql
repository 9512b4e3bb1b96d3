-- Amends. One that needs more money first reserves it as a leg: a row of its own under the leg's id. An amend
-- that is made moves the leg whole into its order's row and closes it, also when there was none; one that is
-- refused frees it. The end of an order says what amends and prevention made of its price and quantity.
ALTER TABLE wallet.reservations
  -- The order that this row is a leg of; absent for orders, and for legs that were refused unreserved.
  ADD COLUMN leg_of uuid,
  -- What a leg gave to its order.
  ADD COLUMN moved numeric(38, 8) NOT NULL DEFAULT 0 CHECK (moved >= 0),
  -- Why it was REFUSED; absent in rows of before, which were all short of funds.
  ADD COLUMN refusal text CHECK (refusal IN ('INSUFFICIENT_FUNDS', 'ORDER_NOT_OPEN')),
  -- 0 when nothing had changed them.
  ADD COLUMN amended_price_ticks bigint CHECK (amended_price_ticks >= 0),
  ADD COLUMN amended_quantity_lots bigint CHECK (amended_quantity_lots >= 0),
  DROP CONSTRAINT every_atom_is_somewhere,
  ADD CONSTRAINT every_atom_is_somewhere CHECK (
    amount + joined
      = CASE state WHEN 'REFUSED' THEN amount ELSE spent + improvement + released + moved + remaining END
  ),
  DROP CONSTRAINT refused_moved_nothing,
  ADD CONSTRAINT refused_moved_nothing
    CHECK (state <> 'REFUSED' OR (joined = 0 AND spent = 0 AND improvement = 0 AND released = 0 AND moved = 0)),
  ADD CONSTRAINT only_refused_has_a_refusal CHECK (refusal IS NULL OR state = 'REFUSED'),
  -- A leg never trades and never grows: it joins whole or is freed whole.
  ADD CONSTRAINT a_leg_joins_whole CHECK (
    CASE WHEN leg_of IS NULL THEN moved = 0
         ELSE leg_of <> order_id AND joined = 0 AND spent = 0 AND improvement = 0 AND moved IN (0, amount) END
  ),
  ADD CONSTRAINT only_closed_was_amended
    CHECK (state = 'CLOSED' OR num_nulls(amended_price_ticks, amended_quantity_lots) = 2);

-- I7 with legs: what joined an order is what its legs gave, of the same user, asset and shard.
CREATE OR REPLACE VIEW wallet.audit_i7 AS
WITH paid AS (
  SELECT order_id, sum(spent) AS spent, sum(improvement) AS improvement FROM (
    SELECT buy_order_id AS order_id, quote_amount AS spent, buyer_reserved_amount - quote_amount AS improvement
      FROM wallet.settled_trades
    UNION ALL
    SELECT sell_order_id, base_amount, 0 FROM wallet.settled_trades
  ) AS halves GROUP BY order_id
), legs AS (
  SELECT leg_of AS order_id, user_id, asset, shard, sum(moved) AS given
    FROM wallet.reservations WHERE moved > 0 GROUP BY leg_of, user_id, asset, shard
), held AS (
  SELECT * FROM (SELECT * FROM wallet.reservations) AS r
    FULL JOIN legs USING (order_id, user_id, asset, shard)
)
SELECT order_id, r.state, r.amount, r.joined, r.spent, r.improvement, r.released, r.remaining,
       paid.spent AS paid, paid.improvement AS given_back, r.moved, r.given
  FROM held AS r FULL JOIN paid USING (order_id)
 WHERE r.state IS NULL
    OR (r.state <> 'REFUSED' AND r.amount + r.joined <> r.spent + r.improvement + r.released + r.moved + r.remaining)
    OR r.spent <> coalesce(paid.spent, 0) OR r.improvement <> coalesce(paid.improvement, 0)
    OR r.joined <> coalesce(r.given, 0);
