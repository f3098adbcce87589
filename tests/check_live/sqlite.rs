//! Against SQLite files.

use super::{Made, SHOP, differs, findings, sqlite};
use rusqlite::Connection;
use std::fs;

#[test]
fn an_imported_file_and_the_source_itself_are_equal() {
    let made = Made::of(SHOP);
    let target = sqlite(&made.path("t.db"));
    made.import(&target, &[]);
    made.equal(&target, &[]);
    made.equal(&target, &["-j", "1", "-T", "log"]);
    made.equal(&sqlite(&made.source()), &[]);
}

#[test]
fn values_classes_rowids_and_rows_that_changed_are_named() {
    let made = Made::of(SHOP);
    for (change, table, count, samples) in [
        (
            "UPDATE orders SET name = 'anne' WHERE id = 1",
            "orders",
            1,
            &["differs: id=1 (name)"][..],
        ),
        (
            "UPDATE orders SET name = '' WHERE id = 3",
            "orders",
            1,
            &["differs: id=3 (name)"],
        ),
        (
            "UPDATE orders SET raw = CAST(raw AS TEXT) WHERE id = 2",
            "orders",
            1,
            &["differs: id=2 (raw)"],
        ),
        (
            "DELETE FROM orders WHERE id = 2",
            "orders",
            1,
            &["missing: id=2"],
        ),
        (
            "INSERT INTO orders (id) VALUES (12)",
            "orders",
            1,
            &["extra: id=12"],
        ),
        (
            "UPDATE log SET rowid = 30 WHERE rowid = 3",
            "log",
            2,
            &["missing: rowid=3", "extra: rowid=30"],
        ),
        (
            "INSERT INTO log VALUES ('2024-01-01', 'in')",
            "log",
            1,
            &["extra: rowid=4"],
        ),
        (
            "UPDATE pair SET v = NULL WHERE b = 1",
            "pair",
            1,
            &["differs: a='x', b=1 (v)"],
        ),
    ] {
        let target = made.path("t.db");
        fs::copy(made.source(), &target).unwrap();
        Connection::open(&target)
            .unwrap()
            .execute_batch(change)
            .unwrap();
        let before = fs::read(&target).unwrap();
        differs(&made.check(&sqlite(&target), &[], 3), table, count, samples);
        assert_eq!(fs::read(&target).unwrap(), before, "only read");
    }
}

#[test]
fn a_negative_zero_and_a_real_one_are_other_values() {
    let made = Made::of(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB); INSERT INTO t VALUES (1, 0.0), (2, 1)",
    );
    let target = made.path("t.db");
    made.import(&sqlite(&target), &[]);
    let connection = Connection::open(&target).unwrap();
    connection
        .execute("UPDATE t SET v = ?1 WHERE id = 1", [-0.0_f64])
        .unwrap();
    connection
        .execute_batch("UPDATE t SET v = 1.0 WHERE id = 2")
        .unwrap();
    drop(connection);
    let json = made.check(&sqlite(&target), &[], 3);
    // An integer and a real of one value are of two classes.
    differs(&json, "t", 2, &["differs: id=1 (v)", "differs: id=2 (v)"]);
}

#[test]
fn tables_and_columns_that_are_gone_are_told() {
    let made = Made::of(SHOP);
    let target = made.path("t.db");
    made.import(&sqlite(&target), &[]);
    let change =
        "DROP TABLE log; ALTER TABLE orders DROP COLUMN doc; ALTER TABLE orders ADD COLUMN mine";
    Connection::open(&target)
        .unwrap()
        .execute_batch(change)
        .unwrap();
    let json = made.check(&sqlite(&target), &[], 3);
    let codes: Vec<_> = findings(&json)
        .into_iter()
        .map(|(code, table, ..)| (code, table))
        .collect();
    let expected = [
        ("target-column-missing", "orders"),
        ("target-table-missing", "log"),
    ];
    for (code, table) in expected {
        assert!(
            codes.contains(&(code.to_owned(), table.to_owned())),
            "{json:#}"
        );
    }
    assert_eq!(codes.len(), 2, "{json:#}");
}

#[test]
fn a_database_that_is_not_there_is_no_difference() {
    let made = Made::of(SHOP);
    let json = made.check(&sqlite(&made.path("none.db")), &[], 1);
    assert_eq!(json["error"]["code"], "source-missing");
    let map = made.path("m.toml");
    fs::write(&map, "waybill-mapping = 1\n").unwrap();
    made.check(
        &sqlite(&made.source()),
        &["--map", map.to_str().unwrap()],
        2,
    );
}
