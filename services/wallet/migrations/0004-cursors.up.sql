-- How far each shard is settled: the first `operations` operations of record `seq` and everything before
-- that record. Moved in the transaction of the effects, only from the expected position.
CREATE TABLE wallet.shard_cursors (
  shard integer PRIMARY KEY CHECK (shard >= 0),
  -- Epoch of the record at `seq`.
  epoch bigint NOT NULL DEFAULT 0 CHECK (epoch >= 0),
  seq bigint NOT NULL DEFAULT 0 CHECK (seq >= 0),
  operations integer NOT NULL DEFAULT 0 CHECK (operations >= 0),
  -- Highest epoch of a server whose records were settled; whoever comes with a lower one is refused.
  stored_epoch bigint NOT NULL DEFAULT 0,
  moved_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT epoch_is_stored CHECK (epoch <= stored_epoch)
);

CREATE TRIGGER only_advances BEFORE UPDATE ON wallet.shard_cursors
  FOR EACH ROW WHEN (
    NEW.shard <> OLD.shard OR NEW.stored_epoch < OLD.stored_epoch OR NEW.epoch < OLD.epoch
    OR (NEW.seq, NEW.operations) < (OLD.seq, OLD.operations)
  ) EXECUTE FUNCTION wallet.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON wallet.shard_cursors
  FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change();
