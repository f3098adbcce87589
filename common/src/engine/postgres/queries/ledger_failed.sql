-- $1: the target schema. Runs into it that ended without a switch, with the places where they worked.
SELECT run, staging_schema AS staging
FROM ledger.runs
WHERE target_schema = $1
  AND state IN ('failed', 'abandoned')
  AND staging_schema IN (SELECT nspname::text FROM pg_namespace)
ORDER BY run
