-- The end of an order says where its life began too, so that a closed row answers as the shard did. Rows that
-- closed before do not know it; 0 is an end that did not say it.
ALTER TABLE wallet.reservations
  ADD COLUMN accepted_seq bigint CHECK (accepted_seq >= 0),
  ADD CONSTRAINT accepted_before_it_ended CHECK (accepted_seq <= ended_seq),
  ADD CONSTRAINT only_closed_was_accepted CHECK (accepted_seq IS NULL OR state = 'CLOSED');
