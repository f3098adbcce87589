//! Names, and numbers of names.

use super::quirk::{Postgres, Quirk};

pub(super) fn quirks() -> Vec<Quirk> {
    [kept(), refused(), many()].into_iter().flatten().collect()
}

fn kept() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "names-with-quotes-and-blanks",
            "CREATE TABLE \"a \"\"b\"\" c\"(id INTEGER PRIMARY KEY, \"it's\" TEXT UNIQUE, \"x y\" TEXT, \"tab\there\" TEXT, \"a.b\" INTEGER, \"$1\" TEXT, \"%s {}\" TEXT, \"\\\" TEXT, \";--\" TEXT);
             CREATE INDEX \"in dex\" ON \"a \"\"b\"\" c\"(\"x y\"); INSERT INTO \"a \"\"b\"\" c\"(\"it's\", \"a.b\") VALUES ('a', 1);",
            &[],
        ),
        Quirk::equal(
            "names-that-are-words",
            "CREATE TABLE \"select\"(\"from\" INTEGER PRIMARY KEY, \"user\" TEXT, \"order\" TEXT UNIQUE, \"table\" TEXT, \"all\" INTEGER, \"null\" TEXT);
             CREATE TABLE \"order\"(\"group\" INTEGER PRIMARY KEY REFERENCES \"select\"); INSERT INTO \"select\"(\"user\", \"order\") VALUES ('a', 'b');",
            &[],
        ),
        Quirk::equal(
            "names-in-mixed-case",
            "CREATE TABLE Orders(OrderID INTEGER PRIMARY KEY, CustomerName TEXT); CREATE INDEX IX_Name ON Orders(CustomerName); INSERT INTO Orders(CustomerName) VALUES ('x');",
            &[],
        ),
        Quirk::equal(
            "names-in-unicode",
            "CREATE TABLE \"größe\"(\"名前\" INTEGER PRIMARY KEY, \"é\" TEXT, \"É\" TEXT, \"😀\" TEXT, \"ß\" TEXT); CREATE TABLE \"GRÖSSE\"(\"İ\" INTEGER PRIMARY KEY);
             INSERT INTO \"größe\" VALUES (1, 'a', 'b', 'c', 'd');",
            &[],
        ),
        Quirk::equal(
            "names-composed-and-decomposed",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, \"é\" TEXT, \"e\u{301}\" TEXT); INSERT INTO t VALUES (1, 'composed', 'decomposed');",
            &[],
        ),
        Quirk::equal(
            "names-of-63-bytes",
            "CREATE TABLE aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123(id INTEGER PRIMARY KEY, aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff124 TEXT UNIQUE);
             INSERT INTO aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123 VALUES (1, 'x');",
            &[],
        ),
        Quirk::equal(
            "names-of-postgresql",
            "CREATE TABLE pg_class(id INTEGER PRIMARY KEY, oid TEXT); CREATE TABLE public(id INTEGER PRIMARY KEY); CREATE TABLE waybill(id INTEGER PRIMARY KEY);
             INSERT INTO pg_class VALUES (1, 'a');",
            &[],
        ),
        Quirk::equal(
            "names-of-types",
            "CREATE TABLE \"text\"(\"integer\" INTEGER PRIMARY KEY, \"date\" DATE, \"timestamp\" TEXT, \"json\" JSON); CREATE TABLE \"int4\"(id INTEGER PRIMARY KEY);
             INSERT INTO \"text\" VALUES (1, '2024-01-01', 'x', '[]');",
            &["note spelling-lost text.json: becomes jsonb"],
        ),
        Quirk::equal(
            "index-named-as-a-key-would-be",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE); CREATE INDEX t_pkey ON t(a); CREATE TABLE t_a_key(id INTEGER PRIMARY KEY); INSERT INTO t(a) VALUES ('x');",
            &[],
        ),
        Quirk::equal(
            "constraint-named-as-a-table",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT, CONSTRAINT u UNIQUE (a), CONSTRAINT u UNIQUE (b)); CREATE TABLE u(id INTEGER PRIMARY KEY); INSERT INTO t(a, b) VALUES ('x', 'y');",
            &[
                "note structure-weakened t: constraint `u` becomes `u_1`: its name is taken",
                "note structure-weakened t: constraint `u` becomes `u_2`: its name is taken",
            ],
        ),
        Quirk::equal(
            "index-name-of-64-bytes",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); CREATE INDEX aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234 ON t(a); INSERT INTO t(a) VALUES ('x');",
            &["note structure-weakened t: its name is longer than 63 bytes"],
        ),
    ]
}

