-- $1: the run. What has followed to the tables that it has brought, with definitions before and after it.
SELECT kind, id, "table", before, "left" FROM ledger.followed WHERE run = $1
