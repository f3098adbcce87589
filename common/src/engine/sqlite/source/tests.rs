use super::*;
use crate::engine::sqlite::corpus::{BASE, STATEMENTS};
use crate::model::value::{OwnedValue, Value};
use crate::progress::{Extent, Unwatched};
use crate::report::Severity;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

mod damage;

/// Keeps every row.
#[derive(Default)]
struct Kept(Vec<Vec<OwnedValue>>);

impl RowSink for Kept {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        self.0.push(row.iter().map(Value::to_owned).collect());
        Ok(())
    }
}

struct Made {
    path: PathBuf,
    folder: TempDir,
}

fn made(sql: &str) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(sql).unwrap();
    Made { path, folder }
}

fn read_from(source: &mut SqliteSource<'_>, table: &str) -> Result<Vec<Vec<OwnedValue>>> {
    let table = source.schema().table(table).unwrap().clone();
    let mut kept = Kept::default();
    source.read(&table, &mut kept)?;
    assert!(kept.0.iter().all(|row| row.len() == table.cells()));
    Ok(kept.0)
}

fn rows(sql: &str, table: &str) -> Vec<Vec<OwnedValue>> {
    let made = made(sql);
    let mut source = SqliteSource::open(&made.path, &Unwatched).unwrap();
    let rows = read_from(&mut source, table).unwrap();
    source.finish().unwrap();
    rows
}

fn int(integer: i64) -> OwnedValue {
    OwnedValue::Integer(integer)
}

fn text(text: &str) -> OwnedValue {
    OwnedValue::Text(text.to_owned())
}

#[test]
fn every_storage_class_comes_as_it_is_stored() {
    let rows = rows(
        "CREATE TABLE t(a); INSERT INTO t VALUES (NULL), (9223372036854775807), (1.0), (-0.0), \
         (9e999), ('x''y'), (''), (x''), (x'00ff'), (CAST(x'61006200' AS TEXT)), \
         (CAST(x'61ff' AS TEXT)), (CAST(x'eda080' AS TEXT));",
        "t",
    );
    let cells: Vec<_> = rows.into_iter().map(|mut row| row.remove(1)).collect();
    assert_eq!(
        cells,
        [
            OwnedValue::Null,
            int(i64::MAX),
            OwnedValue::Real(1.0),
            OwnedValue::Real(-0.0),
            OwnedValue::Real(f64::INFINITY),
            text("x'y"),
            text(""),
            OwnedValue::Blob(vec![]),
            OwnedValue::Blob(vec![0, 255]),
            text("a\0b\0"),
            OwnedValue::RawText(vec![0x61, 0xff]),
            OwnedValue::RawText(vec![0xed, 0xa0, 0x80]),
        ]
    );
}

/// Read as UTF-8, 4100 00D8 4200 came out as A and U+10442, and FDFF as U+FFFD. Now every text of
/// a UTF-16 database is its code units, or else the bytes as stored.
#[test]
fn utf16_text_is_decoded_strictly_in_both_byte_orders() {
    let le = [
        ("41000001", Some("A\u{100}")),
        ("410000d84200", None),
        ("fdff", Some("\u{fffd}")),
        ("3dd800de", Some("\u{1f600}")),
        ("00de3dd8", None),
        ("fffe4100", Some("\u{feff}A")),
        ("410000004200", Some("A\0B")),
        ("", Some("")),
    ];
    for (encoding, swap) in [("UTF-16le", false), ("UTF-16be", true)] {
        for (hex, expected) in le {
            let mut bytes: Vec<u8> = (0..hex.len() / 2)
                .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
                .collect();
            if swap {
                bytes
                    .as_chunks_mut::<2>()
                    .0
                    .iter_mut()
                    .for_each(|pair| pair.reverse());
            }
            let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let stored = digits.concat();
            let rows = rows(
                &format!(
                    "PRAGMA encoding='{encoding}'; CREATE TABLE t(a, b, c); \
                     INSERT INTO t VALUES(CAST(x'{stored}' AS TEXT), x'{stored}', 1.5)"
                ),
                "t",
            );
            let read = expected.map_or(OwnedValue::RawText(bytes.clone()), text);
            let blob = OwnedValue::Blob(bytes);
            assert_eq!(
                rows,
                [vec![int(1), read, blob, OwnedValue::Real(1.5)]],
                "{encoding} {hex}"
            );
        }
    }
}

