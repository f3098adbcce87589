-- $1: the run. $2: the worker that asks. $3: steps that it waits for. Ends the connections of workers that have
-- them and whose lease has run out: what they hold can only be taken over when they are gone.
SELECT pg_terminate_backend(backend.pid) AS ended
FROM ledger.steps AS step
JOIN ledger.workers AS worker ON worker.run = step.run AND worker.worker = step.worker
JOIN pg_stat_activity AS backend
    ON backend.pid = step.backend AND backend.backend_start = step.backend_start
    -- Others of the same process may hold what the step needs.
    OR backend.datname = current_database()
       AND backend.application_name = format('waybill-import %s %s', step.run, right(step.worker, 12))
WHERE step.run = $1
  AND step.step = ANY ($3::bigint[])
  AND step.worker <> $2
  AND NOT step.done
  AND worker.lease < clock_timestamp()
  AND backend.pid <> pg_backend_pid()
  AND (backend.usename = current_user
       OR pg_has_role(backend.usesysid, 'USAGE')
          AND NOT EXISTS (SELECT FROM pg_roles WHERE oid = backend.usesysid AND rolsuper))
