use super::*;
use crate::engine::sqlite::corpus::{BASE, STATEMENTS};
use crate::model::schema::{Action, Affinity, DefaultValue, Deferrable, IndexOn, VirtualContent};
use crate::model::value::OwnedValue;

fn made(sql: &str) -> (Schema, Vec<Finding>) {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(sql).unwrap();
    read(&connection).unwrap()
}

fn table(sql: &str) -> Table {
    let (schema, findings) = made(sql);
    assert_eq!(findings, []);
    schema.tables.into_iter().next().unwrap()
}

#[test]
fn every_statement_of_the_corpus_is_read_without_complaint() {
    for (shows, sql) in STATEMENTS {
        let (schema, findings) = made(&format!("{BASE}{sql}"));
        let expected = usize::from(shows == "FTS5 virtual table");
        assert_eq!(findings.len(), expected, "{shows}: {findings:?}");
        let objects = schema.tables.len() + schema.views.len() + schema.triggers.len();
        let indexes: usize = schema.tables.iter().map(|table| table.indexes.len()).sum();
        assert_eq!(objects + indexes, 6, "{shows}");
        for table in &schema.tables {
            let computed = table.columns.iter().filter_map(|c| c.generated.as_ref());
            assert!(
                computed.into_iter().all(|g| !g.expression.is_empty()),
                "{shows}"
            );
        }
    }
}

#[test]
fn only_a_true_alias_of_the_rowid_is_one() {
    let cases = [
        ("a INTEGER PRIMARY KEY", Rowid::Column("a".into())),
        (
            "a integer primary key autoincrement",
            Rowid::Column("a".into()),
        ),
        ("a INTEGER, PRIMARY KEY(a DESC)", Rowid::Column("a".into())),
        ("a INTEGER PRIMARY KEY DESC", Rowid::Hidden),
        ("a INT PRIMARY KEY", Rowid::Hidden),
        ("a \"INTEGER\" PRIMARY KEY", Rowid::Column("a".into())),
        ("a BIGINT PRIMARY KEY", Rowid::Hidden),
        ("a TEXT PRIMARY KEY", Rowid::Hidden),
        ("a, rowid, _rowid_", Rowid::Hidden),
    ];
    for (columns, expected) in cases {
        assert_eq!(
            table(&format!("CREATE TABLE t({columns})")).rowid,
            expected,
            "{columns}"
        );
    }
    let keyed = table("CREATE TABLE t(a INTEGER PRIMARY KEY) WITHOUT ROWID");
    assert_eq!(
        (keyed.rowid.clone(), keyed.kind.clone()),
        (Rowid::None, TableKind::WithoutRowid)
    );
    assert!(keyed.columns[0].not_null);
}

#[test]
fn a_rowid_that_cannot_be_named_is_reported() {
    let (schema, findings) = made("CREATE TABLE t(rowid, _rowid_, OID)");
    assert_eq!(schema.tables[0].rowid, Rowid::None);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code, Code::StructureWeakened);
    assert_eq!(
        rowid_alias(&table("CREATE TABLE t(RowId, b)")),
        Some("_rowid_")
    );
}

#[test]
fn affinity_follows_the_declared_type() {
    let cases = [
        ("CHARINT", Affinity::Integer),
        ("FLOATING POINT", Affinity::Integer),
        ("VARCHAR(10)", Affinity::Text),
        ("CLOB", Affinity::Text),
        ("", Affinity::Blob),
        ("TEXTBLOB", Affinity::Text),
        ("REALBLOB", Affinity::Blob),
        ("DOUBLE", Affinity::Real),
        ("DECIMAL(10,5)", Affinity::Numeric),
        ("STRING", Affinity::Numeric),
        ("ANY", Affinity::Numeric),
    ];
    for (declared, expected) in cases {
        assert_eq!(affinity(declared, false), expected, "{declared}");
        // SQLite itself shows the affinity in the types of CREATE TABLE … AS SELECT.
        let connection = Connection::open_in_memory().unwrap();
        let sql = format!("CREATE TABLE t(a {declared}); CREATE TABLE u AS SELECT a FROM t");
        connection.execute_batch(&sql).unwrap();
        let shown: String = connection
            .query_row("SELECT type FROM pragma_table_info('u')", [], |row| {
                row.get(0)
            })
            .unwrap();
        let word = match expected {
            Affinity::Text => "TEXT",
            Affinity::Numeric => "NUM",
            Affinity::Integer => "INT",
            Affinity::Real => "REAL",
            Affinity::Blob => "",
        };
        assert_eq!(shown, word, "{declared}");
    }
    assert_eq!(affinity("ANY", true), Affinity::Blob);
}

