-- $1: the run. $2: the step. $3: the attempt. Gives a step back.
UPDATE ledger.steps
SET worker = NULL, backend = NULL, backend_start = NULL
WHERE run = $1 AND step = $2 AND attempt = $3 AND NOT done
