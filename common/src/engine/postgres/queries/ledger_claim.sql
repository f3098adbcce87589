-- $1: the run. $2: a step. $3: the worker. Takes the step, unless it is done or somebody who is
-- alive has it. A row that somebody else is just claiming is passed over.
UPDATE ledger.steps AS step
SET worker = $3,
    backend = pg_backend_pid(),
    backend_start = (SELECT backend_start FROM pg_stat_get_activity(pg_backend_pid())),
    attempt = attempt + 1,
    begun = clock_timestamp()
WHERE (run, step) IN (
    SELECT free.run, free.step
    FROM ledger.steps AS free
    WHERE free.run = $1
      AND free.step = $2
      AND NOT free.done
      AND NOT EXISTS (
          SELECT FROM ledger.workers AS worker, pg_stat_get_activity(free.backend) AS backend
          WHERE worker.run = free.run
            AND worker.worker = free.worker
            AND worker.lease > clock_timestamp()
            AND backend.backend_start = free.backend_start)
    FOR UPDATE OF free SKIP LOCKED)
RETURNING attempt
