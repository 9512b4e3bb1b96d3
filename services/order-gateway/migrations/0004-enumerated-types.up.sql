-- The words of an order as enumerated types in place of numbers, and indexes for what operators look up.
--
-- Both tables are rewritten, once each, and cannot be read or written meanwhile: lists wait or answer
-- HISTORY_UNAVAILABLE, the projector catches up afterwards. Orders are placed and traded as ever. Values stand in
-- the order of their numbers in bourse.types.v1; new ones are added at the end.

CREATE TYPE orders.side AS ENUM ('BUY', 'SELL');
CREATE TYPE orders.order_type AS ENUM ('LIMIT', 'MARKET', 'STOP', 'STOP_LIMIT');
CREATE TYPE orders.time_in_force AS ENUM ('GTC', 'IOC', 'FOK', 'DAY');
-- What is below FILLED is open.
CREATE TYPE orders.order_status AS ENUM (
  'PENDING', 'OPEN', 'PARTIALLY_FILLED', 'FILLED', 'CANCELLED', 'EXPIRED', 'REJECTED');
CREATE TYPE orders.self_trade_prevention AS ENUM ('CANCEL_TAKER', 'CANCEL_MAKER', 'CANCEL_BOTH', 'DECREMENT');
CREATE TYPE orders.trade_role AS ENUM ('MAKER', 'TAKER');
CREATE TYPE orders.end_reason AS ENUM (
  'IOC_REMAINDER', 'FOK_NOT_FILLABLE', 'INSUFFICIENT_LIQUIDITY', 'BUDGET_EXHAUSTED', 'PRICE_PROTECTION', 'DAY_END',
  'SELF_TRADE', 'POST_ONLY_AT_TRIGGER', 'PRICE_OUT_OF_BAND', 'USER', 'CANCEL_ALL', 'DEAD_MAN',
  'OPERATOR', 'DELISTED', 'AMENDED', 'SYMBOL_HALTED', 'SYMBOL_POST_ONLY', 'SYMBOL_CANCEL_ONLY',
  'SYMBOL_DELISTED', 'OPEN_ORDER_LIMIT', 'POST_ONLY_WOULD_TAKE', 'STOP_WOULD_TRIGGER', 'NOT_SEQUENCED');

DROP VIEW orders.audit_totals, orders.audit_fee_mismatches, orders.audit_trade_mismatches,
  orders.audit_order_mismatches, orders.audit_orders;

-- The partial index speaks of the column.
DROP INDEX orders.orders_open_by_user;
ALTER TABLE orders.orders
  DROP CONSTRAINT orders_side,
  DROP CONSTRAINT orders_type,
  DROP CONSTRAINT orders_time_in_force,
  DROP CONSTRAINT orders_status,
  DROP CONSTRAINT orders_reason,
  DROP CONSTRAINT orders_price,
  DROP CONSTRAINT orders_quote_budget,
  DROP CONSTRAINT orders_filled_whole,
  DROP CONSTRAINT orders_rejected_empty,
  DROP CONSTRAINT orders_stop_price,
  DROP CONSTRAINT orders_self_trade_prevention,
  DROP CONSTRAINT orders_triggered,
  ALTER COLUMN self_trade_prevention DROP DEFAULT,
  ALTER COLUMN reason DROP NOT NULL;
