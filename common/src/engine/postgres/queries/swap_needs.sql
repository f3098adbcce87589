-- $1: tables. What tables in their place must have: columns that objects carried over are about, and keys
-- that tell rows apart for subscribers.
SELECT relation.relname::text AS name,
       pg_describe_object(depend.classid, depend.objid, 0) AS object,
       ARRAY[attname::text] AS columns,
       false AS is_key
FROM pg_depend AS depend
JOIN pg_class AS relation ON relation.oid = depend.refobjid
JOIN pg_attribute ON attrelid = relation.oid AND attnum = depend.refobjsubid
WHERE depend.refclassid = 'pg_class'::regclass
  AND depend.refobjid = ANY ($1::oid[])
  AND depend.refobjsubid > 0
  AND (depend.classid IN ('pg_policy'::regclass, 'pg_statistic_ext'::regclass, 'pg_publication_rel'::regclass)
       OR depend.classid = 'pg_trigger'::regclass
          AND EXISTS (SELECT FROM pg_trigger WHERE oid = depend.objid AND NOT tgisinternal))
UNION
SELECT relation.relname::text, 'its replica identity',
       ARRAY(SELECT attname::text FROM pg_attribute
             WHERE attrelid = relation.oid AND attnum = ANY (indkey) ORDER BY attname),
       true
FROM pg_class AS relation
JOIN pg_index ON indrelid = relation.oid
WHERE relation.oid = ANY ($1::oid[])
  AND (relreplident = 'i' AND indisreplident
       OR relreplident = 'd' AND indisprimary
          AND EXISTS (SELECT FROM pg_publication AS publication
                      -- Named itself, or with its schema, or with all tables.
                      JOIN pg_publication_tables AS published ON published.pubname = publication.pubname
                      WHERE (pubupdate OR pubdelete)
                        AND published.schemaname = (SELECT nspname FROM pg_namespace WHERE oid = relation.relnamespace)
                        AND published.tablename = relation.relname))
ORDER BY 1, 2, 3
