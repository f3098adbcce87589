//! Computed columns that PostgreSQL has an error for on some row, where SQLite goes on.

use super::quirk::Quirk;

pub(super) fn quirks() -> Vec<Quirk> {
    [expressions(), dependents()]
        .into_iter()
        .flatten()
        .collect()
}

fn expressions() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "computed-out-of-range",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, x AS (k * 2), a TEXT); INSERT INTO t(k, a) VALUES (1, 'a'), (9223372036854775807, 'b'), (NULL, 'c');",
            &[
                "warning structure-left-out t.x: the computed column is left out, the server cannot compute it for every row: bigint out of range: k * 2",
            ],
        ),
        Quirk::equal(
            "computed-one-of-two",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, x INTEGER AS (k * 2) STORED, y TEXT AS (a || '!'), a TEXT); INSERT INTO t(k, a) VALUES (1, 'a'), (9223372036854775807, 'b');",
            &[
                "note structure-translated t.y: the computed column is translated: a || '!'",
                "warning structure-left-out t.x: the computed column is left out, the server cannot compute it for every row: bigint out of range: k * 2",
            ],
        ),
        Quirk::equal(
            "computed-substr",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, a TEXT, x AS (substr(a, k))); INSERT INTO t(k, a) VALUES (2, 'abc'), (-9223372036854775807, 'abc'), (3000000000, 'abc');",
            &[
                "warning structure-left-out t.x: the computed column is left out, the server cannot compute it for every row: integer out of range: substr(a, k)",
            ],
        ),
        Quirk::equal(
            "computed-cast",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, r REAL, x AS (CAST(r AS INTEGER)), y AS (round(r, 2))); INSERT INTO t(r) VALUES (1.5), (1e300), (-9e999);",
            &[
                "note structure-translated t.y: the computed column is translated: round(r, 2)",
                "warning structure-left-out t.x: the computed column is left out, the server cannot compute it for every row: bigint out of range: CAST(r AS INTEGER)",
            ],
        ),
        Quirk::equal(
            "computed-text-arithmetic",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, x AS (a + 1), y AS (CAST(a AS INTEGER)), z AS (CAST(a AS REAL))); INSERT INTO t(a) VALUES ('7'), ('seven'), ('9223372036854775807'), ('1e400'), (NULL);",
            &[
                "warning structure-left-out t.y: the computed column is left out, a text has no translation as an integer: CAST(a AS INTEGER)",
                "warning structure-left-out t.z: the computed column is left out, a text is no number: CAST(a AS REAL)",
                "warning structure-left-out t.x: the computed column is left out, the server cannot compute it for every row: \"1e400\" is out of range for type double precision: a + 1",
            ],
        ),
        Quirk::equal(
            "computed-infinity",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, r REAL, x REAL AS (r * r), y REAL AS (r / 2.0)); INSERT INTO t(r) VALUES (2.0), (1e200);",
            &[
                "note structure-translated t.y: the computed column is translated: r / 2.0; a result out of range is an error, where SQLite would go on with a real or infinity",
                "warning structure-left-out t.x: the computed column is left out, the server cannot compute it for every row: value out of range: overflow: r * r",
            ],
        ),
    ]
}

