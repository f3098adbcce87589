-- $1: the run. $2: a step. $3: the worker. Takes the step of an open run, unless it is done or somebody
-- who is alive has it; of a backend of another role the server may tell its number only, and it counts as alive.
-- A row that somebody else is just claiming is passed over. Whoever had it is
-- disconnected, so that nothing it still does comes between; where its process shows no life any more, with
-- all connections of that process: others of them may hold what the step needs.
UPDATE ledger.steps AS step
SET worker = $3,
    backend = pg_backend_pid(),
    backend_start = (SELECT backend_start FROM pg_stat_get_activity(pg_backend_pid())),
    attempt = attempt + 1,
    begun = clock_timestamp()
FROM (
    SELECT free.run, free.step, free.worker, free.backend, free.backend_start
    FROM ledger.steps AS free
    WHERE free.run = $1
      AND free.step = $2
      AND NOT free.done
      AND EXISTS (SELECT FROM ledger.runs AS run WHERE run.run = free.run AND run.state = 'open')
      AND NOT EXISTS (
          SELECT FROM ledger.workers AS worker, pg_stat_get_activity(free.backend) AS backend
          WHERE worker.run = free.run
            AND worker.worker = free.worker
            AND worker.lease > clock_timestamp()
            AND COALESCE(backend.backend_start = free.backend_start, true))
    FOR UPDATE OF free SKIP LOCKED) AS free
WHERE step.run = free.run
  AND step.step = free.step
RETURNING attempt,
          (SELECT bool_or(pg_terminate_backend(former.pid))
           FROM pg_stat_activity AS former
           WHERE (former.pid = free.backend
                  AND former.backend_start = free.backend_start
                  OR free.worker IS DISTINCT FROM $3
                  AND former.datname = current_database()
                  AND former.application_name = format('waybill-import %s %s', $1::text, right(free.worker, 12))
                  AND NOT EXISTS (SELECT FROM ledger.workers AS worker
                                  WHERE worker.run = free.run AND worker.worker = free.worker
                                    AND worker.lease > clock_timestamp()))
             AND (former.usename = current_user
                OR pg_has_role(former.usesysid, 'USAGE')
                   AND NOT EXISTS (SELECT FROM pg_roles WHERE oid = former.usesysid AND rolsuper))
             AND former.pid <> pg_backend_pid()) AS ended
