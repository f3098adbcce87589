-- $1: the staging schema. $2: the target schema. Names that stand in the way of the move.
SELECT 'relation' AS kind, theirs.relname::text AS name
FROM pg_class AS ours
JOIN pg_class AS theirs ON theirs.relname = ours.relname AND theirs.relnamespace = $2
WHERE ours.relnamespace = $1
UNION
SELECT 'type', theirs.typname::text
FROM pg_type AS ours
JOIN pg_type AS theirs ON theirs.typname = ours.typname AND theirs.typnamespace = $2
WHERE ours.typnamespace = $1
ORDER BY name, kind
