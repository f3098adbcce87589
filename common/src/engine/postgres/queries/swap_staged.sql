-- $1: the staging schema. The objects of their own in it.
SELECT 'table' AS kind, relname::text AS name, oid FROM pg_class
WHERE relnamespace = $1 AND relkind = 'r'
UNION ALL
SELECT 'type', typname::text, oid FROM pg_type WHERE typnamespace = $1 AND typtype = 'e'
UNION ALL
SELECT 'function', proname::text, oid FROM pg_proc WHERE pronamespace = $1
UNION ALL
SELECT 'statistics', stxname::text, oid FROM pg_statistic_ext WHERE stxnamespace = $1
ORDER BY 1, 2
