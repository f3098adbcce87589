-- $1: the run. The definitions of what has followed: $2 kinds, $3 identifiers, $4 tables, $5 as they were before,
-- $6 as the run has left them.
INSERT INTO ledger.followed (run, kind, id, "table", before, "left")
SELECT $1, * FROM unnest($2::text[], $3::oid[], $4::text[], $5::text[], $6::text[])
