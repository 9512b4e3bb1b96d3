-- What an auditor compares with the journals, and what must be empty. Views run with their owner's
-- rights, so the auditor needs none on the tables.

-- Position of the history in each shard's journal.
CREATE VIEW orders.audit_cursors AS
SELECT shard, epoch, seq, server_epoch, updated_at FROM orders.cursors;

-- Each order as the history has it, to be compared with the fold of the journal. Fees by what they are
-- taken from: a buyer's in base, a seller's in quote.
CREATE VIEW orders.audit_orders AS
SELECT o.shard, o.order_id, o.user_id, o.symbol, o.side, o.type, o.status, o.reason, o.price, o.quantity,
       o.filled_quantity, o.executed_quote,
       CASE WHEN o.filled_quantity > 0 THEN o.executed_quote / o.filled_quantity END AS average_price,
       coalesce(t.fee, 0) AS fee, coalesce(t.trades, 0) AS trades,
       o.accepted_seq, o.created_at, o.updated_at
  FROM orders.orders AS o
  LEFT JOIN (SELECT order_id, sum(fee) AS fee, count(*) AS trades FROM orders.trades GROUP BY order_id) AS t
    USING (order_id);

-- Empty: orders whose executed amounts are not the sums of their trades, and trades without an order.
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

-- Empty: orders whose fees in one role are not the rate times all they received in it, rounded up to
-- the atom once.
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
    GRANT USAGE ON SCHEMA orders TO bourse_auditor;
    GRANT SELECT ON orders.audit_cursors, orders.audit_orders, orders.audit_order_mismatches,
      orders.audit_trade_mismatches, orders.audit_fee_mismatches, orders.audit_totals TO bourse_auditor;
  END IF;
END
$$;
