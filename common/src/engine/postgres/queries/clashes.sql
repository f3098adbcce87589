-- $1: the target schema. $2: names of relations. $3: names of types. $4: relations, and $5: types, that are
-- put aside with all that belongs to them. Tables come first.
-- A table makes a type of its name, and an array type: both go with it and are not listed.
SELECT kind, name
FROM (
SELECT CASE relkind
           WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'f' THEN 'foreign table'
           WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
           WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'c' THEN 'type'
           ELSE 'relation' END AS kind,
       relname::text AS name
FROM pg_class
WHERE relnamespace = $1
  AND relname::text = ANY ($2::text[])
  AND oid <> ALL ($4::oid[])
  AND NOT EXISTS (SELECT FROM pg_index WHERE indexrelid = pg_class.oid AND indrelid = ANY ($4::oid[]))
  AND NOT EXISTS (SELECT FROM pg_depend
                  WHERE classid = 'pg_class'::regclass
                    AND objid = pg_class.oid
                    AND pg_class.relkind = 'S'
                    AND refclassid = 'pg_class'::regclass
                    AND refobjid = ANY ($4::oid[])
                    AND deptype IN ('a', 'i'))
UNION
SELECT 'type', theirs.typname::text
FROM pg_type AS theirs
WHERE theirs.typnamespace = $1
  AND theirs.typname::text = ANY ($3::text[])
  AND theirs.oid <> ALL ($5::oid[])
  AND NOT EXISTS (SELECT FROM pg_class
                  WHERE oid = theirs.typrelid AND relname::text = ANY ($2::text[]))
  AND NOT EXISTS (SELECT FROM pg_type AS element
                  WHERE element.typarray = theirs.oid
                    AND element.typnamespace = $1
                    AND element.typname::text = ANY ($3::text[]))
) AS clash
ORDER BY kind <> 'table', kind = 'type', name, kind
