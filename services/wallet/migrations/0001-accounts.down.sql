DROP TABLE wallet.accounts;
