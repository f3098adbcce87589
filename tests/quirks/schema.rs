//! Defaults, CHECK, computed columns, views, triggers, virtual tables: what is more than a column.

use super::quirk::Quirk;

pub(super) fn quirks() -> Vec<Quirk> {
    [defaults(), expressions(), objects(), modules()]
        .into_iter()
        .flatten()
        .collect()
}

fn defaults() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "default-literals",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT DEFAULT 'it''s', b INTEGER DEFAULT -9223372036854775808,
               c REAL DEFAULT 0.1, d BLOB DEFAULT x'00ff', e TEXT DEFAULT NULL, f BOOLEAN DEFAULT TRUE, g INTEGER DEFAULT +5,
               h TEXT DEFAULT '', i DECIMAL(5,2) DEFAULT 1.50);
             INSERT INTO t DEFAULT VALUES;",
            &[],
        ),
        Quirk::equal(
            "default-now",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a DATE DEFAULT CURRENT_DATE, b TIME DEFAULT CURRENT_TIME, c DATETIME DEFAULT CURRENT_TIMESTAMP, d TEXT DEFAULT CURRENT_TIMESTAMP);
             INSERT INTO t(a, b, c, d) VALUES ('2024-01-01', '10:00:00', '2024-01-01 10:00:00', 'x');",
            &[],
        ),
        Quirk::equal(
            "default-of-another-class",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER DEFAULT 'none', b DATE DEFAULT '0000-00-00'); INSERT INTO t(a, b) VALUES (1, '2024-01-01');",
            &[
                "warning structure-left-out t.a: the default is left out, it gives no value of type bigint",
                "warning structure-left-out t.b: the default is left out, it gives no value of type date",
            ],
        ),
        Quirk::equal(
            "default-number-in-quotes",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER DEFAULT '0', b REAL DEFAULT '1.5', c TEXT DEFAULT 7); INSERT INTO t DEFAULT VALUES;",
            &[],
        ),
        Quirk::equal(
            "default-in-double-quotes",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT DEFAULT \"word\"); INSERT INTO t DEFAULT VALUES;",
            &[],
        ),
        Quirk::equal(
            "default-that-is-an-expression",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT DEFAULT (lower(hex(randomblob(16)))), b INTEGER DEFAULT (1 + 1)); INSERT INTO t(a, b) VALUES ('x', 2);",
            &[
                "note structure-translated t.a: the default is translated: lower(hex(randomblob(16)))", "note structure-translated t.b: the default is translated: 1 + 1",
            ],
        ),
    ]
}

fn expressions() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "check-that-holds",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER CHECK (a > 0), b TEXT, CONSTRAINT words CHECK (b IN ('x', 'y'))); INSERT INTO t(a, b) VALUES (1, 'x');",
            &[
                "note structure-translated t: check constraint is translated: a > 0", "note structure-translated t: check constraint `words` is translated: b IN ('x', 'y')",
            ],
        ),
        Quirk::equal(
            "check-that-rows-break",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER CHECK (a > 0)); PRAGMA ignore_check_constraints = ON; INSERT INTO t(a) VALUES (1), (-1), (NULL);",
            &["note structure-translated t: check constraint is translated: a > 0", "warning structure-weakened t: check constraint `t_check` is created NOT VALID: 1 row breaks it, and only new rows are checked"],
        ),
        Quirk::equal(
            "computed-columns",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER AS (a * 2) STORED, c TEXT AS (a || 'x')); INSERT INTO t(a) VALUES (1), (NULL);",
            &[
                "note structure-translated t.b: the computed column is translated: a * 2; a result out of range is an error, where SQLite would go on with a real or infinity", "note structure-translated t.c: the computed column is translated: a || 'x'",
            ],
        ),
        Quirk::equal(
            "key-over-a-computed-column",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT AS (lower(a)) STORED UNIQUE); CREATE INDEX i ON t(b); INSERT INTO t(a) VALUES ('X'), ('y');",
            &["note key-unchecked t.b: the column `b` is computed", 
                "note structure-translated t.b: the computed column is translated: lower(a)",
            ],
        )
        .into_sqlite(&["note key-unchecked t.b"]),
        Quirk::equal(
            "not-null-computed-column",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER NOT NULL AS (coalesce(a, 0)) VIRTUAL); INSERT INTO t(a) VALUES (1), (NULL);",
            &["note key-unchecked t.b: the column `b` is computed", "note structure-translated t.b: the computed column is translated: coalesce(a, 0)"],
        )
        .into_sqlite(&["note key-unchecked t.b"]),
    ]
}

