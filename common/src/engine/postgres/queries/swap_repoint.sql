-- $1: views. $2: foreign keys of other tables. What is done before others take the place of what they
-- point at, and what after it; a view has an identifier, and its definition is to follow.
SELECT format('view %I.%I', (SELECT nspname FROM pg_namespace WHERE oid = relnamespace), relname) AS object,
       relname::text AS name,
       oid,
       NULL AS before,
       format('CREATE OR REPLACE VIEW %I.%I%s AS ',
              (SELECT nspname FROM pg_namespace WHERE oid = relnamespace), relname,
              (SELECT ' WITH (' || string_agg(format('%I = %L', split_part(option, '=', 1),
                                                     substr(option, strpos(option, '=') + 1)), ', ')
                      || ')'
               FROM unnest(reloptions) AS option)) AS after
FROM pg_class
WHERE oid = ANY ($1::oid[])
UNION ALL
SELECT format('foreign key %I of table %I.%I', conname, (SELECT nspname FROM pg_namespace WHERE oid = relnamespace), relname),
       relname::text,
       NULL,
       format('ALTER TABLE %I.%I DROP CONSTRAINT %I',
              (SELECT nspname FROM pg_namespace WHERE oid = relnamespace), relname, conname),
       -- Forced row security would hide rows from the check.
       CASE WHEN relforcerowsecurity
            THEN format('ALTER TABLE %I.%I NO FORCE ROW LEVEL SECURITY; ',
                        (SELECT nspname FROM pg_namespace WHERE oid = relnamespace), relname)
            ELSE '' END
       || format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s',
                 (SELECT nspname FROM pg_namespace WHERE oid = relnamespace), relname, conname, pg_get_constraintdef(con.oid))
       || CASE WHEN relforcerowsecurity
               THEN format('; ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY',
                           (SELECT nspname FROM pg_namespace WHERE oid = relnamespace), relname)
               ELSE '' END
       || COALESCE(format('; COMMENT ON CONSTRAINT %I ON %I.%I IS ', conname,
                          (SELECT nspname FROM pg_namespace WHERE oid = relnamespace), relname)
                   || quote_literal(obj_description(con.oid, 'pg_constraint')), '')
FROM pg_constraint AS con
JOIN pg_class ON pg_class.oid = conrelid
WHERE con.oid = ANY ($2::oid[])
ORDER BY 4 NULLS FIRST, 1
