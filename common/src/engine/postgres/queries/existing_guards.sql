-- What INSERT and UPDATE set off in tables, and the foreign keys that it has to keep. $1: the tables.
-- Triggers of partitions count for the table above them.
SELECT DISTINCT relation.oid AS relation,
       CASE WHEN trigger.tgtype & 3 = 3 THEN 'changing ' ELSE '' END || event.word AS kind,
       trigger.tgname::text AS name,
       NULL::text AS home, NULL::text AS parent, false AS deferrable
FROM unnest($1::oid[]) AS relation (oid)
CROSS JOIN LATERAL (SELECT relation.oid AS relid
                    UNION SELECT relid::oid FROM pg_partition_tree(relation.oid)) AS tree
JOIN pg_trigger AS trigger ON trigger.tgrelid = tree.relid
JOIN (VALUES (4, 'trigger'), (16, 'update trigger')) AS event (bit, word) ON trigger.tgtype & event.bit = event.bit
WHERE NOT trigger.tgisinternal
  AND trigger.tgenabled IN ('O', 'A')
UNION ALL
SELECT ev_class, CASE ev_type WHEN '3' THEN 'rule' ELSE 'update rule' END, rulename::text, NULL, NULL, false
FROM pg_rewrite
WHERE ev_class = ANY ($1::oid[])
  AND ev_type IN ('2', '3')
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
