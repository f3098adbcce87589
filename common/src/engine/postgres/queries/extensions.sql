-- $1: names of extensions. Where each is, if it is there, and whether it could be.
SELECT wanted.name,
       current_user::text AS us,
       home.nspname::text AS schema,
       coalesce(has_schema_privilege(home.oid, 'USAGE'), false) AS may_use,
       EXISTS (SELECT FROM pg_available_extensions AS kept WHERE kept.name::text = wanted.name) AS available
FROM unnest($1::text[]) AS wanted (name)
LEFT JOIN pg_extension ON extname::text = wanted.name
LEFT JOIN pg_namespace AS home ON home.oid = extnamespace
ORDER BY wanted.name
