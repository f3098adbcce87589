//! Names, columns, indexes, statistics and triggers that a mapping file asks for.

use super::{Case, findings};
use crate::support::postgres;

fn shop() -> Case {
    Case::new(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL, note TEXT, old TEXT);
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers,
             doc TEXT, at TEXT DEFAULT '', total REAL NOT NULL);
         CREATE TABLE log (line TEXT, customer INTEGER REFERENCES customers);
         CREATE INDEX by_old ON customers (old);
         INSERT INTO customers VALUES (1, 'a@x', NULL, 'o'), (2, 'b@x', 'n', 'p');
         INSERT INTO orders VALUES (9, 1, '{\"a\":1}', '2024-01-01T00:00:00Z', 3.0), (4, 2, '{}', '2024-01-01T00:00:00Z', 2.5);
         INSERT INTO log VALUES ('x', 1);",
    )
}

#[test]
fn names_columns_and_tables_are_changed_as_the_file_says() {
    let map = "[tables.customers]\nname = \"clients\"
        [tables.customers.columns.email]\nname = \"e-mail\"
        [tables.customers.columns.old]\ndrop = true
        [tables.customers.columns.note]\nnot-null = false\ndefault = \"'none'\"
        [tables.orders.columns.total]\nnot-null = false\ndefault = \"round(2.5)\"
        [tables.orders.columns.at]\ndefault = \"\"
        [tables.log]\nskip = true";
    for server in postgres::servers() {
        let (report, mut database) = shop().imported(map, server);
        assert_eq!(
            database.texts("SELECT column_name::text || coalesce(' ' || column_default, '') || ' ' || is_nullable FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"),
            ["id NO", "e-mail NO", "note 'none'::text YES", "id NO", "customer YES", "doc YES", "at YES", "total round(2.5) YES"]
        );
        assert_eq!(
            database.texts("SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"),
            ["clients", "orders"]
        );
        assert_eq!(
            database.texts("SELECT conrelid::regclass || ' -> ' || confrelid::regclass FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace"),
            ["orders -> clients"]
        );
        let notes = findings(&report, "mapping-applied");
        assert_eq!(notes.len(), 7, "{notes:#?}");
        let left_out = findings(&report, "structure-left-out");
        assert_eq!(left_out.len(), 1, "{left_out:#?}");
        assert!(left_out[0].contains("its column `old` is dropped by the mapping file"));
    }
}

#[test]
fn a_foreign_key_to_a_skipped_table_is_left_out_and_named() {
    let (report, mut database) =
        shop().imported("[tables.customers]\nskip = true", postgres::server());
    assert_eq!(
        database.texts("SELECT conname::text FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace"),
        [""; 0]
    );
    let left_out = findings(&report, "structure-left-out");
    assert_eq!(
        left_out
            .iter()
            .filter(|f| f.contains("its parent table is left out"))
            .count(),
        2,
        "{left_out:#?}"
    );
}

#[test]
fn columns_are_added_with_numbers_defaults_and_keys() {
    let map = "[[tables.log.add-columns]]\nname = \"id\"\nidentity = true\nprimary-key = true
        [[tables.log.add-columns]]\nname = \"updated_at\"\ntype = \"timestamptz\"\ndefault = \"now()\"\nnot-null = true
        [[tables.log.add-columns]]\nname = \"free\"\ntype = \"varchar(3)\"
        [tables.log]\nupdated-at = \"updated_at\"";
    for server in postgres::servers() {
        let (_, mut database) = shop().imported(map, server);
        assert_eq!(
            database.texts("SELECT format('%s %s %s %s', line, id, updated_at > now() - interval '1 hour', free IS NULL) FROM log"),
            ["x 1 t t"]
        );
        database.run("INSERT INTO log (line) VALUES ('y')");
        assert_eq!(
            database.texts("SELECT id::text FROM log WHERE line = 'y'"),
            ["2"]
        );
        assert_eq!(
            database.texts(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'log_pkey'"
            ),
            ["PRIMARY KEY (id)"]
        );
        database.run("UPDATE log SET updated_at = '2000-01-01', line = 'z' WHERE id = 2");
        assert_eq!(
            database.texts("SELECT (updated_at > '2020-01-01')::text FROM log WHERE id = 2"),
            ["true"]
        );
        assert_eq!(
            database.texts("SELECT n.nspname || '.' || proname FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE proname LIKE 'log%touch'"),
            ["public.log_updated_at_touch"]
        );
    }
}

#[test]
fn indexes_statistics_and_order_are_made() {
    let map = "extensions = [\"pg_trgm\"]\ncreate-extensions = true
        [tables.orders]\norder-by = [\"total\"]
        [[tables.orders.indexes]]\ncolumns = [\"doc\"]\nmethod = \"gin\"\nopclass = \"jsonb_path_ops\"
        [[tables.orders.indexes]]\nname = \"big\"\non = \"customer, total DESC\"\nwhere = \"total > 1\"\nunique = true
        [[tables.orders.statistics]]\ncolumns = [\"customer\", \"total\"]\nkinds = [\"dependencies\"]
        [tables.customers.columns.email]\nname = \"mail\"
        [[tables.customers.indexes]]\ncolumns = [\"email\"]\nmethod = \"gin\"\nopclass = \"gin_trgm_ops\"";
    for server in postgres::servers() {
        let (_, mut database) = shop().imported(map, server);
        assert_eq!(
            database.texts("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%pkey' AND indexname <> 'by_old' ORDER BY indexname"),
            [
                "CREATE UNIQUE INDEX big ON public.orders USING btree (customer, total DESC) WHERE (total > (1)::double precision)",
                "CREATE INDEX customers_mail_idx ON public.customers USING gin (mail public.gin_trgm_ops)",
                "CREATE INDEX orders_doc_idx ON public.orders USING gin (doc jsonb_path_ops)",
            ].map(|index| if server.version == 0 { index.to_owned() } else { index.replace("public.gin_trgm_ops", "gin_trgm_ops") })
        );
        assert_eq!(
            database.texts("SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext"),
            [
                "CREATE STATISTICS public.orders_customer_total_stat (dependencies) ON customer, total FROM orders"
            ]
        );
        assert_eq!(
            database.texts("SELECT id::text FROM orders ORDER BY ctid"),
            ["4", "9"]
        );
        assert_eq!(
            database.texts(
                "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'waybill\\_staging%'"
            ),
            [""; 0]
        );
    }
}