#[test]
fn utf16_text_of_odd_length_keeps_its_last_byte() {
    let made =
        made("PRAGMA encoding='UTF-16le'; CREATE TABLE t(a); INSERT INTO t VALUES(x'4100420043')");
    let mut bytes = fs::read(&made.path).unwrap();
    // The record's header: two bytes, then the type, 22 for a blob and 23 for a text of five.
    let record = [2, 22, 0x41, 0, 0x42, 0, 0x43];
    let at = bytes
        .windows(record.len())
        .position(|window| window == record)
        .unwrap();
    bytes[at + 1] = 23;
    fs::write(&made.path, bytes).unwrap();
    let mut source = SqliteSource::open(&made.path, &Unwatched).unwrap();
    let expected = OwnedValue::RawText(vec![0x41, 0, 0x42, 0, 0x43]);
    assert_eq!(read_from(&mut source, "t").unwrap(), [[int(1), expected]]);
}

#[test]
fn every_table_of_the_corpus_gives_its_rows() {
    for (shows, sql) in STATEMENTS {
        let made = made(&format!("{BASE}{sql}"));
        let connection = Connection::open(&made.path).unwrap();
        let mut source = SqliteSource::open(&made.path, &Unwatched).unwrap();
        let names: Vec<_> = source
            .schema()
            .tables
            .iter()
            .map(|t| t.name.clone())
            .collect();
        source.finish().unwrap();
        let mut expected = Vec::new();
        for name in &names {
            // Some of them refuse a row of defaults, which is as good.
            let quoted = name::quote(name);
            let _ = connection.execute(&format!("INSERT INTO {quoted} DEFAULT VALUES"), []);
            let count =
                connection.query_row(&format!("SELECT count(*) FROM {quoted}"), [], |row| {
                    row.get::<_, i64>(0)
                });
            expected.push(usize::try_from(count.unwrap()).unwrap());
        }
        let mut source = SqliteSource::open(&made.path, &Unwatched).unwrap();
        let carried: Vec<_> = names
            .iter()
            .map(|name| read_from(&mut source, name).unwrap().len())
            .collect();
        if shows == "FTS5 virtual table" {
            expected[4] = 0;
        }
        assert_eq!(carried, expected, "{shows}");
    }
}

#[test]
fn rows_come_in_rowid_order_whatever_indexes_there_are() {
    let rows = rows(
        "CREATE TABLE t(rowid TEXT UNIQUE); CREATE INDEX i ON t(rowid DESC); \
         INSERT INTO t(_rowid_, rowid) VALUES(5, 'a'), (-9, 'c'), (9223372036854775807, 'b');",
        "t",
    );
    assert_eq!(
        rows,
        [
            [int(-9), text("c")],
            [int(5), text("a")],
            [int(i64::MAX), text("b")]
        ]
    );
}

#[test]
fn an_integer_primary_key_is_its_rowid_and_computed_columns_have_no_cell() {
    let sql = "CREATE TABLE t(v AS (id*2), b, id INTEGER PRIMARY KEY, s AS (b||'x') STORED); \
               INSERT INTO t(id, b) VALUES(7, 'x'), (3, 'y')";
    assert_eq!(rows(sql, "t"), [[text("y"), int(3)], [text("x"), int(7)]]);
}

#[test]
fn tables_without_rowid_come_in_key_order() {
    let sql = "CREATE TABLE t(a TEXT COLLATE NOCASE, b INT, c, PRIMARY KEY(b DESC, a)) WITHOUT ROWID; \
               CREATE INDEX i ON t(c, a); INSERT INTO t VALUES('b', 1, 1), ('A', 1, 3), ('z', 2, 2)";
    assert_eq!(
        rows(sql, "t"),
        [
            [text("z"), int(2), int(2)],
            [text("A"), int(1), int(3)],
            [text("b"), int(1), int(1)]
        ]
    );
}

