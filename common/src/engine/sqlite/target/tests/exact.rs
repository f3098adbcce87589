//! What comes out as it went in.

use super::*;

#[path = "../../../../../../scripts/samples/shop/quirks.rs"]
mod quirks;
#[path = "../../../../../../scripts/samples/shop/build.rs"]
mod shop;

fn made(build: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.db");
    let connection = Connection::open(&path).unwrap();
    build(&connection).unwrap();
    connection.close().unwrap();
    (folder, path)
}

#[test]
fn the_shop_comes_out_as_it_went_in() {
    let (_folder, path) = made(shop::build);
    let (connection, findings) = assert_exact(&path);
    assert_eq!(findings, []);
    let orphans: i64 = connection
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(orphans, 6);
    let found: Vec<i64> = ["grün", "weiß AND lamp"]
        .map(|text| {
            let sql = "SELECT count(*) FROM product_search WHERE product_search MATCH ?";
            connection.query_row(sql, [text], |row| row.get(0)).unwrap()
        })
        .into();
    assert!(found.iter().all(|count| *count > 0), "{found:?}");
}

#[test]
fn the_quirks_come_out_as_they_went_in() {
    let (_folder, path) = made(quirks::build);
    let (connection, _) = assert_exact(&path);
    let docid: i64 = connection
        .query_row(
            "SELECT docid FROM old_search WHERE old_search MATCH 'fox'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(docid, 4);
}

#[test]
fn every_encoding_keeps_text_that_is_no_unicode() {
    for encoding in ["UTF-8", "UTF-16le", "UTF-16be"] {
        let (_folder, connection, _) = assert_exact_sql(&format!(
            "PRAGMA encoding = '{encoding}';
             CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b);
             INSERT INTO t VALUES (1, 'plain', 'ä🙂'), (2, '', x''),
               (3, CAST(x'410000d84200' AS TEXT), 1), (4, CAST(x'00d8' AS TEXT), 'between'),
               (5, CAST(x'd800' AS TEXT), CAST(x'dc00' AS TEXT)), (6, char(0xffff, 0xfffe, 0xfdff), 'x'),
               (7, CAST(x'61006200' AS TEXT), CAST(x'ff61' AS TEXT)), (8, char(0xfeff, 65), 'bom'),
               (9, 'a' || char(0) || 'b', char(0));"
        ));
        let found: String = connection
            .query_row("PRAGMA encoding", [], |row| row.get(0))
            .unwrap();
        assert_eq!(found, encoding);
        let bytes = |column: &str| -> Vec<Vec<u8>> {
            let sql = format!("SELECT CAST({column} AS BLOB) FROM t WHERE id IN (3, 4, 5)");
            let mut statement = connection.prepare(&sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.collect::<rusqlite::Result<_>>().unwrap()
        };
        assert_eq!(
            bytes("a"),
            [&b"\x41\0\0\xd8\x42\0"[..], b"\0\xd8", b"\xd8\0"],
            "{encoding}"
        );
    }
}

#[test]
fn every_page_size_and_vacuum_mode_is_kept() {
    for size in [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536] {
        for vacuum in [0, 1, 2] {
            assert_exact_sql(&format!(
                "PRAGMA page_size = {size}; PRAGMA auto_vacuum = {vacuum};
                 CREATE TABLE t(a, b); CREATE INDEX i ON t(b);
                 WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500)
                 INSERT INTO t SELECT x, hex(randomblob(x % 90)) FROM n;"
            ));
        }
    }
}

#[test]
fn settings_and_wal_mode_are_kept() {
    let (folder, _, _) = assert_exact_sql(
        "PRAGMA journal_mode = WAL; PRAGMA user_version = -2147483648; PRAGMA application_id = -1;
         CREATE TABLE t(a); INSERT INTO t VALUES (1); ANALYZE;",
    );
    let header = fs::read(folder.path().join("source.copy")).unwrap();
    assert_eq!(header[18..20], [2, 2]);
}

