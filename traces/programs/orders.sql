-- Fills two tables from a fixed congruential sequence, indexes one, joins and groups them.
PRAGMA temp_store = memory;
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, region INTEGER);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, amount INTEGER);

BEGIN;
WITH RECURSIVE draw(i, x) AS (
    SELECT 1, 12345 UNION ALL SELECT i + 1, (x * 1103515245 + 12345) % 2147483648 FROM draw WHERE i < 400)
INSERT INTO customers SELECT i, 'customer ' || x, x / 65536 % 8 FROM draw;
WITH RECURSIVE draw(i, x) AS (
    SELECT 1, 54321 UNION ALL SELECT i + 1, (x * 1103515245 + 12345) % 2147483648 FROM draw WHERE i < 1300)
INSERT INTO orders SELECT i, 1 + x / 65536 % 400, x / 256 % 1000 FROM draw;
COMMIT;

CREATE INDEX orders_by_customer ON orders (customer);

SELECT region, COUNT(*), SUM(amount) FROM customers JOIN orders ON orders.customer = customers.id
GROUP BY region ORDER BY region;
