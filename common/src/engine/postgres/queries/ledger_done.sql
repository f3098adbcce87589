-- $1: the run. $2: the step. $3: the attempt. $4: rows. $5: what came of it. Part of the step's own
-- transaction; no row when somebody else has taken the step over.
UPDATE ledger.steps
SET done = true,
    ended = clock_timestamp(),
    xid = pg_current_xact_id(),
    rows = $4,
    result = $5
WHERE run = $1
  AND step = $2
  AND attempt = $3
  AND NOT done
RETURNING step
