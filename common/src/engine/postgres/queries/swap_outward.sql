-- $1: tables. Their foreign keys to tables that are not among them.
SELECT child.relname::text AS name,
       conname::text AS foreign_key,
       format('%I.%I', (SELECT nspname FROM pg_namespace WHERE oid = parent.relnamespace), parent.relname) AS parent,
       CASE confdeltype WHEN 'c' THEN 'whoever deletes rows there deletes those in the backup'
                        WHEN 'n' THEN 'whoever deletes rows there changes those in the backup'
                        WHEN 'd' THEN 'whoever deletes rows there changes those in the backup'
                        ELSE 'still keeps rows there from being deleted' END AS effect
FROM pg_constraint
JOIN pg_class AS child ON child.oid = conrelid
JOIN pg_class AS parent ON parent.oid = confrelid
WHERE contype = 'f'
  AND conrelid = ANY ($1::oid[])
  AND confrelid <> ALL ($1::oid[])
ORDER BY 1, 2
