//! Foreign keys: to nothing, to no key, in circles, across types.

use super::quirk::Quirk;

pub(super) fn quirks() -> Vec<Quirk> {
    [carried(), broken(), types()]
        .into_iter()
        .flatten()
        .collect()
}

fn carried() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "foreign-key-to-itself",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES t ON DELETE CASCADE);
             INSERT INTO t VALUES (1, 2), (2, 1), (3, 3), (4, NULL);",
            &[],
        ),
        Quirk::equal(
            "foreign-keys-in-a-circle",
            "CREATE TABLE a(id INTEGER PRIMARY KEY, b INTEGER REFERENCES b(id) DEFERRABLE INITIALLY DEFERRED);
             CREATE TABLE b(id INTEGER PRIMARY KEY, c INTEGER REFERENCES c(id));
             CREATE TABLE c(id INTEGER PRIMARY KEY, a INTEGER NOT NULL REFERENCES a(id));
             INSERT INTO a VALUES (1, 1); INSERT INTO b VALUES (1, 1); INSERT INTO c VALUES (1, 1);",
            &[],
        ),
        Quirk::equal(
            "foreign-key-of-two-columns",
            "CREATE TABLE p(a TEXT, b INTEGER, PRIMARY KEY (a, b));
             CREATE TABLE t(id INTEGER PRIMARY KEY, y INTEGER, x TEXT, FOREIGN KEY (x, y) REFERENCES p ON UPDATE SET NULL);
             INSERT INTO p VALUES ('a', 1), ('a', 2); INSERT INTO t VALUES (1, 1, 'a'), (2, NULL, 'none'), (3, 9, NULL);",
            &[],
        ),
        Quirk::equal(
            "foreign-key-to-columns-in-another-order",
            "CREATE TABLE p(a TEXT, b INTEGER, c INTEGER PRIMARY KEY, UNIQUE (a, b));
             CREATE TABLE t(id INTEGER PRIMARY KEY, y INTEGER, x TEXT, FOREIGN KEY (y, x) REFERENCES p(b, a));
             INSERT INTO p VALUES ('a', 1, 1); INSERT INTO t VALUES (1, 1, 'a');",
            &[],
        ),
        Quirk::equal(
            "foreign-key-by-names-in-another-case",
            "CREATE TABLE Parent(Id INTEGER PRIMARY KEY); CREATE TABLE t(id INTEGER PRIMARY KEY, P INTEGER REFERENCES pARENT(ID));
             INSERT INTO Parent VALUES (1); INSERT INTO t VALUES (1, 1);",
            &[],
        ),
        Quirk::equal(
            "foreign-key-to-a-unique-index",
            "CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT); CREATE UNIQUE INDEX i ON p(code);
             CREATE TABLE t(id INTEGER PRIMARY KEY, p TEXT REFERENCES p(code)); INSERT INTO p(code) VALUES ('a'); INSERT INTO t(p) VALUES ('a');",
            &[],
        ),
        Quirk::equal(
            "foreign-key-with-every-action",
            "CREATE TABLE p(id INTEGER PRIMARY KEY);
             CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER REFERENCES p ON DELETE SET NULL ON UPDATE CASCADE,
               b INTEGER DEFAULT 1 REFERENCES p ON DELETE SET DEFAULT ON UPDATE RESTRICT, c INTEGER REFERENCES p ON DELETE NO ACTION MATCH FULL);
             INSERT INTO p VALUES (1); INSERT INTO t VALUES (1, 1, 1, 1);",
            &[],
        ),
    ]
}

