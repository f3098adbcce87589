//! SQLite's expressions in PostgreSQL: each is evaluated by the real SQLite and, as Waybill has
//! translated it, by every real PostgreSQL there is to test against, over the same rows.

mod carried;
mod cases;
mod compare;
mod hostile;
mod views;

use crate::support::{library, postgres};
use cases::{COMPUTED, REFUSED};
use compare::{assert_same_column, read_sqlite};
use rusqlite::Connection;
use std::path::Path;
use waybill_common::fault::Code;
use waybill_common::report::Report;

/// Values that tell one meaning from another.
const ROWS: &str = "
CREATE TABLE v(
  id INTEGER PRIMARY KEY, i INTEGER, j INTEGER, k INTEGER, r REAL, s REAL, n NUMERIC(10,2),
  t TEXT, u TEXT COLLATE NOCASE, w TEXT COLLATE RTRIM, b BLOB, f BOOLEAN, d DATE, ts DATETIME,
  g TEXT, js JSON, z, \"two words\" TEXT);
INSERT INTO v VALUES
 (1, 0, 0, 0, 0.0, 0.0, 0, '', '', '', x'', 0, '2024-02-29', '2024-02-29 23:59:59',
  '00000000-0000-0000-0000-00000000000a', '{\"a\":1,\"b\":\"x\"}', 1, 'q'),
 (2, 1, -1, 9223372036854775807, 0.5, 2.5, 1.5, 'abc', 'ABC', 'abc  ', x'00ff', 1, '1999-12-31', '1999-12-31 00:00:00',
  'f0000000-0000-4000-8000-000000000001', '{\"a\":\"one\",\"c\":[1,2]}', 2, 'it''s'),
 (3, -7, 2, -9223372036854775808, -2.5, -0.5, -3, 'AbC', 'abc', 'abc', x'61', 0, '2000-01-01', '2000-01-01 12:30:15.5',
  'a0000000-0000-4000-8000-000000000001', '{\"a\":true,\"b\":null}', 3, 'abc'),
 (4, 7, -2, 9007199254740993, 2.675, 1e15, 2.25, ' a ', ' A', ' a ', x'20', 1, '2023-03-31', '2023-03-31 07:05:09',
  'b0000000-0000-4000-8000-000000000001', '{\"a\":0,\"d\":{\"e\":\"deep\"}}', 4, ' a '),
 (5, 3, 3, -9007199254740993, 1.005, 0.125, 10, 'Ä', 'ä', 'Ä ', x'c384', NULL, '0033-04-03', '0033-04-03 00:00:01',
  'c0000000-0000-4000-8000-000000000001', '{\"a\":false}', 5, 'Ä'),
 (6, 100, -100, 42, -1.5, 3.5, 100.01, 'a%b', 'A_B', 'a_b', x'255f', 1, '9999-12-31', '9999-12-31 23:59:59',
  'd0000000-0000-4000-8000-000000000001', '{}', 6, 'a%b'),
 (7, -1, 1, -1, 123456.789, -123456.785, 0.1, 'a\\b', '12', '12', x'5c', 0, '2024-01-31', '2024-01-31 00:00:00',
  'e0000000-0000-4000-8000-000000000001', '{\"a\":\"1\",\"b\":\"a''b\"}', 7, 'a\\b'),
 (8, 2, 5, 5, 0.1, 0.2, 7, '12abc', '-3.5e1x', '007', x'3132', 1, '1970-01-01', '1970-01-01 00:00:00',
  '12345678-1234-4234-8234-123456789012', '[1,\"two\",3]', 8, '12abc'),
 (9, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 9, NULL),
 (10, 5, 0, 10, 4503599627370497.5, -0.4, -0.5, 'naïve %_x', 'NAÏVE %_X', 'x   ', x'00', 0, '2020-06-15', '2020-06-15 18:00:00.25',
  'a1b2c3d4-e5f6-4a7b-8c9d-0e1f2a3b4c5d', '{\"a\":12.5}', 10, 'new
line'),
 (11, -3, 2, 1, 1e-7, -1e-7, 12345.67, '[x]', 'a-b', ']', x'0d0a', 1, '2019-12-30', '2019-12-30 00:00:00',
  'ffffffff-ffff-4fff-8fff-ffffffffffff', '{\"a\":\"[x]\"}', 11, '*?[');
";

/// Exports `source` and imports it into a fresh database of the server.
fn imported(source: &Path, server: &postgres::Server) -> (Report, ::postgres::Client) {
    let archive = source.with_extension("waybill");
    library::export(source, &archive).expect("the file can be exported");
    let uri = server.fresh_database();
    let report = library::into_postgres(&archive, &uri).expect("the archive can be imported");
    assert!(!report.refused, "{:?}", report.findings);
    let client = ::postgres::Client::connect(&uri, ::postgres::NoTls).expect("it is there");
    (report, client)
}

/// Every expression as a computed column: the whole way through archive, plan and server.
#[test]
fn a_computed_column_gives_in_postgresql_what_it_gives_in_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("computed.db");
    let connection = Connection::open(&source).expect("a file");
    connection.execute_batch(ROWS).expect("rows");
    for (position, expression) in COMPUTED.iter().enumerate() {
        let sql = format!("ALTER TABLE v ADD COLUMN e{position} AS ({expression})");
        connection
            .execute_batch(&sql)
            .unwrap_or_else(|error| panic!("{expression}: {error}"));
    }
    for server in postgres::servers() {
        let (report, mut client) = imported(&source, server);
        let mut wrong = Vec::new();
        for (position, expression) in COMPUTED.iter().enumerate() {
            let column = format!("e{position}");
            let left_out = report.findings.iter().find(|finding| {
                finding.code == Code::StructureLeftOut
                    && finding.place.column.as_deref() == Some(column.as_str())
            });
            if let Some(finding) = left_out {
                wrong.push(format!("{expression}: {}", finding.message));
                continue;
            }
            let expected = read_sqlite(&connection, "v", &column);
            if let Err(why) = assert_same_column(&mut client, "v", &column, &expected) {
                wrong.push(format!("{expression}: {why}"));
            }
        }
        assert!(
            wrong.is_empty(),
            "{} of {}:\n{}",
            wrong.len(),
            COMPUTED.len(),
            wrong.join("\n")
        );
    }
}

#[test]
fn what_has_no_equal_counterpart_is_left_out_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("refused.db");
    let connection = Connection::open(&source).expect("a file");
    connection.execute_batch(ROWS).expect("rows");
    for (position, (expression, _)) in REFUSED.iter().enumerate() {
        let sql = format!("ALTER TABLE v ADD COLUMN e{position} AS ({expression})");
        connection
            .execute_batch(&sql)
            .unwrap_or_else(|error| panic!("{expression}: {error}"));
    }
    let (report, _) = imported(&source, postgres::server());
    for (position, (expression, reason)) in REFUSED.iter().enumerate() {
        let column = format!("e{position}");
        let of_column = |finding: &&waybill_common::report::Finding| {
            finding.place.column.as_deref() == Some(column.as_str())
        };
        let finding = report.findings.iter().find(of_column);
        let finding = finding.unwrap_or_else(|| panic!("nothing is said of {expression}"));
        assert_eq!(finding.code, Code::StructureLeftOut, "{expression}");
        assert!(
            finding.message.contains(reason),
            "{expression}: {}",
            finding.message
        );
    }
}

/// The page that lists the functions is about the code.
#[test]
fn the_page_lists_every_function_that_is_translated_and_no_other() {
    let page = include_str!("../docs/expressions.md");
    let section = page
        .split("\n## ")
        .find(|section| section.starts_with("Functions"));
    let listed: Vec<&str> = section
        .expect("the page has a section of functions")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('(').next())
        .collect();
    assert_eq!(listed, waybill_common::mapping::expression::FUNCTIONS);
    let section = page
        .split("\n## ")
        .find(|section| section.starts_with("Views"));
    let listed: Vec<&str> = section
        .expect("the page has a section of views")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('(').next())
        .collect();
    assert_eq!(listed, waybill_common::mapping::expression::AGGREGATES);
}
