-- $1: tables. $2: whether they are exchanged for others: then tables that refer to them count too, and
-- transactions that would go on seeing the database as it was. Who uses them, the oldest first. What the
-- server does not show to this role of a session of another one is NULL.
WITH RECURSIVE concerned (oid) AS (
    SELECT unnest($1::oid[])
    UNION
    SELECT inhrelid FROM pg_inherits JOIN concerned ON concerned.oid = inhparent
), watched (oid) AS (
    SELECT oid FROM concerned
    UNION
    SELECT conrelid FROM pg_constraint
    WHERE $2 AND contype = 'f' AND confrelid IN (SELECT oid FROM concerned)
), held AS (
    SELECT lock.pid, split_part(lock.virtualtransaction, '/', 2) AS prepared,
           array_agg(DISTINCT relation.relname::text) AS tables,
           bool_and(lock.granted) AS granted
    FROM pg_locks AS lock
    JOIN watched ON watched.oid = lock.relation
    JOIN pg_class AS relation ON relation.oid = lock.relation
    WHERE lock.locktype = 'relation'
      AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    GROUP BY 1, 2
)
SELECT activity.pid, NULL::text AS prepared, activity.usename::text AS role,
       NULLIF(activity.application_name, '') AS application,
       host(activity.client_addr) AS client,
       activity.state,
       extract(epoch FROM clock_timestamp() - activity.xact_start)::float8 AS seconds,
       COALESCE(held.tables, '{}') AS tables,
       COALESCE(held.granted, true) AS granted
FROM pg_stat_activity AS activity
LEFT JOIN held ON held.pid = activity.pid
WHERE activity.datname = current_database()
  AND activity.pid <> pg_backend_pid()
  AND activity.usesysid IS NOT NULL
  AND activity.leader_pid IS NULL
  -- Other processes of an import stage rows, and use nothing that is there.
  AND activity.application_name !~ '^waybill-import [0-9a-f]{32}( [0-9a-f]{12})?$'
  AND (held.pid IS NOT NULL
       OR $2 AND activity.backend_xmin IS NOT NULL
             AND activity.backend_type IS NOT DISTINCT FROM CASE WHEN activity.state IS NOT NULL THEN 'client backend' END
             -- What a statement of its own sees is over with it.
             AND (activity.state = 'active' AND activity.query_start = activity.xact_start) IS NOT TRUE)
UNION ALL
SELECT NULL, prepared.gid, prepared.owner::text, NULL, NULL, NULL,
       extract(epoch FROM clock_timestamp() - prepared.prepared)::float8, held.tables, true
FROM held
JOIN pg_prepared_xacts AS prepared ON held.pid IS NULL AND prepared.transaction::text = held.prepared
ORDER BY seconds DESC NULLS LAST, pid
