-- $1: the run. $2: roles. $3: kinds. $4: names. $5: identifiers. $6: rows. $7: whether rows are known by their
-- transactions, or by being older than the moment: than any transaction of this database that is under way, which
-- may still write. Those of other databases cannot, and would make old rows look new.
INSERT INTO ledger.objects (run, role, kind, name, id, rows, since)
SELECT $1, role, kind, name, id, rows,
       CASE WHEN $7 THEN NULL ELSE COALESCE(
           (SELECT lock.transactionid::text::xid8
            FROM pg_locks AS lock
            LEFT JOIN pg_stat_activity AS backend ON backend.pid = lock.pid
            WHERE lock.locktype = 'transactionid'
              AND lock.mode = 'ExclusiveLock'
              AND COALESCE(backend.datname = current_database(), true)
            ORDER BY age(lock.transactionid) DESC
            LIMIT 1),
           pg_snapshot_xmax(pg_current_snapshot())) END
FROM unnest($2::text[], $3::text[], $4::text[], $5::oid[], $6::bigint[])
     AS object (role, kind, name, id, rows)
