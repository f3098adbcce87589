//! Primary keys, unique keys, indexes and what they compare by.

use super::quirk::Quirk;

pub(super) fn quirks() -> Vec<Quirk> {
    [nulls(), collations(), indexes(), conflicts()]
        .into_iter()
        .flatten()
        .collect()
}

fn nulls() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "null-in-a-primary-key",
            "CREATE TABLE t(k TEXT PRIMARY KEY, v); INSERT INTO t VALUES (NULL, 1), (NULL, 2), ('a', 3);",
            &[
                "warning structure-weakened t.k ×2: the primary key becomes a UNIQUE constraint",
                "note structure-left-out t: there is no primary key",
            ],
        ),
        Quirk::equal(
            "null-in-half-a-primary-key",
            "CREATE TABLE t(a TEXT, b INTEGER, PRIMARY KEY (a, b)); INSERT INTO t VALUES ('x', NULL), ('x', NULL), (NULL, 1), ('y', 2);",
            &[
                "warning structure-weakened t.a, b ×2: the primary key becomes a UNIQUE constraint",
                "note structure-left-out t: there is no primary key",
            ],
        ),
        Quirk::equal(
            "nulls-in-a-unique-key",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT UNIQUE); INSERT INTO t(v) VALUES (NULL), (NULL), ('a');",
            &[],
        ),
        Quirk::equal(
            "key-twice-the-same",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE, UNIQUE (a)); CREATE UNIQUE INDEX i ON t(a); INSERT INTO t(a) VALUES ('x');",
            &[],
        ),
        Quirk::equal(
            "key-over-mixed-numbers",
            "CREATE TABLE t(k PRIMARY KEY); INSERT INTO t VALUES (1), (1.5), (9007199254740993), (-2);",
            &[],
        ),
    ]
}

fn collations() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "nocase-primary-key",
            "CREATE TABLE t(k TEXT COLLATE NOCASE PRIMARY KEY); INSERT INTO t VALUES ('Anna'), ('BERT');",
            &[
                "note structure-translated t.k: a unique index on (lower(k)) beside it",
                "warning structure-weakened t.k: collation NOCASE is left out",
            ],
        ),
        Quirk::equal(
            "nocase-unique-column",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT UNIQUE COLLATE NOCASE); INSERT INTO t(v) VALUES ('Anna'), ('BERT');",
            &[
                "note structure-translated t.v: a unique index on (lower(v)) beside it",
                "warning structure-weakened t.v: collation NOCASE is left out",
            ],
        ),
        Quirk::equal(
            "nocase-unique-index",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); CREATE UNIQUE INDEX i ON t(v COLLATE NOCASE); INSERT INTO t(v) VALUES ('Anna'), ('BERT');",
            &["note structure-translated t.v: index `i` compares by NOCASE: it is made on (lower(v))"],
        ),
        Quirk::equal(
            "nocase-plain-index",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX i ON t(v COLLATE NOCASE); INSERT INTO t(v) VALUES ('Anna'), ('anna');",
            &["note structure-translated t.v: index `i` compares by NOCASE: it is made on (lower(v))"],
        ),
        Quirk::equal(
            "rtrim-unique-column",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT COLLATE RTRIM UNIQUE); INSERT INTO t(v) VALUES ('a '), ('b');",
            &[
                "note structure-translated t.v: a unique index on (rtrim(v)) beside it",
                "warning structure-weakened t.v: collation RTRIM is left out",
            ],
        ),
        Quirk::equal(
            "nocase-key-of-numbers",
            "CREATE TABLE t(k INTEGER COLLATE NOCASE, v TEXT, PRIMARY KEY (k)) WITHOUT ROWID; INSERT INTO t VALUES (1, 'a'), (2, 'b');",
            &[],
        ),
        Quirk::equal(
            "nocase-key-of-letters-beyond-ascii",
            "CREATE TABLE t(k TEXT COLLATE NOCASE PRIMARY KEY) WITHOUT ROWID; INSERT INTO t VALUES ('Ä'), ('ä');",
            &[
                "note structure-translated t.k: a unique index on (lower(k)) beside it",
                "warning structure-weakened t.k: collation NOCASE is left out",
            ],
        ),
        Quirk::file(
            "collation-of-an-application",
            |path| {
                let connection = super::quirk::open(path);
                connection
                    .create_collation("GERMAN", |a, b| a.to_lowercase().cmp(&b.to_lowercase()))
                    .expect("a collation");
                connection
                    .execute_batch(
                        "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT COLLATE GERMAN UNIQUE, w TEXT);
                         CREATE INDEX i ON t(w COLLATE GERMAN); INSERT INTO t(v, w) VALUES ('B', 'b'), ('a', 'A');",
                    )
                    .expect("a database");
            },
            &[
                "warning structure-weakened t.v: the source compares by GERMAN",
                "warning structure-weakened t.v: collation GERMAN is left out",
                "warning structure-left-out t: index `i` is left out",
            ],
        )
        .exporting(&["note structure-weakened t: collation `GERMAN` is the application's own"])
        .stopped_in_sqlite("object-unsupported", "t"),
    ]
}

