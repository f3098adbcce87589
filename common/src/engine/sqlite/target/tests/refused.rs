//! What is refused, and that nothing stays behind.

use super::*;
use crate::model::schema::{Facts, Trigger, View};
use crate::model::schema::{TableKind, VirtualContent};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

const HOSTILE: [&str; 18] = [
    "ATTACH 'stolen.db' AS x",
    "CREATE TABLE t(a); ATTACH 'stolen.db' AS x",
    "CREATE TABLE t(a); CREATE TABLE u(a)",
    "CREATE TABLE t AS SELECT load_extension('x') AS a",
    "CREATE TABLE t AS SELECT 1 AS a",
    "CREATE TEMP TABLE t(a)",
    "CREATE TABLE temp.t(a)",
    "CREATE TABLE main.t(a)",
    "CREATE TABLE IF NOT EXISTS t(a)",
    "CREATE TABLE u(a)",
    "CREATE TABLE t(a, b)",
    "CREATE TABLE t(a INTEGER PRIMARY KEY)",
    "CREATE TABLE t(a UNIQUE)",
    "CREATE TABLE t(a ANY) STRICT",
    "PRAGMA writable_schema = ON",
    "SELECT load_extension('x')",
    "CREATE VIRTUAL TABLE t USING fts5(a)",
    "",
];

#[test]
fn a_table_is_made_by_its_own_create_statement_or_not_at_all() {
    for sql in HOSTILE {
        let mut content = content("CREATE TABLE t(a);");
        sql.clone_into(&mut content.schema.tables[0].sql);
        let fault = refusal(&content);
        assert_eq!(fault.code(), Code::ObjectMismatch, "{sql}: {fault:?}");
        assert_eq!(fault.place().table.as_deref(), Some("t"), "{sql}");
    }
}

#[test]
fn views_triggers_and_indexes_are_held_to_their_names_and_tables() {
    let base = content("CREATE TABLE t(a); CREATE TABLE u(a); CREATE INDEX i ON t(a);");
    let mut hostile = Vec::new();
    for sql in [
        "CREATE VIEW v AS SELECT 1; DROP TABLE t",
        "CREATE TEMP VIEW v AS SELECT 1",
        "CREATE VIEW w AS SELECT 1",
        "CREATE TABLE v(a)",
        "DELETE FROM t",
    ] {
        let mut content = base.clone();
        content.schema.views.push(View {
            name: "v".to_owned(),
            sql: sql.to_owned(),
        });
        hostile.push((sql, content));
    }
    for sql in [
        "CREATE TRIGGER g AFTER INSERT ON u BEGIN SELECT 1; END",
        "CREATE TRIGGER h AFTER INSERT ON t BEGIN SELECT 1; END",
        "CREATE TEMP TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END",
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END; SELECT 1",
    ] {
        let mut content = base.clone();
        content.schema.triggers.push(Trigger {
            name: "g".to_owned(),
            table: "t".to_owned(),
            sql: sql.to_owned(),
        });
        hostile.push((sql, content));
    }
    for sql in [
        "CREATE INDEX i ON u(a)",
        "CREATE INDEX i ON t(a DESC)",
        "CREATE UNIQUE INDEX i ON t(a)",
        "CREATE INDEX i ON t(a) WHERE a > 1",
        "CREATE INDEX j ON t(a)",
        "DROP TABLE t",
    ] {
        let mut content = base.clone();
        sql.clone_into(&mut content.schema.tables[0].indexes[0].sql);
        hostile.push((sql, content));
    }
    for (sql, content) in hostile {
        assert_eq!(refusal(&content).code(), Code::ObjectMismatch, "{sql}");
    }
}

#[test]
fn settings_that_sqlite_does_not_take_are_refused() {
    for change in [
        |facts: &mut Facts| facts.page_size = 1000,
        |facts: &mut Facts| facts.page_size = u32::MAX,
        |facts: &mut Facts| facts.auto_vacuum = 7,
    ] {
        let mut content = content("CREATE TABLE t(a);");
        change(&mut content.schema.facts);
        assert_eq!(refusal(&content).code(), Code::ObjectMismatch);
    }
}

