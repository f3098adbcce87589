//! Days, times and moments, as texts and as numbers.

use super::quirk::Quirk;

pub(super) fn quirks() -> Vec<Quirk> {
    [texts(), numbers()].into_iter().flatten().collect()
}

fn texts() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "days",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DATE);
             INSERT INTO t(v) VALUES ('2024-02-29'), ('0001-01-01'), ('9999-12-31'), ('1582-10-10');",
            &[],
        ),
        Quirk::equal(
            "day-that-never-was",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DATE);
             INSERT INTO t(v) VALUES ('2023-02-28'), ('2023-02-30');",
            &["warning recast t.v: becomes text: 1 value is not a day"],
        ),
        Quirk::equal(
            "day-that-is-empty",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DATE);
             INSERT INTO t(v) VALUES ('2023-02-28'), (''), (NULL);",
            &["warning recast t.v: becomes text: 1 value is not a day"],
        ),
        Quirk::equal(
            "day-of-zeros",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DATE);
             INSERT INTO t(v) VALUES ('0000-00-00'), ('0000-01-01'), ('10000-01-01');",
            &["warning recast t.v ×3: becomes text"],
        ),
        Quirk::equal(
            "day-month-year",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DATE, w TEXT);
             INSERT INTO t(v, w) VALUES ('31.12.2023', '20231231'), ('12/31/2023', '20240101');",
            &["warning recast t.v ×2: becomes text"],
        ),
        Quirk::equal(
            "moments-without-offset",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DATETIME);
             INSERT INTO t(v) VALUES ('2024-01-01 10:00:00'), ('2024-01-01 10:00:00.123456');",
            &[],
        ),
        Quirk::equal(
            "moments-with-a-t",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DATETIME);
             INSERT INTO t(v) VALUES ('2024-01-01T10:00:00'), ('2024-01-01 10:00:00.500'), ('2024-01-01 10:00:00');",
            &["note spelling-lost t.v ×2: becomes timestamp without time zone"],
        ),
        Quirk::equal(
            "moments-with-offset",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DATETIME);
             INSERT INTO t(v) VALUES ('2024-01-01T10:00:00Z'), ('2024-01-01 10:00:00.25+05:30'), ('2024-07-01 10:00:00-0800'), ('2024-07-01 10:00:00+02');",
            &["note spelling-lost t.v ×4: the written offset is not kept"],
        ),
        Quirk::equal(
            "moments-with-and-without-offset",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DATETIME);
             INSERT INTO t(v) VALUES ('2024-01-01 10:00:00'), ('2024-01-01 10:00:00Z');",
            &["warning recast t.v: becomes text: 1 value is not a moment without offset"],
        ),
        Quirk::equal(
            "moments-with-offset-in-a-key",
            "CREATE TABLE t(v DATETIME PRIMARY KEY);
             INSERT INTO t(v) VALUES ('2024-01-01 10:00:00Z'), ('2024-01-01 12:00:00+02:00');",
            &["warning recast t.v ×2: becomes text"],
        ),
        Quirk::equal(
            "moments-to-the-minute",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DATETIME);
             INSERT INTO t(v) VALUES ('2024-01-01 10:00'), ('2024-01-01T11:30');",
            &["warning recast t.v ×2: becomes text"],
        ),
        Quirk::equal(
            "moments-to-the-nanosecond",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DATETIME);
             INSERT INTO t(v) VALUES ('2024-01-01 10:00:00.123456789');",
            &["warning recast t.v: becomes text"],
        ),
        Quirk::equal(
            "leap-second-and-midnight",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DATETIME, w TIME);
             INSERT INTO t(v, w) VALUES ('2016-12-31 23:59:60', '24:00:00'), ('2016-12-31 24:00:00', '23:59:60');",
            &["warning recast t.v ×2: becomes text", "warning recast t.w ×2: becomes text"],
        ),
        Quirk::equal(
            "moments-of-no-time",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TIMESTAMP);
             INSERT INTO t(v) VALUES ('infinity'), ('now'), ('epoch'), ('today');",
            &["warning recast t.v ×4: becomes text"],
        ),
        Quirk::equal(
            "times-where-declared",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TIME, w TEXT);
             INSERT INTO t(v, w) VALUES ('00:00:00', '00:00:00'), ('23:59:59.999999', '12:30:00');",
            &[],
        ),
        Quirk::equal(
            "javascript-moments",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES ('2024-01-01T10:00:00.000Z'), ('2024-06-30T23:59:59.999Z');",
            &["note spelling-lost t.v ×2: becomes timestamp with time zone"],
        ),
    ]
}

fn numbers() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "seconds-since-1970",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TIMESTAMP);
             INSERT INTO t(v) VALUES (1700000000), (1700000001);",
            &["note recast t.v ×2: as seconds since 1970 all would be moments"],
        ),
        Quirk::equal(
            "milliseconds-since-1970",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DATETIME);
             INSERT INTO t(v) VALUES (1700000000000), (1700000000001);",
            &["note recast t.v ×2: as milliseconds since 1970 all would be moments"],
        ),
        Quirk::equal(
            "microseconds-since-1970",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DATETIME);
             INSERT INTO t(v) VALUES (1700000000000000);",
            &["note recast t.v: as microseconds since 1970 all would be moments"],
        ),
        Quirk::equal(
            "julian-days",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DATETIME);
             INSERT INTO t(v) VALUES (2460310.5), (2460311.25);",
            &["note recast t.v ×2: becomes double precision"],
        ),
        Quirk::equal(
            "seconds-beside-texts",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v DATETIME);
             INSERT INTO t(v) VALUES (1700000000), ('2024-01-01 10:00:00');",
            &["warning recast t.v: 1 number beside 1 text"],
        ),
        Quirk::equal(
            "seconds-in-text",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES ('1700000000'), ('1700000001');",
            &[],
        ),
    ]
}