#[test]
fn a_wal_database_comes_without_side_files() {
    let content =
        content("PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1);");
    let folder = tempfile::tempdir().unwrap();
    import(&content, &folder.path().join("new.db")).unwrap();
    assert_eq!(others(folder.path()), ["new.db"]);
}

#[test]
fn an_empty_database_stays_one() {
    assert_exact_sql("PRAGMA user_version = 1;");
}

#[test]
fn sequences_keep_values_order_and_strangers() {
    assert_exact_sql(
        "CREATE TABLE b(id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE a(id INTEGER PRIMARY KEY AUTOINCREMENT);
         CREATE TABLE c(id INTEGER PRIMARY KEY AUTOINCREMENT);
         INSERT INTO a VALUES (5); INSERT INTO b VALUES (9), (-3);
         UPDATE sqlite_sequence SET seq = 2 WHERE name = 'a';
         INSERT INTO sqlite_sequence VALUES ('gone', 9223372036854775807);",
    );
    // The last table that counted was dropped, but somebody wrote a row of his own.
    assert_exact_sql(
        "CREATE TABLE b(id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE waybill_0(a); DROP TABLE b;
         INSERT INTO sqlite_sequence VALUES ('x', 1);",
    );
}

#[test]
fn conflict_clauses_neither_replace_nor_skip_rows() {
    assert_exact_sql(
        "CREATE TABLE t(a UNIQUE ON CONFLICT REPLACE, b NOT NULL ON CONFLICT IGNORE, c CHECK (c > 0));
         PRAGMA ignore_check_constraints = ON;
         INSERT INTO t VALUES (1, 1, -1), (NULL, 2, 0), (NULL, 3, 3);",
    );
}

#[test]
fn full_text_and_r_tree_tables_answer_as_before() {
    let (_folder, connection, findings) = assert_exact_sql(
        "CREATE TABLE posts(id INTEGER PRIMARY KEY, body TEXT); INSERT INTO posts VALUES (3, 'alpha beta'), (8, 'gamma');
         CREATE VIRTUAL TABLE outside USING fts5(body, content='posts', content_rowid='id');
         INSERT INTO outside(outside) VALUES ('rebuild');
         CREATE VIRTUAL TABLE bare USING fts5(body, content='');
         CREATE VIRTUAL TABLE five USING fts5(a, b UNINDEXED, prefix='2 3', tokenize='porter');
         INSERT INTO five(rowid, a, b) VALUES (-4, 'running dogs', x'00'), (70, NULL, 2.5);
         CREATE VIRTUAL TABLE four USING fts4(a, notindexed=b, b); INSERT INTO four(docid, a, b) VALUES (12, 'x y', 'z');
         CREATE VIRTUAL TABLE three USING fts3(a); INSERT INTO three VALUES ('one two');
         CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1, +label TEXT); INSERT INTO boxes VALUES (5, 0.1, 0.2, 'l'), (-1, -3, 4, NULL);
         CREATE VIRTUAL TABLE shapes USING geopoly(label); INSERT INTO shapes(_shape, label) VALUES ('[[0,0],[1,0],[0,1],[0,0]]', 't');",
    );
    for (sql, rowid) in [
        ("SELECT rowid FROM outside WHERE outside MATCH 'beta'", 3),
        ("SELECT rowid FROM five WHERE five MATCH 'run'", -4),
        ("SELECT docid FROM four WHERE four MATCH 'y'", 12),
        ("SELECT docid FROM three WHERE three MATCH 'two'", 1),
        ("SELECT id FROM boxes WHERE x0 < -2", -1),
        (
            "SELECT rowid FROM shapes WHERE geopoly_overlap(_shape, '[[0,0],[9,0],[9,9],[0,0]]')",
            1,
        ),
    ] {
        let found: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(found, rowid, "{sql}");
    }
    let [finding] = &findings[..] else {
        panic!("{findings:?}")
    };
    assert_eq!(finding.code, Code::StructureWeakened);
    assert_eq!(finding.place.table.as_deref(), Some("bare"));
}

