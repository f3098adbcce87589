-- $1: names of roles. $2: the target schema. Whether each is there, and may be made an owner in it.
SELECT wanted.name,
       current_user::text AS us,
       role.oid IS NOT NULL AS there,
       coalesce(pg_has_role(current_user, role.oid, 'MEMBER'), false) AS member,
       coalesce(has_schema_privilege(role.oid, home.oid, 'CREATE'), true) AS may_create
FROM unnest($1::text[]) AS wanted (name)
LEFT JOIN pg_roles AS role ON role.rolname::text = wanted.name
LEFT JOIN pg_namespace AS home ON home.nspname::text = $2
ORDER BY wanted.name
