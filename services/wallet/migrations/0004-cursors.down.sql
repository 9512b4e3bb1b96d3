DROP TABLE wallet.shard_cursors;
