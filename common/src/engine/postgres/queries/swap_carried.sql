-- $1: tables that are put aside. $2: the schema of those that take their place, by name. $3: whether
-- they get the old owners. Statements that give the new ones what was granted on the old ones, their
-- comments, triggers and owner; they are read before the move, and run after it.
WITH pair AS (
    SELECT old.oid, old.relname, old.relowner, old.relacl, old.relreplident,
           new.oid AS new, new.relowner AS new_owner,
           -- With what the default privileges of the schema give it in the switch.
           new.relacl || (SELECT defaclacl FROM pg_default_acl
                          WHERE defaclnamespace = old.relnamespace AND defaclobjtype = 'r'
                            AND pg_get_userbyid(defaclrole) = current_user) AS new_acl,
           format('%I.%I', (SELECT nspname FROM pg_namespace WHERE oid = old.relnamespace), old.relname) AS place,
           (SELECT nspname FROM pg_namespace WHERE oid = old.relnamespace) AS home
    FROM pg_class AS old
    JOIN pg_class AS new ON new.relname = old.relname AND new.relnamespace = $2 AND new.relkind = 'r'
    WHERE old.oid = ANY ($1::oid[])
      AND old.relkind = 'r'
), columns AS (
    SELECT pair.*, old_column.attname, old_column.attnum, old_column.attacl,
           new_column.attnum AS new_attnum
    FROM pair
    JOIN pg_attribute AS old_column ON old_column.attrelid = pair.oid
    JOIN pg_attribute AS new_column ON new_column.attrelid = pair.new
                                   AND new_column.attname = old_column.attname
    WHERE old_column.attnum > 0 AND NOT old_column.attisdropped AND NOT new_column.attisdropped
), sequence AS (
    SELECT columns.relowner, columns.new_owner, columns.relname,
           old_sequence.relacl,
           new_sequence.relacl || (SELECT defaclacl FROM pg_default_acl
                                   WHERE defaclnamespace = old_sequence.relnamespace AND defaclobjtype = 'S'
                                     AND pg_get_userbyid(defaclrole) = current_user) AS new_acl,
           format('%I.%I', columns.home::name, new_sequence.relname) AS place
    FROM columns
    JOIN pg_depend AS old_owned ON old_owned.refclassid = 'pg_class'::regclass
                               AND old_owned.refobjid = columns.oid
                               AND old_owned.refobjsubid = columns.attnum
    JOIN pg_class AS old_sequence ON old_owned.classid = 'pg_class'::regclass
                                 AND old_sequence.oid = old_owned.objid
                                 AND old_sequence.relkind = 'S'
    JOIN pg_depend AS new_owned ON new_owned.refclassid = 'pg_class'::regclass
                               AND new_owned.refobjid = columns.new
                               AND new_owned.refobjsubid = columns.new_attnum
    JOIN pg_class AS new_sequence ON new_owned.classid = 'pg_class'::regclass
                                 AND new_sequence.oid = new_owned.objid
                                 AND new_sequence.relkind = 'S'
)
SELECT step, name, object, sql
FROM (
    SELECT 1 AS step, relname::text AS name, 'rights' AS object,
           format('REVOKE ALL ON TABLE %s FROM %s', place,
                  CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END) AS sql
    FROM pair, aclexplode(new_acl) AS acl
    WHERE acl.grantee <> new_owner
    UNION
    SELECT 1, relname::text, 'rights',
           format('REVOKE ALL ON SEQUENCE %s FROM %s', place,
                  CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END)
    FROM sequence, aclexplode(new_acl) AS acl
    WHERE acl.grantee <> new_owner
    UNION ALL
    SELECT 2, relname::text, 'rights',
           format('GRANT %s ON TABLE %s TO %s%s', acl.privilege_type, place,
                  CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END,
                  CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pair, aclexplode(relacl) AS acl
    WHERE acl.grantee <> relowner
    UNION ALL
    SELECT 2, relname::text, 'rights',
           format('GRANT %s (%I) ON TABLE %s TO %s%s', acl.privilege_type, attname, place,
                  CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END,
                  CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM columns, aclexplode(attacl) AS acl
    UNION ALL
    SELECT 2, relname::text, 'rights',
           format('GRANT %s ON SEQUENCE %s TO %s%s', acl.privilege_type, place,
                  CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END,
                  CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM sequence, aclexplode(relacl) AS acl
    WHERE acl.grantee <> relowner
    UNION ALL
    SELECT 3, relname::text, 'comment',
           format('COMMENT ON TABLE %s IS %L', place, obj_description(oid, 'pg_class'))
    FROM pair
    WHERE obj_description(oid, 'pg_class') IS NOT NULL
      AND obj_description(new, 'pg_class') IS NULL
    UNION ALL
    SELECT 3, relname::text, 'comment',
           format('COMMENT ON COLUMN %s.%I IS %L', place, attname, col_description(oid, attnum))
    FROM columns
    WHERE col_description(oid, attnum) IS NOT NULL
      AND col_description(new, new_attnum) IS NULL
    UNION ALL
    SELECT 4, relname::text, format('trigger %I', tgname),
           pg_get_triggerdef(pg_trigger.oid)
           || CASE tgenabled WHEN 'D' THEN format('; ALTER TABLE %s DISABLE TRIGGER %I', place, tgname)
                             WHEN 'R' THEN format('; ALTER TABLE %s ENABLE REPLICA TRIGGER %I', place, tgname)
                             WHEN 'A' THEN format('; ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', place, tgname)
                             ELSE '' END
           || COALESCE(format('; COMMENT ON TRIGGER %I ON %s IS ', tgname, place)
                       || quote_literal(obj_description(pg_trigger.oid, 'pg_trigger')), '')
    FROM pair
    JOIN pg_trigger ON tgrelid = pair.oid
    WHERE NOT tgisinternal
      AND NOT EXISTS (SELECT FROM pg_trigger AS same
                      WHERE same.tgrelid = pair.new AND same.tgname = pg_trigger.tgname)
    UNION ALL
    SELECT 5, relname::text, 'replica identity',
           format('ALTER TABLE %s REPLICA IDENTITY %s', place,
                  CASE relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END)
    FROM pair
    WHERE relreplident IN ('f', 'n')
    UNION ALL
    SELECT 6, relname::text, 'owner',
           format('ALTER TABLE %s OWNER TO %I', place, pg_get_userbyid(relowner))
    FROM pair
    WHERE $3
      AND relowner <> new_owner
      AND has_schema_privilege(relowner, home, 'CREATE')
) AS statement
ORDER BY step, name, object, sql