ALTER TABLE orders.orders
  ALTER COLUMN side TYPE orders.side USING (enum_range(NULL::orders.side))[side],
  ALTER COLUMN type TYPE orders.order_type USING (enum_range(NULL::orders.order_type))[type],
  ALTER COLUMN time_in_force TYPE orders.time_in_force
    USING (enum_range(NULL::orders.time_in_force))[time_in_force],
  ALTER COLUMN status TYPE orders.order_status USING (enum_range(NULL::orders.order_status))[status],
  ALTER COLUMN self_trade_prevention TYPE orders.self_trade_prevention
    USING (enum_range(NULL::orders.self_trade_prevention))[self_trade_prevention],
  -- Open orders and FILLED have none.
  ALTER COLUMN reason TYPE orders.end_reason USING (enum_range(NULL::orders.end_reason))[array_position(
    '{1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 21, 22, 23, 24, 25, 40, 41, 42, 43, 44, 45, 46, 47}'::smallint[], reason)],
  ADD CONSTRAINT orders_reason CHECK ((reason IS NOT NULL) = (status > 'FILLED')),
  ADD CONSTRAINT orders_price CHECK (
    (price IS NOT NULL) = (type IN ('LIMIT', 'STOP_LIMIT')) AND (price IS NULL OR price > 0)),
  ADD CONSTRAINT orders_quote_budget CHECK (
    quote_budget IS NULL OR (quote_budget > 0 AND type = 'MARKET' AND side = 'BUY')),
  ADD CONSTRAINT orders_filled_whole CHECK (status <> 'FILLED' OR quantity IS NULL OR filled_quantity = quantity),
  ADD CONSTRAINT orders_rejected_empty CHECK (status <> 'REJECTED' OR filled_quantity = 0),
  ADD CONSTRAINT orders_stop_price CHECK (
    (stop_price IS NOT NULL) = (type IN ('STOP', 'STOP_LIMIT')) AND (stop_price IS NULL OR stop_price > 0)),
  ADD CONSTRAINT orders_triggered CHECK (CASE
    WHEN type NOT IN ('STOP', 'STOP_LIMIT') THEN NOT triggered AND status <> 'PENDING'
    WHEN triggered THEN status NOT IN ('PENDING', 'REJECTED')
    ELSE status NOT IN ('OPEN', 'PARTIALLY_FILLED', 'FILLED') AND filled_quantity = 0 END);

-- ListOrders of some statuses: of one market, and open ones of all markets.
CREATE INDEX orders_by_user_symbol_status ON orders.orders
  (user_id, symbol, status, created_at, accepted_seq, order_id);
CREATE INDEX orders_open_by_user ON orders.orders (user_id, created_at, accepted_seq, order_id)
  WHERE status < 'FILLED';
-- For operators: what is open in a market, and what a user means by an id of its own.
CREATE INDEX orders_open_by_symbol ON orders.orders (symbol, created_at, accepted_seq, order_id)
  WHERE status < 'FILLED';
CREATE INDEX orders_by_client_id ON orders.orders (user_id, client_order_id);

ALTER TABLE orders.trades
  DROP CONSTRAINT trades_side,
  DROP CONSTRAINT trades_role,
  DROP CONSTRAINT trades_fee;
ALTER TABLE orders.trades
  ALTER COLUMN side TYPE orders.side USING (enum_range(NULL::orders.side))[side],
  ALTER COLUMN role TYPE orders.trade_role USING (enum_range(NULL::orders.trade_role))[role],
  ADD CONSTRAINT trades_fee CHECK (
    fee >= 0 AND fee <= CASE side WHEN 'BUY' THEN quantity ELSE price * quantity END);

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
       sum(CASE side WHEN 'BUY' THEN quantity ELSE price * quantity END) AS received
  FROM orders.trades
 GROUP BY order_id, role
HAVING min(fee_ppm) <> max(fee_ppm)
    OR sum(fee) <> ceil(sum(CASE side WHEN 'BUY' THEN quantity ELSE price * quantity END) * min(fee_ppm) * 100)
                   / 100000000;

-- Totals of each market.
CREATE VIEW orders.audit_totals AS
SELECT o.shard, o.symbol, o.orders, o.open_orders, coalesce(t.trades, 0) AS trades,
       coalesce(t.quantity, 0) AS quantity, coalesce(t.quote, 0) AS quote,
       coalesce(t.base_fees, 0) AS base_fees, coalesce(t.quote_fees, 0) AS quote_fees
  FROM (SELECT shard, symbol, count(*) AS orders, count(*) FILTER (WHERE status < 'FILLED') AS open_orders
          FROM orders.orders GROUP BY shard, symbol) AS o
  LEFT JOIN (SELECT shard, symbol, count(*) FILTER (WHERE role = 'TAKER') AS trades,
                    sum(quantity) FILTER (WHERE role = 'TAKER') AS quantity,
                    sum(price * quantity) FILTER (WHERE role = 'TAKER') AS quote,
                    sum(fee) FILTER (WHERE side = 'BUY') AS base_fees,
                    sum(fee) FILTER (WHERE side = 'SELL') AS quote_fees
               FROM orders.trades GROUP BY shard, symbol) AS t USING (shard, symbol);

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bourse_auditor') THEN
    GRANT SELECT ON orders.audit_orders, orders.audit_order_mismatches, orders.audit_trade_mismatches,
      orders.audit_fee_mismatches, orders.audit_totals TO bourse_auditor;
  END IF;
END
$$;
