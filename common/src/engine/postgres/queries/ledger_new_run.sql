-- A new run.
INSERT INTO ledger.runs (run, target_schema, mode, state, archive_root, content_root, plan_digest,
                         staging_schema, tool_version, client, tables, rows, bytes)
VALUES ($1, $2, $3, 'open', $4, $5, $6, $7, $8, $9, $10, $11, $12)
