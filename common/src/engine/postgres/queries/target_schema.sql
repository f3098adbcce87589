-- $1: the target schema's name.
SELECT oid,
       has_schema_privilege(oid, 'USAGE') AS may_use,
       has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE') AS may_create
FROM pg_namespace
WHERE nspname = $1
