DROP TABLE wallet.reservations;
DROP FUNCTION wallet.refuse_change();
