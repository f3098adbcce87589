-- $1: a view. $2: tables. The columns of these that the view reads, with their types.
SELECT DISTINCT relation.relname::text AS name, attname::text AS column,
       format_type(atttypid, atttypmod) AS type
FROM pg_rewrite
JOIN pg_depend ON classid = 'pg_rewrite'::regclass AND objid = pg_rewrite.oid
              AND refclassid = 'pg_class'::regclass
JOIN pg_class AS relation ON relation.oid = refobjid
JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
WHERE ev_class = $1
  AND refobjid = ANY ($2::oid[])
ORDER BY 1, 2
