-- $1: tables. What belongs to them, and cannot be given to a table in their place. `what` says it.
SELECT relation.relname::text AS name, own.what
FROM pg_class AS relation
CROSS JOIN LATERAL (
    SELECT format('rule %I', rulename) FROM pg_rewrite
    WHERE ev_class = relation.oid AND rulename <> '_RETURN'
    UNION ALL SELECT format('subscription %I', subname) FROM pg_subscription_rel
              JOIN pg_subscription ON pg_subscription.oid = srsubid
              WHERE srrelid = relation.oid
    UNION ALL SELECT format('trigger %I', tgname) FROM pg_trigger
              WHERE tgrelid = relation.oid
                AND NOT tgisinternal
                AND NOT has_function_privilege(tgfoid, 'EXECUTE')
) AS own (what)
WHERE relation.oid = ANY ($1::oid[])
ORDER BY 1, 2
