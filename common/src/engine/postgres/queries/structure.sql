-- Constraints and indexes of a schema. $1: its name. Whether each is in force for all rows.
SELECT relation.relname::text AS relation,
       contype::text AS kind,
       conname::text AS name,
       convalidated AS valid
FROM pg_constraint
JOIN pg_class AS relation ON relation.oid = conrelid
JOIN pg_namespace AS home ON home.oid = relation.relnamespace
WHERE home.nspname = $1
  AND contype IN ('p', 'u', 'f', 'c')
UNION ALL
SELECT relation.relname::text,
       CASE WHEN indisunique THEN 'unique index' ELSE 'index' END,
       own.relname::text,
       indisvalid AND indisready
FROM pg_index
JOIN pg_class AS own ON own.oid = indexrelid
JOIN pg_class AS relation ON relation.oid = indrelid
JOIN pg_namespace AS home ON home.oid = relation.relnamespace
WHERE home.nspname = $1
  AND relation.relkind = 'r'
