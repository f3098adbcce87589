-- $1: the run. $2: the worker that asks. The state of the run, and whether others have worked on it
-- of late.
SELECT state, reason,
       EXISTS (SELECT FROM ledger.workers AS worker
               WHERE worker.run = run.run
                 AND worker.worker <> $2
                 AND worker.lease > clock_timestamp() - interval '1 minute') AS has_others
FROM ledger.runs AS run
WHERE run = $1
