//! Against PostgreSQL.

use super::{Made, SHOP, differs, findings};
use crate::fill::desk::Desk;
use crate::support::postgres::{Server, server, servers};
use crate::support::program::{Ran, command};

/// An imported shop on this server, and a client to change it with.
fn imported(server: &Server) -> (Made, String, postgres::Client) {
    let made = Made::of(SHOP);
    let uri = server.fresh_database();
    made.import(&uri, &[]);
    let name = uri.rsplit('/').next().unwrap().split('?').next().unwrap();
    let client = server.client(name);
    (made, uri, client)
}

#[test]
fn an_imported_database_is_equal_on_every_server() {
    for server in servers() {
        let (made, uri, _) = imported(server);
        made.equal(&uri, &[]);
        made.equal(&uri, &["-j", "1"]);
        made.equal(&uri, &["-t", "log"]);
    }
}

#[test]
fn what_was_changed_is_named_by_its_key_and_column() {
    for server in servers() {
        let (made, uri, mut client) = imported(server);
        let mut try_one = |change: &str, table: &str, count: u64, samples: &[&str]| {
            let mut transaction = client.transaction().unwrap();
            transaction
                .batch_execute(&format!("CREATE TABLE kept AS TABLE {table}"))
                .unwrap();
            transaction.batch_execute(change).unwrap();
            transaction.commit().unwrap();
            differs(&made.check(&uri, &[], 3), table, count, samples);
            let back =
                format!("DELETE FROM {table}; INSERT INTO {table} TABLE kept; DROP TABLE kept");
            client.batch_execute(&back).unwrap();
        };
        try_one(
            "UPDATE orders SET name = 'anne' WHERE id = 1",
            "orders",
            1,
            &["differs: id=1 (name)"],
        );
        try_one(
            "UPDATE orders SET name = '', n = 7 WHERE id = 3",
            "orders",
            1,
            &["differs: id=3 (name, n)"],
        );
        try_one(
            "UPDATE orders SET name = NULL WHERE id = 2",
            "orders",
            1,
            &["differs: id=2 (name)"],
        );
        try_one(
            "UPDATE orders SET total = '-0' WHERE id = 2",
            "orders",
            1,
            &["differs: id=2 (total)"],
        );
        try_one(
            "UPDATE orders SET n = n - 1 WHERE id = 1",
            "orders",
            1,
            &["differs: id=1 (n)"],
        );
        try_one(
            "UPDATE orders SET raw = '\\x00ff26' WHERE id = 1",
            "orders",
            1,
            &["differs: id=1 (raw)"],
        );
        try_one(
            "DELETE FROM orders WHERE id = 2",
            "orders",
            1,
            &["missing: id=2"],
        );
        try_one(
            "INSERT INTO orders (id) VALUES (9)",
            "orders",
            1,
            &["extra: id=9"],
        );
        try_one(
            "UPDATE orders SET id = 8 WHERE id = 3; UPDATE orders SET paid = false WHERE id = 1",
            "orders",
            3,
            &["differs: id=1 (paid)", "missing: id=3", "extra: id=8"],
        );
        try_one(
            "UPDATE pair SET v = 'zwei' WHERE b = 2",
            "pair",
            1,
            &["differs: a='it''s', b=2 (v)"],
        );
        try_one(
            "INSERT INTO pair VALUES ('it''s', 7, NULL)",
            "pair",
            1,
            &["extra: a='it''s', b=7"],
        );
    }
}

#[test]
fn rows_without_a_key_are_counted_as_often_as_they_occur() {
    let (made, uri, mut client) = imported(server());
    client
        .batch_execute("INSERT INTO log VALUES ('2024-01-01', 'in')")
        .unwrap();
    differs(&made.check(&uri, &[], 3), "log", 1, &["extra: ctid=(0,1)"]);
    client
        .batch_execute("DELETE FROM log WHERE what = 'in'")
        .unwrap();
    differs(&made.check(&uri, &[], 3), "log", 2, &["missing: rowid=1"]);
}

#[test]
fn no_setting_of_server_database_or_role_raises_a_false_alarm() {
    for server in servers() {
        let (made, uri, mut client) = imported(server);
        let name = uri.rsplit('/').next().unwrap().split('?').next().unwrap();
        for setting in [
            "TimeZone TO 'Asia/Tokyo'",
            "DateStyle TO 'German, DMY'",
            "IntervalStyle TO 'sql_standard'",
            "bytea_output TO 'escape'",
            "extra_float_digits TO -15",
            "lc_numeric TO 'C'",
            "search_path TO nowhere",
            "statement_timeout TO '20s'",
            "default_transaction_isolation TO 'serializable'",
            "client_encoding TO 'LATIN1'",
            "standard_conforming_strings TO off",
        ] {
            client
                .batch_execute(&format!("ALTER DATABASE {name} SET {setting}"))
                .unwrap();
        }
        client.batch_execute("ALTER TABLE orders ALTER doc TYPE text USING doc #>> '{}'; ALTER TABLE orders ALTER total TYPE text").unwrap();
        // Types that are cast to text on the way.
        let json = made.check(&uri, &[], 3);
        let found = findings(&json);
        assert_eq!(found.len(), 1, "{json:#}");
        client.batch_execute("ALTER TABLE orders ALTER total TYPE double precision USING total::float8; ALTER TABLE orders ALTER doc TYPE jsonb USING doc::jsonb").unwrap();
        made.equal(&uri, &[]);
    }
}

