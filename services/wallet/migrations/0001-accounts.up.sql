-- What every user has of every asset. Two house accounts make the books of the whole exchange balance:
-- fees (…0001) collects what trades pay, external (…0002) is minus what came in from outside.
CREATE TABLE wallet.accounts (
  user_id uuid NOT NULL,
  asset text NOT NULL CHECK (asset ~ '^[A-Z0-9]{2,10}$'),
  -- What can be spent or withdrawn.
  available numeric(38, 8) NOT NULL DEFAULT 0,
  -- What is held for open orders: the sum of what remains of the active reservations.
  reserved numeric(38, 8) NOT NULL DEFAULT 0,
  PRIMARY KEY (user_id, asset),
  CONSTRAINT available_not_negative
    CHECK (available >= 0 OR user_id = '00000000-0000-0000-0000-000000000002'),
  CONSTRAINT reserved_not_negative CHECK (reserved >= 0)
)
-- Balances change all the time and no index holds them: room on the page keeps the updates in place.
WITH (fillfactor = 70);
