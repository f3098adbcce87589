//! Declared types that values overrule, and classes mixed in one column.

use super::quirk::{Quirk, open};
use rusqlite::types::{ToSqlOutput, ValueRef};
use std::path::Path;

pub(super) fn quirks() -> Vec<Quirk> {
    [declared(), mixed(), forms()]
        .into_iter()
        .flatten()
        .collect()
}

/// SQLite's parser makes an integer of `-0.0` in some places; a bound value keeps its bits.
fn minus_zero(path: &Path, others: &str) {
    let connection = open(path);
    let sql =
        format!("CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t(v) VALUES {others}");
    connection.execute_batch(&sql).expect("a table");
    let zero = ToSqlOutput::Borrowed(ValueRef::Real(-0.0));
    connection
        .execute("INSERT INTO t(v) VALUES (?1)", [zero])
        .expect("a row");
}

fn declared() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "boolean-of-0-and-1",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v BOOLEAN);
             INSERT INTO t(v) VALUES (0), (1), (NULL);",
            &[],
        ),
        Quirk::equal(
            "boolean-with-a-2",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v BOOLEAN);
             INSERT INTO t(v) VALUES (0), (1), (2);",
            &["warning recast t.v: becomes bigint: 1 value is not 0 or 1"],
        ),
        Quirk::equal(
            "boolean-in-words",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v BOOLEAN);
             INSERT INTO t(v) VALUES ('true'), ('false'), ('yes');",
            &["warning recast t.v ×3: becomes text"],
        ),
        Quirk::equal(
            "integer-column-of-texts",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER);
             INSERT INTO t(v) VALUES ('n/a'), ('none');",
            &["warning recast t.v ×2: becomes text: 2 values are not an integer"],
        ),
        Quirk::equal(
            "integer-column-with-a-fraction",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER);
             INSERT INTO t(v) VALUES (1), (2.5), (-3);",
            &["warning recast t.v: becomes numeric: 1 value is not an integer"],
        ),
        Quirk::equal(
            "text-column-of-blobs",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES (x'00ff'), (x''), (x'616263');",
            &["warning recast t.v ×3: becomes bytea"],
        ),
        Quirk::equal(
            "blob-column-of-integers",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); INSERT INTO t(v) VALUES (1), (2);",
            &["warning recast t.v ×2: becomes bigint: 2 values are not a blob"],
        ),
        Quirk::equal(
            "real-column-of-whole-numbers",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v REAL);
             INSERT INTO t(v) VALUES (1), (2.0), (-0.0), (9007199254740993);",
            &[],
        ),
        Quirk::equal(
            "types-nobody-knows",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a STRING, b VARCHAR(255), c UNSIGNED BIG INT,
               d DOUBLE PRECISION, e NATIVE CHARACTER(70), f FLOATING POINT, g \"my type\", h CLOB(3, 4));
             INSERT INTO t VALUES (1, 'a', 'b', 3, 4.5, 'e', 6, 'g', 'h');",
            &[],
        ),
        Quirk::equal(
            "columns-without-values",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a BOOLEAN, b DECIMAL(9,2), c DATE, d DATETIME,
               e TIMESTAMP WITH TIME ZONE, f TIME, g BLOB, h JSON, i UUID, j INT, k REAL, l TEXT, m);
             INSERT INTO t(id) VALUES (1), (2);",
            &[],
        ),
        Quirk::equal(
            "strict-table-of-every-type",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a INT, b INTEGER, c REAL, d TEXT, e BLOB, f ANY) STRICT;
             INSERT INTO t VALUES (1, 2, 3, 4, '5', x'06', 'seven'), (2, 2, 3, 4.5, '', x'', NULL);",
            &[],
        ),
        Quirk::equal(
            "strict-any-keeps-classes",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v ANY) STRICT;
             INSERT INTO t(v) VALUES ('one'), (2), (3.5);",
            &["warning recast t.v ×2: 2 numbers beside 1 text become text"],
        ),
    ]
}

fn mixed() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "integers-beside-reals",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v);
             INSERT INTO t(v) VALUES (9007199254740993), (0.1), (1), (1.0), (1e16), (-1.5e-7);",
            &[],
        ),
        Quirk::equal(
            "exact-integers-beside-infinity",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v);
             INSERT INTO t(v) VALUES (9007199254740992), (9e999), (-7);",
            &["warning recast t.v ×2: 2 integers beside 1 real become double precision"],
        ),
        Quirk::refused(
            "wide-integer-beside-infinity",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v);
             INSERT INTO t(v) VALUES (9007199254740993), (9e999);",
            &["error value-refused t.v ×2: beyond 2^53"],
        ),
        Quirk::file(
            "minus-zero-alone",
            |path| minus_zero(path, "(1.5), (5e-324), (-9e999), (9e999)"),
            &[],
        ),
        Quirk::file(
            "minus-zero-beside-text",
            |path| minus_zero(path, "('x')"),
            &[],
        )
        .refuses(&["error value-refused t.v: -0.0 or infinite"]),
        Quirk::equal(
            "numbers-beside-texts",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DECIMAL(10,2));
             INSERT INTO t(v) VALUES (12.5), ('n/a'), (7), ('tbd');",
            &["warning recast t.v ×2: 2 numbers beside 2 texts become text"],
        ),
        Quirk::refused(
            "number-beside-its-own-spelling",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v);
             INSERT INTO t(v) VALUES (1), ('1'), ('one'), ('2');",
            &["error value-refused t.v ×2: spelled like a number"],
        ),
        Quirk::equal(
            "number-beside-padded-spelling",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v);
             INSERT INTO t(v) VALUES (7), ('007'), ('+7'), ('7 ');",
            &["warning recast t.v: 1 number beside 3 texts"],
        ),
        Quirk::refused(
            "blob-beside-text",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v);
             INSERT INTO t(v) VALUES ('a'), ('b'), (x'61');",
            &["error value-refused t.v: 1 blob beside 2 values"],
        ),
        Quirk::refused(
            "blob-beside-integer",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB);
             INSERT INTO t(v) VALUES (x'00'), (x'01'), (5);",
            &["error value-refused t.v: 2 blobs beside 1 value"],
        ),
        Quirk::refused(
            "every-class-in-one-column",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v);
             INSERT INTO t(v) VALUES (NULL), (1), (2.5), ('three'), (x'04');",
            &["error value-refused t.v: 1 blob beside 3 values"],
        ),
    ]
}

