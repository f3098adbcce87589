-- $1: tables. The publications that name one of them, with what takes it out, and what puts a table of
-- its name in.
SELECT format('publication %I', pubname) AS described,
       pg_has_role(pubowner, 'USAGE') AS owned,
       pg_get_userbyid(pubowner)::text AS owner,
       relation.relname::text AS name,
       format('ALTER PUBLICATION %I DROP TABLE %I.%I', pubname, home.nspname, relation.relname) AS before,
       format('ALTER PUBLICATION %I ADD TABLE %I.%I', pubname, home.nspname, relation.relname)
       || COALESCE(' (' || (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
                            WHERE attrelid = relation.oid AND attnum = ANY (member.columns)) || ')', '')
       || COALESCE(' WHERE (' || member.filter || ')', '') AS after
FROM (
    SELECT prpubid, prrelid,
           -- Servers before PostgreSQL 15 lack these columns: the names are then those of `older`.
           (SELECT pg_get_expr(prqual, prrelid) FROM pg_publication_rel AS own WHERE own.oid = named.oid) AS filter,
           (SELECT prattrs FROM pg_publication_rel AS own WHERE own.oid = named.oid)::int2[] AS columns
    FROM (SELECT oid, prpubid, prrelid FROM pg_publication_rel) AS named
    CROSS JOIN (SELECT NULL::pg_node_tree AS prqual, NULL::int2vector AS prattrs) AS older
) AS member
JOIN pg_publication AS publication ON publication.oid = member.prpubid
JOIN pg_class AS relation ON relation.oid = member.prrelid
JOIN pg_namespace AS home ON home.oid = relation.relnamespace
WHERE relation.oid = ANY ($1::oid[])
ORDER BY 1, 4
