-- What tables and sequences have got because they were made in another schema than their own. $1: that schema.
-- What the role has said about all schemas they would have got anywhere.
SELECT DISTINCT own.defaclobjtype::text AS kind,
       CASE WHEN acl.grantee = 0 THEN NULL ELSE pg_get_userbyid(acl.grantee)::text END AS grantee,
       acl.privilege_type AS privilege
FROM pg_default_acl AS own, aclexplode(own.defaclacl) AS acl
WHERE own.defaclnamespace = $1
  AND pg_get_userbyid(own.defaclrole) = current_user
  AND own.defaclobjtype IN ('r', 'S')
  AND NOT EXISTS (
      SELECT
      FROM pg_default_acl AS everywhere, aclexplode(everywhere.defaclacl) AS same
      WHERE everywhere.defaclnamespace = 0
        AND everywhere.defaclrole = own.defaclrole
        AND everywhere.defaclobjtype = own.defaclobjtype
        AND (same.grantee, same.privilege_type) = (acl.grantee, acl.privilege_type))
ORDER BY kind, grantee, privilege
