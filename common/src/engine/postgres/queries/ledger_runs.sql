-- $1: a target schema. Its runs, the newest first, whether this role may work on them, and whether somebody works on them: of a backend of
-- another role the server may tell its number only, and it counts as alive.
SELECT run, mode, state, reason, archive_root, plan_digest, staging_schema,
       to_char(run.started, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started,
       role,
       role = session_user OR EXISTS (SELECT FROM pg_roles AS owner
                                      WHERE owner.rolname = run.role
                                        AND pg_has_role(owner.oid, 'USAGE')) AS may_join,
       EXISTS (SELECT FROM ledger.workers AS worker
               JOIN pg_stat_activity AS backend ON backend.pid = worker.backend
                    AND COALESCE(backend.backend_start = worker.backend_start, true)
               WHERE worker.run = run.run
                 AND worker.lease > clock_timestamp()) AS is_worked_on
FROM ledger.runs AS run
WHERE target_schema = $1
ORDER BY run DESC
