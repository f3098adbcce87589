-- $1: a schema. $2: names. The views that bear them.
SELECT relname::text AS name, oid FROM pg_class
WHERE relnamespace = $1 AND relkind = 'v' AND relname::text = ANY ($2::text[])