fn refused() -> Vec<Quirk> {
    vec![
        Quirk::refused(
            "names-of-system-columns",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, ctid TEXT, xmin TEXT, tableoid INTEGER, cmin, cmax, xmax); INSERT INTO t(ctid) VALUES ('x');",
            &[
                "error name-refused t.ctid: system column",
                "error name-refused t.xmin: system column",
                "error name-refused t.tableoid: system column",
                "error name-refused t.cmin: system column",
                "error name-refused t.cmax: system column",
                "error name-refused t.xmax: system column",
            ],
        ),
        Quirk::equal(
            "system-columns-in-another-case",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, CTID TEXT, Xmin TEXT, oid TEXT); INSERT INTO t(CTID) VALUES ('x');",
            &[],
        ),
        Quirk::refused(
            "names-of-64-bytes",
            "CREATE TABLE aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234(id INTEGER PRIMARY KEY);
             CREATE TABLE t(id INTEGER PRIMARY KEY, ääääääääääääääääääääääääääääääää TEXT);",
            &[
                "error name-refused aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234: longer than 63 bytes",
                "error name-refused t.ääääääääääääääääääääääääääääääää: longer than 63 bytes",
            ],
        ),
        Quirk::refused(
            "names-that-are-empty",
            "CREATE TABLE \"\"(\"\" INTEGER PRIMARY KEY, v TEXT); INSERT INTO \"\" VALUES (1, 'x');",
            &[
                "error name-refused : the table's name is empty",
                "error name-refused .: the column's name is empty",
            ],
        ),
    ]
}

fn many() -> Vec<Quirk> {
    vec![
        Quirk::equal_to("table-of-1600-columns", wide(1600), &[]),
        Quirk::equal_to("table-of-1601-columns", wide(1601), &[])
            .refuses(&["error server-unfit t: the table has 1601 columns, PostgreSQL takes 1600"]),
        Quirk::equal_to("table-of-2000-columns", wide(2000), &[])
            .refuses(&["error server-unfit t: the table has 2000 columns, PostgreSQL takes 1600"]),
        Quirk::equal_to(
            "row-that-no-page-holds",
            {
                let columns: Vec<String> = (1..=800).map(|n| format!("c{n} TEXT")).collect();
                let values = vec!["'twelve bytes'"; 800].join(", ");
                format!(
                    "CREATE TABLE t(id INTEGER PRIMARY KEY, {}); INSERT INTO t VALUES (1, {values});",
                    columns.join(", ")
                )
            },
            &[],
        )
        .into_postgres(Postgres::Stopped("value-refused", "t")),
        Quirk::equal_to(
            "two-hundred-tables",
            (0..200)
                .map(|n| format!("CREATE TABLE t{n}(id INTEGER PRIMARY KEY); INSERT INTO t{n} VALUES ({n});"))
                .collect(),
            &[],
        ),
    ]
}

/// A table of so many columns, of one row.
fn wide(columns: usize) -> String {
    let names: Vec<String> = (1..columns).map(|n| format!("c{n}")).collect();
    format!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, {}); INSERT INTO t(c1, c{}) VALUES (1, 2);",
        names.join(", "),
        columns - 1
    )
}
