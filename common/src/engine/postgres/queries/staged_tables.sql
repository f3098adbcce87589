-- $1: a schema's name.
SELECT relation.oid, relation.relname::text AS name
FROM pg_class AS relation
JOIN pg_namespace AS home ON home.oid = relation.relnamespace
WHERE home.nspname = $1
  AND relation.relkind = 'r'
ORDER BY relation.oid
