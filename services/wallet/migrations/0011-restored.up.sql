-- A wallet that was set back by lost commits makes lost holds again from the shards' journals. Such a row says so.
-- oldest: 0007
ALTER TABLE wallet.reservations ADD COLUMN restored boolean NOT NULL DEFAULT false;
