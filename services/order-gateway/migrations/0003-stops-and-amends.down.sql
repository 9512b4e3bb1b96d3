-- What only stops have is lost: with stops in the tables, the way up again needs a history projected anew.

DROP VIEW orders.audit_orders;

ALTER TABLE orders.orders
  DROP COLUMN stop_price,
  DROP COLUMN self_trade_prevention,
  DROP COLUMN triggered;

CREATE VIEW orders.audit_orders AS
SELECT o.shard, o.order_id, o.user_id, o.symbol, o.side, o.type, o.status, o.reason, o.price, o.quantity,
       o.filled_quantity, o.executed_quote,
       CASE WHEN o.filled_quantity > 0 THEN o.executed_quote / o.filled_quantity END AS average_price,
       coalesce(t.fee, 0) AS fee, coalesce(t.trades, 0) AS trades,
       o.accepted_seq, o.created_at, o.updated_at
  FROM orders.orders AS o
  LEFT JOIN (SELECT order_id, sum(fee) AS fee, count(*) AS trades FROM orders.trades GROUP BY order_id) AS t
    USING (order_id);

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bourse_auditor') THEN
    GRANT SELECT ON orders.audit_orders TO bourse_auditor;
  END IF;
END
$$;