#[test]
fn columns_carry_everything_declared() {
    let table = table(
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v VARCHAR(9) COLLATE nocase \
         DEFAULT 'x''y', n NOT NULL DEFAULT -5, at DEFAULT CURRENT_TIMESTAMP, \
         g INT AS (id*2) STORED)",
    );
    assert!(table.autoincrement);
    assert_eq!(table.cells(), 4);
    let [id, v, n, at, g] = table.columns.as_slice() else {
        panic!("{:?}", table.columns)
    };
    assert_eq!((id.default.as_ref(), id.not_null), (None, false));
    assert_eq!(v.collation, "NOCASE");
    assert_eq!(v.declared_type, "VARCHAR(9)");
    let literal = |value| Some(DefaultValue::Literal(value));
    assert_eq!(v.default, literal(OwnedValue::Text("x'y".to_owned())));
    assert_eq!(
        (n.not_null, n.default.clone()),
        (true, literal(OwnedValue::Integer(-5)))
    );
    assert_eq!(at.default, Some(DefaultValue::CurrentTimestamp));
    let generated = g.generated.as_ref().unwrap();
    assert_eq!(
        (generated.expression.as_str(), generated.stored),
        ("id*2", true)
    );
}

#[test]
fn keys_and_indexes_carry_collation_order_and_names() {
    let table = table(
        "CREATE TABLE t(a TEXT COLLATE NOCASE, b, c INT, CONSTRAINT pk PRIMARY KEY(a, b DESC), \
         CONSTRAINT u UNIQUE(c, a COLLATE RTRIM) ON CONFLICT IGNORE, UNIQUE(b), UNIQUE(b)); \
         CREATE INDEX i ON t(c DESC, lower(a) COLLATE NOCASE) WHERE c > 1; CREATE INDEX j ON t(a);",
    );
    let primary = table.primary_key.unwrap();
    assert_eq!(primary.name.as_deref(), Some("pk"));
    let columns: Vec<_> = primary
        .columns
        .iter()
        .map(|c| (c.column.as_str(), c.descending, c.collation.as_str()))
        .collect();
    assert_eq!(columns, [("a", false, "NOCASE"), ("b", true, "BINARY")]);
    assert_eq!(table.unique.len(), 2);
    assert_eq!(table.unique[0].name.as_deref(), Some("u"));
    assert_eq!(table.unique[0].on_conflict.as_deref(), Some("IGNORE"));
    assert_eq!(table.unique[0].columns[1].collation, "RTRIM");
    assert_eq!(table.unique[1].name, None);
    let names: Vec<_> = table
        .indexes
        .iter()
        .map(|index| index.name.as_str())
        .collect();
    assert_eq!(names, ["i", "j"]);
    let terms = &table.indexes[0].terms;
    assert_eq!(terms[0].on, IndexOn::Column("c".to_owned()));
    assert!(terms[0].descending);
    assert_eq!(terms[1].on, IndexOn::Expression("lower(a)".to_owned()));
    assert_eq!(terms[1].collation, "NOCASE");
    assert_eq!(table.indexes[0].predicate.as_deref(), Some("c > 1"));
}

#[test]
fn foreign_keys_stand_in_declared_order_and_find_their_parents_key() {
    let (schema, findings) = made(
        "CREATE TABLE t(x REFERENCES p ON DELETE CASCADE, y REFERENCES nowhere, z, \
         CONSTRAINT f FOREIGN KEY(y, z) REFERENCES q ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED, \
         FOREIGN KEY(x, y) REFERENCES p); \
         CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE q(a, b, PRIMARY KEY(b, a));",
    );
    assert_eq!(findings, []);
    let keys = &schema.tables[0].foreign_keys;
    assert_eq!(keys[0].parent_columns, ["id"]);
    assert_eq!(
        (keys[0].on_delete, keys[0].on_update),
        (Action::Cascade, Action::NoAction)
    );
    assert_eq!(
        (keys[1].parent.as_str(), keys[1].parent_columns.len()),
        ("nowhere", 0)
    );
    assert_eq!(keys[2].name.as_deref(), Some("f"));
    assert_eq!(keys[2].columns, ["y", "z"]);
    assert_eq!(keys[2].parent_columns, ["b", "a"]);
    assert_eq!(keys[2].deferrable, Deferrable::InitiallyDeferred);
    assert_eq!(keys[2].on_update, Action::SetNull);
    assert_eq!(keys[3].parent_columns.len(), 0);
}