fn objects() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "view",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); CREATE VIEW v AS SELECT id, upper(a) AS shout FROM t; INSERT INTO t(a) VALUES ('x');",
            &["note structure-translated v: the view is translated: CREATE VIEW v AS SELECT id, upper(a) AS shout FROM t"],
        ),
        Quirk::equal(
            "view-of-nothing",
            "CREATE TABLE t(id INTEGER PRIMARY KEY); CREATE TABLE gone(a); CREATE VIEW v(x, y) AS SELECT a, 1 FROM gone; DROP TABLE gone;",
            &["warning structure-left-out v: the view is left out"],
        ),
        Quirk::equal(
            "views-alone",
            "CREATE VIEW v AS SELECT 1 AS one; CREATE VIEW w AS SELECT one + 1 AS two FROM v;",
            &[
                "note structure-translated v: the view is translated: CREATE VIEW v AS SELECT 1 AS one", "note structure-translated w: the view is translated: CREATE VIEW w AS SELECT one + 1 AS two FROM v; a result out of range is an error, where SQLite would go on with a real or infinity",
            ],
        ),
        Quirk::equal(
            "triggers",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); CREATE TABLE log(what TEXT PRIMARY KEY); CREATE VIEW v AS SELECT a FROM t;
             CREATE TRIGGER noted AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); END;
             CREATE TRIGGER \"instead of\" INSTEAD OF INSERT ON v BEGIN INSERT INTO t(a) VALUES (new.a); END;
             INSERT INTO t(a) VALUES ('x'); INSERT INTO v VALUES ('y');",
            &[
                "note structure-translated v: the view is translated: CREATE VIEW v AS SELECT a FROM t",
                "warning structure-left-out noted: the trigger on `t` is left out",
                "warning structure-left-out instead of: the trigger on `v` is left out",
            ],
        ),
    ]
}

fn modules() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "fts5",
            "CREATE VIRTUAL TABLE t USING fts5(title, body); INSERT INTO t(rowid, title, body) VALUES (7, 'a', 'b c'), (9, 'a', 'b c');",
            &[
                "warning structure-weakened t: the virtual table becomes an ordinary one",
                "note structure-left-out t: 2 rows are carried",
            ],
        ),
        Quirk::equal(
            "fts5-over-another-table",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT); CREATE VIRTUAL TABLE s USING fts5(body, content='t', content_rowid='id');
             INSERT INTO t VALUES (1, 'x y'); INSERT INTO s(s) VALUES ('rebuild');",
            &["warning structure-left-out s: its module `fts5` derives it from another table"],
        ),
        Quirk::equal(
            "fts4",
            "CREATE VIRTUAL TABLE t USING fts4(body, tokenize=porter); INSERT INTO t(docid, body) VALUES (7, 'running fast'), (9, NULL);",
            &[
                "warning structure-weakened t: the virtual table becomes an ordinary one",
                "note structure-left-out t: 2 rows are carried",
            ],
        ),
        Quirk::equal(
            "rtree",
            "CREATE VIRTUAL TABLE t USING rtree(id, x0, x1, +note TEXT); INSERT INTO t VALUES (3, 1.5, 2.5, 'n'), (-4, 0, 0, NULL);",
            &["warning structure-weakened t: the virtual table becomes an ordinary one"],
        ),
        Quirk::equal(
            "rtree-of-integers",
            "CREATE VIRTUAL TABLE t USING rtree_i32(id, x0, x1); INSERT INTO t VALUES (1, -2147483648, 2147483647);",
            &["warning structure-weakened t: the virtual table becomes an ordinary one"],
        ),
        Quirk::equal(
            "geopoly",
            "CREATE VIRTUAL TABLE t USING geopoly(name); INSERT INTO t(_shape, name) VALUES ('[[0,0],[1,0],[0,1],[0,0]]', 'triangle');",
            &[
                "warning structure-weakened t: the virtual table becomes an ordinary one",
                "note structure-left-out t: 1 row is carried",
            ],
        ),
        Quirk::equal(
            "fts5-without-content",
            "CREATE VIRTUAL TABLE t USING fts5(body, content=''); INSERT INTO t(rowid, body) VALUES (1, 'x y');",
            &["warning structure-left-out t: its module `fts5` does not give its content back"],
        )
        .exporting(&["warning object-unsupported t: it is contentless and keeps only an index"])
        .into_sqlite(&["warning structure-weakened t: virtual table is made empty"])
        .without(&["t"]),
        Quirk::equal(
            "fts5-vocabulary",
            "CREATE VIRTUAL TABLE t USING fts5(body); INSERT INTO t VALUES ('x y'); CREATE VIRTUAL TABLE words USING fts5vocab(t, row);",
            &[
                "warning structure-weakened t: the virtual table becomes an ordinary one",
                "note structure-left-out t: 1 row is carried",
                "warning structure-left-out words: its module `fts5vocab` does not give its content back",
            ],
        )
        .exporting(&["warning object-unsupported words: it only shows what other tables hold"])
        .into_sqlite(&["warning structure-left-out words: virtual table is left out"])
        .without(&["words"]),
        Quirk::equal(
            "module-of-an-application",
            "CREATE TABLE t(id INTEGER PRIMARY KEY); PRAGMA writable_schema = ON;
             INSERT INTO sqlite_schema VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING alien(x, y)');",
            &["warning structure-left-out v: its module `alien` does not give its content back"],
        )
        .exporting(&["warning object-unsupported v: cannot be read (no such module: alien)"])
        .into_sqlite(&["warning structure-left-out v: virtual table is left out"])
        .without(&["v"]),
        Quirk::equal(
            "tokenizer-of-an-application",
            "CREATE VIRTUAL TABLE m USING fts3(a, tokenize=simple); INSERT INTO m VALUES ('x'); PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, 'simple', 'mozporter');",
            &[
                "warning structure-left-out m: its module `fts3` does not give its content back",
                "warning recast m_segdir.end_block: becomes text",
            ],
        )
        .exporting(&["warning object-unsupported m: cannot be read"])
        .into_sqlite(&["warning structure-left-out m: virtual table is left out"])
        .without(&["m"]),
    ]
}
