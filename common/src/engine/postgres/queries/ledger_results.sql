-- $1: the run. What came of its steps.
SELECT step, done, rows, result FROM ledger.steps WHERE run = $1 ORDER BY step
