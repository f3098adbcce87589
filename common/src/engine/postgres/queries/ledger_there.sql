-- $1: the ledger's schema. $2: its tables, the one with the version first. Whether it is there, holds a
-- ledger, and may be written to; and what has one of the names, whatever it is.
SELECT home.oid IS NOT NULL AS has_schema,
       relation.oid IS NOT NULL AS has_ledger,
       ARRAY(SELECT relname::text FROM pg_class AS own
             WHERE own.relnamespace = home.oid AND own.relname::text = ANY ($2::text[])
             ORDER BY 1) AS taken,
       coalesce(has_schema_privilege(home.oid, 'USAGE'), false)
           AND NOT EXISTS (SELECT FROM pg_class AS own
                           CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS needed
                           WHERE own.relnamespace = home.oid
                             AND own.relname::text = ANY ($2::text[])
                             AND own.relkind = 'r'
                             AND NOT has_table_privilege(own.oid, needed)) AS may_write,
       current_user::text AS role
FROM (SELECT $1::text AS name) AS wanted
LEFT JOIN pg_namespace AS home ON home.nspname = wanted.name
LEFT JOIN pg_class AS relation ON relation.relnamespace = home.oid
                              AND relation.relname::text = ($2::text[])[1]
                              AND relation.relkind = 'r'
                              AND EXISTS (SELECT FROM pg_attribute
                                          WHERE attrelid = relation.oid
                                            AND attname = 'version'
                                            AND atttypid = 'integer'::regtype
                                            AND NOT attisdropped)
