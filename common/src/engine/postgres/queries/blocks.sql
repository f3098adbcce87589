-- $1: tables. Their sizes in blocks, in the same order.
SELECT pg_relation_size(relation, 'main') / current_setting('block_size')::int8 AS blocks
FROM unnest($1::oid[]) WITH ORDINALITY AS tables (relation, position)
ORDER BY position
