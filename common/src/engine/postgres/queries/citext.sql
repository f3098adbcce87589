-- Where the extension citext has its type, and whether the role may use it.
SELECT home.nspname::text AS home,
       has_schema_privilege(home.oid, 'USAGE') AS may_use
FROM pg_extension
JOIN pg_namespace AS home ON home.oid = extnamespace
WHERE extname = 'citext'
