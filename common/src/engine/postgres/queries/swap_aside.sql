-- $1: a schema. $2: names of tables. $3: names of views. $4: names of types. What bears these names
-- and would be put aside for others of the same name; `unsuited` says why one cannot
-- be, and `missing` the statement without which what comes in its place cannot belong to its owner.
SELECT CASE relkind WHEN 'v' THEN 'view' ELSE 'table' END AS kind,
       relname::text AS name,
       oid,
       pg_get_userbyid(relowner)::text AS owner,
       pg_has_role(relowner, 'USAGE') AS owned,
       CASE
           WHEN relkind = 'p' THEN 'it has partitions'
           WHEN relispartition THEN 'it is a partition of another table'
           WHEN EXISTS (SELECT FROM pg_inherits WHERE inhrelid = pg_class.oid)
               THEN 'it inherits from another table'
       END AS unsuited,
       CASE WHEN relowner = to_regrole(quote_ident(current_user)) OR current_setting('is_superuser') = 'on' THEN NULL
            WHEN NOT has_schema_privilege(relowner, relnamespace, 'CREATE')
                THEN format('GRANT CREATE ON SCHEMA %I TO %I', (SELECT nspname FROM pg_namespace WHERE oid = relnamespace),
                            pg_get_userbyid(relowner))
            -- Until PostgreSQL 16 all members may.
            WHEN NOT pg_has_role(relowner, CASE WHEN current_setting('server_version_num')::integer < 160000
                                                THEN 'MEMBER' ELSE 'SET' END)
                THEN format('GRANT %I TO %I WITH SET TRUE', pg_get_userbyid(relowner), current_user)
       END AS missing
FROM pg_class
WHERE relnamespace = $1
  AND (relkind IN ('r', 'p') AND relname::text = ANY ($2::text[])
       OR relkind = 'v' AND relname::text = ANY ($3::text[]))
UNION ALL
SELECT 'type', typname::text, oid, pg_get_userbyid(typowner)::text, pg_has_role(typowner, 'USAGE'), NULL, NULL
FROM pg_type
WHERE typnamespace = $1
  AND typtype = 'e'
  AND typname::text = ANY ($4::text[])
UNION ALL
SELECT 'statistics', stxname::text, pg_statistic_ext.oid, pg_get_userbyid(stxowner)::text,
       pg_has_role(stxowner, 'USAGE'),
       CASE WHEN stxnamespace <> $1
            THEN format('they are in the schema %I',
                        (SELECT nspname FROM pg_namespace WHERE oid = stxnamespace))
       END,
       NULL
FROM pg_statistic_ext
JOIN pg_class ON pg_class.oid = stxrelid
WHERE relnamespace = $1
  AND relkind = 'r'
  AND relname::text = ANY ($2::text[])
ORDER BY 1, 2