#[test]
fn an_unknown_module_is_left_out_and_its_rows_are_never_lost_in_silence() {
    let mut content = content("CREATE VIRTUAL TABLE f USING fts5(a, content='');");
    let table = &mut content.schema.tables[0];
    table.sql = "CREATE VIRTUAL TABLE f USING spellfix1".to_owned();
    let kind = |content| TableKind::Virtual {
        module: "spellfix1".to_owned(),
        content,
    };
    table.kind = kind(VirtualContent::Unavailable);
    let folder = tempfile::tempdir().unwrap();
    let findings = import(&content, &folder.path().join("new.db")).unwrap();
    assert_eq!(findings[0].code, Code::StructureLeftOut);
    assert_eq!(findings[0].place.table.as_deref(), Some("f"));
    content.schema.tables[0].kind = kind(VirtualContent::Rows);
    assert_eq!(refusal(&content).code(), Code::ObjectUnsupported);
}

#[test]
fn a_value_that_sqlite_would_change_is_named() {
    let base = content("CREATE TABLE t(id INTEGER PRIMARY KEY, n NUMERIC, s TEXT);");
    for (row, column) in [
        ([Value::Integer(7), Value::Text("12"), Value::Null], "n"),
        ([Value::Integer(7), Value::Real(4.0), Value::Null], "n"),
        ([Value::Integer(7), Value::Null, Value::Integer(3)], "s"),
    ] {
        let fault = refusal(&base.clone().row(0, &row));
        assert_eq!(fault.code(), Code::ValueRefused);
        let place = fault.place();
        assert_eq!(place.table.as_deref(), Some("t"));
        assert_eq!(place.column.as_deref(), Some(column));
        assert_eq!(place.row.as_deref(), Some("id=7"));
    }
    let fault = refusal(&base.row(0, &[Value::Null, Value::Null, Value::Null]));
    assert_eq!(fault.code(), Code::ValueRefused);
}

#[test]
fn rows_that_break_keys_and_types_are_named() {
    let base = content(
        "CREATE TABLE t(a INTEGER NOT NULL, b UNIQUE ON CONFLICT REPLACE); CREATE TABLE s(a INT) STRICT;",
    );
    let twice = base
        .clone()
        .row(0, &[Value::Integer(1), Value::Integer(1), Value::Text("x")])
        .row(0, &[Value::Integer(2), Value::Integer(2), Value::Text("x")]);
    let fault = refusal(&twice);
    assert_eq!(fault.code(), Code::KeyDuplicate);
    assert_eq!(fault.place().row.as_deref(), Some("rowid=2"));
    let null = base
        .clone()
        .row(0, &[Value::Integer(5), Value::Null, Value::Null]);
    assert_eq!(refusal(&null).code(), Code::NotNullViolated);
    let strict = base.row(1, &[Value::Integer(5), Value::Blob(b"x")]);
    let fault = refusal(&strict);
    assert_eq!(fault.code(), Code::ValueRefused);
    assert_eq!(fault.place().table.as_deref(), Some("s"));
}

#[test]
fn an_odd_byte_of_utf_16_is_refused_and_not_cut_off() {
    let base = content("PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(a);");
    let fault = refusal(&base.row(0, &[Value::Integer(1), Value::RawText(b"\0\xd8\0")]));
    assert_eq!(fault.code(), Code::ValueRefused);
    assert_eq!(fault.place().column.as_deref(), Some("a"));
}

#[test]
fn rows_of_no_table_are_refused() {
    let base = content("CREATE TABLE t(a);");
    let mut stray = base.row(0, &[Value::Integer(1), Value::Null]);
    stray.parts[0].table = 4;
    assert_eq!(refusal(&stray).code(), Code::ArchiveInconsistent);
}

