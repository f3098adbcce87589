-- The columns of tables, in order, each with the type below its domain. $1: the tables.
SELECT attribute.attrelid AS relation,
       attribute.attname::text AS name,
       format_type(attribute.atttypid, attribute.atttypmod) AS type_name,
       format_type(base.oid, -1) AS cast_name,
       base.depth > 0 AS of_domain,
       type.typnamespace = 'pg_catalog'::regnamespace AS built_in,
       type.typname::text AS base_name,
       base.modifier,
       (SELECT array_agg(enumlabel::text ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = base.oid) AS labels,
       attribute.attnotnull OR base.not_null AS not_null,
       (attribute.atthasdef AND attribute.attgenerated = '') OR attribute.attidentity <> '' OR base.has_default
           AS has_default,
       attribute.attidentity = 'a' AS identity_always,
       attribute.attgenerated <> '' AS generated,
       own.collation_schema,
       own.collation_name
FROM pg_attribute AS attribute
CROSS JOIN LATERAL (
    WITH RECURSIVE chain AS (
        SELECT attribute.atttypid AS oid, attribute.atttypmod AS modifier,
               false AS not_null, false AS has_default, 0 AS depth
        UNION ALL
        SELECT domain.typbasetype, domain.typtypmod,
               chain.not_null OR domain.typnotnull,
               chain.has_default OR domain.typdefault IS NOT NULL, chain.depth + 1
        FROM chain
        JOIN pg_type AS domain ON domain.oid = chain.oid AND domain.typtype = 'd'
    )
    SELECT oid, modifier, not_null, has_default, depth FROM chain ORDER BY depth DESC LIMIT 1
) AS base
JOIN pg_type AS type ON type.oid = base.oid
LEFT JOIN LATERAL (SELECT home.nspname::text AS collation_schema, named.collname::text AS collation_name
                   FROM pg_collation AS named
                   JOIN pg_namespace AS home ON home.oid = named.collnamespace
                   WHERE named.oid = attribute.attcollation
                     AND attribute.attcollation <> type.typcollation) AS own ON true
WHERE attribute.attrelid = ANY ($1::oid[])
  AND attribute.attnum > 0
  AND NOT attribute.attisdropped
ORDER BY attribute.attrelid, attribute.attnum