#[test]
fn strict_keys_are_not_null_and_any_keeps_its_class() {
    let table = table("CREATE TABLE t(a TEXT PRIMARY KEY, b ANY, c REAL) STRICT");
    assert!(table.strict && table.columns[0].not_null && !table.columns[1].not_null);
    assert_eq!(table.columns[1].affinity, Affinity::Blob);
    assert_eq!(table.columns[2].affinity, Affinity::Real);
}

#[test]
fn virtual_tables_are_told_apart_by_where_their_rows_are() {
    let (schema, findings) = made(
        "CREATE TABLE base(a); CREATE VIRTUAL TABLE rows5 USING fts5(a, b); \
         CREATE VIRTUAL TABLE none5 USING fts5(a, content=''); \
         CREATE VIRTUAL TABLE outer5 USING fts5(a, content='base'); \
         CREATE VIRTUAL TABLE rows4 USING fts4(a, b); \
         CREATE VIRTUAL TABLE outer4 USING fts4(content=\"base\", a); \
         CREATE VIRTUAL TABLE r USING rtree(id, x0, x1, +note TEXT); \
         CREATE VIRTUAL TABLE g USING geopoly(name); \
         CREATE VIRTUAL TABLE words USING fts5vocab(rows5, row);",
    );
    let kinds: Vec<_> = schema
        .tables
        .iter()
        .map(|table| (table.name.as_str(), table.kind.clone(), table.rowid.clone()))
        .collect();
    let of = |module: &str, content| TableKind::Virtual {
        module: module.to_owned(),
        content,
    };
    assert_eq!(
        kinds,
        [
            ("base", TableKind::Rowid, Rowid::Hidden),
            ("rows5", of("fts5", VirtualContent::Rows), Rowid::Hidden),
            (
                "none5",
                of("fts5", VirtualContent::Unavailable),
                Rowid::Hidden
            ),
            ("outer5", of("fts5", VirtualContent::Rebuilt), Rowid::Hidden),
            ("rows4", of("fts4", VirtualContent::Rows), Rowid::Hidden),
            ("outer4", of("fts4", VirtualContent::Rebuilt), Rowid::Hidden),
            (
                "r",
                of("rtree", VirtualContent::Rows),
                Rowid::Column("id".to_owned())
            ),
            ("g", of("geopoly", VirtualContent::Rows), Rowid::Hidden),
            (
                "words",
                of("fts5vocab", VirtualContent::Unavailable),
                Rowid::Hidden
            ),
        ]
    );
    let reported: Vec<_> = findings
        .iter()
        .map(|f| f.place.table.clone().unwrap())
        .collect();
    assert_eq!(reported, ["none5", "words"]);
    let stored: Vec<_> = schema.tables[1]
        .stored_columns()
        .map(|c| c.name.as_str())
        .collect();
    assert_eq!(stored, ["a", "b"]);
}

#[test]
fn an_unknown_module_is_named_and_the_rest_is_read() {
    let (schema, findings) = made(
        "CREATE TABLE a(x); PRAGMA writable_schema=1; INSERT INTO sqlite_schema VALUES('table','v',\
         'v',0,'CREATE VIRTUAL TABLE v USING alien(x, y)'); PRAGMA writable_schema=RESET; CREATE TABLE b(y);",
    );
    let names: Vec<_> = schema
        .tables
        .iter()
        .map(|table| table.name.as_str())
        .collect();
    assert_eq!(names, ["a", "v", "b"]);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code, Code::ObjectUnsupported);
    assert_eq!(
        findings[0].message,
        "virtual table of module `alien` cannot be read (no such module: alien); its own tables, \
         if any, are carried as they are"
    );
    assert!(!schema.tables[1].has_rows());
}

