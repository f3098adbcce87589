-- What a run that has staged in a schema not its own has brought. $1: the target schema. $2: the names of its
-- tables, $3: of its enumerated types, $4: of its functions, which take nothing, $5: of its statistics.
SELECT 'table' AS kind, relname::text AS name, oid FROM pg_class
WHERE relnamespace = $1 AND relkind = 'r' AND relname = ANY ($2::text[])
UNION ALL
SELECT 'type', typname::text, oid FROM pg_type
WHERE typnamespace = $1 AND typtype = 'e' AND typname = ANY ($3::text[])
UNION ALL
SELECT 'function', proname::text, oid FROM pg_proc
WHERE pronamespace = $1 AND pronargs = 0 AND proname = ANY ($4::text[])
UNION ALL
SELECT 'statistics', stxname::text, oid FROM pg_statistic_ext
WHERE stxnamespace = $1 AND stxname = ANY ($5::text[])
ORDER BY 1, 2
