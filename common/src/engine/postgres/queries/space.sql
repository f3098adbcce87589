-- The folder of the server that new tables of this role go to: that of the tablespace that is set for it, of
-- the database's, or the data folder. NULL where the role may not see it; no row where the connection is
-- not by a Unix socket, so that the server may be on another machine.
SELECT coalesce(
           nullif(pg_tablespace_location(wanted.oid), ''),
           (SELECT setting FROM pg_settings WHERE name = 'data_directory')) AS folder
FROM pg_database AS base,
     LATERAL (SELECT coalesce(
                         (SELECT named.oid FROM pg_tablespace AS named
                          WHERE named.spcname = current_setting('default_tablespace')),
                         base.dattablespace) AS oid) AS wanted
WHERE base.datname = current_database()
  AND inet_server_addr() IS NULL
