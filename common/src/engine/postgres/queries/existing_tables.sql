-- What stands in a schema that rows could be put into. $1: the schema. Partitions go with their parent.
SELECT relation.oid,
       relation.relname::text AS name,
       relation.relkind::text AS kind,
       -- What goes there is not part of the transaction.
       relation.relkind = 'p' AND EXISTS (
           SELECT FROM pg_partition_tree(relation.oid) AS tree
           JOIN pg_class AS piece ON piece.oid = tree.relid AND piece.relkind = 'f') AS elsewhere,
       row_security_active(relation.oid) AS row_security,
       pg_has_role(relation.relowner, 'USAGE') AS owned,
       has_table_privilege(relation.oid, 'SELECT') AS may_select,
       has_table_privilege(relation.oid, 'INSERT') AS may_insert,
       has_table_privilege(relation.oid, 'UPDATE') AS may_update,
       -- Any of these allows a lock that keeps other writers out.
       has_table_privilege(relation.oid, 'UPDATE, DELETE, TRUNCATE') AS may_lock
FROM pg_class AS relation
WHERE relation.relnamespace = $1
  AND relation.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND NOT relation.relispartition
ORDER BY relation.relname
