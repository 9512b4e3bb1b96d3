DROP TABLE wallet.transfers;
DROP TABLE wallet.settled_trades;
DROP TABLE wallet.ledger_entries;
DROP TABLE wallet.ledger_transactions;
