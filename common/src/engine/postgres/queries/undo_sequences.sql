-- $1: sequences. Those that are still there, and what the role may do to them.
SELECT relation.oid,
       home.nspname::text AS home,
       relation.relname::text AS name,
       sequence.seqincrement AS increment,
       pg_has_role(relation.relowner, 'USAGE') AS owned,
       has_sequence_privilege(relation.oid, 'UPDATE') AS may_set,
       has_sequence_privilege(relation.oid, 'SELECT') AS may_read
FROM pg_sequence AS sequence
JOIN pg_class AS relation ON relation.oid = sequence.seqrelid
JOIN pg_namespace AS home ON home.oid = relation.relnamespace
WHERE sequence.seqrelid = ANY ($1::oid[])
