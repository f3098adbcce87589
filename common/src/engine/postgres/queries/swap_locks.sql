-- $1: relations. What locks each of those that are views and ours as a change of it would, and changes nothing. LOCK
-- TABLE would lock all that a view reads as well.
SELECT format('ALTER VIEW %I.%I OWNER TO %I', home.nspname, view.relname, owner.rolname) AS sql
FROM pg_class AS view
JOIN pg_namespace AS home ON home.oid = view.relnamespace
JOIN pg_roles AS owner ON owner.oid = view.relowner
WHERE view.oid = ANY ($1::oid[])
  AND view.relkind = 'v'
  AND pg_has_role(view.relowner, 'USAGE')
ORDER BY view.oid
