-- $1: tables. What they consist of, by kind and name; `columns` are those of a key or index, in their order, and
-- empty where one is an expression or not all rows are in it.
SELECT relation.relname::text AS name, own.kind, own.what, own.columns, own.is_unique
FROM pg_class AS relation
CROSS JOIN LATERAL (
    SELECT 'column', attname::text, '{}'::text[], false FROM pg_attribute
    WHERE attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT CASE attgenerated WHEN '' THEN 'default' ELSE 'expression' END, attname::text, '{}', false
    FROM pg_attrdef
    JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
    WHERE adrelid = relation.oid
      -- A sequence of its own is another one in the new table.
      AND NOT EXISTS (SELECT FROM pg_depend AS used
                      JOIN pg_depend AS owned ON owned.classid = 'pg_class'::regclass
                                             AND owned.objid = used.refobjid
                                             AND owned.refclassid = 'pg_class'::regclass
                                             AND owned.refobjid = relation.oid
                                             AND owned.refobjsubid = adnum
                                             AND owned.deptype IN ('a', 'i')
                      WHERE used.classid = 'pg_attrdef'::regclass
                        AND used.objid = pg_attrdef.oid
                        AND used.refclassid = 'pg_class'::regclass)
    UNION ALL
    SELECT 'NOT NULL', attname::text, '{}', false FROM pg_attribute
    WHERE attrelid = relation.oid AND attnum > 0 AND NOT attisdropped AND attnotnull
    UNION ALL
    SELECT CASE contype WHEN 'c' THEN 'check' WHEN 'x' THEN 'exclusion' ELSE 'foreign key' END, conname::text,
           ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS key (number, position)
                 JOIN pg_attribute ON attrelid = relation.oid AND attnum = key.number ORDER BY key.position),
           false
    FROM pg_constraint
    WHERE conrelid = relation.oid
      -- Foreign keys to other tables are named by themselves.
      AND (contype IN ('c', 'x') OR contype = 'f' AND confrelid = ANY ($1::oid[]))
    UNION ALL
    SELECT 'index', entry.relname::text,
           CASE WHEN indpred IS NULL AND indexprs IS NULL
                THEN ARRAY(SELECT attname::text FROM unnest(indkey) WITH ORDINALITY AS key (number, position)
                           JOIN pg_attribute ON attrelid = relation.oid AND attnum = key.number
                           WHERE key.position <= indnkeyatts ORDER BY key.position)
                ELSE '{}' END,
           indisunique
    FROM pg_index
    JOIN pg_class AS entry ON entry.oid = indexrelid
    WHERE indrelid = relation.oid AND NOT indisexclusion
    UNION ALL
    SELECT 'sequence', sequence.relname::text, '{}', false FROM pg_depend AS owned
    JOIN pg_class AS sequence ON sequence.oid = owned.objid AND sequence.relkind = 'S'
    WHERE owned.classid = 'pg_class'::regclass AND owned.refclassid = 'pg_class'::regclass
      AND owned.refobjid = relation.oid AND owned.deptype IN ('a', 'i')
    UNION ALL
    SELECT 'setting', 'UNLOGGED', '{}', false WHERE relation.relpersistence = 'u'
    UNION ALL
    SELECT 'setting', format('TABLESPACE %I', spcname), '{}', false FROM pg_tablespace
    WHERE pg_tablespace.oid = relation.reltablespace
    UNION ALL
    SELECT 'setting', format('OF %s', format_type(relation.reloftype, NULL)), '{}', false WHERE relation.reloftype <> 0
) AS own (kind, what, columns, is_unique)
WHERE relation.oid = ANY ($1::oid[])
  AND relation.relkind = 'r'
ORDER BY 1, 2, 3
