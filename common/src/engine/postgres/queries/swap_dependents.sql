-- $1: relations. $2: types. What depends on them and is no part of them. A foreign key or a view can
-- be pointed at others of the same name; anything else is only described.
WITH old AS (
    SELECT oid, reltype, reltoastrelid FROM pg_class WHERE oid = ANY ($1::oid[])
), old_type AS (
    SELECT oid, typarray FROM pg_type
    WHERE oid = ANY ($2::oid[]) OR oid IN (SELECT reltype FROM old)
), part (class, object) AS (
    SELECT 'pg_class'::regclass, oid FROM old
    UNION SELECT 'pg_class'::regclass, reltoastrelid FROM old
    UNION SELECT 'pg_class'::regclass, indexrelid FROM pg_index WHERE indrelid IN (SELECT oid FROM old)
    UNION SELECT 'pg_class'::regclass, owned.objid
          FROM pg_depend AS owned
          JOIN pg_class AS sequence ON sequence.oid = owned.objid AND sequence.relkind = 'S'
          WHERE owned.classid = 'pg_class'::regclass
            AND owned.refclassid = 'pg_class'::regclass
            AND owned.refobjid IN (SELECT oid FROM old)
            AND owned.deptype IN ('a', 'i')
    UNION SELECT 'pg_type'::regclass, oid FROM old_type
    UNION SELECT 'pg_type'::regclass, typarray FROM old_type WHERE typarray <> 0
    UNION SELECT 'pg_constraint'::regclass, oid FROM pg_constraint WHERE conrelid IN (SELECT oid FROM old)
    UNION SELECT 'pg_attrdef'::regclass, oid FROM pg_attrdef WHERE adrelid IN (SELECT oid FROM old)
    UNION SELECT 'pg_trigger'::regclass, oid FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM old)
    UNION SELECT 'pg_policy'::regclass, oid FROM pg_policy WHERE polrelid IN (SELECT oid FROM old)
    UNION SELECT 'pg_rewrite'::regclass, oid FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM old)
    UNION SELECT 'pg_statistic_ext'::regclass, oid FROM pg_statistic_ext
          WHERE stxrelid IN (SELECT oid FROM old)
    UNION SELECT 'pg_publication_rel'::regclass, oid FROM pg_publication_rel
          WHERE prrelid IN (SELECT oid FROM old)
), dependent AS (
    SELECT DISTINCT depend.classid, depend.objid
    FROM pg_depend AS depend
    JOIN part ON part.class = depend.refclassid AND part.object = depend.refobjid
    WHERE NOT EXISTS (SELECT FROM part AS own
                      WHERE own.class = depend.classid AND own.object = depend.objid)
)
SELECT CASE WHEN foreign_key.oid IS NOT NULL THEN 'foreign key'
            WHEN view.oid IS NOT NULL THEN 'view'
            ELSE 'other' END AS kind,
       COALESCE(foreign_key.oid, view.oid, dependent.objid) AS oid,
       CASE WHEN rule.oid IS NULL THEN pg_describe_object(dependent.classid, dependent.objid, 0)
            ELSE pg_describe_object('pg_class'::regclass, rule.ev_class, 0) END AS described,
       COALESCE(pg_has_role(child.relowner, 'USAGE'), pg_has_role(view.relowner, 'USAGE'), true) AS owned,
       CASE WHEN view.oid IS NOT NULL AND NOT has_schema_privilege(view.relnamespace, 'CREATE')
                THEN (SELECT format('USAGE, CREATE ON SCHEMA %I', nspname) FROM pg_namespace WHERE oid = view.relnamespace)
            WHEN NOT has_schema_privilege(COALESCE(view.relnamespace, child.relnamespace), 'USAGE')
                THEN (SELECT format('USAGE ON SCHEMA %I', nspname) FROM pg_namespace
                      WHERE oid = COALESCE(view.relnamespace, child.relnamespace))
       END AS lacks,
       CASE WHEN child.oid IS NULL THEN ''
            ELSE format('%I.%I', (SELECT nspname FROM pg_namespace WHERE oid = child.relnamespace),
                        child.relname) END AS child_name,
       parent.relname::text AS parent,
       ARRAY(SELECT attname::text FROM pg_attribute
             WHERE attrelid = foreign_key.confrelid AND attnum = ANY (foreign_key.confkey)
             ORDER BY attname) AS parent_columns
FROM dependent
LEFT JOIN pg_constraint AS foreign_key
       ON dependent.classid = 'pg_constraint'::regclass
      AND foreign_key.oid = dependent.objid
      AND foreign_key.contype = 'f'
      AND foreign_key.conparentid = 0
      AND EXISTS (SELECT FROM pg_class WHERE oid = foreign_key.conrelid AND relkind = 'r')
LEFT JOIN pg_class AS child ON child.oid = foreign_key.conrelid
LEFT JOIN pg_class AS parent ON parent.oid = foreign_key.confrelid
LEFT JOIN pg_rewrite AS rule
       ON dependent.classid = 'pg_rewrite'::regclass
      AND rule.oid = dependent.objid
      AND rule.rulename = '_RETURN'
LEFT JOIN pg_class AS view ON view.oid = rule.ev_class AND view.relkind = 'v'
WHERE NOT (dependent.classid = 'pg_trigger'::regclass
           AND EXISTS (SELECT FROM pg_trigger WHERE oid = dependent.objid AND tgisinternal))
  AND NOT (dependent.classid = 'pg_class'::regclass
           AND EXISTS (SELECT FROM pg_class
                       WHERE oid = dependent.objid AND relnamespace = 'pg_toast'::regnamespace))
  -- Before PostgreSQL 14 sequences and TOAST tables have types.
  AND NOT (dependent.classid = 'pg_type'::regclass
           AND EXISTS (SELECT FROM pg_type
                       JOIN part ON part.class = 'pg_class'::regclass AND part.object = pg_type.typrelid
                       WHERE pg_type.oid = dependent.objid))
ORDER BY 1, 3
