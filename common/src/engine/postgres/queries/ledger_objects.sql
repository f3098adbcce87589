-- $1: the run. What it has brought and put aside.
SELECT object.role, object.kind, object.name, object.id, object.since::text AS since,
       COALESCE(object.rows,
                CASE WHEN object.role = 'brought' AND object.since IS NULL
                     THEN (SELECT COALESCE(sum(step.rows), 0)::bigint FROM ledger.steps AS step
                           WHERE step.run = object.run AND step.kind = 'part'
                             AND step."table" = object.name) END) AS rows
FROM ledger.objects AS object
WHERE object.run = $1
ORDER BY object.role, object.kind, object.name
