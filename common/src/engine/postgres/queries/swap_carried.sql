-- $1: tables that are put aside. $2: the schema of those that take their place, by name. $3: whether
-- they get the old owners. Statements that give the new ones what was granted on the old ones, their
-- settings, comments, statistics objects, triggers, policies and owner; they are read before the move,
-- and run after it. Row security comes at last: it may hide rows that foreign keys look for.
WITH pair AS (
    SELECT old.oid, old.relname, old.relowner, old.relacl, old.relreplident, old.reloptions,
           old.relrowsecurity, old.relforcerowsecurity, old.reltoastrelid,
           new.reloptions AS new_options,
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
           new_column.attnum AS new_attnum,
           old_column.attidentity, new_column.attidentity AS new_identity,
           old_column.attstattarget, old_column.attoptions, old_column.attstorage,
           old_type.typstorage, new_column.attstorage AS new_storage,
           new_type.typstorage <> 'p' AS is_stored_apart,
           -- Servers before PostgreSQL 14 lack the column: the name is then that of the outer query.
           (SELECT attcompression FROM pg_attribute
            WHERE attrelid = pair.oid AND pg_attribute.attnum = old_column.attnum) AS compression
    FROM pair
    JOIN pg_attribute AS old_column ON old_column.attrelid = pair.oid
    JOIN pg_attribute AS new_column ON new_column.attrelid = pair.new
                                   AND new_column.attname = old_column.attname
    JOIN pg_type AS old_type ON old_type.oid = old_column.atttypid
    JOIN pg_type AS new_type ON new_type.oid = new_column.atttypid
    CROSS JOIN (SELECT ''::"char" AS attcompression) AS older
    WHERE old_column.attnum > 0 AND NOT old_column.attisdropped AND NOT new_column.attisdropped
), sequence AS (
    SELECT columns.relowner, columns.new_owner, columns.relname,
           old_sequence.relacl, old_sequence.oid AS old_sequence, new_sequence.oid AS new_sequence,
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
), own_index AS (
    SELECT pair.relname, pair.place, pair.home, old_index.relname AS name,
           old_index.oid AS old_index, new_index.oid AS new_index, old_own.indisclustered
    FROM pair
    JOIN pg_index AS old_own ON old_own.indrelid = pair.oid
    JOIN pg_class AS old_index ON old_index.oid = old_own.indexrelid
    JOIN pg_index AS new_own ON new_own.indrelid = pair.new
    JOIN pg_class AS new_index ON new_index.oid = new_own.indexrelid AND new_index.relname = old_index.relname
)
SELECT step = 7 AS at_last, name, object, sql
FROM (
    -- First of all: with the table its new owner gets the rights that the old one has, and keeps none beside.
    SELECT 0 AS step, relname::text AS name, 'owner' AS object,
           format('ALTER TABLE %s OWNER TO %I', place, pg_get_userbyid(relowner)) AS sql
    FROM pair
    WHERE $3
      AND relowner <> new_owner
    UNION
    SELECT 1, relname::text, 'rights',
           format('REVOKE ALL ON TABLE %s FROM %s', place,
                  CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END)
    FROM pair, aclexplode(new_acl) AS acl
    WHERE acl.grantee <> new_owner
      AND NOT ($3 AND acl.grantee = relowner)
    UNION
    SELECT 1, relname::text, 'rights',
           format('REVOKE ALL ON SEQUENCE %s FROM %s', place,
                  CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END)
    FROM sequence, aclexplode(new_acl) AS acl
    WHERE acl.grantee <> new_owner
      AND NOT ($3 AND acl.grantee = relowner)
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
    SELECT 3, relname::text, 'comment',
           format('COMMENT ON CONSTRAINT %I ON %s IS %L', old_own.conname, place,
                  obj_description(old_own.oid, 'pg_constraint'))
    FROM pair
    JOIN pg_constraint AS old_own ON old_own.conrelid = pair.oid
    JOIN pg_constraint AS new_own ON new_own.conrelid = pair.new AND new_own.conname = old_own.conname
    WHERE obj_description(old_own.oid, 'pg_constraint') IS NOT NULL
      AND obj_description(new_own.oid, 'pg_constraint') IS NULL
    UNION ALL
    SELECT 3, relname::text, 'comment',
           format('COMMENT ON INDEX %I.%I IS %L', home, name, obj_description(old_index, 'pg_class'))
    FROM own_index
    WHERE obj_description(old_index, 'pg_class') IS NOT NULL
      AND obj_description(new_index, 'pg_class') IS NULL
    UNION ALL
    SELECT 3, relname::text, 'comment',
           format('COMMENT ON SEQUENCE %s IS %L', place, obj_description(old_sequence, 'pg_class'))
    FROM sequence
    WHERE obj_description(old_sequence, 'pg_class') IS NOT NULL
      AND obj_description(new_sequence, 'pg_class') IS NULL
    UNION ALL
    SELECT 3, relname::text, 'settings of its sequence',
           format('ALTER SEQUENCE %s INCREMENT BY %s CACHE %s', place, old_own.seqincrement, old_own.seqcache)
    FROM sequence
    JOIN pg_sequence AS old_own ON old_own.seqrelid = old_sequence
    JOIN pg_sequence AS new_own ON new_own.seqrelid = new_sequence
    WHERE old_own.seqincrement > 0
      AND (old_own.seqincrement, old_own.seqcache) <> (new_own.seqincrement, new_own.seqcache)
    UNION ALL
    SELECT 3, relname::text, format('settings of column %I', attname),
           format('ALTER TABLE %s ALTER COLUMN %I SET GENERATED ALWAYS', place, attname)
    FROM columns
    WHERE attidentity = 'a'
      AND new_identity = 'd'
    UNION ALL
    SELECT 3, relname::text, 'the index that it is clustered on',
           format('ALTER TABLE %s CLUSTER ON %I', place, name)
    FROM own_index
    WHERE indisclustered
    UNION ALL
    SELECT 3, relname::text, 'settings',
           format('ALTER TABLE %s SET (%s)', place,
                  string_agg(prefix || format('%I = %L', split_part(option, '=', 1),
                                              substr(option, strpos(option, '=') + 1)), ', '))
    FROM (SELECT relname, place, new_options, '' AS prefix, unnest(reloptions) AS option FROM pair
          UNION ALL
          SELECT pair.relname, place, NULL, 'toast.', unnest(toast.reloptions)
          FROM pair JOIN pg_class AS toast ON toast.oid = pair.reltoastrelid) AS setting
    WHERE NOT EXISTS (SELECT FROM unnest(new_options) AS own
                      WHERE split_part(own, '=', 1) = split_part(option, '=', 1)
                        -- Off until the rows are in.
                        AND own <> 'autovacuum_enabled=off')
    GROUP BY relname, place
    UNION ALL
    SELECT 3, relname::text, format('settings of column %I', attname),
           format('ALTER TABLE %s ALTER COLUMN %I %s', place, attname, setting)
    FROM columns, LATERAL (
        SELECT format('SET STATISTICS %s', attstattarget) WHERE attstattarget >= 0
        UNION ALL
        SELECT format('SET (%s)', string_agg(format('%I = %L', split_part(option, '=', 1),
                                                    substr(option, strpos(option, '=') + 1)), ', '))
        FROM unnest(attoptions) AS option
        HAVING count(*) > 0
        UNION ALL
        SELECT 'SET STORAGE ' || CASE attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'
                                                 WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END
        WHERE attstorage <> typstorage AND attstorage <> new_storage AND is_stored_apart
        UNION ALL
        SELECT 'SET COMPRESSION ' || CASE compression WHEN 'l' THEN 'lz4' ELSE 'pglz' END
        WHERE compression IN ('l', 'p') AND is_stored_apart
    ) AS own (setting)
    UNION ALL
    SELECT 4, relname::text, format('statistics %I', stxname),
           pg_get_statisticsobjdef(own.oid)
           || CASE WHEN stxstattarget >= 0 THEN format('; ALTER STATISTICS %s SET STATISTICS %s', own.place, stxstattarget)
                   ELSE '' END
           || COALESCE(format('; COMMENT ON STATISTICS %s IS ', own.place)
                       || quote_literal(obj_description(own.oid, 'pg_statistic_ext')), '')
           || CASE WHEN $3 AND stxowner <> new_owner AND has_schema_privilege(stxowner, home, 'CREATE')
                   THEN format('; ALTER STATISTICS %s OWNER TO %I', own.place, pg_get_userbyid(stxowner))
                   ELSE '' END
    FROM (SELECT pair.relname, pair.new, pair.new_owner, pair.home, statistics.oid, stxname, stxowner, stxstattarget,
                 format('%I.%I', (SELECT nspname FROM pg_namespace WHERE oid = stxnamespace), stxname) AS place
          FROM pair JOIN pg_statistic_ext AS statistics ON stxrelid = pair.oid) AS own
    WHERE NOT EXISTS (SELECT FROM pg_statistic_ext AS same
                      WHERE same.stxrelid = own.new AND same.stxname = own.stxname)
    UNION ALL
    SELECT 4, relname::text, format('policy %I', polname),
           format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', polname, place,
                  CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                  CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                              WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                  (SELECT string_agg(CASE WHEN role = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(role)) END, ', ')
                   FROM unnest(polroles) AS role))
           || COALESCE(' USING (' || pg_get_expr(polqual, polrelid) || ')', '')
           || COALESCE(' WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')', '')
           || COALESCE(format('; COMMENT ON POLICY %I ON %s IS ', polname, place)
                       || quote_literal(obj_description(pg_policy.oid, 'pg_policy')), '')
    FROM pair
    JOIN pg_policy ON polrelid = pair.oid
    UNION ALL
    SELECT 7, relname::text, 'row security',
           format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', place)
    FROM pair
    WHERE relrowsecurity
    UNION ALL
    SELECT 7, relname::text, 'row security',
           format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', place)
    FROM pair
    WHERE relforcerowsecurity
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
    SELECT 5, pair.relname::text, 'replica identity',
           -- Without such an index the server names the old one as missing.
           format('ALTER TABLE %s REPLICA IDENTITY USING INDEX %I', place, COALESCE(
               (SELECT new_index.relname
                FROM pg_index AS new_own
                JOIN pg_class AS new_index ON new_index.oid = new_own.indexrelid
                WHERE new_own.indrelid = pair.new
                  AND new_own.indisunique AND new_own.indimmediate AND new_own.indisvalid
                  AND new_own.indpred IS NULL AND new_own.indexprs IS NULL
                  AND ARRAY(SELECT attname FROM pg_attribute
                            WHERE attrelid = pair.new AND attnum = ANY (new_own.indkey) ORDER BY attname)
                    = ARRAY(SELECT attname FROM pg_attribute
                            WHERE attrelid = pair.oid AND attnum = ANY (old_own.indkey) ORDER BY attname)
                ORDER BY new_own.indisprimary DESC, new_index.relname <> old_index.relname, new_index.relname
                LIMIT 1),
               old_index.relname))
    FROM pair
    JOIN pg_index AS old_own ON old_own.indrelid = pair.oid AND old_own.indisreplident
    JOIN pg_class AS old_index ON old_index.oid = old_own.indexrelid
    WHERE pair.relreplident = 'i'
    UNION ALL
    -- What the owner has taken away from himself.
    SELECT 7, relname::text, 'rights',
           format('REVOKE %s ON TABLE %s FROM %I', acl.privilege_type, place, pg_get_userbyid(relowner))
    FROM pair, aclexplode(acldefault('r', relowner)) AS acl
    WHERE $3
      AND relacl IS NOT NULL
      AND NOT EXISTS (SELECT FROM aclexplode(relacl) AS own
                      WHERE own.grantee = relowner AND own.privilege_type = acl.privilege_type)
    UNION ALL
    SELECT 7, relname::text, 'rights',
           format('REVOKE %s ON SEQUENCE %s FROM %I', acl.privilege_type, place, pg_get_userbyid(relowner))
    FROM sequence, aclexplode(acldefault('s', relowner)) AS acl
    WHERE $3
      AND relacl IS NOT NULL
      AND NOT EXISTS (SELECT FROM aclexplode(relacl) AS own
                      WHERE own.grantee = relowner AND own.privilege_type = acl.privilege_type)
) AS statement
ORDER BY step, name, object, sql