/// A file that changes between load and check stands for a defect of ours or of the disk.
#[test]
fn a_value_that_did_not_arrive_is_noticed() {
    for damage in [
        "UPDATE t SET a = 2",
        "UPDATE t SET a = 1.0",
        "DELETE FROM t",
    ] {
        let content = content("CREATE TABLE t(a); INSERT INTO t VALUES (1);");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.db");
        let mut target = SqliteTarget::new(path, &content.schema, SqliteOptions::default());
        target.begin(&content, &Unwatched).unwrap();
        target.load(&content, &Unwatched).unwrap();
        target.build(&Unwatched).unwrap();
        target
            .staged
            .as_ref()
            .unwrap()
            .connection
            .execute_batch(damage)
            .unwrap();
        let fault = target.check(&Unwatched).unwrap_err();
        assert_eq!(fault.code(), Code::ContentDiffers, "{damage}");
        assert_eq!(fault.place().table.as_deref(), Some("t"));
        drop(target);
        assert_eq!(others(folder.path()), [""; 0]);
    }
}

#[test]
fn a_target_that_exists_or_cannot_be_written_is_left_alone() {
    let content = content("CREATE TABLE t(a);");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    fs::write(&path, b"precious").unwrap();
    let fault = import(&content, &path).unwrap_err();
    assert_eq!(fault.code(), Code::TargetFileExists);
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    let missing = import(&content, &folder.path().join("missing/new.db")).unwrap_err();
    assert_eq!(missing.code(), Code::TargetUnwritable);
    // Root may write anywhere; then this proves nothing and the rest of the test has run.
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    if !rustix::process::geteuid().is_root() {
        let fault = import(&content, &closed.join("new.db")).unwrap_err();
        assert_eq!(fault.code(), Code::TargetUnwritable);
    }
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let content = content(
        "CREATE TABLE t(a); WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 900)
         INSERT INTO t SELECT randomblob(900) FROM n;",
    );
    let folder = tempfile::tempdir().unwrap();
    let mut target = SqliteTarget::new(
        folder.path().join("new.db"),
        &content.schema,
        SqliteOptions::default(),
    );
    target.begin(&content, &Unwatched).unwrap();
    // SQLite reports its own limit on pages as it reports a full disk.
    let connection = &target.staged.as_ref().unwrap().connection;
    connection
        .execute_batch("PRAGMA max_page_count = 20")
        .unwrap();
    let fault = target.load(&content, &Unwatched).unwrap_err();
    assert_eq!(fault.code(), Code::TargetUnwritable);
    drop(target);
    assert_eq!(others(folder.path()), [""; 0]);
}

/// Asks to stop once it was asked so many times.
struct Stopper {
    rows: AtomicU64,
    looks: AtomicI64,
    gave_up: AtomicBool,
}

impl Stopper {
    fn after(looks: i64) -> Self {
        Stopper {
            rows: AtomicU64::new(0),
            looks: AtomicI64::new(looks),
            gave_up: AtomicBool::new(false),
        }
    }
}

