-- $1: the run. $2: roles. $3: kinds. $4: names. $5: identifiers. $6: rows. $7: whether rows are known by their
-- transactions, or by being older than the moment.
INSERT INTO ledger.objects (run, role, kind, name, id, rows, since)
SELECT $1, role, kind, name, id, rows,
       CASE WHEN $7 THEN NULL ELSE pg_snapshot_xmin(pg_current_snapshot()) END
FROM unnest($2::text[], $3::text[], $4::text[], $5::oid[], $6::bigint[])
     AS object (role, kind, name, id, rows)
