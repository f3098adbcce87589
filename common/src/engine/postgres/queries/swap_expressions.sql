-- $1: tables. The conditions of their policies, and of their places in publications, which are to hold for tables in
-- their place too; names that `search_path` finds come without a schema.
SELECT relation.relname::text AS name, own.described, own.condition
FROM pg_class AS relation
CROSS JOIN LATERAL (
    SELECT format('policy %I', polname), pg_get_expr(polqual, polrelid) FROM pg_policy
    WHERE polrelid = relation.oid
    UNION ALL
    SELECT format('policy %I', polname), pg_get_expr(polwithcheck, polrelid) FROM pg_policy
    WHERE polrelid = relation.oid
    UNION ALL
    SELECT format('publication %I', (SELECT pubname FROM pg_publication WHERE oid = named.prpubid)),
           -- Servers before PostgreSQL 15 lack the column: the name is then that of `older`.
           (SELECT pg_get_expr(prqual, prrelid) FROM pg_publication_rel AS own WHERE own.oid = named.oid)
    FROM (SELECT oid, prpubid FROM pg_publication_rel WHERE prrelid = relation.oid) AS named
    CROSS JOIN (SELECT NULL::pg_node_tree AS prqual) AS older
) AS own (described, condition)
WHERE relation.oid = ANY ($1::oid[])
  AND own.condition IS NOT NULL
ORDER BY 1, 2