fn broken() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "foreign-key-with-orphans",
            "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE t(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p);
             INSERT INTO p VALUES (1); INSERT INTO t VALUES (1, 1), (2, 7), (3, 8), (4, NULL);",
            &["warning foreign-key-orphan t.p ×2: is created NOT VALID: 2 rows have no parent"],
        )
        .into_sqlite(&["warning foreign-key-orphan t.p ×2"]),
        Quirk::equal(
            "foreign-key-to-no-table",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, p INTEGER REFERENCES gone(id)); INSERT INTO t VALUES (1, 1), (2, NULL);",
            &[
                "warning structure-left-out t.p: its parent table is not there",
            ],
        )
        .into_sqlite(&["note key-unchecked t.p"]),
        Quirk::equal(
            "foreign-key-to-no-column",
            "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE t(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(gone)); INSERT INTO t VALUES (1, NULL);",
            &["warning structure-left-out t.p: has no stored column `gone`"],
        )
        .into_sqlite(&["note key-unchecked t.p"]),
        Quirk::equal(
            "foreign-key-to-no-key",
            "CREATE TABLE p(id INTEGER PRIMARY KEY, v TEXT); CREATE TABLE t(id INTEGER PRIMARY KEY, p TEXT REFERENCES p(v));
             INSERT INTO p VALUES (1, 'a'), (2, 'a'); INSERT INTO t VALUES (1, 'a');",
            &["warning structure-left-out t.p: no key in PostgreSQL"],
        ),
        Quirk::equal(
            "foreign-key-to-a-parent-without-primary-key",
            "CREATE TABLE p(v TEXT UNIQUE); CREATE TABLE t(id INTEGER PRIMARY KEY, p TEXT REFERENCES p);
             INSERT INTO p VALUES ('a'); INSERT INTO t VALUES (1, 'a');",
            &[
                "note structure-left-out p: the rowid is left out",
                "warning structure-left-out t.p: the parent has no primary key",
            ],
        )
        .into_sqlite(&["note key-unchecked t.p"]),
        Quirk::equal(
            "foreign-key-to-a-view",
            "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE VIEW v AS SELECT id FROM p;
             CREATE TABLE t(id INTEGER PRIMARY KEY, p INTEGER REFERENCES v(id)); INSERT INTO t VALUES (1, NULL);",
            &[
                "warning structure-left-out t.p: its parent table is not there",
                "note structure-translated v: the view is translated: CREATE VIEW v AS SELECT id FROM p",
            ],
        )
        .into_sqlite(&["note key-unchecked t.p"]),
        Quirk::equal(
            "foreign-key-to-a-nocase-key",
            "CREATE TABLE p(k TEXT COLLATE NOCASE PRIMARY KEY) WITHOUT ROWID; CREATE TABLE t(id INTEGER PRIMARY KEY, p TEXT REFERENCES p);
             INSERT INTO p VALUES ('Anna'); INSERT INTO t VALUES (1, 'ANNA');",
            &[
                "note structure-translated p.k: a unique index on (lower(k)) beside it",
                "warning structure-weakened p.k: collation NOCASE is left out",
                "warning structure-left-out t.p: the source compares `k` by NOCASE, PostgreSQL by bytes, and 1 row has no parent by bytes",
            ],
        ),
        Quirk::equal(
            "foreign-key-to-a-nocase-key-by-bytes",
            "CREATE TABLE p(k TEXT COLLATE NOCASE PRIMARY KEY) WITHOUT ROWID; CREATE TABLE t(id INTEGER PRIMARY KEY, p TEXT REFERENCES p);
             INSERT INTO p VALUES ('Anna'), ('bob'); INSERT INTO t VALUES (1, 'Anna'), (2, NULL), (3, 'bob');",
            &[
                "note structure-translated p.k: a unique index on (lower(k)) beside it",
                "warning structure-weakened p.k: collation NOCASE is left out",
                "warning structure-weakened t.p: foreign key to `p` (k) is stricter for new rows",
            ],
        ),
        Quirk::equal(
            "foreign-key-to-a-key-with-null",
            "CREATE TABLE p(k TEXT PRIMARY KEY); CREATE TABLE t(id INTEGER PRIMARY KEY, p TEXT REFERENCES p);
             INSERT INTO p VALUES ('a'), (NULL); INSERT INTO t VALUES (1, 'a'), (2, NULL);",
            &[
                "warning structure-weakened p.k: the primary key becomes a UNIQUE constraint",
                "note structure-left-out p: there is no primary key",
            ],
        ),
        Quirk::equal(
            "foreign-key-to-half-a-key",
            "CREATE TABLE p(a INTEGER, b INTEGER, PRIMARY KEY (a, b)); CREATE TABLE t(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p);
             INSERT INTO p VALUES (1, 1); INSERT INTO t VALUES (1, NULL);",
            &["warning structure-left-out t.p"],
        )
        .into_sqlite(&["note key-unchecked t.p"]),
    ]
}

fn types() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "foreign-key-from-text-to-integer",
            "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE t(id INTEGER PRIMARY KEY, p TEXT REFERENCES p);
             INSERT INTO p VALUES (1); INSERT INTO t VALUES (1, '1');",
            &["warning structure-left-out t.p: can share no type that keeps every value"],
        ),
        Quirk::equal(
            "foreign-key-from-boolean-to-integer",
            "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE t(id INTEGER PRIMARY KEY, p BOOLEAN REFERENCES p);
             INSERT INTO p VALUES (0), (1); INSERT INTO t VALUES (1, 1), (2, 0);",
            &["note recast t.p: becomes bigint, the type of the columns that a foreign key ties it to"],
        ),
        Quirk::equal(
            "foreign-key-from-integers-to-mixed-numbers",
            "CREATE TABLE p(k NUMERIC PRIMARY KEY); CREATE TABLE t(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p);
             INSERT INTO p VALUES (1), (2.5); INSERT INTO t VALUES (1, 1);",
            &["note recast t.p: becomes numeric, the type of the columns that a foreign key ties it to"],
        ),
        Quirk::equal(
            "foreign-key-from-dates-to-texts",
            "CREATE TABLE p(k TEXT PRIMARY KEY); CREATE TABLE t(id INTEGER PRIMARY KEY, p TEXT REFERENCES p);
             INSERT INTO p VALUES ('2024-01-01'), ('never'); INSERT INTO t VALUES (1, '2024-01-01');",
            &["note recast t.p: becomes text, the type of the columns that a foreign key ties it to"],
        ),
        Quirk::equal(
            "foreign-key-from-nothing",
            "CREATE TABLE p(k TEXT PRIMARY KEY); CREATE TABLE t(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p);
             INSERT INTO p VALUES ('a'); INSERT INTO t VALUES (1, NULL);",
            &["note recast t.p: becomes text, the type of the columns that a foreign key ties it to"],
        ),
    ]
}
