-- Ends what is left of a run. $1: the name its connections go by.
SELECT pid, pg_terminate_backend(pid) AS ended
FROM pg_stat_activity
WHERE application_name = $1
  AND datname = current_database()
  AND usename = current_user
  AND pid <> pg_backend_pid()
