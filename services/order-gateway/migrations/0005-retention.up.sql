-- oldest: 0004
-- Retention: partitions that are past are detached, and stay for the operator to archive or drop.

-- What is gone from each table: everything in partitions that ended at or before `detached_before`.
CREATE TABLE orders.retention (
  parent          text        PRIMARY KEY CHECK (parent IN ('orders', 'trades')),
  detached_before timestamptz NOT NULL,
  -- When the last one was detached: nothing happened after this to any row that is gone.
  last_change_at  timestamptz NOT NULL
);

-- Detaches one partition under a name of its own, unless orders in it are open; `at` is now, not before any row's time. Returns that name, or NULL for one
-- that stays. Who reads or writes waits as long as this waits for others: 2 s at most, then it fails.
CREATE FUNCTION orders.detach_partition(parent text, name text, at timestamptz) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
  until    timestamptz;
  has_open boolean := false;
  aside    text := 'detached_' || name;
BEGIN
  -- As whoever makes partitions does.
  PERFORM pg_advisory_xact_lock(7310580);
  -- From here on nobody writes: what is found stays so.
  EXECUTE format('LOCK TABLE orders.%I IN ACCESS EXCLUSIVE MODE', parent);
  SELECT substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz INTO until
    FROM pg_class AS c JOIN pg_inherits AS i ON i.inhrelid = c.oid
   WHERE c.relname = detach_partition.name AND i.inhparent = format('orders.%I', parent)::regclass;
  IF until IS NULL THEN
    RETURN NULL;
  END IF;
  IF parent = 'orders' THEN
    EXECUTE format('SELECT EXISTS (SELECT FROM orders.%I WHERE status < ''FILLED'')', name) INTO has_open;
  END IF;
  IF has_open THEN
    RETURN NULL;
  END IF;
  EXECUTE format('ALTER TABLE orders.%I DETACH PARTITION orders.%I', parent, name);
  -- The same days may be made, and go, more than once.
  WHILE to_regclass(format('orders.%I', aside)) IS NOT NULL LOOP
    aside := aside || '_';
  END LOOP;
  EXECUTE format('ALTER TABLE orders.%I RENAME TO %I', name, aside);
  INSERT INTO orders.retention AS r VALUES (parent, until, at)
    ON CONFLICT ON CONSTRAINT retention_pkey DO UPDATE SET
      detached_before = greatest(r.detached_before, excluded.detached_before),
      last_change_at = greatest(r.last_change_at, excluded.last_change_at);
  RETURN aside;
END
$$;

-- Detaches what ended at or before `before`, oldest first; at most `most` partitions, so that no lock is held long.
-- Returns the names that they have from then on.
CREATE FUNCTION orders.detach_partitions(before timestamptz, at timestamptz, most integer) RETURNS SETOF text
LANGUAGE plpgsql SET search_path = pg_catalog SET lock_timeout = '2s' AS $$
DECLARE
  past  record;
  aside text;
  done  integer := 0;
BEGIN
  FOR past IN
    SELECT * FROM (
      SELECT p.relname AS parent, c.relname AS name,
             substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz AS until
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid JOIN pg_class AS p ON p.oid = i.inhparent
       WHERE p.relnamespace = 'orders'::regnamespace AND p.relname IN ('orders', 'trades') AND c.relkind = 'r'
      ) AS partitions
     WHERE until <= before ORDER BY until, parent
  LOOP
    EXIT WHEN done >= most;
    -- In the order in which others take them, so that none waits for one that waits for it.
    PERFORM pg_advisory_xact_lock(7310580);
    LOCK TABLE orders.orders, orders.trades IN ACCESS EXCLUSIVE MODE;
    aside := orders.detach_partition(past.parent, past.name, at);
    IF aside IS NOT NULL THEN
      done := done + 1;
      RETURN NEXT aside;
    END IF;
  END LOOP;
END
$$;

-- From when on the history is whole: orders created, trades executed at or after these times. One row.
CREATE VIEW orders.audit_retention AS
SELECT coalesce((SELECT detached_before FROM orders.retention WHERE parent = 'orders'), '-infinity') AS orders_from,
       coalesce((SELECT detached_before FROM orders.retention WHERE parent = 'trades'), '-infinity') AS trades_from,
       coalesce((SELECT last_change_at FROM orders.retention WHERE parent = 'orders'), '-infinity') AS orders_changed;

-- Empty: orders whose executed amounts are not the sums of their trades, and trades without an order. Of orders that
-- began before the trades that are kept, some trades may be gone; an order that is gone has no later trade.
CREATE OR REPLACE VIEW orders.audit_order_mismatches AS
SELECT coalesce(o.order_id, t.order_id) AS order_id, o.shard, o.filled_quantity, o.executed_quote,
       coalesce(t.quantity, 0) AS traded_quantity, coalesce(t.quote, 0) AS traded_quote
  FROM orders.orders AS o
  FULL JOIN (SELECT order_id, sum(quantity) AS quantity, sum(price * quantity) AS quote, max(executed_at) AS last_at
               FROM orders.trades GROUP BY order_id) AS t USING (order_id)
 CROSS JOIN orders.audit_retention AS r
 WHERE CASE WHEN o.order_id IS NULL THEN t.last_at > r.orders_changed
            ELSE o.created_at >= r.trades_from AND (o.filled_quantity <> coalesce(t.quantity, 0)
                                                    OR o.executed_quote <> coalesce(t.quote, 0)) END;

-- Empty: orders whose fees in one role are not the rate times all they received in it, rounded up to the atom once.
-- Of orders that began before the trades that are kept, some trades may be gone.
CREATE OR REPLACE VIEW orders.audit_fee_mismatches AS
SELECT t.order_id, t.role, min(t.fee_ppm) AS fee_ppm, sum(t.fee) AS fee,
       sum(CASE t.side WHEN 'BUY' THEN t.quantity ELSE t.price * t.quantity END) AS received
  FROM orders.trades AS t
 GROUP BY t.order_id, t.role
HAVING (min(t.fee_ppm) <> max(t.fee_ppm)
        OR sum(t.fee) <> ceil(sum(CASE t.side WHEN 'BUY' THEN t.quantity ELSE t.price * t.quantity END)
                              * min(t.fee_ppm) * 100) / 100000000)
   AND ((SELECT trades_from FROM orders.audit_retention) = '-infinity'
        OR EXISTS (SELECT FROM orders.orders AS o WHERE o.order_id = t.order_id
                      AND o.created_at >= (SELECT trades_from FROM orders.audit_retention)));

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bourse_auditor') THEN
    GRANT SELECT ON orders.audit_retention TO bourse_auditor;
  END IF;
END
$$;
