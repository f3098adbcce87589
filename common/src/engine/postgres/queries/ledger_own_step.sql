-- $1: a run without steps that writes rows in this transaction: by this step they are known as its own.
INSERT INTO ledger.steps (run, step, kind, done, attempt, begun, ended, xid)
VALUES ($1, 0, 'switch', true, 1, clock_timestamp(), clock_timestamp(), pg_current_xact_id())
