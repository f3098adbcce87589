-- $1: the run. $2: the worker that asks. Ends the connections of other workers whose lease has run
-- out: what they hold can only be taken over when they are gone.
SELECT pg_terminate_backend(backend.pid) AS ended
FROM ledger.steps AS step
JOIN ledger.workers AS worker ON worker.run = step.run AND worker.worker = step.worker
JOIN pg_stat_activity AS backend ON backend.pid = step.backend
                                AND backend.backend_start = step.backend_start
WHERE step.run = $1
  AND step.worker <> $2
  AND NOT step.done
  AND worker.lease < clock_timestamp()
  AND backend.usename = current_user
