-- $1: the schema of a backup. $2: identifiers of what was put aside in it. $3: names of tables that keep images of
-- rows. Anything else that stands there by itself, by kind and name.
WITH home AS (
    SELECT oid FROM pg_namespace WHERE nspname = $1::text
)
SELECT pg_describe_object(class, object, 0) AS described
FROM (
    SELECT 'pg_class'::regclass AS class, oid AS object FROM pg_class
    WHERE relnamespace = (SELECT oid FROM home)
      AND relkind NOT IN ('i', 'I', 't')
      AND NOT (relkind = 'r' AND relname::text = ANY ($3::text[]))
      -- A sequence of a column goes with its table, and a row type of its own with its type.
      AND NOT EXISTS (SELECT FROM pg_depend
                      WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid
                        AND refclassid IN ('pg_class'::regclass, 'pg_type'::regclass) AND deptype IN ('a', 'i')
                        AND relkind IN ('S', 'c'))
    UNION ALL
    SELECT 'pg_type'::regclass, oid FROM pg_type
    WHERE typnamespace = (SELECT oid FROM home)
      AND typrelid IN (SELECT 0::oid UNION ALL SELECT oid FROM pg_class WHERE relkind = 'c')
      AND NOT EXISTS (SELECT FROM pg_type AS element WHERE element.typarray = pg_type.oid)
    UNION ALL
    SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = (SELECT oid FROM home)
) AS found
WHERE object <> ALL ($2::oid[])
ORDER BY 1
