-- $1: kinds. $2: identifiers of views and publications. $3: for a publication, the name of a table; $4: its schema.
-- How each view is defined now, and which rows of such a table a publication takes; NULL for all.
SELECT CASE wanted.kind
           WHEN 'view' THEN (SELECT pg_get_viewdef(oid) FROM pg_class WHERE oid = wanted.oid AND relkind = 'v')
           ELSE member.filter
       END AS definition
FROM unnest($1::text[], $2::oid[], $3::text[]) WITH ORDINALITY AS wanted (kind, oid, name, position)
LEFT JOIN LATERAL (
    -- Servers before PostgreSQL 15 lack the column: the name is then that of `older`.
    SELECT (SELECT pg_get_expr(prqual, prrelid) FROM pg_publication_rel AS own WHERE own.oid = named.oid) AS filter
    FROM (SELECT pg_publication_rel.oid, prrelid FROM pg_publication_rel
          JOIN pg_class AS relation ON relation.oid = prrelid
          JOIN pg_namespace AS home ON home.oid = relation.relnamespace
          WHERE wanted.kind = 'publication'
            AND prpubid = wanted.oid
            AND relation.relname = wanted.name
            AND home.nspname = $4::text) AS named
    CROSS JOIN (SELECT NULL::pg_node_tree AS prqual) AS older
) AS member ON true
ORDER BY wanted.position
