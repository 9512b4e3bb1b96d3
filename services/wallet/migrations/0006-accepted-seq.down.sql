ALTER TABLE wallet.reservations DROP COLUMN accepted_seq;
