-- $1: tables. What belongs to them, and a table in their place would not have. `what` says it.
SELECT relation.relname::text AS name, own.what
FROM pg_class AS relation
CROSS JOIN LATERAL (
    SELECT format('rule %I', rulename) FROM pg_rewrite
    WHERE ev_class = relation.oid AND rulename <> '_RETURN'
    UNION ALL SELECT format('policy %I', polname) FROM pg_policy WHERE polrelid = relation.oid
    UNION ALL SELECT format('statistics %I', stxname) FROM pg_statistic_ext
              WHERE stxrelid = relation.oid
    UNION ALL SELECT format('membership in publication %I', pubname) FROM pg_publication_rel
              JOIN pg_publication ON pg_publication.oid = prpubid
              WHERE prrelid = relation.oid
) AS own (what)
WHERE relation.oid = ANY ($1::oid[])
ORDER BY 1, 2