fn forms() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "json-plain",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v JSON);
             INSERT INTO t(v) VALUES ('{ \"b\":1, \"a\":[true,null] }'), ('[]'),
               ('{\"n\":123456789012345678901234567890.1234567890}');",
            &["note spelling-lost t.v ×3: becomes jsonb"],
        ),
        Quirk::equal(
            "json-with-a-key-twice",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v JSON);
             INSERT INTO t(v) VALUES ('{\"a\":1}'), ('{\"a\":1,\"a\":2}');",
            &["note recast t.v: 1 value is JSON that jsonb would not give back"],
        ),
        Quirk::equal(
            "json-with-exponents",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v JSON);
             INSERT INTO t(v) VALUES ('{\"a\":1e5}'), ('[-0]'), ('[1E400]');",
            &["note recast t.v ×3: becomes json"],
        ),
        Quirk::equal(
            "json-with-escaped-nul",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES ('[\"\\u0000\"]'), ('[\"\\ud800\"]');",
            &[],
        ),
        Quirk::equal(
            "json-scalars",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v JSON);
             INSERT INTO t(v) VALUES ('{}'), ('\"x\"'), ('null');",
            &["warning recast t.v ×2: becomes text"],
        ),
        Quirk::equal(
            "json-cut-short",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v JSON);
             INSERT INTO t(v) VALUES ('{\"a\":1}'), ('{\"a\":');",
            &["warning recast t.v: becomes text: 1 value is not a JSON object or array"],
        ),
        Quirk::equal(
            "json-in-a-unique-column",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v JSON UNIQUE);
             INSERT INTO t(v) VALUES ('{\"a\":1}'), ('{\"a\": 1}');",
            &["warning recast t.v ×2: two spellings of one value must stay two"],
        ),
        Quirk::equal(
            "json-in-binary",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v JSONB);
             INSERT INTO t(v) VALUES (jsonb('{\"a\":[1,2]}'));",
            &["warning recast t.v: becomes bytea"],
        ),
        Quirk::equal(
            "uuid-in-lower-case",
            "CREATE TABLE t(id TEXT PRIMARY KEY, v UUID);
             INSERT INTO t VALUES ('0f8fad5b-d9cb-469f-a165-70867728950e', '7c9e6679-7425-40de-944b-e07fc1f90ae7');",
            &[],
        ),
        Quirk::equal(
            "uuid-in-upper-case",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES ('0F8FAD5B-D9CB-469F-A165-70867728950E'), ('7c9e6679-7425-40de-944b-e07fc1f90ae7');",
            &["note spelling-lost t.v: upper-case digits"],
        ),
        Quirk::equal(
            "uuid-in-both-cases-in-a-key",
            "CREATE TABLE t(id TEXT PRIMARY KEY);
             INSERT INTO t VALUES ('0F8FAD5B-D9CB-469F-A165-70867728950E'), ('0f8fad5b-d9cb-469f-a165-70867728950e');",
            &[],
        ),
        Quirk::equal(
            "uuid-without-hyphens",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v UUID);
             INSERT INTO t(v) VALUES ('0f8fad5bd9cb469fa16570867728950e');",
            &["warning recast t.v: becomes text: 1 value is not a UUID"],
        ),
        Quirk::equal(
            "uuid-in-braces",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES ('{0f8fad5b-d9cb-469f-a165-70867728950e}'), ('urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e');",
            &[],
        ),
        Quirk::equal(
            "uuid-as-sixteen-bytes",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v UUID);
             INSERT INTO t(v) VALUES (x'0f8fad5bd9cb469fa16570867728950e');",
            &["warning recast t.v: becomes bytea: 1 value is not a UUID"],
        ),
        Quirk::equal(
            "addresses",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES ('10.0.0.0/8'), ('fe80::1/64'), ('::ffff:1.2.3.4'), ('255.255.255.255'), ('::');",
            &[],
        ),
        Quirk::equal(
            "addresses-of-other-spelling",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES ('1.2.3.4/32'), ('2001:DB8::1'), ('010.0.0.1');",
            &[],
        ),
    ]
}