/// Rows of a search table whose tokenizer only its application has were left out with a warning.
/// Now the tables in which the module keeps them are carried.
#[test]
fn an_unknown_tokenizer_loses_no_row() {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(
            "CREATE VIRTUAL TABLE m USING fts3(a, tokenize=simple); INSERT INTO m VALUES('x'); \
             CREATE VIRTUAL TABLE fine USING fts5(b); PRAGMA writable_schema=1; \
             UPDATE sqlite_schema SET sql=replace(sql, 'simple', 'mozporter'); \
             PRAGMA writable_schema=RESET;",
        )
        .unwrap();
    let (schema, findings) = read(&connection).unwrap();
    let names: Vec<_> = schema
        .tables
        .iter()
        .map(|table| table.name.as_str())
        .collect();
    assert_eq!(names, ["m", "m_content", "m_segments", "m_segdir", "fine"]);
    assert!(!schema.tables[0].has_rows() && schema.tables[1].has_rows());
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].severity, Severity::Warning);
}

#[test]
fn the_language_of_fts4_rows_is_a_value() {
    let table = table("CREATE VIRTUAL TABLE t USING fts4(a, languageid=\"lid\")");
    let stored: Vec<_> = table
        .stored_columns()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(stored, ["a", "lid"]);
}

#[test]
fn sequences_and_facts_are_read_and_odd_rows_reported() {
    let (schema, findings) = made(
        "PRAGMA user_version=7; PRAGMA application_id=-3; CREATE TABLE t(a INTEGER PRIMARY KEY \
         AUTOINCREMENT); INSERT INTO t VALUES(41); CREATE INDEX i ON t(a); ANALYZE; \
         INSERT INTO sqlite_sequence VALUES('gone', 3), ('odd', 'x'), (NULL, 1);",
    );
    let sequences: Vec<_> = schema
        .sequences
        .iter()
        .map(|s| (s.table.as_str(), s.value))
        .collect();
    assert_eq!(sequences, [("t", 41), ("gone", 3)]);
    assert_eq!(findings.len(), 2);
    assert_eq!(
        (schema.facts.user_version, schema.facts.application_id),
        (7, -3)
    );
    assert!(schema.facts.analyzed && !schema.facts.wal);
    assert_eq!(schema.tables.len(), 1);
}

#[test]
fn names_that_are_not_unicode_are_reported_not_guessed() {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(
            "CREATE TABLE good(a); PRAGMA writable_schema=1; \
             INSERT INTO sqlite_schema SELECT 'table', CAST(x'74ff' AS TEXT), CAST(x'74ff' AS TEXT), \
             rootpage, CAST('CREATE TABLE \"t' || CAST(x'ff' AS TEXT) || '\"(a)' AS TEXT) \
             FROM sqlite_schema; \
             INSERT INTO sqlite_schema SELECT 'table', 'noted', 'noted', rootpage, \
             CAST('CREATE TABLE noted(a /* ' || CAST(x'e9' AS TEXT) || ' */)' AS TEXT) \
             FROM sqlite_schema LIMIT 1; PRAGMA writable_schema=RESET;",
        )
        .unwrap();
    let (schema, findings) = read(&connection).unwrap();
    let names: Vec<_> = schema
        .tables
        .iter()
        .map(|table| table.name.as_str())
        .collect();
    assert_eq!(names, ["good", "noted"]);
    let severities: Vec<_> = findings.iter().map(|f| f.severity).collect();
    assert_eq!(severities, [Severity::Error, Severity::Warning]);
}

/// A program built without `.cargo/config.toml` could not read a table whose column calls `sqrt()`.
#[test]
fn the_bundled_sqlite_has_what_debians_shell_has() {
    let connection = Connection::open_in_memory().unwrap();
    for call in [
        "sqrt(2)",
        "percentile(1, 50)",
        "geopoly_area('[[0,0],[1,0],[1,1],[0,0]]')",
    ] {
        let found: f64 = connection
            .query_row(&format!("SELECT {call}"), [], |row| row.get(0))
            .unwrap_or_else(|error| panic!("{call}: {error}"));
        assert!(found > 0.0, "{call}");
    }
    let keys: i64 = connection
        .query_row("PRAGMA foreign_keys", [], |row| row.get(0))
        .unwrap();
    assert_eq!(keys, 0, "foreign keys must not be on by default");
}
