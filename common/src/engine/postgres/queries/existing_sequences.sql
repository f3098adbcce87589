-- The sequences that columns of a table take numbers from: identity, owned, or named in a default.
-- $1: the table's schema, $2: its name.
SELECT attribute.attname::text AS column_name,
       relation.oid,
       home.nspname::text AS home,
       relation.relname::text AS name,
       sequence.seqincrement AS increment,
       sequence.seqmin AS smallest,
       sequence.seqmax AS largest,
       pg_has_role(relation.relowner, 'USAGE') AS owned,
       has_sequence_privilege(relation.oid, 'UPDATE') AS may_set,
       has_sequence_privilege(relation.oid, 'SELECT') AS may_read
FROM (
    SELECT refobjid AS table_oid, refobjsubid AS number, objid AS sequence
    FROM pg_depend
    WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')
    UNION
    SELECT value.adrelid, value.adnum::int4, depend.refobjid
    FROM pg_attrdef AS value
    JOIN pg_depend AS depend ON depend.classid = 'pg_attrdef'::regclass AND depend.objid = value.oid
                            AND depend.refclassid = 'pg_class'::regclass
) AS link
JOIN pg_sequence AS sequence ON sequence.seqrelid = link.sequence
JOIN pg_class AS relation ON relation.oid = link.sequence
JOIN pg_namespace AS home ON home.oid = relation.relnamespace
JOIN pg_attribute AS attribute ON attribute.attrelid = link.table_oid AND attribute.attnum = link.number
WHERE link.table_oid = to_regclass(format('%I.%I', $1::text, $2::text))
ORDER BY attribute.attnum, relation.relname
