-- $1: the run. $2: the schema. $3: tables in it. $4: the keys that their rows are found by. $5: their rows.
-- $6: rows that are kept of each.
INSERT INTO ledger.written (run, kind, id, home, name, key, rows, kept)
SELECT $1, 'table', to_regclass(format('%I.%I', $2::text, name)), $2, name, key, rows, kept
FROM unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[]) AS written (name, key, rows, kept)
