-- What a run has made in a schema that is not its own. $1: the schema. $2: how its names begin.
-- Sequences, indexes and statistics go with their tables. Tables come first.
SELECT kind, name FROM (
SELECT 'TABLE' AS kind, relname::text AS name
FROM pg_class
WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
  AND starts_with(relname::text, $2)
  AND relkind = 'r'
  AND pg_get_userbyid(relowner) = current_user
UNION ALL
SELECT 'FUNCTION', proname::text
FROM pg_proc
WHERE pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
  AND starts_with(proname::text, $2)
  AND pg_get_userbyid(proowner) = current_user
UNION ALL
SELECT 'TYPE', typname::text
FROM pg_type
WHERE typnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
  AND starts_with(typname::text, $2)
  AND typtype = 'e'
  AND pg_get_userbyid(typowner) = current_user
) AS made
ORDER BY kind <> 'TABLE', name
