DROP VIEW orders.audit_totals, orders.audit_fee_mismatches, orders.audit_trade_mismatches,
  orders.audit_order_mismatches, orders.audit_orders;

DROP INDEX orders.orders_by_client_id;
DROP INDEX orders.orders_open_by_symbol;
DROP INDEX orders.orders_open_by_user;
DROP INDEX orders.orders_by_user_symbol_status;

ALTER TABLE orders.trades DROP CONSTRAINT trades_fee;
ALTER TABLE orders.trades
  ALTER COLUMN side TYPE smallint USING array_position(enum_range(NULL::orders.side), side)::smallint,
  ALTER COLUMN role TYPE smallint USING array_position(enum_range(NULL::orders.trade_role), role)::smallint,
  ADD CONSTRAINT trades_side CHECK (side IN (1, 2)),
  ADD CONSTRAINT trades_role CHECK (role IN (1, 2)),
  ADD CONSTRAINT trades_fee CHECK (fee >= 0 AND fee <= CASE side WHEN 1 THEN quantity ELSE price * quantity END);

ALTER TABLE orders.orders
  DROP CONSTRAINT orders_reason,
  DROP CONSTRAINT orders_price,
  DROP CONSTRAINT orders_quote_budget,
  DROP CONSTRAINT orders_filled_whole,
  DROP CONSTRAINT orders_rejected_empty,
  DROP CONSTRAINT orders_stop_price,
  DROP CONSTRAINT orders_triggered;
ALTER TABLE orders.orders
  ALTER COLUMN side TYPE smallint USING array_position(enum_range(NULL::orders.side), side)::smallint,
  ALTER COLUMN type TYPE smallint USING array_position(enum_range(NULL::orders.order_type), type)::smallint,
  ALTER COLUMN time_in_force TYPE smallint
    USING array_position(enum_range(NULL::orders.time_in_force), time_in_force)::smallint,
  ALTER COLUMN status TYPE smallint USING array_position(enum_range(NULL::orders.order_status), status)::smallint,
  ALTER COLUMN self_trade_prevention TYPE smallint
    USING array_position(enum_range(NULL::orders.self_trade_prevention), self_trade_prevention)::smallint,
  ALTER COLUMN reason TYPE smallint USING coalesce((
    '{1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 21, 22, 23, 24, 25, 40, 41, 42, 43, 44, 45, 46, 47}'::smallint[])[array_position(enum_range(NULL::orders.end_reason), reason)], 0),
  ADD CONSTRAINT orders_side CHECK (side IN (1, 2)),
  ADD CONSTRAINT orders_type CHECK (type BETWEEN 1 AND 4),
  ADD CONSTRAINT orders_time_in_force CHECK (time_in_force BETWEEN 1 AND 4),
  ADD CONSTRAINT orders_status CHECK (status BETWEEN 1 AND 7),
  ADD CONSTRAINT orders_reason CHECK (reason >= 0 AND (reason <> 0) = (status > 4)),
  ADD CONSTRAINT orders_price CHECK ((price IS NOT NULL) = (type IN (1, 4)) AND (price IS NULL OR price > 0)),
  ADD CONSTRAINT orders_quote_budget CHECK (quote_budget IS NULL OR (quote_budget > 0 AND type = 2 AND side = 1)),
  ADD CONSTRAINT orders_filled_whole CHECK (status <> 4 OR quantity IS NULL OR filled_quantity = quantity),
  ADD CONSTRAINT orders_rejected_empty CHECK (status <> 7 OR filled_quantity = 0),
  ADD CONSTRAINT orders_stop_price CHECK (
    (stop_price IS NOT NULL) = (type IN (3, 4)) AND (stop_price IS NULL OR stop_price > 0)),
  ADD CONSTRAINT orders_self_trade_prevention CHECK (self_trade_prevention BETWEEN 1 AND 4),
  ADD CONSTRAINT orders_triggered CHECK (CASE
    WHEN type NOT IN (3, 4) THEN NOT triggered AND status <> 1
    WHEN triggered THEN status NOT IN (1, 7)
    ELSE status NOT IN (2, 3, 4) AND filled_quantity = 0 END);
ALTER TABLE orders.orders
  ALTER COLUMN self_trade_prevention SET DEFAULT 1,
  ALTER COLUMN reason SET NOT NULL;
CREATE INDEX orders_open_by_user ON orders.orders (user_id, created_at, accepted_seq, order_id) WHERE status < 4;

