-- The order history: what every user ordered and traded, written by the projector from the shards'
-- events. Enum columns hold the numbers of bourse.types.v1; amounts are decimals as the public API
-- shows them.

CREATE TABLE orders.orders (
  order_id        uuid           NOT NULL,
  created_at      timestamptz    NOT NULL,
  user_id         uuid           NOT NULL,
  client_order_id text           NOT NULL,
  symbol          text           NOT NULL,
  shard           integer        NOT NULL,
  accepted_seq    bigint         NOT NULL,
  side            smallint       NOT NULL,
  type            smallint       NOT NULL,
  time_in_force   smallint       NOT NULL,
  price           numeric(38, 8),
  quantity        numeric(38, 8),
  quote_budget    numeric(38, 8),
  post_only       boolean        NOT NULL,
  status          smallint       NOT NULL,
  reason          smallint       NOT NULL,
  filled_quantity numeric(38, 8) NOT NULL,
  executed_quote  numeric(38, 8) NOT NULL,
  updated_at      timestamptz    NOT NULL,
  -- PostgreSQL wants the partition key in every unique key. That a user's client order id names one
  -- order follows from the order id, which is made of both.
  PRIMARY KEY (order_id, created_at),
  CONSTRAINT orders_side CHECK (side IN (1, 2)),
  CONSTRAINT orders_type CHECK (type BETWEEN 1 AND 4),
  CONSTRAINT orders_time_in_force CHECK (time_in_force BETWEEN 1 AND 4),
  CONSTRAINT orders_status CHECK (status BETWEEN 1 AND 7),
  -- Open orders and FILLED have no reason, every other end has one.
  CONSTRAINT orders_reason CHECK (reason >= 0 AND (reason <> 0) = (status > 4)),
  -- LIMIT and STOP_LIMIT have a price, MARKET and STOP have none.
  CONSTRAINT orders_price CHECK ((price IS NOT NULL) = (type IN (1, 4)) AND (price IS NULL OR price > 0)),
  CONSTRAINT orders_quantity CHECK (quantity IS NULL OR quantity > 0),
  CONSTRAINT orders_quantity_or_budget CHECK ((quantity IS NULL) = (quote_budget IS NOT NULL)),
  CONSTRAINT orders_quote_budget CHECK (quote_budget IS NULL OR (quote_budget > 0 AND type = 2 AND side = 1)),
  CONSTRAINT orders_filled CHECK (filled_quantity >= 0 AND (quantity IS NULL OR filled_quantity <= quantity)),
  CONSTRAINT orders_filled_whole CHECK (status <> 4 OR quantity IS NULL OR filled_quantity = quantity),
  CONSTRAINT orders_executed_quote CHECK (executed_quote >= 0 AND (quote_budget IS NULL OR executed_quote <= quote_budget)),
  CONSTRAINT orders_rejected_empty CHECK (status <> 7 OR filled_quantity = 0),
  CONSTRAINT orders_accepted_seq CHECK (accepted_seq > 0),
  CONSTRAINT orders_times CHECK (updated_at >= created_at)
) PARTITION BY RANGE (created_at);

-- ListOrders: all of a user, those of one market, and the open ones, each newest first (read backwards).
CREATE INDEX orders_by_user ON orders.orders (user_id, created_at, accepted_seq, order_id);
CREATE INDEX orders_by_user_symbol ON orders.orders (user_id, symbol, created_at, accepted_seq, order_id);
CREATE INDEX orders_open_by_user ON orders.orders (user_id, created_at, accepted_seq, order_id) WHERE status < 4;

