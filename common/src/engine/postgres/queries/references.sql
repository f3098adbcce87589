-- $1: tables whose rows are removed or changed. The foreign keys that refer to them or to one of their partitions,
-- with what tells in SQL that the row `c` refers to the row `t`. `follows`: a row that goes takes with it those that
-- refer to it, or changes them; `follows_update`: so does one that gets other values.
SELECT key.conname::text AS name,
       named_parent.oid AS parent,
       key.conrelid AS child,
       child_home.nspname::text AS child_home,
       child.relname::text AS child_name,
       child.relkind = 'p' AS child_partitioned,
       key.confdeltype IN ('c', 'n', 'd') AS follows,
       key.confupdtype IN ('c', 'n', 'd') AS follows_update,
       ARRAY(SELECT attname::text FROM unnest(key.conkey) WITH ORDINALITY AS one (number, place)
             JOIN pg_attribute ON attrelid = key.conrelid AND attnum = one.number
             ORDER BY one.place) AS child_columns,
       ARRAY(SELECT attname::text FROM unnest(key.confkey) WITH ORDINALITY AS one (number, place)
             JOIN pg_attribute ON attrelid = key.confrelid AND attnum = one.number
             ORDER BY one.place) AS parent_columns,
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
FROM unnest($1::oid[]) AS named_parent (oid)
CROSS JOIN LATERAL (SELECT named_parent.oid AS relid
                    UNION SELECT relid::oid FROM pg_partition_tree(named_parent.oid)) AS tree
JOIN pg_constraint AS key ON key.confrelid = tree.relid
JOIN pg_class AS child ON child.oid = key.conrelid
JOIN pg_namespace AS child_home ON child_home.oid = child.relnamespace
WHERE key.contype = 'f'
  AND key.conparentid = 0
ORDER BY child_home.nspname, child.relname, key.conname
