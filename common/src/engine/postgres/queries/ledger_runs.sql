-- $1: a target schema. Its runs, the newest first, and whether somebody works on them.
SELECT run, mode, state, reason, archive_root, plan_digest, staging_schema,
       to_char(run.started, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started,
       EXISTS (SELECT FROM ledger.workers AS worker
               JOIN pg_stat_activity AS backend ON backend.pid = worker.backend
                                               AND backend.backend_start = worker.backend_start
               WHERE worker.run = run.run
                 AND worker.lease > clock_timestamp()) AS is_worked_on
FROM ledger.runs AS run
WHERE target_schema = $1
ORDER BY run DESC
