-- $1: the run. $2: sequences. $3: their schemas. $4: their names. $5, $6: where they stood. $7, $8: where the run
-- has left them.
INSERT INTO ledger.written (run, kind, id, home, name, last_value, is_called, left_value, left_called)
SELECT $1, 'sequence', id, home, name, last_value, is_called, left_value, left_called
FROM unnest($2::oid[], $3::text[], $4::text[], $5::bigint[], $6::boolean[], $7::bigint[], $8::boolean[])
     AS moved (id, home, name, last_value, is_called, left_value, left_called)
