use super::*;
use crate::engine::sqlite::corpus::{BASE, STATEMENTS};
use rusqlite::Connection;

fn table(sql: &str) -> TableText {
    match parse_create(sql).unwrap().kind {
        CreateKind::Table(table) => table,
        other => panic!("{other:?}"),
    }
}

fn index(sql: &str) -> IndexText {
    match parse_create(sql).unwrap().kind {
        CreateKind::Index(index) => index,
        other => panic!("{other:?}"),
    }
}

/// The names, types and defaults as SQLite's own parser reads them, computed columns without default.
fn as_sqlite_reads(connection: &Connection, table: &str) -> Vec<(String, Option<String>)> {
    let sql = "SELECT name, CASE WHEN hidden < 2 THEN dflt_value END FROM pragma_table_xinfo(?1)";
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)));
    columns.unwrap().map(Result::unwrap).collect()
}

#[test]
fn every_statement_of_the_corpus_is_read_as_sqlite_reads_it() {
    for (shows, sql) in STATEMENTS {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(BASE).unwrap();
        connection.execute_batch(sql).unwrap();
        let (name, table, stored): (String, String, String) = connection
            .query_row(
                "SELECT name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL \
                 AND NOT (type = 'table' AND name LIKE '%_data') AND rowid > 7 ORDER BY rowid LIMIT 1",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .unwrap();
        let create = parse_create(&stored).unwrap_or_else(|fault| panic!("{shows}: {fault:?}"));
        assert_eq!(create.name, name, "{shows}");
        match create.kind {
            CreateKind::Table(text) => {
                let written: Vec<_> = text
                    .columns
                    .into_iter()
                    .map(|column| (column.name, column.default))
                    .collect();
                assert_eq!(written, as_sqlite_reads(&connection, &name), "{shows}");
            }
            CreateKind::Index(text) => assert_eq!(text.table, table, "{shows}"),
            CreateKind::Trigger { table: on } => assert_eq!(on, table, "{shows}"),
            CreateKind::View | CreateKind::Virtual { .. } => {}
        }
    }
}

#[test]
fn constraints_keep_their_names_and_text() {
    let read = table(
        "CREATE TABLE t(a INT CONSTRAINT one CHECK ( a > 0 /* why */ ) CHECK(a<9), \
         b TEXT CONSTRAINT u UNIQUE ON CONFLICT ignore COLLATE nocase, \
         CONSTRAINT pk PRIMARY KEY(b COLLATE RTRIM DESC, \"a\") ON CONFLICT REPLACE \
         CONSTRAINT two CHECK (b <> ')') FOREIGN KEY(a, b) REFERENCES p(x, y) ON DELETE SET NULL \
         MATCH FULL DEFERRABLE INITIALLY DEFERRED) WITHOUT ROWID, STRICT",
    );
    let checks: Vec<_> = read
        .checks
        .iter()
        .map(|check| (check.name.as_deref(), check.expression.as_str()))
        .collect();
    assert_eq!(
        checks,
        [
            (Some("one"), "a > 0"),
            (None, "a<9"),
            (Some("two"), "b <> ')'")
        ]
    );
    assert_eq!(
        read.primary_key,
        Some(KeyText {
            name: Some("pk".to_owned()),
            columns: vec!["b".to_owned(), "a".to_owned()],
            on_conflict: Some("REPLACE".to_owned()),
        })
    );
    assert_eq!(read.unique[0].name.as_deref(), Some("u"));
    assert_eq!(read.unique[0].on_conflict.as_deref(), Some("IGNORE"));
    assert_eq!(read.columns[1].collation.as_deref(), Some("nocase"));
    assert_eq!(read.foreign_keys[0].parent_columns, ["x", "y"]);
    assert_eq!(
        read.foreign_keys[0].deferrable,
        Deferrable::InitiallyDeferred
    );
    assert!(read.without_rowid && read.strict && !read.autoincrement);
}

#[test]
fn not_null_keeps_its_last_conflict_clause() {
    let read = table(
        "CREATE TABLE t(a NOT NULL ON CONFLICT ignore, b NOT NULL ON CONFLICT FAIL NOT NULL, \
         c NULL ON CONFLICT REPLACE, d NOT NULL UNIQUE ON CONFLICT REPLACE)",
    );
    let clauses: Vec<_> = read
        .columns
        .iter()
        .map(|column| column.on_conflict.as_deref())
        .collect();
    assert_eq!(clauses, [Some("IGNORE"), None, None, None]);
    assert_eq!(read.unique[0].on_conflict.as_deref(), Some("REPLACE"));
}

#[test]
fn foreign_keys_of_columns_carry_their_deferral() {
    let deferrals = [
        ("", Deferrable::No),
        ("DEFERRABLE", Deferrable::InitiallyImmediate),
        ("NOT DEFERRABLE INITIALLY DEFERRED", Deferrable::No),
        (
            "DEFERRABLE INITIALLY IMMEDIATE",
            Deferrable::InitiallyImmediate,
        ),
        (
            "NOT NULL DEFERRABLE INITIALLY DEFERRED",
            Deferrable::InitiallyDeferred,
        ),
    ];
    for (text, expected) in deferrals {
        let read = table(&format!(
            "CREATE TABLE t(a REFERENCES p ON DELETE NO ACTION {text}, b)"
        ));
        assert_eq!(read.foreign_keys[0].deferrable, expected, "{text}");
    }
}

#[test]
fn computed_columns_and_types_keep_their_text() {
    let read = table(
        "CREATE TABLE t(a DECIMAL(10, 5), b INT GENERATED ALWAYS AS (a*(2+1)) STORED NOT NULL, \
         c AS (a || 'x'), d UNSIGNED BIG INT DEFAULT (1 + 2), e generated always)",
    );
    let types: Vec<_> = read
        .columns
        .iter()
        .map(|c| c.declared_type.as_str())
        .collect();
    assert_eq!(
        types,
        [
            "DECIMAL(10, 5)",
            "INT",
            "",
            "UNSIGNED BIG INT",
            "generated always"
        ]
    );
    assert_eq!(read.columns[1].generated.as_deref(), Some("a*(2+1)"));
    assert!(read.columns[1].stored && read.columns[1].not_null && !read.columns[2].stored);
    assert_eq!(read.columns[2].generated.as_deref(), Some("a || 'x'"));
    assert_eq!(read.columns[3].default.as_deref(), Some("1 + 2"));
}

#[test]
fn index_terms_lose_only_direction_and_collation() {
    let read = index(
        "CREATE UNIQUE INDEX i ON t(lower(a) COLLATE NOCASE DESC NULLS LAST, \"b c\" asc, \
         (c+1), coalesce(a, b), desc) WHERE a IN (1, 2) -- end\n;",
    );
    assert_eq!(
        read.terms,
        ["lower(a)", "\"b c\"", "(c+1)", "coalesce(a, b)", "desc"]
    );
    assert_eq!(read.predicate.as_deref(), Some("a IN (1, 2)"));
    assert!(read.unique);
}

#[test]
fn what_is_not_one_plain_create_is_refused() {
    let refused = [
        "",
        ";",
        "SELECT 1",
        "DROP TABLE t",
        "CREATE TABLE t(a); DROP TABLE t",
        "CREATE TABLE t(a); CREATE TABLE u(b)",
        "CREATE TABLE t(a)) ",
        "CREATE TABLE t(a",
        "CREATE TABLE t AS SELECT 1 AS a",
        "CREATE TABLE t()",
        "CREATE TABLE t(a,)",
        "CREATE TABLE t(a CHECK a > 1)",
        "CREATE TABLE t(a)\0; DROP TABLE t",
        "EXPLAIN CREATE TABLE t(a)",
        "CREATE VIEW v AS SELECT 1; DELETE FROM t",
        "CREATE VIEW v AS DELETE FROM t",
        "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END; DELETE FROM t",
        "CREATE INDEX i ON t(a) WHERE a; DELETE FROM t",
        "CREATE VIRTUAL TABLE v USING fts5(a); DELETE FROM t",
        "CREATE TABLE t(a DEFAULT 'x)",
        "PRAGMA writable_schema=1",
        "ATTACH 'x' AS y",
    ];
    for sql in refused {
        let fault = parse_create(sql).expect_err(sql);
        assert_eq!(fault.code(), Code::ObjectUnsupported, "{sql}");
    }
}

#[test]
fn mutilated_statements_never_panic() {
    for (_, sql) in STATEMENTS {
        for (at, _) in sql.char_indices() {
            let _ = outline(&sql[..at]);
            let _ = outline(&sql[at..]);
            let _ = outline(&format!("{}({}", &sql[..at], &sql[at..]));
            let _ = outline(&format!("{}'{}", &sql[..at], &sql[at..]));
        }
    }
}

#[test]
fn qualifiers_and_virtual_arguments_are_told() {
    let create = parse_create("CREATE TEMP TABLE IF NOT EXISTS main.t(a)").unwrap();
    assert_eq!(
        (create.name.as_str(), create.qualifier.as_deref()),
        ("t", Some("main"))
    );
    assert!(create.temporary && create.if_not_exists);
    let create = parse_create("CREATE VIRTUAL TABLE f USING FTS5(a, tokenize = 'x y', content='')");
    assert_eq!(
        create.unwrap().kind,
        CreateKind::Virtual {
            module: "FTS5".to_owned(),
            arguments: ["a", "tokenize = 'x y'", "content=''"]
                .map(str::to_owned)
                .to_vec(),
        }
    );
}
