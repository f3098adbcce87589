-- $1: a schema's name. $2: a table's name.
SELECT attribute.attname::text AS name
FROM pg_attribute AS attribute
JOIN pg_class AS relation ON relation.oid = attribute.attrelid
JOIN pg_namespace AS home ON home.oid = relation.relnamespace
WHERE home.nspname = $1
  AND relation.relname = $2
  AND attribute.attnum > 0
  AND NOT attribute.attisdropped
