-- $1: the run. $2: the worker that asks. $3: a snapshot, or NULL. Steps that others have done and that were not
-- done yet for this snapshot. A transaction that it saw under way may be older than others that it saw done, so it
-- is not enough to ask for younger ones.
SELECT step
FROM ledger.steps
WHERE run = $1
  AND done
  AND worker IS DISTINCT FROM $2
  AND xid >= COALESCE(pg_snapshot_xmin($3::text::pg_snapshot), '0'::xid8)
  AND ($3 IS NULL OR NOT pg_visible_in_snapshot(xid, $3::text::pg_snapshot))
