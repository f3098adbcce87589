-- A run that undoes another. $1: its number. $2: the run it undoes. $3: where it keeps what it takes
-- away. $4: program version. $5: client.
INSERT INTO ledger.runs (run, target_schema, mode, state, archive_root, content_root, plan_digest,
                         staging_schema, backup_schema, tool_version, client, ended, tables, rows,
                         bytes, undoes)
SELECT $1, target_schema, 'undo', 'done', archive_root, content_root, plan_digest, staging_schema,
       $3, $4, $5, clock_timestamp(), tables, rows, bytes, run
FROM ledger.runs
WHERE run = $2
