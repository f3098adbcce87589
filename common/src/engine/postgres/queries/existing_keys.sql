-- The primary and unique keys of tables, with unique indexes, column by column. $1: the tables.
-- `operators` is the schema of the operator that the index takes for equality.
SELECT index.indrelid AS relation,
       own.relname::text AS name,
       index.indisprimary AS is_primary,
       CASE WHEN NOT index.indimmediate THEN 'deferrable'
            WHEN index.indpred IS NOT NULL THEN 'partial'
            WHEN index.indexprs IS NOT NULL THEN 'on expressions'
            WHEN operator.oprname IS DISTINCT FROM '=' THEN 'with an equality of its own'
       END AS unsuited,
       coalesce((to_jsonb(index) ->> 'indnullsnotdistinct')::bool, false) AS nulls_are_equal,
       attribute.attname::text AS column_name,
       operator_home.nspname::text AS operators,
       collation_home.nspname::text AS collation_schema,
       named.collname::text AS collation_name
FROM pg_index AS index
JOIN pg_class AS own ON own.oid = index.indexrelid
JOIN pg_am AS method ON method.oid = own.relam AND method.amname = 'btree'
CROSS JOIN LATERAL generate_series(0, index.indnkeyatts - 1) AS n (n)
LEFT JOIN pg_attribute AS attribute ON attribute.attrelid = index.indrelid
                                   AND attribute.attnum = index.indkey[n.n] AND attribute.attnum > 0
JOIN pg_opclass AS class ON class.oid = index.indclass[n.n]
LEFT JOIN pg_amop AS member ON member.amopfamily = class.opcfamily AND member.amopstrategy = 3
                           AND member.amoplefttype = class.opcintype AND member.amoprighttype = class.opcintype
LEFT JOIN pg_operator AS operator ON operator.oid = member.amopopr
LEFT JOIN pg_namespace AS operator_home ON operator_home.oid = operator.oprnamespace
LEFT JOIN pg_collation AS named ON named.oid = index.indcollation[n.n]
LEFT JOIN pg_namespace AS collation_home ON collation_home.oid = named.collnamespace
WHERE index.indrelid = ANY ($1::oid[])
  AND index.indisunique
  AND index.indisvalid
ORDER BY index.indrelid, index.indisprimary DESC, own.relname, n.n
