-- All runs, the oldest first.
SELECT run.run, run.target_schema, run.mode, run.state, run.reason, run.archive_root, run.content_root,
       run.staging_schema, run.backup_schema, run.tool_version, run.undoes, run.tables, run.rows,
       to_char(COALESCE(run.ended, run.started) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS moment,
       extract(epoch FROM clock_timestamp() - COALESCE(run.ended, run.started))::float8 AS age,
       EXISTS (SELECT FROM pg_namespace WHERE nspname = run.backup_schema) AS has_backup,
       ARRAY(SELECT worker.client FROM ledger.workers AS worker
             JOIN pg_stat_activity AS backend ON backend.pid = worker.backend
                  AND COALESCE(backend.backend_start = worker.backend_start, true)
             WHERE worker.run = run.run
               AND worker.lease > clock_timestamp()
             ORDER BY 1) AS workers
FROM ledger.runs AS run
ORDER BY run.run
