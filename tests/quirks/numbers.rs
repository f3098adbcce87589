//! Numbers at the edges, and texts that look like numbers.

use super::quirk::Quirk;

pub(super) fn quirks() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "integers-at-both-ends",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER);
             INSERT INTO t(v) VALUES (-9223372036854775808), (9223372036854775807), (0), (-1),
               (2147483648), (-2147483649), (9007199254740993);",
            &[],
        ),
        Quirk::equal(
            "integers-in-a-tinyint",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TINYINT, b SMALLINT, c INT4);
             INSERT INTO t VALUES (1, 300, 70000, 5000000000);",
            &[],
        ),
        Quirk::equal(
            "reals-at-the-edges",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v REAL);
             INSERT INTO t(v) VALUES (1.7976931348623157e308), (5e-324), (2.2250738585072014e-308),
               (9e999), (-9e999), (0.1), (123456789012345680.0), (1e22), (1e23), (0.30000000000000004);",
            &[],
        ),
        Quirk::equal(
            "reals-equally-near-two-spellings",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DECIMAL);
             INSERT INTO t(v) VALUES (9007199254740993.5), (2e-44), (9.5367431640625e-7), (5e-324);",
            &[],
        ),
        Quirk::equal(
            "decimals-of-money",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DECIMAL(10,2));
             INSERT INTO t(v) VALUES (12.34), (5), (0.1), (99999999999.999), (-0.005);",
            &[],
        ),
        Quirk::equal(
            "decimals-in-text",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES ('12.50'), ('0.10'), ('12345678901234567890.123456789012345678901234567890');",
            &[],
        ),
        Quirk::equal(
            "digits-beyond-64-bits",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v NUMERIC, w INTEGER);
             INSERT INTO t(v, w) VALUES ('9223372036854775808', 9223372036854775808), ('18446744073709551615', 1e19);",
            &["warning recast t.w ×2: becomes double precision"],
        ),
        Quirk::equal(
            "texts-like-numbers",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES ('007'), ('1e5'), ('+49'), ('1.50'), ('0x10'), ('Infinity'), ('NaN'), (' 1'), ('1_000');",
            &[],
        ),
        Quirk::equal(
            "numbers-in-a-text-column",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v VARCHAR);
             INSERT INTO t(v) VALUES (7), (0.5), (1e300), (-9223372036854775808);",
            &[],
        ),
        Quirk::equal(
            "infinity-in-a-decimal",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DECIMAL(5,2));
             INSERT INTO t(v) VALUES (0.5), (9e999);",
            &["warning recast t.v: becomes double precision: 1 value is not a decimal number"],
        ),
    ]
}
