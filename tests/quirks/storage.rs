//! How SQLite keeps tables and files: rowids, WITHOUT ROWID, sequences, pages, modes.

use super::quirk::{Quirk, database};

pub(super) fn quirks() -> Vec<Quirk> {
    let mut quirks: Vec<Quirk> = [rowids(), sequences(), kinds(), modes()]
        .into_iter()
        .flatten()
        .collect();
    quirks.extend(pages());
    quirks
}

fn rowids() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "rows-without-key-as-often-as-they-occur",
            "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'x'), (1, 'x'), (1, 'x'), (NULL, NULL), (NULL, NULL);",
            &["note structure-left-out t: 5 rows are carried"],
        ),
        Quirk::equal(
            "rowids-with-gaps-and-below-zero",
            "CREATE TABLE t(v TEXT UNIQUE); INSERT INTO t(rowid, v) VALUES (-9223372036854775808, 'least'), (-1, 'minus'),
               (0, 'zero'), (1000000, 'million'), (9223372036854775807, 'most');",
            &["note structure-left-out t: the rowid is left out"],
        ),
        Quirk::equal(
            "integer-primary-key-at-both-ends",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t VALUES (-9223372036854775808, 'least'), (0, 'zero'), (9223372036854775807, 'most');",
            &["warning structure-weakened t.id: the largest integer of 64 bits is taken"],
        ),
        Quirk::equal(
            "int-primary-key-is-no-rowid",
            "CREATE TABLE t(id INT PRIMARY KEY, v TEXT); INSERT INTO t VALUES (3, 'c'), (1, 'a'), (9223372036854775807, 'z');",
            &[],
        ),
        Quirk::equal(
            "bigint-primary-key-of-texts",
            "CREATE TABLE t(id BIGINT PRIMARY KEY, v TEXT); INSERT INTO t VALUES ('one', 'c'), ('two', 'a');",
            &["warning recast t.id ×2: becomes text"],
        ),
        Quirk::equal(
            "integer-primary-key-desc-is-no-rowid",
            "CREATE TABLE t(id INTEGER PRIMARY KEY DESC, v TEXT); INSERT INTO t VALUES (3, 'c'), (1, 'a');",
            &[],
        ),
        Quirk::equal(
            "integer-primary-key-desc-takes-null",
            "CREATE TABLE t(id INTEGER PRIMARY KEY DESC, v TEXT); INSERT INTO t VALUES (NULL, 'c'), (NULL, 'a'), (5, 'b');",
            &[
                "warning structure-weakened t.id ×2: the primary key becomes a UNIQUE constraint",
                "note structure-left-out t: there is no primary key",
            ],
        ),
        Quirk::equal(
            "integer-primary-key-as-a-table-constraint",
            "CREATE TABLE t(v TEXT, id INTEGER, PRIMARY KEY (id DESC)); INSERT INTO t VALUES ('a', 7), ('b', NULL);",
            &[],
        ),
        Quirk::equal(
            "columns-named-as-the-rowid",
            "CREATE TABLE t(rowid TEXT, _rowid_ TEXT, oid TEXT); INSERT INTO t VALUES ('a', 'b', 'c'), ('a', 'b', 'c');",
            &[],
        )
        .exporting(&["warning structure-weakened t: columns take all three names of the rowid"]),
        Quirk::equal(
            "column-named-rowid-only",
            "CREATE TABLE t(rowid TEXT PRIMARY KEY); INSERT INTO t(_rowid_, rowid) VALUES (7, 'a'), (5, 'b');",
            &[],
        ),
    ]
}

fn sequences() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "autoincrement-with-a-gap",
            "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT);
             INSERT INTO t VALUES (1, 'a'), (5000000000, 'b'); DELETE FROM t WHERE id > 1;",
            &[],
        ),
        Quirk::equal(
            "autoincrement-without-rows",
            "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (41); DELETE FROM t;",
            &[],
        ),
        Quirk::equal(
            "autoincrement-at-its-end",
            "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (9223372036854775807);",
            &["note structure-weakened t.id: gives no next number, no more than the source does"],
        ),
        Quirk::equal(
            "autoincrement-below-zero",
            "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (-5), (-1);",
            &[],
        ),
        Quirk::equal(
            "autoincrement-set-back",
            "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (10), (20);
             UPDATE sqlite_sequence SET seq = 3;",
            &[],
        ),
    ]
}