#[test]
fn objects_that_need_functions_of_their_application_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.db");
    let connection = Connection::open(&path).unwrap();
    let flags = rusqlite::functions::FunctionFlags::SQLITE_DETERMINISTIC;
    connection
        .create_scalar_function("shout", 1, flags, |context| {
            Ok(context.get::<String>(0)?.to_uppercase())
        })
        .unwrap();
    connection
        .execute_batch(
            "CREATE TABLE t(a TEXT CHECK (shout(a) <> 'NO'), b AS (shout(a)), c DEFAULT (shout('x')));
             CREATE VIEW v AS SELECT shout(a) FROM t;
             CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT shout(NEW.a); END;
             INSERT INTO t VALUES ('yes', 1);",
        )
        .unwrap();
    drop(connection);
    let sent = Content::of(&path);
    let copy = path.with_extension("copy");
    import(&sent, &copy).unwrap();
    assert_eq!(Content::of(&copy).schema, sent.schema);
    assert_eq!(Content::of(&copy).lines, sent.lines);
}

#[test]
fn an_index_that_needs_its_application_is_left_out_and_named() {
    let mut content = content("CREATE TABLE t(a TEXT); INSERT INTO t VALUES ('x');");
    let index = |name: &str, sql: &str| crate::model::schema::Index {
        name: name.to_owned(),
        unique: false,
        terms: Vec::new(),
        predicate: None,
        sql: sql.to_owned(),
    };
    content.schema.tables[0].indexes = vec![
        index("shouted", "CREATE INDEX shouted ON t(shout(a))"),
        index("sorted", "CREATE INDEX sorted ON t(a COLLATE german)"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    let findings = import(&content, &path).unwrap();
    let named: Vec<_> = findings
        .iter()
        .map(|finding| (finding.code, finding.place.table.as_deref()))
        .collect();
    assert_eq!(
        named,
        [
            (Code::StructureLeftOut, Some("shouted")),
            (Code::StructureLeftOut, Some("sorted"))
        ]
    );
    assert_eq!(Content::of(&path).lines, content.lines);
    let verdict: String = Connection::open(&path)
        .unwrap()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
}

#[test]
fn views_and_triggers_are_left_out_on_request() {
    let content = content(
        "CREATE TABLE t(a); CREATE VIEW v AS SELECT 1; CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN SELECT 1; END;
         CREATE TRIGGER h AFTER INSERT ON t BEGIN SELECT 1; END;",
    );
    let folder = tempfile::tempdir().unwrap();
    for (views, triggers) in [(false, false), (true, false)] {
        let path = folder.path().join(format!("{views}.db"));
        let options = SqliteOptions {
            views,
            triggers,
            jobs: 1,
        };
        import_with(&content, &path, options).unwrap();
        let found = Content::of(&path).schema;
        assert_eq!(
            (found.views.len(), found.triggers.len()),
            (usize::from(views), 0)
        );
    }
    // A trigger on a view that is left out cannot be made; that is said.
    let path = folder.path().join("third.db");
    let options = SqliteOptions {
        views: false,
        triggers: true,
        jobs: 1,
    };
    let findings = import_with(&content, &path, options).unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].place.table.as_deref(), Some("g"));
    assert_eq!(Content::of(&path).schema.triggers.len(), 1);
}

#[test]
fn more_rows_than_a_batch_and_a_cell_larger_than_one_arrive() {
    assert_exact_sql(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c);
         WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 20000)
         INSERT INTO t SELECT x, 'text ' || x, x / 7.0 FROM n;
         INSERT INTO t VALUES (-1, randomblob(3000000), hex(randomblob(700000)));",
    );
}
