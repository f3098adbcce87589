-- Where the switch has left the tables. $1: the target schema. $2: the tables. $3: the staging schema's name.
SELECT (SELECT count(*) FROM pg_class WHERE oid = ANY ($2::oid[]) AND relnamespace = $1) AS moved,
       EXISTS (SELECT FROM pg_namespace WHERE nspname = $3) AS staging
