-- $1: tables and views. What belongs to them, and cannot be given to one in their place. `what` says it.
SELECT DISTINCT relation.relname::text AS name, own.what
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
                AND (relation.relkind = 'v' OR NOT has_function_privilege(tgfoid, 'EXECUTE'))
    UNION ALL SELECT format('the default of column %I', attname) FROM pg_attrdef
              JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
              WHERE adrelid = relation.oid
                AND relation.relkind = 'v'
    UNION ALL SELECT 'the check option' FROM unnest(relation.reloptions) AS option
              WHERE relation.relkind = 'v'
                AND option LIKE 'check\_option=%'
    UNION ALL SELECT format('security label of %s', provider) FROM pg_seclabel
              WHERE classoid = 'pg_class'::regclass
                AND objoid = relation.oid
) AS own (what)
WHERE relation.oid = ANY ($1::oid[])
ORDER BY 1, 2