#[test]
fn a_column_of_another_type_with_equal_values_is_equal() {
    let (made, uri, mut client) = imported(server());
    for types in [
        "n TYPE numeric, ALTER total TYPE double precision, ALTER name TYPE varchar(40)",
        "n TYPE numeric(20, 4)",
        "n TYPE bigint, ALTER paid TYPE integer USING paid::integer",
        "paid TYPE boolean USING paid::integer::boolean, ALTER name TYPE char(12), ALTER raw TYPE bytea",
    ] {
        client
            .batch_execute("UPDATE orders SET name = NULL WHERE false")
            .unwrap();
        client
            .batch_execute(&format!("ALTER TABLE orders ALTER {types}"))
            .unwrap();
        made.equal(&uri, &[]);
    }
    client
        .batch_execute(
            "UPDATE orders SET n = 3 WHERE id = 2; ALTER TABLE orders ALTER n TYPE numeric",
        )
        .unwrap();
    differs(
        &made.check(&uri, &[], 3),
        "orders",
        1,
        &["differs: id=2 (n)"],
    );
}

#[test]
fn missing_tables_and_columns_are_told_and_additional_ones_are_not_compared() {
    let (made, uri, mut client) = imported(server());
    client
        .batch_execute("ALTER TABLE orders ADD seen boolean; CREATE TABLE other ()")
        .unwrap();
    let json = made.check(&uri, &[], 0);
    let note = &json["findings"][0];
    assert_eq!(note["code"], "target-differs");
    assert_eq!(note["severity"], "note");
    assert_eq!(note["samples"][0], "seen");
    client
        .batch_execute("DROP TABLE log; ALTER TABLE orders DROP name")
        .unwrap();
    let json = made.check(&uri, &["--fail-on", "never"], 3);
    let codes: Vec<_> = findings(&json)
        .into_iter()
        .map(|(code, table, ..)| (code, table))
        .collect();
    assert!(
        codes.contains(&("target-table-missing".to_owned(), "log".to_owned())),
        "{json:#}"
    );
    assert!(
        codes.contains(&("target-column-missing".to_owned(), "orders".to_owned())),
        "{json:#}"
    );
    assert_eq!(codes.len(), 2);
    // Another schema has none of them.
    client.batch_execute("CREATE SCHEMA empty").unwrap();
    let json = made.check(&uri, &["--into-schema", "empty"], 3);
    assert_eq!(findings(&json).len(), 3);
}

#[test]
fn a_database_made_with_a_mapping_file_and_folded_names_is_equal() {
    for server in servers() {
        let made = Made::of(
            "CREATE TABLE \"TheOrders\" (\"OrderID\" INTEGER PRIMARY KEY, \"PaidAt\" INTEGER, state TEXT, code TEXT, junk TEXT);
             INSERT INTO \"TheOrders\" VALUES (1, 1700000000, 'open', '12', 'x'), (2, NULL, 'shut', '7', 'y');",
        );
        std::fs::write(
            made.path("m.toml"),
            "waybill-mapping = 1\nnames = \"fold\"\n[enums]\nstate = [\"open\", \"shut\"]\n\
             [tables.TheOrders.columns.PaidAt]\ntype = \"timestamptz\"\nepoch = \"seconds\"\n\
             [tables.TheOrders.columns.state]\ntype = \"state\"\n\
             [tables.TheOrders.columns.code]\ntype = \"integer\"\n\
             [tables.TheOrders.columns.junk]\ndrop = true\n",
        )
        .unwrap();
        let map = made.path("m.toml");
        let map = ["--map", map.to_str().unwrap()];
        let uri = server.fresh_database();
        made.import(&uri, &map);
        made.equal(&uri, &map);
        let name = uri.rsplit('/').next().unwrap().split('?').next().unwrap();
        let mut client = server.client(name);
        client.batch_execute("UPDATE the_orders SET paid_at = paid_at + interval '1 s', state = 'shut' WHERE order_id = 1").unwrap();
        differs(
            &made.check(&uri, &map, 3),
            "TheOrders",
            1,
            &["differs: OrderID=1 (PaidAt, state)"],
        );
    }
}

