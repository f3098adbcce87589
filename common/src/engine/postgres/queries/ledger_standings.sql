-- $1: the run. $2: the worker that asks. What others have done or do; `held` is false where the one
-- who had a step is no longer there.
SELECT step,
       done,
       NOT done AND EXISTS (
           SELECT FROM ledger.workers AS worker, pg_stat_get_activity(step.backend) AS backend
           WHERE worker.run = step.run
             AND worker.worker = step.worker
             AND worker.lease > clock_timestamp()
             AND backend.backend_start = step.backend_start) AS held
FROM ledger.steps AS step
WHERE run = $1
  AND worker IS DISTINCT FROM $2
  AND attempt > 0
