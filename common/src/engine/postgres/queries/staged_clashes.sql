-- $1: the staging schema. $2: the target schema. Names that stand in the way of the move.
-- The types that come with a listed relation, and the array of a listed type, are not listed.
SELECT kind, name
FROM (
SELECT 'relation' AS kind, theirs.relname::text AS name
FROM pg_class AS ours
JOIN pg_class AS theirs ON theirs.relname = ours.relname AND theirs.relnamespace = $2
WHERE ours.relnamespace = $1
UNION
SELECT 'type', theirs.typname::text
FROM pg_type AS ours
JOIN pg_type AS theirs ON theirs.typname = ours.typname AND theirs.typnamespace = $2
WHERE ours.typnamespace = $1
  AND theirs.typrelid = 0
  AND NOT EXISTS (SELECT FROM pg_type AS element
                  JOIN pg_type AS same ON same.typname = element.typname
                                      AND same.typnamespace = $1
                  WHERE element.typarray = theirs.oid
                    AND element.typnamespace = $2)
) AS clash
ORDER BY kind = 'type', name, kind
