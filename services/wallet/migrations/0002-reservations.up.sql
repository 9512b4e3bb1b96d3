-- One row per order that ever asked for money, and per tombstone; never deleted, since a CLOSED or
-- REFUSED row is what answers a late duplicate.
--
-- States: (none) → ACTIVE → CLOSED, (none) → REFUSED, (none) → CLOSED (tombstone: released before it
-- was ever reserved). CLOSED and REFUSED are final.
CREATE TABLE wallet.reservations (
  order_id uuid PRIMARY KEY,
  user_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('ACTIVE', 'CLOSED', 'REFUSED')),
  -- The shard has said a word about the order, so the sweep leaves it alone.
  sequenced boolean NOT NULL DEFAULT false,
  shard integer NOT NULL CHECK (shard >= 0),
  -- Asset that is held; absent for a tombstone.
  asset text CHECK (asset ~ '^[A-Z0-9]{2,10}$'),
  -- What was held at first; what was asked for if REFUSED.
  amount numeric(38, 8) NOT NULL CHECK (amount >= 0),
  -- What came later from legs of amends.
  joined numeric(38, 8) NOT NULL DEFAULT 0 CHECK (joined >= 0),
  -- What is still held, and where the rest went: paid in trades, given back at once because the trade
  -- was better than the limit, freed at the end.
  remaining numeric(38, 8) NOT NULL CHECK (remaining >= 0),
  spent numeric(38, 8) NOT NULL DEFAULT 0 CHECK (spent >= 0),
  improvement numeric(38, 8) NOT NULL DEFAULT 0 CHECK (improvement >= 0),
  released numeric(38, 8) NOT NULL DEFAULT 0 CHECK (released >= 0),
  -- What the order received before fees and paid in fees, per role; the rate is the first trade's and
  -- never changes. Fees are rounded up on the totals, so the totals must be here.
  maker_received numeric(38, 8) NOT NULL DEFAULT 0,
  maker_fees numeric(38, 8) NOT NULL DEFAULT 0,
  maker_fee_ppm integer,
  taker_received numeric(38, 8) NOT NULL DEFAULT 0,
  taker_fees numeric(38, 8) NOT NULL DEFAULT 0,
  taker_fee_ppm integer,
  -- SHA-256 of what the client sent; absent for a tombstone, which matches any content.
  fingerprint bytea CHECK (octet_length(fingerprint) = 32),
  -- Terms of the order as the gateway fixed them, returned unread; absent for a tombstone.
  terms bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- The final word of the shard, so that a repeat is answered without history. Set when CLOSED.
  final_status text CHECK (final_status IN ('FILLED', 'CANCELLED', 'EXPIRED', 'REJECTED')),
  final_reason text,
  executed_lots bigint CHECK (executed_lots >= 0),
  executed_tick_lots numeric(38, 0) CHECK (executed_tick_lots >= 0),
  order_created_at_ms bigint,
  order_ended_at_ms bigint,
  ended_seq bigint,
  CONSTRAINT every_atom_is_somewhere CHECK (
    amount + joined = CASE state WHEN 'REFUSED' THEN amount ELSE spent + improvement + released + remaining END
  ),
  CONSTRAINT only_active_holds CHECK (state = 'ACTIVE' OR remaining = 0),
  CONSTRAINT refused_moved_nothing
    CHECK (state <> 'REFUSED' OR (joined = 0 AND spent = 0 AND improvement = 0 AND released = 0)),
  CONSTRAINT closed_has_its_final_word CHECK (
    (state = 'CLOSED') = (final_status IS NOT NULL)
    AND num_nulls(final_status, executed_lots, executed_tick_lots, order_ended_at_ms, ended_seq) IN (0, 5)
  ),
  CONSTRAINT only_a_tombstone_is_bare CHECK (
    num_nulls(asset, fingerprint, terms) IN (0, 3) AND (asset IS NOT NULL OR (state = 'CLOSED' AND amount = 0))
  ),
  CONSTRAINT fees_within_received CHECK (
    maker_fees BETWEEN 0 AND maker_received AND taker_fees BETWEEN 0 AND taker_received
  )
)
WITH (fillfactor = 70);

-- What the sweep asks for; an order leaves it with the first word of its shard.
CREATE INDEX reservations_unsequenced ON wallet.reservations (shard, created_at)
  WHERE state = 'ACTIVE' AND NOT sequenced;

CREATE FUNCTION wallet.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of wallet.% is refused: it is final', TG_OP, TG_TABLE_NAME USING ERRCODE = 'check_violation';
END
$$;

-- CLOSED never reopens, REFUSED stays a no, and no row goes away.
CREATE TRIGGER final_never_changes BEFORE UPDATE ON wallet.reservations
  FOR EACH ROW WHEN (OLD.state <> 'ACTIVE') EXECUTE FUNCTION wallet.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON wallet.reservations
  FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();
