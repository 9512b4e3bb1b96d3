ALTER TABLE wallet.reservations DROP COLUMN restored;
