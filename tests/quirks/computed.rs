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
            &[],
        ),
        Quirk::equal(
            "computed-one-of-two",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, x INTEGER AS (k * 2) STORED, y TEXT AS (a || '!'), a TEXT); INSERT INTO t(k, a) VALUES (1, 'a'), (9223372036854775807, 'b');",
            &[],
        ),
        Quirk::equal(
            "computed-substr",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, a TEXT, x AS (substr(a, k))); INSERT INTO t(k, a) VALUES (2, 'abc'), (-9223372036854775807, 'abc'), (3000000000, 'abc');",
            &[],
        ),
        Quirk::equal(
            "computed-cast",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, r REAL, x AS (CAST(r AS INTEGER)), y AS (round(r, 2))); INSERT INTO t(r) VALUES (1.5), (1e300), (-9e999);",
            &[],
        ),
        Quirk::equal(
            "computed-text-arithmetic",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, x AS (a + 1), y AS (CAST(a AS INTEGER)), z AS (CAST(a AS REAL))); INSERT INTO t(a) VALUES ('7'), ('seven'), ('9223372036854775807'), ('1e400'), (NULL);",
            &[],
        ),
        Quirk::equal(
            "computed-json",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, x AS (a ->> '$.k')); INSERT INTO t(a) VALUES ('{\"k\": 1}'), ('[]');",
            &[],
        ),
        Quirk::equal(
            "computed-too-wide",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, x TEXT AS (a || a || a || a) STORED); INSERT INTO t(a) VALUES ('a'), (hex(randomblob(2500)));",
            &[],
        ),
        Quirk::equal(
            "computed-infinity",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, r REAL, x REAL AS (r * r), y REAL AS (r / 2.0)); INSERT INTO t(r) VALUES (2.0), (1e200);",
            &[],
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
             CREATE VIEW s AS SELECT id FROM t WHERE k IN (SELECT z.x FROM t AS z); CREATE VIEW r AS SELECT q.id FROM (SELECT id, k AS x FROM t) AS q WHERE q.x = 1;
             INSERT INTO t(k, a) VALUES (1, 'A'), (9223372036854775807, 'B');",
            &[
            ],
        ),
        Quirk::equal(
            "computed-not-null",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, x INTEGER NOT NULL AS (k * 3), y INTEGER NOT NULL AS (coalesce(k, 0))); INSERT INTO t(k) VALUES (1), (9223372036854775807);",
            &[
            ],
        ),
        Quirk::equal(
            "computed-parent",
            "CREATE TABLE p(id INTEGER PRIMARY KEY, k INTEGER, x INTEGER AS (k * 2) STORED UNIQUE); CREATE TABLE c(id INTEGER PRIMARY KEY, x INTEGER REFERENCES p(x));
             INSERT INTO p(k) VALUES (1), (9223372036854775807); INSERT INTO c(x) VALUES (2), (NULL);",
            &[
            ],
        ),
    ]
}
