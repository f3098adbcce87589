-- Ends what is left of a run. $1: how the names of its connections begin.
SELECT pid, pg_terminate_backend(pid) AS ended
FROM pg_stat_activity
WHERE (application_name = $1 OR starts_with(application_name, $1 || ' '))
  AND datname = current_database()
  AND usename = current_user
  AND pid <> pg_backend_pid()
