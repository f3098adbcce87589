-- $1: tables that rows are removed from. The foreign keys that refer to them, with what tells in SQL that the row
-- `c` refers to the row `t`. `follows`: a row that is referred to takes others with it, or changes them.
SELECT key.conname::text AS name,
       key.confrelid AS parent,
       key.conrelid AS child,
       child_home.nspname::text AS child_home,
       child.relname::text AS child_name,
       child.relkind = 'p' AS child_partitioned,
       key.confdeltype IN ('c', 'n', 'd') AS follows,
       has_table_privilege(key.conrelid, 'SELECT') AS may_read,
       (SELECT string_agg(format('t.%I OPERATOR(%I.%s) c.%I%s', parent_column.attname, operator_home.nspname,
                                 operator.oprname, child_column.attname,
                                 CASE WHEN named.oid IS NULL THEN ''
                                      ELSE format(' COLLATE %I.%I', collation_home.nspname, named.collname)
                                 END), ' AND ')
        FROM unnest(key.conkey, key.confkey, key.conpfeqop) AS pair (child, parent, operator)
        JOIN pg_attribute AS child_column ON child_column.attrelid = key.conrelid AND child_column.attnum = pair.child
        JOIN pg_attribute AS parent_column ON parent_column.attrelid = key.confrelid
                                          AND parent_column.attnum = pair.parent
        JOIN pg_operator AS operator ON operator.oid = pair.operator
        JOIN pg_namespace AS operator_home ON operator_home.oid = operator.oprnamespace
        LEFT JOIN pg_collation AS named ON named.oid = parent_column.attcollation
        LEFT JOIN pg_namespace AS collation_home ON collation_home.oid = named.collnamespace) AS refers
FROM pg_constraint AS key
JOIN pg_class AS child ON child.oid = key.conrelid
JOIN pg_namespace AS child_home ON child_home.oid = child.relnamespace
WHERE key.contype = 'f'
  AND key.conparentid = 0
  AND key.confrelid = ANY ($1::oid[])
ORDER BY child_home.nspname, child.relname, key.conname
