-- What the role has said about new tables and sequences of one schema. $1: the schema.
-- What it has said about all schemas the tables have got already, when they were created.
SELECT defaclobjtype::text AS kind,
       CASE WHEN grantee = 0 THEN NULL ELSE pg_get_userbyid(grantee)::text END AS grantee,
       privilege_type AS privilege,
       is_grantable AS grantable
FROM pg_default_acl, aclexplode(defaclacl)
WHERE defaclnamespace = $1
  AND pg_get_userbyid(defaclrole) = current_user
  AND defaclobjtype IN ('r', 'S')
ORDER BY kind, grantee, privilege
