-- $1: kinds. $2: identifiers of objects. $3: a schema. Where they are now, and what moves them into
-- that schema.
SELECT wanted.position,
       COALESCE(relation.relname, type.typname, function.proname, statistics.stxname)::text AS name,
       home.nspname::text AS home,
       COALESCE(pg_has_role(COALESCE(relation.relowner, type.typowner, function.proowner,
                                     statistics.stxowner), 'USAGE'), false) AS owned,
       CASE
           WHEN home.oid IS NULL THEN NULL
           WHEN wanted.kind = 'function' THEN format('ALTER FUNCTION %I.%I(%s) SET SCHEMA %I', home.nspname,
                                       function.proname,
                                       pg_get_function_identity_arguments(function.oid), $3::text)
           ELSE format('ALTER %s %I.%I SET SCHEMA %I', upper(wanted.kind), home.nspname,
                       COALESCE(relation.relname, type.typname, statistics.stxname), $3::text)
       END AS move
FROM unnest($1::text[], $2::oid[]) WITH ORDINALITY AS wanted (kind, oid, position)
LEFT JOIN pg_class AS relation ON wanted.kind IN ('table', 'view') AND relation.oid = wanted.oid
LEFT JOIN pg_type AS type ON wanted.kind = 'type' AND type.oid = wanted.oid
LEFT JOIN pg_proc AS function ON wanted.kind = 'function' AND function.oid = wanted.oid
LEFT JOIN pg_statistic_ext AS statistics ON wanted.kind = 'statistics' AND statistics.oid = wanted.oid
LEFT JOIN pg_namespace AS home
       ON home.oid = COALESCE(relation.relnamespace, type.typnamespace, function.pronamespace,
                              statistics.stxnamespace)
ORDER BY wanted.position
