-- $1: the run. $2: the step. $3: the attempt. Whether it is still that attempt's; nobody takes it over
-- while the transaction lasts.
SELECT FROM ledger.steps
WHERE run = $1
  AND step = $2
  AND attempt = $3
  AND NOT done
FOR UPDATE