-- One row for each party of a trade: whoever asks reads one range of one index.
CREATE TABLE orders.trades (
  trade_id        uuid           NOT NULL,
  executed_at     timestamptz    NOT NULL,
  order_id        uuid           NOT NULL,
  user_id         uuid           NOT NULL,
  client_order_id text           NOT NULL,
  symbol          text           NOT NULL,
  shard           integer        NOT NULL,
  sequence        bigint         NOT NULL,
  trade_index     integer        NOT NULL,
  side            smallint       NOT NULL,
  role            smallint       NOT NULL,
  price           numeric(38, 8) NOT NULL,
  quantity        numeric(38, 8) NOT NULL,
  fee             numeric(38, 8) NOT NULL,
  fee_asset       text           NOT NULL,
  fee_ppm         integer        NOT NULL,
  PRIMARY KEY (trade_id, executed_at, order_id),
  CONSTRAINT trades_side CHECK (side IN (1, 2)),
  CONSTRAINT trades_role CHECK (role IN (1, 2)),
  CONSTRAINT trades_price CHECK (price > 0),
  CONSTRAINT trades_quantity CHECK (quantity > 0),
  CONSTRAINT trades_fee CHECK (fee >= 0 AND fee <= CASE side WHEN 1 THEN quantity ELSE price * quantity END),
  CONSTRAINT trades_fee_ppm CHECK (fee_ppm BETWEEN 0 AND 999999),
  CONSTRAINT trades_place CHECK (sequence > 0 AND trade_index >= 0)
) PARTITION BY RANGE (executed_at);

-- ListTrades: all of a user, those of one market, those of one order, each newest first.
CREATE INDEX trades_by_user ON orders.trades (user_id, executed_at, sequence, trade_index, trade_id);
CREATE INDEX trades_by_user_symbol ON orders.trades (user_id, symbol, executed_at, sequence, trade_index, trade_id);
CREATE INDEX trades_by_order ON orders.trades (order_id, executed_at, sequence, trade_index, trade_id);

-- How far each shard is projected. Moved only from the expected position, with the effects of a batch.
CREATE TABLE orders.cursors (
  shard        integer     PRIMARY KEY,
  -- The last record applied, and its epoch.
  epoch        bigint      NOT NULL,
  seq          bigint      NOT NULL,
  -- Highest epoch of a server that was followed; batches of a lower one are refused.
  server_epoch bigint      NOT NULL,
  updated_at   timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT cursors_position CHECK (seq >= 0 AND epoch >= 0 AND epoch <= server_epoch)
);

CREATE FUNCTION orders.ensure_partition(parent text, name text, from_day date, to_day date) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF to_regclass(format('orders.%I', name)) IS NOT NULL THEN
    RETURN 0;
  END IF;
  -- Made aside and attached: readers and writers of the parent go on meanwhile. A tenth of each page
  -- stays free, so that a fill rewrites its order in place.
  EXECUTE format('CREATE TABLE orders.%I (LIKE orders.%I INCLUDING ALL) WITH (fillfactor = 90)', name, parent);
  EXECUTE format('ALTER TABLE orders.%I ATTACH PARTITION orders.%I FOR VALUES FROM (%L) TO (%L)',
                 parent, name, from_day || ' 00:00:00+00', to_day || ' 00:00:00+00');
  RETURN 1;
END
$$;

-- Creates what is missing of the orders' partitions of these months (any day of each) and of the
-- trades' partitions of these days, all UTC. Returns how many it created.
CREATE FUNCTION orders.ensure_partitions(months date[], days date[]) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  created integer := 0;
  month   date;
  day     date;
BEGIN
  -- One at a time: two that start together would both make the same table.
  PERFORM pg_advisory_xact_lock(7310580);
  FOR month IN SELECT DISTINCT date_trunc('month', each::timestamp)::date FROM unnest(months) AS each ORDER BY 1 LOOP
    created := created + orders.ensure_partition(
      'orders', 'orders_' || to_char(month, 'YYYY_MM'), month, (month + interval '1 month')::date);
  END LOOP;
  FOR day IN SELECT DISTINCT each FROM unnest(days) AS each ORDER BY 1 LOOP
    created := created + orders.ensure_partition('trades', 'trades_' || to_char(day, 'YYYY_MM_DD'), day, day + 1);
  END LOOP;
  RETURN created;
END
$$;