#[test]
fn collations_and_functions_of_an_application_do_not_hinder_reading() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .create_collation("mine", |left, right| right.cmp(left))
        .unwrap();
    for function in ["own", "other"] {
        let flags = rusqlite::functions::FunctionFlags::SQLITE_DETERMINISTIC;
        connection
            .create_scalar_function(function, 1, flags, |context| context.get::<i64>(0))
            .unwrap();
    }
    connection
        .execute_batch(
            "CREATE TABLE k(a TEXT COLLATE mine PRIMARY KEY, b) WITHOUT ROWID; \
             INSERT INTO k VALUES('a', 1), ('c', 2), ('b', 3); \
             CREATE TABLE f(a INT CHECK(own(a) > 0), b AS (own(a)) NOT NULL, c AS (other(a)) STORED); \
             INSERT INTO f VALUES(5); CREATE INDEX i ON f(own(a)) WHERE other(a) > 0; \
             CREATE TABLE s(a COLLATE mine UNIQUE); INSERT INTO s VALUES('x'), ('y');",
        )
        .unwrap();
    drop(connection);
    let mut source = SqliteSource::open(&path, &Unwatched).unwrap();
    let keys = read_from(&mut source, "k").unwrap();
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert_eq!(read_from(&mut source, "f").unwrap(), [[int(1), int(5)]]);
    assert_eq!(read_from(&mut source, "s").unwrap().len(), 2);
    let mut named: Vec<_> = source
        .findings()
        .iter()
        .map(|f| (f.severity, f.place.table.clone().unwrap_or_default()))
        .collect();
    named.sort();
    let note = |table: &str| (Severity::Note, table.to_owned());
    assert_eq!(named, [note("k"), note("s")], "{:?}", source.findings());
}

#[test]
fn rows_of_virtual_tables_are_read_through_their_modules() {
    let made = made(
        "CREATE VIRTUAL TABLE f USING fts5(a, b); INSERT INTO f(rowid, a, b) VALUES(9, 'x', 'y'), (2, 'z', NULL); \
         CREATE VIRTUAL TABLE g USING fts4(a); INSERT INTO g(docid, a) VALUES(4, 'w'); \
         CREATE VIRTUAL TABLE r USING rtree(id, x0, x1, +note); INSERT INTO r VALUES(8, 1, 2, 'n'), (3, 0, 1, 5); \
         CREATE VIRTUAL TABLE p USING geopoly(name); INSERT INTO p(name, _shape) VALUES('q', '[[0,0],[1,0],[1,1],[0,0]]');",
    );
    let mut source = SqliteSource::open(&made.path, &Unwatched).unwrap();
    assert_eq!(source.findings(), []);
    assert_eq!(
        read_from(&mut source, "f").unwrap(),
        [
            [int(2), text("z"), OwnedValue::Null],
            [int(9), text("x"), text("y")]
        ]
    );
    assert_eq!(read_from(&mut source, "g").unwrap(), [[int(4), text("w")]]);
    let real = OwnedValue::Real;
    assert_eq!(
        read_from(&mut source, "r").unwrap(),
        [
            [int(3), real(0.0), real(1.0), int(5)],
            [int(8), real(1.0), real(2.0), text("n")]
        ]
    );
    let shapes = read_from(&mut source, "p").unwrap();
    assert!(
        matches!(
            shapes[0].as_slice(),
            [_, OwnedValue::Blob(_), OwnedValue::Text(_)]
        ),
        "{shapes:?}"
    );
}

#[test]
fn a_virtual_table_that_cannot_be_read_is_no_damage() {
    let made = made(
        "CREATE VIRTUAL TABLE m USING fts3(a, tokenize=simple); INSERT INTO m VALUES('x'); \
         CREATE VIRTUAL TABLE n USING fts5(a, tokenize=ascii); INSERT INTO n VALUES('y'); \
         PRAGMA writable_schema=1; UPDATE sqlite_schema SET \
         sql=replace(replace(sql, 'simple', 'mozporter'), 'ascii', 'alien');",
    );
    let mut source = SqliteSource::open(&made.path, &Unwatched).unwrap();
    let severities: Vec<_> = source.findings().iter().map(|f| f.severity).collect();
    assert_eq!(severities, [Severity::Warning], "{:?}", source.findings());
    let content = read_from(&mut source, "m_content").unwrap();
    assert_eq!(content, [[int(1), text("x")]]);
    // FTS5 asks for its tokenizer only when it searches or writes.
    assert_eq!(read_from(&mut source, "n").unwrap(), [[int(1), text("y")]]);
}

