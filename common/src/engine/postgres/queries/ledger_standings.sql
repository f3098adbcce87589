-- $1: the run. $2: steps. Whether each is done, or else somebody has it: `held` is false where the one who had it
-- is no longer there. Of a backend of another role the server may tell its number only; it counts as alive.
SELECT step,
       done,
       NOT done AND EXISTS (
           SELECT FROM ledger.workers AS worker, pg_stat_get_activity(step.backend) AS backend
           WHERE worker.run = step.run
             AND worker.worker = step.worker
             AND worker.lease > clock_timestamp()
             AND COALESCE(backend.backend_start = step.backend_start, true)) AS held
FROM ledger.steps AS step
WHERE run = $1
  AND step = ANY ($2::bigint[])
