-- $1: the target schema. $2: names of relations. $3: names of types.
-- A table makes a type of its name, and an array type.
SELECT CASE relkind
           WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'f' THEN 'foreign table'
           WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
           WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'c' THEN 'type'
           ELSE 'relation' END AS kind,
       relname::text AS name
FROM pg_class
WHERE relnamespace = $1
  AND relname::text = ANY ($2::text[])
UNION
SELECT 'type', typname::text
FROM pg_type
WHERE typnamespace = $1
  AND typname::text = ANY ($3::text[])
  AND NOT EXISTS (SELECT FROM pg_class WHERE oid = typrelid AND relname::text = ANY ($2::text[]))
ORDER BY name, kind
