-- $1: the run. What it has written into tables that stay, and the sequences that it has moved.
SELECT kind, id, home, name, key, rows, kept, last_value, is_called, left_value, left_called
FROM ledger.written
WHERE run = $1
ORDER BY kind, home, name
