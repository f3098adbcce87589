-- Staging schemas of this role, with their marks. $1: how their names begin.
SELECT nspname::text AS name,
       obj_description(oid, 'pg_namespace') AS mark
FROM pg_namespace
WHERE starts_with(nspname::text, $1)
  AND pg_get_userbyid(nspowner) = current_user
ORDER BY nspname
