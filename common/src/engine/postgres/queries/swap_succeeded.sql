-- $1: relations, and $4: enumerated types that were put aside. $2: the schema of those in their place, by name. $3: whether
-- they get the old owners. Statements that give the new ones what was granted on the old ones, their settings,
-- comments and owner. An enumerated type without a list of rights is everybody's.
WITH pair AS (
    SELECT 'VIEW' AS kind, 'TABLE' AS class, 'pg_class'::regclass AS catalogue, old.oid, old.relname::text AS name,
           old.relowner AS owner, old.relacl AS acl, old.reloptions,
           new.oid AS new, new.relowner AS new_owner, new.relacl AS new_acl,
           format('%I.%I', nspname, new.relname) AS place
    FROM pg_class AS old
    JOIN pg_class AS new ON new.relname = old.relname AND new.relnamespace = $2 AND new.relkind = 'v'
    JOIN pg_namespace AS home ON home.oid = $2
    WHERE old.oid = ANY ($1::oid[])
      AND old.relkind = 'v'
    UNION ALL
    SELECT 'TYPE', 'TYPE', 'pg_type'::regclass, old.oid, old.typname::text,
           old.typowner, COALESCE(old.typacl, acldefault('T', old.typowner)), NULL,
           new.oid, new.typowner, COALESCE(new.typacl, acldefault('T', new.typowner)),
           format('%I.%I', nspname, new.typname)
    FROM pg_type AS old
    JOIN pg_type AS new ON new.typname = old.typname AND new.typnamespace = $2 AND new.typtype = 'e'
    JOIN pg_namespace AS home ON home.oid = $2
    WHERE old.oid = ANY ($4::oid[])
      AND old.typtype = 'e'
), columns AS (
    SELECT pair.name, pair.place, pair.oid, attname, old_column.attnum, attacl
    FROM pair
    JOIN pg_attribute AS old_column ON old_column.attrelid = pair.oid
    WHERE pair.kind = 'VIEW'
      AND old_column.attnum > 0
      AND EXISTS (SELECT FROM pg_attribute AS new_column
                  WHERE new_column.attrelid = pair.new AND new_column.attname = old_column.attname)
)
SELECT name, object, sql
FROM (
    SELECT 1 AS step, name, 'owner' AS object,
           format('ALTER %s %s OWNER TO %I', kind, place, pg_get_userbyid(owner)) AS sql
    FROM pair
    WHERE $3
      AND owner <> new_owner
    UNION
    SELECT 2, name, 'rights',
           format('REVOKE ALL ON %s %s FROM %s', class, place,
                  CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
    FROM pair, aclexplode(new_acl)
    WHERE grantee <> new_owner
      AND NOT ($3 AND grantee = owner)
    UNION
    SELECT 3, name, 'rights',
           format('GRANT %s ON %s %s TO %s%s', privilege_type, class, place,
                  CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
                  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pair, aclexplode(acl)
    WHERE grantee <> owner
    UNION
    SELECT 3, name, 'rights',
           format('GRANT %s (%I) ON TABLE %s TO %s%s', privilege_type, attname, place,
                  CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
                  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM columns, aclexplode(attacl)
    UNION
    SELECT 4, name, 'settings',
           format('ALTER VIEW %s SET (%s)', place,
                  string_agg(format('%I = %L', split_part(option, '=', 1),
                                    substr(option, strpos(option, '=') + 1)), ', '))
    FROM pair, unnest(reloptions) AS option
    GROUP BY name, place
    UNION
    SELECT 4, name, 'comment', format('COMMENT ON %s %s IS %L', kind, place, description)
    FROM pair
    JOIN pg_description ON classoid = catalogue AND objoid = oid AND objsubid = 0
    UNION
    SELECT 4, name, 'comment', format('COMMENT ON COLUMN %s.%I IS %L', place, attname, description)
    FROM columns
    JOIN pg_description ON classoid = 'pg_class'::regclass AND objoid = oid AND objsubid = attnum
) AS statement
ORDER BY step, name, sql
