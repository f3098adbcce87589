-- $1: tables. Where they are now.
SELECT relation.oid, relation.relname::text AS name, home.nspname::text AS home
FROM pg_class AS relation
JOIN pg_namespace AS home ON home.oid = relation.relnamespace
WHERE relation.oid = ANY ($1::oid[])
