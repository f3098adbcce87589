-- $1: the target schema. $2: names of functions. $3: names of statistics. Those that are taken.
SELECT 'function' AS kind, proname::text AS name
FROM pg_proc
WHERE pronamespace = $1
  AND proname::text = ANY ($2::text[])
  AND pronargs = 0
UNION ALL
SELECT 'statistics', stxname::text
FROM pg_statistic_ext
WHERE stxnamespace = $1
  AND stxname::text = ANY ($3::text[])
ORDER BY kind, name
