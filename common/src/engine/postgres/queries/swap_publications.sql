-- $1: tables. The publications that name one of them, with what takes it out, and what puts a table of
-- its name in; the rows that it takes are to follow.
SELECT format('publication %I', pubname) AS described,
       publication.oid,
       pg_has_role(pubowner, 'USAGE') AS owned,
       pg_get_userbyid(pubowner)::text AS owner,
       relation.relname::text AS name,
       format('ALTER PUBLICATION %I DROP TABLE %I.%I', pubname, home.nspname, relation.relname) AS before,
       format('ALTER PUBLICATION %I ADD TABLE %I.%I', pubname, home.nspname, relation.relname)
       || COALESCE(' (' || (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
                            WHERE attrelid = relation.oid AND attnum = ANY (member.columns)) || ')', '') AS after
FROM (
    SELECT prpubid, prrelid,
           -- Servers before PostgreSQL 15 lack the column: the name is then that of `older`.
           (SELECT prattrs FROM pg_publication_rel AS own WHERE own.oid = named.oid)::int2[] AS columns
    FROM (SELECT oid, prpubid, prrelid FROM pg_publication_rel) AS named
    CROSS JOIN (SELECT NULL::int2vector AS prattrs) AS older
) AS member
JOIN pg_publication AS publication ON publication.oid = member.prpubid
JOIN pg_class AS relation ON relation.oid = member.prrelid
JOIN pg_namespace AS home ON home.oid = relation.relnamespace
WHERE relation.oid = ANY ($1::oid[])
ORDER BY 1, 4
