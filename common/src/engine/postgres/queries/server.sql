-- What the server is, and what it still has room for.
SELECT current_setting('server_version') AS version,
       current_setting('server_version_num')::int4 AS version_num,
       current_setting('server_encoding') AS encoding,
       pg_is_in_recovery() AS standby,
       current_database()::text AS database,
       current_user::text AS role,
       has_database_privilege(current_database(), 'CREATE') AS may_create_schemas,
       current_setting('max_locks_per_transaction')::int8 AS locks_per_transaction,
       -- Whoever may hold locks: sessions, prepared transactions, and the server's own processes.
       current_setting('max_connections')::int8
           + current_setting('max_prepared_transactions')::int8
           + current_setting('max_worker_processes')::int8
           + current_setting('max_wal_senders')::int8
           + coalesce(current_setting('autovacuum_worker_slots', true),
                      current_setting('autovacuum_max_workers'))::int8 AS transactions,
       -- A null among the three limits (no limit) does not count.
       least(current_setting('max_connections')::int8
                 - current_setting('superuser_reserved_connections')::int8
                 - coalesce(current_setting('reserved_connections', true)::int8, 0)
                 - used.by_all,
             CASE WHEN role.rolconnlimit >= 0 THEN role.rolconnlimit - used.by_role END,
             CASE WHEN base.datconnlimit >= 0 THEN base.datconnlimit - used.by_base END
       ) AS free_connections,
       current_setting('block_size')::int8 AS block_size,
       -- In kB, whatever unit SHOW would choose.
       (SELECT setting::int8 FROM pg_settings WHERE name = 'maintenance_work_mem') AS work_memory
FROM pg_roles AS role,
     pg_database AS base,
     LATERAL (SELECT count(*) AS by_all,
                     count(*) FILTER (WHERE usesysid = role.oid) AS by_role,
                     count(*) FILTER (WHERE datid = base.oid) AS by_base
              FROM pg_stat_activity
              WHERE datid IS NOT NULL) AS used
WHERE role.rolname = current_user
  AND base.datname = current_database()
