-- The books: every movement of money between accounts, double entry. Reserving and releasing move money
-- between two columns of one account only, so they have no entries: an account's entries add up to its
-- available plus its reserved. Append-only.
CREATE TABLE wallet.ledger_transactions (
  -- Trade id, or id of the transfer.
  transaction_id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('TRADE', 'DEPOSIT', 'WITHDRAWAL')),
  recorded_at timestamptz NOT NULL DEFAULT now()
);

-- Entries are written in one statement with their transaction; a foreign key would look each one up
-- again. audit_i2 reports an entry without transaction.
CREATE TABLE wallet.ledger_entries (
  entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  transaction_id uuid NOT NULL,
  user_id uuid NOT NULL,
  asset text NOT NULL,
  -- Positive credits the account, negative debits it. Per transaction and asset the sum is zero.
  amount numeric(38, 8) NOT NULL CHECK (amount <> 0)
);

-- Every trade whose money moved: the primary key is why none moves twice.
CREATE TABLE wallet.settled_trades (
  trade_id uuid PRIMARY KEY,
  shard integer NOT NULL,
  -- Record of the shard's log, index among the operations of the record, shard time of the record.
  seq bigint NOT NULL,
  operation integer NOT NULL,
  executed_at_ms bigint NOT NULL,
  symbol text NOT NULL,
  base_asset text NOT NULL,
  quote_asset text NOT NULL,
  base_amount numeric(38, 8) NOT NULL CHECK (base_amount > 0),
  quote_amount numeric(38, 8) NOT NULL CHECK (quote_amount > 0),
  -- What the buyer had reserved for it: at its limit; the rest above quote_amount went back at once.
  buyer_reserved_amount numeric(38, 8) NOT NULL,
  buy_order_id uuid NOT NULL,
  sell_order_id uuid NOT NULL,
  buyer_user_id uuid NOT NULL,
  seller_user_id uuid NOT NULL,
  buyer_role text NOT NULL CHECK (buyer_role IN ('MAKER', 'TAKER')),
  -- The buyer's in base, the seller's in quote.
  buyer_fee numeric(38, 8) NOT NULL,
  seller_fee numeric(38, 8) NOT NULL,
  buyer_fee_ppm integer NOT NULL CHECK (buyer_fee_ppm BETWEEN 0 AND 999999),
  seller_fee_ppm integer NOT NULL CHECK (seller_fee_ppm BETWEEN 0 AND 999999),
  UNIQUE (shard, seq, operation),
  CONSTRAINT fees_within_received
    CHECK (buyer_fee BETWEEN 0 AND base_amount AND seller_fee BETWEEN 0 AND quote_amount),
  CONSTRAINT limit_respected CHECK (buyer_reserved_amount >= quote_amount)
);

-- Deposits and withdrawals: the request id is why none is done twice.
CREATE TABLE wallet.transfers (
  request_id text PRIMARY KEY CHECK (request_id ~ '^[A-Za-z0-9._:-]{1,64}$'),
  kind text NOT NULL CHECK (kind IN ('DEPOSIT', 'WITHDRAWAL')),
  user_id uuid NOT NULL,
  asset text NOT NULL,
  amount numeric(38, 8) NOT NULL CHECK (amount > 0),
  transaction_id uuid NOT NULL UNIQUE,
  -- The answer of the first call, given again to every repeat.
  available_after numeric(38, 8) NOT NULL,
  reserved_after numeric(38, 8) NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.ledger_transactions
  FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.ledger_entries
  FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.settled_trades
  FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.transfers
  FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();