fn dependents() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "computed-and-what-needs-it",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, a TEXT, x AS (k + 1), y TEXT AS (lower(a)), UNIQUE (x), UNIQUE (y), UNIQUE (k, x), CHECK (x <> 5), CHECK (length(y) > 0));
             CREATE INDEX by_x ON t(x, a); CREATE UNIQUE INDEX by_sum ON t(x + 1); CREATE INDEX partly ON t(a) WHERE x > 0; CREATE INDEX by_y ON t(y);
             CREATE VIEW v AS SELECT id, x FROM t; CREATE VIEW w AS SELECT id FROM v; CREATE VIEW u AS SELECT t.id, y FROM t WHERE EXISTS (SELECT 1 FROM t AS o WHERE o.k = 1);
             CREATE VIEW s AS SELECT id FROM t WHERE EXISTS (SELECT 1 FROM t AS z WHERE z.x = 1); CREATE VIEW r AS SELECT q.id FROM (SELECT id, k AS x FROM t) AS q WHERE q.x = 1;
             INSERT INTO t(k, a) VALUES (1, 'A'), (9223372036854775807, 'B');",
            &[
                "note key-unchecked t.y: not checked offline: the column `y` is computed and not in the archive",
                "note structure-translated r: the view is translated: CREATE VIEW r AS SELECT q.id FROM (SELECT id, k AS x FROM t) AS q WHERE q.x = 1",
                "note structure-translated t: check constraint is translated: length(y) > 0",
                "note structure-translated t.y: the computed column is translated: lower(a)",
                "note structure-translated u: the view is translated: CREATE VIEW u AS SELECT t.id, y FROM t WHERE EXISTS (SELECT 1 FROM t AS o WHERE o.k = 1)",
                "warning structure-left-out s: the view is left out, column `x` is left out: CREATE VIEW s AS SELECT id FROM t WHERE EXISTS (SELECT 1 FROM t AS z WHERE z.x = 1)",
                "warning structure-left-out t.x: the computed column is left out, the server cannot compute it for every row: bigint out of range: k + 1",
                "warning structure-left-out t: unique constraint `t_x_key` (x) is left out: its column `x` is computed and left out",
                "warning structure-left-out t: unique constraint `t_k_x_key` (k, x) is left out: its column `x` is computed and left out",
                "warning structure-left-out t: index `by_x` is left out: its column `x` is computed and left out: CREATE INDEX by_x ON t(x, a)",
                "warning structure-left-out t: unique index `by_sum` is left out: its column `x` is computed and left out: CREATE UNIQUE INDEX by_sum ON t(x + 1)",
                "warning structure-left-out t: index `partly` is left out: its column `x` is computed and left out: CREATE INDEX partly ON t(a) WHERE x > 0",
                "warning structure-left-out t: check constraint `t_check` is left out, column `x` is left out: x <> 5",
                "warning structure-left-out v: the view is left out, column `x` is left out: CREATE VIEW v AS SELECT id, x FROM t",
                "warning structure-left-out w: the view is left out, it reads `v`, which is left out: CREATE VIEW w AS SELECT id FROM v",
            ],
        )
        .into_sqlite(&["note key-unchecked t.x", "note key-unchecked t.y", "note key-unchecked t.k, x", "note key-unchecked t"]),
        Quirk::equal(
            "computed-not-null",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, x INTEGER NOT NULL AS (k * 3), y INTEGER NOT NULL AS (coalesce(k, 0))); INSERT INTO t(k) VALUES (1), (9223372036854775807);",
            &[
                "note key-unchecked t.y: not checked offline: the column `y` is computed and not in the archive",
                "note structure-translated t.y: the computed column is translated: coalesce(k, 0)",
                "warning structure-left-out t.x: the computed column is left out, the server cannot compute it for every row: bigint out of range: k * 3",
            ],
        )
        .into_sqlite(&["note key-unchecked t.x", "note key-unchecked t.y"]),
        Quirk::equal(
            "computed-parent",
            "CREATE TABLE p(id INTEGER PRIMARY KEY, k INTEGER, x INTEGER AS (k * 2) STORED UNIQUE); CREATE TABLE c(id INTEGER PRIMARY KEY, x INTEGER REFERENCES p(x));
             INSERT INTO p(k) VALUES (1), (9223372036854775807); INSERT INTO c(x) VALUES (2), (NULL);",
            &[
                "warning structure-left-out c.x: foreign key to `p` (x) is left out: `p` has no stored column `x`",
                "warning structure-left-out p.x: the computed column is left out, the server cannot compute it for every row: bigint out of range: k * 2",
                "warning structure-left-out p: unique constraint `p_x_key` (x) is left out: its column `x` is computed and left out",
            ],
        )
        .into_sqlite(&["note key-unchecked p.x", "note key-unchecked c.x"]),
    ]
}
