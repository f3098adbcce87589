-- $1: tables and views. What was granted on them by others than their owner, who had the right to: each role that has
-- passed on rights, with those that it has passed them on to.
SELECT relation.relname::text AS name, pg_get_userbyid(grantor)::text AS grantor,
       string_agg(DISTINCT CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE format('`%s`', pg_get_userbyid(grantee)) END, ', ')
           AS grantees
FROM pg_class AS relation
CROSS JOIN LATERAL (
    SELECT relacl
    UNION ALL
    SELECT attacl FROM pg_attribute WHERE attrelid = relation.oid AND NOT attisdropped
) AS own (acl)
CROSS JOIN LATERAL aclexplode(own.acl)
WHERE relation.oid = ANY ($1::oid[])
  AND grantor <> relowner
GROUP BY 1, 2
ORDER BY 1, 2