impl Watch for Stopper {
    fn phase(&self, _: &str, _: Extent) {}
    fn table(&self, _: &str) {}
    fn advance(&self, rows: u64, _: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }
    fn stopped(&self) -> bool {
        self.looks.fetch_sub(1, Ordering::Relaxed) <= 0
    }
    fn give_up(&self) {
        self.gave_up.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_signal_ends_every_step_and_a_long_statement() {
    let content = content(
        "CREATE TABLE t(a); INSERT INTO t VALUES (1);
         CREATE TABLE posts(id, a); CREATE VIEW endless AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id, 'x' AS a FROM n;
         CREATE VIRTUAL TABLE f USING fts5(a, content='endless', content_rowid='id');",
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    // Five looks are more than the build takes before the endless statement begins.
    let (in_the_build, at_once) = (Stopper::after(5), Stopper::after(0));
    let mut target = SqliteTarget::new(path.clone(), &content.schema, SqliteOptions::default());
    target.begin(&content, &Unwatched).unwrap();
    let fault = target.load(&content, &at_once).unwrap_err();
    assert_eq!(fault.code(), Code::Interrupted);
    drop(target);
    let mut target = SqliteTarget::new(path.clone(), &content.schema, SqliteOptions::default());
    assert_eq!(
        target.begin(&content, &at_once).unwrap_err().code(),
        Code::Interrupted
    );
    drop(target);
    let mut target = SqliteTarget::new(path, &content.schema, SqliteOptions::default());
    target.begin(&content, &Unwatched).unwrap();
    target.load(&content, &Unwatched).unwrap();
    assert_eq!(
        target.build(&in_the_build).unwrap_err().code(),
        Code::Interrupted
    );
    drop(target);
    assert_eq!(others(folder.path()), [""; 0]);
}

/// Two rows made an import take 3 GB. What a schema computes is now in proportion to its rows.
#[test]
fn a_schema_cannot_ask_for_more_memory_than_its_rows_explain() {
    for sql in [
        "CREATE TABLE t(a, b AS (length(replace(hex(zeroblob(450000000)),'0','a'))) STORED)",
        "CREATE TABLE t(a, b AS (length(replace(hex(zeroblob(450000000)),'0','a'))) UNIQUE)",
        "CREATE TABLE t(a, b AS (length(printf('%.*c', 450000000, 'x'))) STORED)",
    ] {
        // Without rows SQLite computes nothing.
        let forged = content(&format!("{sql};")).row(0, &[Value::Integer(1), Value::Integer(7)]);
        let fault = refusal(&forged);
        assert_eq!(fault.code(), Code::ValueRefused, "{sql}: {fault:?}");
        assert_eq!(fault.place().table.as_deref(), Some("t"));
    }
    let index = "CREATE TABLE t(a); CREATE INDEX i ON t(length(hex(zeroblob(450000000))));";
    let forged = content(index).row(0, &[Value::Integer(1), Value::Integer(7)]);
    assert_eq!(refusal(&forged).code(), Code::ValueRefused);
}

/// One value of 14 MB is allowed, a hundred in one row are not: there is memory for some.
#[test]
fn a_row_of_many_long_computed_values_is_refused_before_it_fills_the_memory() {
    let columns: Vec<String> = (0..100)
        .map(|number| format!("c{number} AS (hex(zeroblob(7000000 + {number}))) STORED"))
        .collect();
    let sql = format!("CREATE TABLE t(a, {});", columns.join(", "));
    let forged = content(&sql).row(0, &[Value::Integer(1), Value::Integer(7)]);
    let fault = refusal(&forged);
    let text = format!("{fault:?}");
    assert!(
        text.contains("memory") || text.contains("too big"),
        "{text}"
    );
}

/// A signal did not end an import while SQLite worked on one call of a function.
#[test]
fn a_call_that_cannot_be_interrupted_is_given_up_and_leaves_nothing() {
    let slow = "CREATE TABLE t(a, b AS (instr(zeroblob(400000), zeroblob(200000)||x'01')) STORED);";
    let base = content(slow);
    let forged = base
        .row(0, &[Value::Integer(1), Value::Integer(7)])
        .row(0, &[Value::Integer(2), Value::Integer(7)]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    let mut target = SqliteTarget::new(path, &forged.schema, SqliteOptions::default());
    target.begin(&forged, &Unwatched).unwrap();
    // Four looks of the load before its first row is computed, and some of the watching thread.
    let stopper = Stopper::after(7);
    let fault = target.load(&forged, &stopper).unwrap_err();
    assert_eq!(fault.code(), Code::Interrupted);
    assert!(stopper.gave_up.load(Ordering::Relaxed));
    assert_eq!(stopper.rows.load(Ordering::Relaxed), 0);
    assert_eq!(others(folder.path()), [""; 0]);
}

#[test]
fn steps_out_of_order_are_a_fault_and_no_panic() {
    let content = content("CREATE TABLE t(a);");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    let mut target = SqliteTarget::new(path, &content.schema, SqliteOptions::default());
    assert_eq!(
        target.load(&content, &Unwatched).unwrap_err().code(),
        Code::Bug
    );
    assert_eq!(target.switch(&Unwatched).unwrap_err().code(), Code::Bug);
}
