-- $1: the run. $2: its new state. $3: why. Ends an open run; no row when it is not open any more.
UPDATE ledger.runs
SET state = $2, reason = $3, ended = clock_timestamp()
WHERE run = $1 AND state = 'open'
RETURNING run
