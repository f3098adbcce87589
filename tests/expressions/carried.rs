//! Checks, indexes and defaults: that they are in force in PostgreSQL, and mean the same.

use super::imported;
use crate::support::postgres;
use rusqlite::Connection;
use waybill_common::fault::Code;
use waybill_common::report::Severity;

const SCHEMA: &str = "
CREATE TABLE item(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL COLLATE NOCASE CHECK (length(trim(name)) > 0),
  price REAL DEFAULT (1.5 * 2) CONSTRAINT cheap CHECK (price < 100),
  state TEXT DEFAULT 'new' CHECK (state IN ('new', 'old', \"gone\")),
  made TEXT DEFAULT (datetime('now')),
  day DATE DEFAULT (date('now', '+1 day')),
  token TEXT DEFAULT (lower(hex(randomblob(16)))),
  quote TEXT DEFAULT 'it''s',
  label TEXT AS (upper(name) || '/' || id) STORED,
  first TEXT AS (substr(name, 1, 1)),
  odd INTEGER CHECK (odd % 2 = 1 OR odd IS NULL),
  CHECK (price >= 0 OR state = 'gone')
);
CREATE UNIQUE INDEX one_new ON item(name) WHERE state = 'new';
CREATE INDEX by_lower ON item(lower(state), price DESC);
CREATE INDEX by_label ON item(label);
CREATE UNIQUE INDEX by_length ON item(length(name), id);
INSERT INTO item(id, name, price, state, day, odd, made, token)
VALUES (1, 'Apple', 3.5, 'new', '2024-01-02', 1, '2024-01-02 03:04:05', 'x'),
       (2, 'apple', 2.0, 'old', '2024-01-03', NULL, '2024-01-02 03:04:06', 'y');
PRAGMA ignore_check_constraints = ON;
INSERT INTO item(id, name, price, state, day, odd, made, token)
VALUES (3, 'pear', 250.0, 'old', '2024-01-04', 3, '2024-01-02 03:04:07', 'z');
";

#[test]
fn checks_indexes_and_defaults_are_in_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("item.db");
    let connection = Connection::open(&source).expect("a file");
    connection.execute_batch(SCHEMA).expect("a schema");
    for server in postgres::servers() {
        let (report, mut client) = imported(&source, server);
        let left_out: Vec<_> = report
            .findings
            .iter()
            .filter(|finding| finding.code == Code::StructureLeftOut)
            .collect();
        assert!(left_out.is_empty(), "{left_out:?}");
        let weak = report.findings.iter().find(|finding| {
            finding.code == Code::StructureWeakened && finding.message.contains("`cheap`")
        });
        let weak = weak.expect("the broken check is named");
        assert_eq!((weak.severity, weak.count), (Severity::Warning, 1));

        let labels: Vec<(String, String)> = client
            .query("SELECT label, first FROM item ORDER BY id", &[])
            .expect("computed columns")
            .iter()
            .map(|row| (row.get(0), row.get(1)))
            .collect();
        let expected = [("APPLE/1", "A"), ("APPLE/2", "a"), ("PEAR/3", "p")];
        let expected = expected.map(|(label, first)| (label.to_owned(), first.to_owned()));
        assert_eq!(labels, expected);

        client
            .execute("INSERT INTO item(id, name) VALUES (10, 'plum')", &[])
            .expect("defaults do");
        let row = client
            .query_one(
                "SELECT price::text, state, quote, made::timestamp BETWEEN (now() AT TIME ZONE 'UTC') - interval '1 minute' AND (now() AT TIME ZONE 'UTC') + interval '1 minute',
                        day - (now() AT TIME ZONE 'UTC')::date, token ~ '^[0-9a-f]{32}$' FROM item WHERE id = 10",
                &[],
            )
            .expect("the row");
        assert_eq!(row.get::<_, String>(0), "3");
        assert_eq!(row.get::<_, String>(1), "new");
        assert_eq!(row.get::<_, String>(2), "it's");
        assert!(row.get::<_, bool>(3) && row.get::<_, bool>(5));
        assert_eq!(row.get::<_, i32>(4), 1);

        for (values, code) in [
            ("(11, '  ', 1, 'new', 1)", "23514"),
            ("(11, 'x', 100, 'new', 1)", "23514"),
            ("(11, 'x', 1, 'other', 1)", "23514"),
            ("(11, 'x', 1, 'new', 2)", "23514"),
            ("(11, 'x', -1, 'new', 1)", "23514"),
            ("(11, 'APPLE', 1, 'new', 1)", "23505"),
        ] {
            let sql = format!("INSERT INTO item(id, name, price, state, odd) VALUES {values}");
            let error = client.execute(&sql, &[]).expect_err(values);
            assert_eq!(
                error.code().map(::postgres::error::SqlState::code),
                Some(code),
                "{values}"
            );
        }
        client
            .execute(
                "INSERT INTO item(id, name, price, state, odd) VALUES (12, 'APPLE', -1, 'gone', NULL)",
                &[],
            )
            .expect("a row that SQLite takes, too");
    }
}
