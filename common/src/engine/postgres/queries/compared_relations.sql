-- Where the rows of tables lie: in themselves, or in the partitions below them.
-- $1: a schema, $2: names of tables in it.
WITH RECURSIVE tree AS (
    SELECT wanted.position, relation.oid, relation.relkind
    FROM unnest($2::text[]) WITH ORDINALITY AS wanted (name, position)
    JOIN pg_namespace AS home ON home.nspname = $1
    JOIN pg_class AS relation ON relation.relnamespace = home.oid AND relation.relname = wanted.name
    UNION ALL
    SELECT tree.position, child.oid, child.relkind
    FROM tree
    JOIN pg_inherits AS link ON link.inhparent = tree.oid
    JOIN pg_class AS child ON child.oid = link.inhrelid
    WHERE tree.relkind = 'p'
)
SELECT tree.position,
       home.nspname::text AS home,
       relation.relname::text AS name,
       tree.relkind <> 'r' AS is_foreign,
       CASE WHEN tree.relkind = 'r'
            THEN pg_relation_size(tree.oid, 'main') / current_setting('block_size')::int8
            ELSE 0 END AS blocks
FROM tree
JOIN pg_class AS relation ON relation.oid = tree.oid
JOIN pg_namespace AS home ON home.oid = relation.relnamespace
WHERE tree.relkind <> 'p'
ORDER BY tree.position, home.nspname, relation.relname