fn kinds() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "without-rowid",
            "CREATE TABLE t(a TEXT, b INTEGER, c REAL, PRIMARY KEY (b, a)) WITHOUT ROWID;
             INSERT INTO t VALUES ('x', 2, 0.5), ('y', 1, 9e999), ('x', 1, NULL);",
            &[],
        ),
        Quirk::equal(
            "without-rowid-desc-and-doubled-key",
            "CREATE TABLE t(a TEXT, b INTEGER, PRIMARY KEY (b DESC, a, b)) WITHOUT ROWID;
             INSERT INTO t VALUES ('x', 2), ('y', 1), ('x', 1);",
            &[],
        ),
        Quirk::equal(
            "without-rowid-integer-key",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT) WITHOUT ROWID; INSERT INTO t VALUES (7, 'a'), (-7, 'b');",
            &[],
        ),
        Quirk::equal(
            "tables-without-rows",
            "CREATE TABLE a(id INTEGER PRIMARY KEY, v TEXT); CREATE TABLE b(x, y, PRIMARY KEY (x)) WITHOUT ROWID; CREATE TABLE c(z);",
            &["note structure-left-out c: 0 rows are carried"],
        ),
        Quirk::file(
            "database-without-tables",
            |path| database(path, "CREATE TABLE t(a); DROP TABLE t"),
            &[],
        ),
        Quirk::equal(
            "rows-of-nothing-but-null",
            "CREATE TABLE t(a, b); INSERT INTO t DEFAULT VALUES; INSERT INTO t DEFAULT VALUES;",
            &["note structure-left-out t: 2 rows are carried"],
        ),
        Quirk::equal(
            "columns-added-after-rows",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, 'old');
             ALTER TABLE t ADD COLUMN b TEXT DEFAULT 'later'; ALTER TABLE t ADD COLUMN c INTEGER NOT NULL DEFAULT 7;
             INSERT INTO t(id, a) VALUES (2, 'new'); ALTER TABLE t ADD COLUMN d;",
            &[],
        ),
        Quirk::equal(
            "columns-dropped-and-renamed",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT); INSERT INTO t VALUES (1, 'a', 'b', 'c');
             ALTER TABLE t DROP COLUMN b; ALTER TABLE t RENAME COLUMN c TO d; ALTER TABLE t RENAME TO \"new name\";",
            &[],
        ),
        Quirk::equal(
            "one-column-of-one-row",
            "CREATE TABLE t(v PRIMARY KEY) WITHOUT ROWID; INSERT INTO t VALUES (x'');",
            &[],
        ),
    ]
}

fn modes() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "application-id-and-user-version",
            "PRAGMA application_id = -559038737; PRAGMA user_version = 2147483647; CREATE TABLE t(id INTEGER PRIMARY KEY);",
            &[
                "note structure-left-out: `PRAGMA user_version` (2147483647)",
                "note structure-left-out: `PRAGMA application_id` (-559038737)",
            ],
        ),
        Quirk::equal(
            "auto-vacuum-full",
            "PRAGMA auto_vacuum = FULL; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB);
             INSERT INTO t VALUES (1, zeroblob(50000)), (2, x'01'); DELETE FROM t WHERE id = 1;",
            &[],
        ),
        Quirk::equal(
            "auto-vacuum-incremental",
            "PRAGMA auto_vacuum = INCREMENTAL; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB);
             INSERT INTO t VALUES (1, zeroblob(50000)), (2, x'01'); DELETE FROM t WHERE id = 1;",
            &[],
        ),
        Quirk::equal(
            "wal-mode",
            "PRAGMA journal_mode = WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a');",
            &[],
        ),
        Quirk::equal(
            "persistent-journal",
            "PRAGMA journal_mode = PERSIST; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a');",
            &[],
        ),
        Quirk::equal(
            "analyzed",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX i ON t(v); INSERT INTO t(v) VALUES ('a'), ('b'); ANALYZE;",
            &[],
        ),
        Quirk::equal(
            "free-pages-with-old-rows",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i, 'secret ' || i FROM n;
             DELETE FROM t WHERE id > 3; CREATE TABLE gone(a); INSERT INTO gone SELECT v FROM t; DROP TABLE gone;",
            &[],
        ),
    ]
}

/// A database of each page size, with rows that overflow pages.
fn pages() -> impl Iterator<Item = Quirk> {
    let sizes = [
        (512, "pages-of-512-bytes"),
        (1024, "pages-of-1024-bytes"),
        (8192, "pages-of-8192-bytes"),
        (32768, "pages-of-32768-bytes"),
        (65536, "pages-of-65536-bytes"),
    ];
    sizes.into_iter().map(|(size, name)| {
        let sql = format!(
            "PRAGMA page_size = {size}; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, w BLOB);
             INSERT INTO t(v, w) VALUES (hex(zeroblob({size})), zeroblob({size} - 35)), ('x', NULL), ('', x'');
             CREATE TABLE u(k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID;
             INSERT INTO u VALUES ('k', hex(zeroblob({size})));"
        );
        Quirk::equal_to(name, sql, &[])
    })
}
