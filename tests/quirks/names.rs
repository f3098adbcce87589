//! Names, and numbers of names.

use super::quirk::{Postgres, Quirk};

pub(super) fn quirks() -> Vec<Quirk> {
    [kept(), changed(), many()].into_iter().flatten().collect()
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
                "note name-changed t: the constraint `u` becomes `u_1`: its name is taken",
                "note name-changed t: the constraint `u` becomes `u_2`: its name is taken",
            ],
        ),
        Quirk::equal(
            "index-name-of-64-bytes",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); CREATE INDEX aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234 ON t(a); INSERT INTO t(a) VALUES ('x');",
            &["note name-changed t: its name is longer than 63 bytes"],
        ),
    ]
}

fn changed() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "names-of-system-columns",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, ctid TEXT, xmin TEXT, tableoid INTEGER, cmin, cmax, xmax); INSERT INTO t(ctid) VALUES ('x');",
            &[
                "warning name-changed t.ctid: the column `ctid` becomes `ctid_1`: its name is that of a system column",
                "warning name-changed t.xmin: the column `xmin` becomes `xmin_1`: its name is that of a system column",
                "warning name-changed t.tableoid: the column `tableoid` becomes `tableoid_1`: its name is that of a system column",
                "warning name-changed t.cmin: the column `cmin` becomes `cmin_1`: its name is that of a system column",
                "warning name-changed t.cmax: the column `cmax` becomes `cmax_1`: its name is that of a system column",
                "warning name-changed t.xmax: the column `xmax` becomes `xmax_1`: its name is that of a system column",
            ],
        )
        .renamed("ALTER TABLE t RENAME ctid TO ctid_1; ALTER TABLE t RENAME xmin TO xmin_1; ALTER TABLE t RENAME tableoid TO tableoid_1; ALTER TABLE t RENAME cmin TO cmin_1; ALTER TABLE t RENAME cmax TO cmax_1; ALTER TABLE t RENAME xmax TO xmax_1;"),
        Quirk::equal(
            "system-columns-in-another-case",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, CTID TEXT, Xmin TEXT, oid TEXT); INSERT INTO t(CTID) VALUES ('x');",
            &[],
        ),
        Quirk::equal(
            "names-of-64-bytes",
            "CREATE TABLE aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234(id INTEGER PRIMARY KEY);
             CREATE TABLE t(id INTEGER PRIMARY KEY, ääääääääääääääääääääääääääääääää TEXT);",
            &[
                "warning name-changed aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234: becomes `aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123`: its name is longer than 63 bytes",
                "warning name-changed t.ääääääääääääääääääääääääääääääää: becomes `äääääääääääääääääääääääääääääää`: its name is longer than 63 bytes",
            ],
        )
        .renamed("ALTER TABLE aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234 RENAME TO aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123; ALTER TABLE t RENAME ääääääääääääääääääääääääääääääää TO äääääääääääääääääääääääääääääää;"),
        Quirk::equal(
            "names-that-are-empty",
            "CREATE TABLE \"\"(\"\" INTEGER PRIMARY KEY, v TEXT); INSERT INTO \"\" VALUES (1, 'x');",
            &[
                "warning name-changed : the table `` becomes `unnamed`: its name is empty",
                "warning name-changed .: the column `` becomes `unnamed`: its name is empty",
            ],
        )
        .renamed("ALTER TABLE \"\" RENAME \"\" TO unnamed; ALTER TABLE \"\" RENAME TO unnamed;"),
        Quirk::equal(
            "names-that-are-equal-once-cut",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123x TEXT, aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123y TEXT, aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123 TEXT);
             INSERT INTO t VALUES (1, 'x', 'y', 'z');",
            &[
                "warning name-changed t.aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123x: becomes `aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1_1`",
                "warning name-changed t.aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123y: becomes `aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1_2`",
            ],
        )
        .renamed(
            "ALTER TABLE t RENAME aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123x TO aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1_1;
             ALTER TABLE t RENAME aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123y TO aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1_2;",
        ),
    ]
}

