-- What was detached is attached again. A day or month that is there by now twice is refused by its name: archive or
-- drop one of the two.

DO $$
DECLARE
  aside  text;
  name   text;
  day    date;
  step   interval;
BEGIN
  FOR aside IN SELECT relname FROM pg_class
                WHERE relnamespace = 'orders'::regnamespace AND relkind = 'r' AND relname ~ '^detached_' LOOP
    name := rtrim(substr(aside, 10), '_');
    step := CASE WHEN name ~ '^orders_' THEN interval '1 month' ELSE interval '1 day' END;
    day := to_date(substr(name, 8), 'YYYY_MM_DD');
    EXECUTE format('ALTER TABLE orders.%I RENAME TO %I', aside, name);
    EXECUTE format('ALTER TABLE orders.%I ATTACH PARTITION orders.%I FOR VALUES FROM (%L) TO (%L)',
                   substr(name, 1, 6), name, day || ' 00:00:00+00', (day + step)::date || ' 00:00:00+00');
  END LOOP;
END
$$;

CREATE OR REPLACE VIEW orders.audit_order_mismatches AS
SELECT coalesce(o.order_id, t.order_id) AS order_id, o.shard, o.filled_quantity, o.executed_quote,
       coalesce(t.quantity, 0) AS traded_quantity, coalesce(t.quote, 0) AS traded_quote
  FROM orders.orders AS o
  FULL JOIN (SELECT order_id, sum(quantity) AS quantity, sum(price * quantity) AS quote
               FROM orders.trades GROUP BY order_id) AS t USING (order_id)
 WHERE o.order_id IS NULL
    OR o.filled_quantity <> coalesce(t.quantity, 0)
    OR o.executed_quote <> coalesce(t.quote, 0);

CREATE OR REPLACE VIEW orders.audit_fee_mismatches AS
SELECT order_id, role, min(fee_ppm) AS fee_ppm, sum(fee) AS fee,
       sum(CASE side WHEN 'BUY' THEN quantity ELSE price * quantity END) AS received
  FROM orders.trades
 GROUP BY order_id, role
HAVING min(fee_ppm) <> max(fee_ppm)
    OR sum(fee) <> ceil(sum(CASE side WHEN 'BUY' THEN quantity ELSE price * quantity END) * min(fee_ppm) * 100)
                   / 100000000;

DROP VIEW orders.audit_retention;
DROP FUNCTION orders.detach_partitions(timestamptz, timestamptz, integer);
DROP FUNCTION orders.detach_partition(text, text, timestamptz);
DROP TABLE orders.retention;
