-- $1: a table whose rows are removed. The foreign keys that refer to it or to one of its partitions, and whose own
-- columns no index begins with: each removed row is looked for in the whole of `pages`. Only tables of ours.
SELECT key.conname::text AS name,
       child_home.nspname::text AS child_home,
       child.relname::text AS child_name,
       child.relkind = 'p' AS child_partitioned,
       ARRAY(SELECT attname::text FROM unnest(key.conkey) WITH ORDINALITY AS one (number, place)
             JOIN pg_attribute ON attrelid = key.conrelid AND attnum = one.number
             ORDER BY one.place) AS child_columns,
       (SELECT sum(pg_relation_size(part.relid) / current_setting('block_size')::bigint)::bigint
        FROM (SELECT key.conrelid::oid AS relid UNION SELECT relid::oid FROM pg_partition_tree(key.conrelid)) AS part
       ) AS pages
FROM (SELECT $1::oid AS relid UNION SELECT relid::oid FROM pg_partition_tree($1::oid)) AS tree
JOIN pg_constraint AS key ON key.confrelid = tree.relid
JOIN pg_class AS child ON child.oid = key.conrelid
JOIN pg_namespace AS child_home ON child_home.oid = child.relnamespace
WHERE key.contype = 'f'
  AND key.conparentid = 0
  AND pg_has_role(child.relowner, 'USAGE')
  AND has_schema_privilege(child.relnamespace, 'CREATE')
  AND NOT EXISTS (
      SELECT FROM pg_index AS index
      WHERE index.indrelid = key.conrelid
        AND index.indisvalid
        AND index.indpred IS NULL
        AND (index.indkey::int2[])[0:cardinality(key.conkey) - 1] @> key.conkey)
ORDER BY child_home.nspname, child.relname, key.conname