DROP TYPE orders.side, orders.order_type, orders.time_in_force, orders.order_status,
  orders.self_trade_prevention, orders.trade_role, orders.end_reason;

-- Each order as the history has it, to be compared with the fold of the journal. Fees by what they are
-- taken from: a buyer's in base, a seller's in quote.
CREATE VIEW orders.audit_orders AS
SELECT o.shard, o.order_id, o.user_id, o.symbol, o.side, o.type, o.status, o.reason, o.price, o.quantity,
       o.filled_quantity, o.executed_quote,
       CASE WHEN o.filled_quantity > 0 THEN o.executed_quote / o.filled_quantity END AS average_price,
       coalesce(t.fee, 0) AS fee, coalesce(t.trades, 0) AS trades,
       o.accepted_seq, o.created_at, o.updated_at,
       o.time_in_force, o.stop_price, o.self_trade_prevention, o.triggered
  FROM orders.orders AS o
  LEFT JOIN (SELECT order_id, sum(fee) AS fee, count(*) AS trades FROM orders.trades GROUP BY order_id) AS t
    USING (order_id);

CREATE VIEW orders.audit_order_mismatches AS
SELECT coalesce(o.order_id, t.order_id) AS order_id, o.shard, o.filled_quantity, o.executed_quote,
       coalesce(t.quantity, 0) AS traded_quantity, coalesce(t.quote, 0) AS traded_quote
  FROM orders.orders AS o
  FULL JOIN (SELECT order_id, sum(quantity) AS quantity, sum(price * quantity) AS quote
               FROM orders.trades GROUP BY order_id) AS t USING (order_id)
 WHERE o.order_id IS NULL
    OR o.filled_quantity <> coalesce(t.quantity, 0)
    OR o.executed_quote <> coalesce(t.quote, 0);

-- Empty: trades that are not one buyer and one seller, one maker and one taker, on the same terms.
CREATE VIEW orders.audit_trade_mismatches AS
SELECT trade_id, count(*) AS halves
  FROM orders.trades
 GROUP BY trade_id
HAVING count(*) <> 2 OR count(DISTINCT side) <> 2 OR count(DISTINCT role) <> 2
    OR min(price) <> max(price) OR min(quantity) <> max(quantity)
    OR min(symbol) <> max(symbol) OR min(executed_at) <> max(executed_at)
    OR min(sequence) <> max(sequence) OR min(trade_index) <> max(trade_index);

CREATE VIEW orders.audit_fee_mismatches AS
SELECT order_id, role, min(fee_ppm) AS fee_ppm, sum(fee) AS fee,
       sum(CASE side WHEN 1 THEN quantity ELSE price * quantity END) AS received
  FROM orders.trades
 GROUP BY order_id, role
HAVING min(fee_ppm) <> max(fee_ppm)
    OR sum(fee) <> ceil(sum(CASE side WHEN 1 THEN quantity ELSE price * quantity END) * min(fee_ppm) * 100) / 100000000;

-- Totals of each market.
CREATE VIEW orders.audit_totals AS
SELECT o.shard, o.symbol, o.orders, o.open_orders, coalesce(t.trades, 0) AS trades,
       coalesce(t.quantity, 0) AS quantity, coalesce(t.quote, 0) AS quote,
       coalesce(t.base_fees, 0) AS base_fees, coalesce(t.quote_fees, 0) AS quote_fees
  FROM (SELECT shard, symbol, count(*) AS orders, count(*) FILTER (WHERE status < 4) AS open_orders
          FROM orders.orders GROUP BY shard, symbol) AS o
  LEFT JOIN (SELECT shard, symbol, count(*) FILTER (WHERE role = 2) AS trades,
                    sum(quantity) FILTER (WHERE role = 2) AS quantity,
                    sum(price * quantity) FILTER (WHERE role = 2) AS quote,
                    sum(fee) FILTER (WHERE side = 1) AS base_fees,
                    sum(fee) FILTER (WHERE side = 2) AS quote_fees
               FROM orders.trades GROUP BY shard, symbol) AS t USING (shard, symbol);

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bourse_auditor') THEN
    GRANT SELECT ON orders.audit_orders, orders.audit_order_mismatches, orders.audit_trade_mismatches,
      orders.audit_fee_mismatches, orders.audit_totals TO bourse_auditor;
  END IF;
END
$$;
