-- $1: the staging schema. $2: the target schema. $3, $4: tables and columns that have the collation that was
-- asked for. What gives staged columns the collation that columns of
-- the same names have in the tables that they will replace: views cannot follow to another one.
SELECT new_table.relname::text AS name,
       new_column.attname::text AS "column",
       format('ALTER TABLE %I.%I ALTER COLUMN %I SET DATA TYPE %s COLLATE %I.%I',
              $1::text, new_table.relname, new_column.attname,
              format_type(new_column.atttypid, new_column.atttypmod),
              home.nspname, old_collation.collname) AS sql
FROM pg_class AS new_table
JOIN pg_namespace AS staging ON staging.oid = new_table.relnamespace AND staging.nspname = $1::text
JOIN pg_namespace AS target ON target.nspname = $2::text
JOIN pg_class AS old_table ON old_table.relnamespace = target.oid
                          AND old_table.relname = new_table.relname
                          AND old_table.relkind = 'r'
JOIN pg_attribute AS new_column ON new_column.attrelid = new_table.oid AND new_column.attnum > 0
JOIN pg_attribute AS old_column ON old_column.attrelid = old_table.oid
                               AND old_column.attname = new_column.attname
                               AND NOT old_column.attisdropped
JOIN pg_collation AS old_collation ON old_collation.oid = old_column.attcollation
                                  AND old_collation.collisdeterministic
JOIN pg_namespace AS home ON home.oid = old_collation.collnamespace
WHERE new_table.relkind = 'r'
  AND new_column.attcollation = (SELECT oid FROM pg_collation
                                 WHERE collname = 'C' AND collnamespace = 'pg_catalog'::regnamespace)
  AND old_column.attcollation <> new_column.attcollation
  AND (new_table.relname::text, new_column.attname::text) NOT IN (SELECT * FROM unnest($3::text[], $4::text[]))
  AND new_column.attgenerated = ''
  AND NOT EXISTS (SELECT FROM pg_depend
                  JOIN pg_attrdef ON pg_attrdef.oid = pg_depend.objid
                  WHERE pg_depend.classid = 'pg_attrdef'::regclass
                    AND refclassid = 'pg_class'::regclass
                    AND refobjid = new_table.oid
                    AND refobjsubid = new_column.attnum
                    AND pg_attrdef.adnum <> new_column.attnum)
ORDER BY 1, new_column.attnum