#[test]
fn a_live_wal_is_read_at_one_moment_while_its_writer_goes_on() {
    let made = made("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    let writer = Connection::open(&made.path).unwrap();
    writer.execute_batch("INSERT INTO t VALUES(2)").unwrap();
    let mut source = SqliteSource::open(&made.path, &Unwatched).unwrap();
    writer
        .execute_batch("INSERT INTO t VALUES(3); PRAGMA wal_checkpoint; CREATE TABLE later(a)")
        .unwrap();
    assert_eq!(read_from(&mut source, "t").unwrap().len(), 2);
    assert!(source.schema().table("later").is_none());
    assert!(source.schema().facts.wal);
    source.finish().unwrap();
}

/// Set in the process that tries to write while another reads.
const WRITES_TO: &str = "WAYBILL_TEST_WRITES_TO";

#[test]
fn a_writer_that_comes_while_another_process_reads() {
    if let Some(path) = std::env::var_os(WRITES_TO) {
        let writer = Connection::open(path).unwrap();
        let _ = writer.busy_timeout(std::time::Duration::ZERO);
        let error = writer.execute_batch("INSERT INTO t VALUES(9)").unwrap_err();
        assert_eq!(error.to_string(), "database is locked");
    }
}

/// Opening and closing the source by ordinary file I/O once dropped SQLite's lock, and a writer
/// of another process got in. Now the lock lasts from opening to the end.
#[test]
fn in_rollback_mode_writers_wait_until_the_end() {
    let made = made("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    let mut source = SqliteSource::open(&made.path, &Unwatched).unwrap();
    assert_eq!(read_from(&mut source, "t").unwrap().len(), 1);
    assert!(!source.opened.changed());
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "engine::sqlite::source::tests::a_writer_that_comes_while_another_process_reads",
        ])
        .env(WRITES_TO, &made.path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
    source.finish().unwrap();
    let writer = Connection::open(&made.path).unwrap();
    writer.execute_batch("INSERT INTO t VALUES(2)").unwrap();
}

#[test]
fn what_was_finished_cannot_be_read_again() {
    let made = made("CREATE TABLE t(a)");
    let mut source = SqliteSource::open(&made.path, &Unwatched).unwrap();
    source.finish().unwrap();
    assert_eq!(read_from(&mut source, "t").unwrap_err().code(), Code::Bug);
}

struct Stopped;

impl Watch for Stopped {
    fn phase(&self, _: &str, _: Extent) {}
    fn table(&self, _: &str) {}
    fn advance(&self, _: u64, _: u64) {}
    fn stopped(&self) -> bool {
        true
    }
}

#[test]
fn a_stopped_watch_ends_opening_and_reading() {
    let made = made("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    let fault = SqliteSource::open(&made.path, &Stopped).err().unwrap();
    assert_eq!(fault.code(), Code::Interrupted);
    let mut source = SqliteSource::open(&made.path, &Unwatched).unwrap();
    source.watch = &Stopped;
    assert_eq!(
        read_from(&mut source, "t").unwrap_err().code(),
        Code::Interrupted
    );
}

#[test]
fn estimates_come_from_the_ends_of_a_table() {
    let made = made(
        "CREATE TABLE t(a); INSERT INTO t(rowid) VALUES(10), (11), (14); CREATE TABLE e(a); \
         CREATE TABLE w(a PRIMARY KEY) WITHOUT ROWID; CREATE TABLE x(rowid); \
         INSERT INTO x(oid) VALUES(-9223372036854775808), (9223372036854775807);",
    );
    let source = SqliteSource::open(&made.path, &Unwatched).unwrap();
    let estimate = |name: &str| source.estimate(source.schema().table(name).unwrap());
    assert_eq!(
        ["t", "e", "w", "x"].map(estimate),
        [Some(5), Some(0), None, Some(u64::MAX)]
    );
    assert_eq!(source.engine().0, "sqlite");
}

#[test]
fn unknown_functions_are_named_in_sqlites_messages() {
    assert_eq!(unknown_function("unknown function: own()"), Some("own"));
    assert_eq!(
        unknown_function("no such function: own in SELECT 1"),
        Some("own")
    );
    assert_eq!(unknown_function("no such table: own"), None);
}
