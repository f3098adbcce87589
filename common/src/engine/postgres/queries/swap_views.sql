-- $1: views. Their definitions, columns and types; names that `search_path` finds come without a schema.
SELECT pg_class.oid,
       pg_get_viewdef(pg_class.oid) AS definition,
       ARRAY(SELECT atttypid FROM pg_attribute
             WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum) AS types,
       ARRAY(SELECT atttypmod FROM pg_attribute
             WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum) AS modifiers
FROM pg_class
WHERE oid = ANY ($1::oid[])
