-- What the rows of a table must keep to. $1: the table's schema, $2: its name.
-- A constraint that is not enforced (since 18) is left out, and so is a key with a period.
SELECT key.contype::text AS kind,
       key.conname::text AS name,
       pg_get_expr(key.conbin, key.conrelid) AS expression,
       (SELECT array_agg(attname::text ORDER BY n) FROM unnest(key.conkey) WITH ORDINALITY AS k (number, n)
        JOIN pg_attribute ON attrelid = key.conrelid AND attnum = number) AS columns,
       home.nspname::text AS home,
       parent.relname::text AS parent,
       (SELECT array_agg(attname::text ORDER BY n) FROM unnest(key.confkey) WITH ORDINALITY AS k (number, n)
        JOIN pg_attribute ON attrelid = key.confrelid AND attnum = number) AS parent_columns,
       false AS nulls_are_equal
FROM pg_constraint AS key
LEFT JOIN pg_class AS parent ON parent.oid = key.confrelid
LEFT JOIN pg_namespace AS home ON home.oid = parent.relnamespace
WHERE key.conrelid = to_regclass(format('%I.%I', $1::text, $2::text))
  AND key.contype IN ('c', 'f')
  AND key.conparentid = 0
  AND coalesce((to_jsonb(key) ->> 'conenforced')::bool, true)
  AND NOT coalesce((to_jsonb(key) ->> 'conperiod')::bool, false)
UNION ALL
SELECT 'u',
       own.relname::text,
       pg_get_expr(index.indpred, index.indrelid),
       (SELECT array_agg(pg_get_indexdef(index.indexrelid, n::int4, false) ORDER BY n)
        FROM generate_series(1, index.indnkeyatts) AS n),
       NULL, NULL, NULL,
       coalesce((to_jsonb(index) ->> 'indnullsnotdistinct')::bool, false)
FROM pg_index AS index
JOIN pg_class AS own ON own.oid = index.indexrelid
WHERE index.indrelid = to_regclass(format('%I.%I', $1::text, $2::text))
  AND index.indisunique
ORDER BY kind, name