#[test]
fn tables_of_the_application_that_were_filled_can_be_checked() {
    for server in servers() {
        let made = Made::of(
            "CREATE TABLE Orders (ID INTEGER PRIMARY KEY, Total REAL, State TEXT, Code TEXT, Day TEXT);
             INSERT INTO Orders VALUES (1, 1.5, 'open', 'a', '2024-01-31'), (2, 2.25, 'shut', NULL, NULL);
             CREATE TABLE plain (a TEXT); INSERT INTO plain VALUES ('x');",
        );
        let uri = server.fresh_database();
        let name = uri.rsplit('/').next().unwrap().split('?').next().unwrap();
        let mut client = server.client(name);
        client
            .batch_execute(
                "CREATE TYPE state AS ENUM ('open', 'shut');
                 CREATE TABLE orders (id integer PRIMARY KEY, total numeric(10,2), state state, code char(4), day date, version integer DEFAULT 1)
                     PARTITION BY RANGE (id);
                 CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (2);
                 CREATE TABLE orders_2 PARTITION OF orders FOR VALUES FROM (2) TO (9);
                 CREATE TABLE plain (a varchar(9));",
            )
            .unwrap();
        made.import(&uri, &["--mode", "fill"]);
        made.equal(&uri, &[]);
        client.batch_execute("UPDATE orders SET total = 2.5, version = 2 WHERE id = 2; INSERT INTO orders (id) VALUES (7)").unwrap();
        let samples = ["differs: ID=2 (Total)", "extra: ID=7"];
        differs(&made.check(&uri, &[], 3), "Orders", 2, &samples);
    }
}

/// A fill took an interval as the role's `IntervalStyle` writes it, which a check then called another value;
/// and refused values under one setting that it takes under another. Now no setting has a say.
#[test]
fn no_setting_decides_what_tables_of_the_application_take() {
    for server in servers() {
        for (mode, mut desk) in ["fill", "merge"].map(|mode| {
            let desk = Desk::of_sql(
                server,
                "CREATE TABLE t(id integer PRIMARY KEY, i interval, b bytea[], f float8[], m money, x xml)",
                r#"CREATE TABLE t(id INTEGER PRIMARY KEY, i TEXT, b TEXT, f TEXT, m TEXT, x TEXT);
                   INSERT INTO t VALUES (1, '1 day', '{"\\x00ff"}', '{0.1234567890123456}', '$1.50', 'a<b/>')"#,
            );
            (mode, desk)
        }) {
            let database = desk.ask("SELECT current_database()");
            for setting in [
                "IntervalStyle = iso_8601",
                "bytea_output = escape",
                "extra_float_digits = -5",
                "xmloption = document",
                "DateStyle = 'SQL, DMY'",
                "TimeZone = 'Asia/Tokyo'",
            ] {
                let sql = format!("ALTER ROLE CURRENT_USER IN DATABASE {database} SET {setting}");
                desk.client.batch_execute(&sql).unwrap();
            }
            let import = |desk: &Desk| match mode {
                "fill" => desk.fill(&[]),
                _ => desk.merge(&[]),
            };
            import(&desk).exits(0);
            let mut check = command("waybill-import");
            check.arg("check").arg(&desk.archive).arg(&desk.uri);
            Ran::of(check).exits(0);
            let again = import(&desk).exits(0).json();
            assert_eq!(again["status"], "ok");
        }
    }
}

#[test]
fn the_database_is_only_read_and_an_application_goes_on_beside() {
    let (made, uri, mut client) = imported(server());
    let name = uri.rsplit('/').next().unwrap().split('?').next().unwrap();
    // A role that may do nothing but read.
    client
        .batch_execute(&format!(
            "CREATE ROLE looker_{name} LOGIN; GRANT USAGE ON SCHEMA public TO looker_{name};
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker_{name};
             ALTER ROLE looker_{name} SET default_transaction_read_only = on"
        ))
        .unwrap();
    let looker = uri.replace("//postgres@", &format!("//looker_{name}@"));
    assert_ne!(looker, uri);
    let mut busy = client.transaction().unwrap();
    busy.batch_execute("UPDATE orders SET name = 'busy'; DELETE FROM log")
        .unwrap();
    // What is not committed is not seen, and nobody waits.
    made.equal(&looker, &[]);
    busy.rollback().unwrap();
    client
        .batch_execute(&format!("REVOKE SELECT ON log FROM looker_{name}"))
        .unwrap();
    let found = findings(&made.check(&looker, &[], 3));
    assert_eq!(found[0].0, "target-table-missing");
    assert_eq!(found[0].1, "log");
    // What is hidden from the role is not taken for missing.
    client
        .batch_execute(&format!(
            "GRANT SELECT ON log TO looker_{name}; ALTER TABLE log ENABLE ROW LEVEL SECURITY"
        ))
        .unwrap();
    let found = findings(&made.check(&looker, &[], 3));
    assert_eq!(found[0].0, "target-table-missing");
    client
        .batch_execute(&format!(
            "DROP OWNED BY looker_{name}; DROP ROLE looker_{name}"
        ))
        .unwrap();
}
