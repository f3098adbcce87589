-- $1: foreign keys. $2: names of tables, $3: of their columns, $4: the types that these columns will have. The first
-- column of a key whose type cannot be compared with that of the column it refers to.
WITH planned AS (
    SELECT wanted.name, wanted.column, to_regtype(wanted.type)::oid AS type
    FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (name, "column", type)
), pair AS (
    SELECT key.oid, attribute.attname::text AS name, format_type(attribute.atttypid, attribute.atttypmod) AS type,
           parent_column.attname::text AS parent, planned.type AS new,
           -- They are compared as texts.
           CASE WHEN planned.type = 'varchar'::regtype THEN 'text'::regtype ELSE planned.type END AS left_type,
           CASE WHEN base.oid = 'varchar'::regtype THEN 'text'::regtype ELSE base.oid END AS right_type
    FROM pg_constraint AS key
    CROSS JOIN LATERAL unnest(key.conkey, key.confkey) AS number (own, other)
    JOIN pg_attribute AS attribute ON attribute.attrelid = key.conrelid AND attribute.attnum = number.own
    JOIN pg_attribute AS parent_column ON parent_column.attrelid = key.confrelid AND parent_column.attnum = number.other
    JOIN pg_class AS parent ON parent.oid = key.confrelid
    JOIN planned ON planned.name = parent.relname AND planned.column = parent_column.attname
    JOIN pg_type AS own_type ON own_type.oid = attribute.atttypid
    JOIN pg_type AS base ON base.oid = CASE own_type.typtype WHEN 'd' THEN own_type.typbasetype ELSE own_type.oid END
    WHERE key.oid = ANY ($1::oid[])
      AND planned.type IS NOT NULL
)
SELECT DISTINCT ON (oid) oid, name, type, parent, format_type(new, NULL) AS new
FROM pair
WHERE left_type <> right_type
  AND NOT EXISTS (SELECT FROM pg_amop
                  JOIN pg_opclass ON opcfamily = amopfamily AND opcintype = left_type AND opcdefault
                  JOIN pg_am ON pg_am.oid = amopmethod AND amname = 'btree'
                  WHERE amopstrategy = 3 AND amoplefttype = left_type AND amoprighttype = right_type)
  AND NOT EXISTS (SELECT FROM pg_cast
                  WHERE castsource = right_type AND casttarget = left_type AND castcontext = 'i')
ORDER BY oid, name