fn indexes() -> Vec<Quirk> {
    vec![
            Quirk::equal(
                "index-descending",
                "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INTEGER); CREATE INDEX i ON t(a DESC, b); INSERT INTO t(a, b) VALUES ('x', 1), ('y', 2);",
                &[],
            ),
            Quirk::equal(
                "index-with-where",
                "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INTEGER); CREATE INDEX i ON t(a) WHERE b > 1; INSERT INTO t(a, b) VALUES ('x', 1), ('y', 2);",
                &["note structure-translated t: index `i` is translated: CREATE INDEX i ON t(a) WHERE b > 1"],
            ),
            Quirk::equal(
                "unique-index-with-where",
                "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, gone INTEGER); CREATE UNIQUE INDEX i ON t(a) WHERE gone IS NULL;
                 INSERT INTO t(a, gone) VALUES ('x', 1), ('x', 2), ('x', NULL);",
                &["note key-unchecked t: the index holds for some rows only", "note structure-translated t: unique index `i` is translated: CREATE UNIQUE INDEX i ON t(a) WHERE gone IS NULL"],
            )
            .into_sqlite(&["note key-unchecked t"]),
            Quirk::equal(
                "index-on-an-expression",
                "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); CREATE UNIQUE INDEX i ON t(lower(a)); INSERT INTO t(a) VALUES ('X'), ('y');",
                &["note key-unchecked t: the index is on an expression", "note structure-translated t: unique index `i` is translated: CREATE UNIQUE INDEX i ON t(lower(a))"],
            )
            .into_sqlite(&["note key-unchecked t"]),
            Quirk::equal(
                "index-on-one-column-twice",
                "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); CREATE INDEX i ON t(a, a DESC); INSERT INTO t(a) VALUES ('x');",
                &[],
            ),
            Quirk::equal(
                "index-on-json",
                "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); CREATE INDEX i ON t(a); INSERT INTO t(a) VALUES ('{\"a\":1,\"a\":2}');",
                &[],
            ),
            Quirk::equal(
                "index-entry-at-the-limit",
                "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE); INSERT INTO t(a) VALUES (hex(randomblob(1346)));",
                &[],
            ),
            Quirk::equal(
                "index-entry-too-long",
                "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); CREATE INDEX i ON t(a); INSERT INTO t(a) VALUES (hex(randomblob(1347))), ('x');",
                &["warning structure-left-out t.a: index `i` is left out: an entry may have"],
            ),
            Quirk::equal(
                "key-too-long",
                "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b BLOB); CREATE UNIQUE INDEX i ON t(b);
                 INSERT INTO t(a, b) VALUES (hex(randomblob(5000)), randomblob(9000)), ('x', x'');",
                &[
                    "warning structure-weakened t.a: an entry may have",
                    "warning structure-weakened t.b: unique index `i` is left out: an entry may have",
                ],
            ),
            Quirk::equal_to(
                "index-of-33-columns",
                {
                    let columns: Vec<String> = (1..=33).map(|n| format!("c{n}")).collect();
                    let list = columns.join(", ");
                    format!("CREATE TABLE t(id INTEGER PRIMARY KEY, {list}); CREATE INDEX i ON t({list}); INSERT INTO t(c1) VALUES (1);")
                },
                &["warning structure-left-out t: index `i` is left out: it has 33 columns, PostgreSQL takes 1 to 32"],
            ),
        ]
}

fn conflicts() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "on-conflict-replace",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT UNIQUE ON CONFLICT REPLACE, w TEXT, UNIQUE (w) ON CONFLICT IGNORE);
             INSERT INTO t(v, w) VALUES ('a', 'b');",
            &[
                "warning structure-weakened t: loses its ON CONFLICT REPLACE",
                "warning structure-weakened t: loses its ON CONFLICT IGNORE",
            ],
        ),
        Quirk::equal(
            "on-conflict-of-a-primary-key",
            "CREATE TABLE t(id INTEGER PRIMARY KEY ON CONFLICT REPLACE, v TEXT); INSERT INTO t(v) VALUES ('a');",
            &["warning structure-weakened t: loses its ON CONFLICT REPLACE"],
        ),
        Quirk::equal(
            "on-conflict-of-not-null",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT NOT NULL ON CONFLICT IGNORE DEFAULT ''); INSERT INTO t(v) VALUES ('a');",
            &["warning structure-weakened t.v: loses its ON CONFLICT IGNORE"],
        ),
        Quirk::equal(
            "on-conflict-of-several-not-nulls",
            "CREATE TABLE t(id INTEGER PRIMARY KEY NOT NULL ON CONFLICT IGNORE, a NOT NULL ON CONFLICT REPLACE DEFAULT 7,
               b NOT NULL ON CONFLICT ABORT, c NOT NULL ON CONFLICT IGNORE NOT NULL, d NULL ON CONFLICT IGNORE,
               e INTEGER NOT NULL ON CONFLICT FAIL, f TEXT NOT NULL ON CONFLICT ROLLBACK);
             INSERT INTO t VALUES (1, 1, 1, 1, NULL, 1, 'x');",
            &[
                "warning structure-weakened t.a: NOT NULL loses its ON CONFLICT REPLACE",
                "warning structure-weakened t.e: NOT NULL loses its ON CONFLICT FAIL",
                "warning structure-weakened t.f: NOT NULL loses its ON CONFLICT ROLLBACK",
            ],
        ),
    ]
}
