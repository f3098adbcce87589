-- $1: the ledger's schema. Whether it is there, and holds a ledger.
SELECT home.oid IS NOT NULL AS has_schema,
       relation.oid IS NOT NULL AS has_ledger
FROM (SELECT $1::text AS name) AS wanted
LEFT JOIN pg_namespace AS home ON home.nspname = wanted.name
LEFT JOIN pg_class AS relation ON relation.relnamespace = home.oid
                              AND relation.relname = 'version'
                              AND relation.relkind = 'r'
