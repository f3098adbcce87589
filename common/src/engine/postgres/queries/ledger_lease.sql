-- $1: the run. $2: the worker. $3: its machine and process. $4: seconds.
INSERT INTO ledger.workers AS worker (run, worker, client, backend, backend_start, lease)
SELECT $1, $2, $3, pid, backend_start, clock_timestamp() + make_interval(secs => $4)
FROM pg_stat_get_activity(pg_backend_pid())
ON CONFLICT (run, worker) DO UPDATE
SET lease = excluded.lease, backend = excluded.backend, backend_start = excluded.backend_start
