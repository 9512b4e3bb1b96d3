DROP FUNCTION orders.ensure_partitions(date[], date[]);
DROP FUNCTION orders.ensure_partition(text, text, date, date);
DROP TABLE orders.cursors;
DROP TABLE orders.trades;
DROP TABLE orders.orders;
