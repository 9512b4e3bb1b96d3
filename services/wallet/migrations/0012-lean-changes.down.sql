DROP TRIGGER final_never_changes ON wallet.reservations;
CREATE TRIGGER final_never_changes BEFORE UPDATE ON wallet.reservations
  FOR EACH ROW WHEN (OLD.state <> 'ACTIVE') EXECUTE FUNCTION wallet.refuse_change();

DROP INDEX wallet.reservations_unsequenced;
CREATE INDEX reservations_unsequenced ON wallet.reservations (shard, created_at)
  WHERE state = 'ACTIVE' AND NOT sequenced;

DROP TRIGGER key_never_changes ON wallet.reservations;
DROP TRIGGER reservations_asset_check ON wallet.reservations;
ALTER TABLE wallet.reservations
  ADD CONSTRAINT reservations_asset_check CHECK (asset ~ '^[A-Z0-9]{2,10}$');
DROP TRIGGER key_never_changes ON wallet.accounts;
DROP TRIGGER accounts_asset_check ON wallet.accounts;
ALTER TABLE wallet.accounts ADD CONSTRAINT accounts_asset_check CHECK (asset ~ '^[A-Z0-9]{2,10}$');
DROP FUNCTION wallet.refuse_asset();