fn many() -> Vec<Quirk> {
    vec![
        Quirk::equal_to("table-of-1600-columns", wide(1600), &[]),
        Quirk::equal_to(
            "table-of-1601-columns",
            wide(1601),
            &["warning structure-weakened t: becomes 2 tables: it has 1601 columns, PostgreSQL takes 1600; `t` (`c1` to `c1599`), `t_2` (`c1600`), each with (id)"],
        ),
        Quirk::equal_to(
            "table-of-2000-columns",
            wide(2000),
            &["warning structure-weakened t: becomes 2 tables: it has 2000 columns, PostgreSQL takes 1600; `t` (`c1` to `c1599`), `t_2` (`c1600` to `c1999`), each with (id)"],
        ),
        Quirk::equal_to(
            "table-of-1999-long-columns-without-a-key",
            {
                let (columns, values) = filled(1999, "'twelve bytes'");
                format!(
                    "CREATE TABLE t({columns}, UNIQUE (c1, c2), UNIQUE (c2, c1999), CHECK (length(c1999) > 0), CHECK (length(c3) <= length(c1998)));
                     CREATE INDEX near ON t(c1998, c1999); CREATE INDEX far ON t(c3, c1999);
                     CREATE TABLE child(a TEXT, b TEXT, FOREIGN KEY (a, b) REFERENCES t(c1, c2), FOREIGN KEY (a, b) REFERENCES t(c2, c1999));
                     INSERT INTO t(rowid, c1, c1999, c3, c1998) VALUES (-7, 'a', 'b', 'c', 'd''e');
                     INSERT INTO t VALUES ({values}); INSERT INTO t(c1) VALUES ('a'), ('a');
                     INSERT INTO child VALUES ('twelve bytes', 'twelve bytes');"
                )
            },
            &[
                "warning structure-weakened t: becomes 4 tables: it has 1999 columns, PostgreSQL takes 1600; `t` (`c1` to `c619`), `t_2` (`c620` to `c1238`), `t_3` (`c1239` to `c1857`), `t_4` (`c1858` to `c1999`), each with (rowid)",
                "warning structure-left-out t: unique constraint `t_c2_c1999_key` (c2, c1999) is left out: its columns lie in different pieces",
                "warning structure-left-out t: check constraint `t_check_1` is left out",
                "note structure-translated t: check constraint is translated: length(c1999) > 0",
                "warning structure-left-out t: index `far` is left out",
                "note structure-left-out child: the rowid is left out, and there is no primary key; 1 row is carried",
                "warning structure-left-out child: (c2, c1999) is left out: the columns it refers to are the key of no piece",
            ],
        ),
        Quirk::equal_to(
            "table-of-1700-columns-with-a-key-of-two",
            {
                let (columns, values) = filled(1697, "1");
                format!(
                    "CREATE TABLE t({columns}, k1 TEXT, k2 INTEGER, g AS (c1697 + k2), PRIMARY KEY (k2, k1)) WITHOUT ROWID;
                     CREATE VIEW v AS SELECT c1 FROM t;
                     INSERT INTO t VALUES ({values}, 'x', 1), ({values}, 'y', 1), ({values}, 'x', 2);
                     CREATE TABLE child(a INTEGER, b TEXT, FOREIGN KEY (a, b) REFERENCES t ON DELETE CASCADE);
                     INSERT INTO child VALUES (1, 'y');"
                )
            },
            &[
                "warning structure-weakened t: becomes 2 tables: it has 1700 columns, PostgreSQL takes 1600; `t` (`c1` to `c997`), `t_2` (`c998` to `g`), each with (k1, k2)",
                "note structure-translated t.g: the computed column is translated",
                "note structure-left-out child: the rowid is left out, and there is no primary key; 1 row is carried",
                "warning structure-left-out v: the view is left out, it reads `t`, which is not there, left out or cut into pieces",
            ],
        ),
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
/// Columns and, for each, a value.
fn filled(columns: usize, value: &str) -> (String, String) {
    let names: Vec<String> = (1..=columns).map(|n| format!("c{n}")).collect();
    (names.join(", "), vec![value; columns].join(", "))
}

fn wide(columns: usize) -> String {
    let names: Vec<String> = (1..columns).map(|n| format!("c{n}")).collect();
    format!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, {}); INSERT INTO t(c1, c{}) VALUES (1, 2);",
        names.join(", "),
        columns - 1
    )
}
