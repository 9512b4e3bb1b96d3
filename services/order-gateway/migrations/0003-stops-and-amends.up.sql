-- Stops, self-trade prevention and amends: what the orders say since the matcher's rules 2. Orders of before
-- have no stop price, were not triggered, and knew CANCEL_TAKER only.

ALTER TABLE orders.orders
  ADD COLUMN stop_price            numeric(38, 8),
  ADD COLUMN self_trade_prevention smallint NOT NULL DEFAULT 1,
  ADD COLUMN triggered             boolean  NOT NULL DEFAULT false,
  -- STOP and STOP_LIMIT have a stop price, LIMIT and MARKET have none.
  ADD CONSTRAINT orders_stop_price CHECK (
    (stop_price IS NOT NULL) = (type IN (3, 4)) AND (stop_price IS NULL OR stop_price > 0)),
  ADD CONSTRAINT orders_self_trade_prevention CHECK (self_trade_prevention BETWEEN 1 AND 4),
  -- Only a stop is triggered; before that it waits or ends with nothing executed.
  ADD CONSTRAINT orders_triggered CHECK (CASE
    WHEN type NOT IN (3, 4) THEN NOT triggered AND status <> 1
    WHEN triggered THEN status NOT IN (1, 7)
    ELSE status NOT IN (2, 3, 4) AND filled_quantity = 0 END);

CREATE OR REPLACE VIEW orders.audit_orders AS
SELECT o.shard, o.order_id, o.user_id, o.symbol, o.side, o.type, o.status, o.reason, o.price, o.quantity,
       o.filled_quantity, o.executed_quote,
       CASE WHEN o.filled_quantity > 0 THEN o.executed_quote / o.filled_quantity END AS average_price,
       coalesce(t.fee, 0) AS fee, coalesce(t.trades, 0) AS trades,
       o.accepted_seq, o.created_at, o.updated_at,
       o.time_in_force, o.stop_price, o.self_trade_prevention, o.triggered
  FROM orders.orders AS o
  LEFT JOIN (SELECT order_id, sum(fee) AS fee, count(*) AS trades FROM orders.trades GROUP BY order_id) AS t
    USING (order_id);
