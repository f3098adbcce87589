-- NOT NULL constraints of a table that is not inherited. $1: its schema. $2: its name.
SELECT conname::text AS name,
       attname::text AS column
FROM pg_constraint
JOIN pg_class AS relation ON relation.oid = conrelid
JOIN pg_namespace AS home ON home.oid = relation.relnamespace
JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
WHERE home.nspname = $1
  AND relation.relname = $2
  AND contype = 'n'
ORDER BY attnum
