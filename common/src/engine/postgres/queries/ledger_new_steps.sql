-- $1: the run. $2: the first step's number. $3: kinds. $4: tables. $5: items.
INSERT INTO ledger.steps (run, step, kind, "table", item)
SELECT $1, $2 + position - 1, kind, "table", item
FROM unnest($3::text[], $4::text[], $5::bigint[]) WITH ORDINALITY
     AS step (kind, "table", item, position)
