-- What INSERT sets off in tables, and the foreign keys that it has to keep. $1: the tables.
-- Triggers of partitions count for the table above them.
SELECT DISTINCT relation.oid AS relation,
       CASE WHEN trigger.tgtype & 3 = 3 THEN 'changing trigger' ELSE 'trigger' END AS kind,
       trigger.tgname::text AS name,
       NULL::text AS home, NULL::text AS parent, false AS deferrable
FROM unnest($1::oid[]) AS relation (oid)
CROSS JOIN LATERAL (SELECT relation.oid AS relid
                    UNION SELECT relid::oid FROM pg_partition_tree(relation.oid)) AS tree
JOIN pg_trigger AS trigger ON trigger.tgrelid = tree.relid
WHERE NOT trigger.tgisinternal
  AND trigger.tgenabled IN ('O', 'A')
  AND trigger.tgtype & 4 = 4
UNION ALL
SELECT ev_class, 'rule', rulename::text, NULL, NULL, false
FROM pg_rewrite
WHERE ev_class = ANY ($1::oid[])
  AND ev_type = '3'
  AND ev_enabled <> 'D'
UNION ALL
SELECT key.conrelid, 'foreign key', key.conname::text, home.nspname::text, parent.relname::text, key.condeferrable
FROM pg_constraint AS key
JOIN pg_class AS parent ON parent.oid = key.confrelid
JOIN pg_namespace AS home ON home.oid = parent.relnamespace
WHERE key.conrelid = ANY ($1::oid[])
  AND key.contype = 'f'
  AND key.conparentid = 0
ORDER BY relation, kind, name
