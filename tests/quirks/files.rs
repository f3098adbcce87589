//! What programs and disks leave behind: write-ahead logs, hot journals, and files that are damaged,
//! cut off or something else altogether.

use super::quirk::{Postgres, Quirk, database, open};
use std::fs;
use std::path::{Path, PathBuf};

pub(super) fn quirks() -> Vec<Quirk> {
    [left_behind(), foreign(), damaged(), doubtful()]
        .into_iter()
        .flatten()
        .collect()
}

/// Five hundred rows on many pages.
const MANY_ROWS: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
    INSERT INTO t SELECT i, hex(zeroblob(300)) FROM n;";

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The files of a database in use at `path`, as a crash of its program would leave them.
fn crashed(path: &Path, suffixes: &[&str], sql: &[&str]) {
    let live = tempfile::tempdir().expect("a temporary folder");
    let from = live.path().join("live.db");
    let connection = open(&from);
    for sql in sql {
        connection
            .execute_batch(sql)
            .expect("the database can be made");
    }
    for suffix in suffixes {
        fs::copy(beside(&from, suffix), beside(path, suffix)).expect("the file is there");
    }
}

/// Makes a database of many rows, and changes its bytes.
fn spoiled(path: &Path, spoil: impl FnOnce(&mut Vec<u8>)) {
    database(path, MANY_ROWS);
    changed(path, spoil);
}

fn changed(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("our own file");
    change(&mut bytes);
    fs::write(path, bytes).expect("our own file");
}

/// The root page of a table or index, counted from 1.
fn root_page(path: &Path, name: &str) -> usize {
    open(path)
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = ?1",
            [name],
            |row| row.get(0),
        )
        .expect("it is there")
}

fn left_behind() -> Vec<Quirk> {
    vec![
        Quirk::file(
            "wal-left-behind",
            |path| crashed(path, &["", "-wal"], &LIVE_WAL),
            &[],
        ),
        Quirk::file(
            "wal-and-shm-left-behind",
            |path| crashed(path, &["", "-wal", "-shm"], &LIVE_WAL),
            &[],
        ),
        Quirk::file(
            "wal-cut-off",
            |path| {
                crashed(path, &["", "-wal"], &LIVE_WAL);
                changed(&beside(path, "-wal"), |bytes| {
                    bytes.truncate(bytes.len() - 5000);
                });
            },
            &[],
        ),
        Quirk::file(
            "wal-of-an-uncommitted-transaction",
            |path| {
                crashed(
                    path,
                    &["", "-wal"],
                    &[
                        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = 5",
                        MANY_ROWS,
                        "BEGIN; UPDATE t SET v = hex(randomblob(310))",
                    ],
                );
            },
            &[],
        ),
        Quirk::file(
            "hot-journal",
            |path| crashed(path, &["", "-journal"], &CUT_OFF),
            &[],
        ),
        Quirk::file(
            "journal-of-no-meaning",
            |path| {
                database(path, MANY_ROWS);
                fs::write(beside(path, "-journal"), [0; 1024]).expect("a file");
            },
            &[],
        ),
    ]
}

/// A WAL that holds what the file does not.
const LIVE_WAL: [&str; 4] = [
    "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0",
    MANY_ROWS,
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "UPDATE t SET v = 'changed' WHERE id % 2; DELETE FROM t WHERE id > 400; CREATE TABLE later(id INTEGER PRIMARY KEY)",
];

/// A transaction that has written pages into the file and is not committed.
const CUT_OFF: [&str; 3] = [
    "PRAGMA cache_size = 5",
    MANY_ROWS,
    "BEGIN; DELETE FROM t WHERE id > 100; UPDATE t SET v = hex(randomblob(350))",
];

fn foreign() -> Vec<Quirk> {
    vec![
        Quirk::unreadable("no-file", |_| {}, "source-missing"),
        Quirk::unreadable(
            "folder",
            |path| fs::create_dir(path).expect("a folder"),
            "source-foreign",
        ),
        Quirk::unreadable(
            "empty-file",
            |path| fs::write(path, "").expect("a file"),
            "source-foreign",
        ),
        Quirk::unreadable(
            "text-file",
            |path| fs::write(path, "id,name\n1,x\n").expect("a file"),
            "source-foreign",
        ),
        Quirk::unreadable(
            "sql-dump",
            |path| {
                fs::write(
                    path,
                    "BEGIN TRANSACTION;\nCREATE TABLE t(a);\nCOMMIT;\n".repeat(200),
                )
                .expect("a file");
            },
            "source-foreign",
        ),
        Quirk::unreadable(
            "encrypted-file",
            |path| {
                let connection = rusqlite::Connection::open_in_memory().expect("a database");
                let bytes: Vec<u8> = connection
                    .query_row("SELECT randomblob(8192)", [], |row| row.get(0))
                    .expect("random bytes");
                fs::write(path, bytes).expect("a file");
            },
            "source-foreign",
        ),
        Quirk::unreadable(
            "file-of-zeros",
            |path| fs::write(path, [0; 8192]).expect("a file"),
            "source-foreign",
        ),
    ]
}

fn damaged() -> Vec<Quirk> {
    vec![
        Quirk::unreadable(
            "header-alone",
            |path| spoiled(path, |bytes| bytes.truncate(100)),
            "source-damaged",
        ),
        Quirk::unreadable(
            "file-cut-off",
            |path| spoiled(path, |bytes| bytes.truncate(bytes.len() / 2)),
            "source-damaged",
        ),
        Quirk::unreadable(
            "page-size-impossible",
            |path| spoiled(path, |bytes| bytes[16..18].copy_from_slice(&[0x03, 0xe7])),
            "source-damaged",
        ),
        Quirk::unreadable(
            "page-overwritten",
            |path| {
                spoiled(path, |bytes| {
                    let page = 4096 * 6;
                    bytes[page..page + 4096].fill(0xa5);
                });
            },
            "source-damaged",
        ),
        Quirk::unreadable(
            "page-of-zeros",
            |path| {
                spoiled(path, |bytes| {
                    let page = 4096 * 6;
                    bytes[page..page + 4096].fill(0);
                });
            },
            "source-damaged",
        ),
        Quirk::unreadable(
            "schema-that-is-no-sql",
            |path| {
                database(
                    path,
                    "CREATE TABLE t(id INTEGER PRIMARY KEY); PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE t(';",
                );
            },
            "source-damaged",
        ),
        Quirk::unreadable(
            "two-tables-on-one-page",
            |path| {
                database(
                    path,
                    "CREATE TABLE t(id INTEGER PRIMARY KEY); CREATE TABLE u(id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);
                     PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 2;",
                );
            },
            "source-damaged",
        ),
        Quirk::unreadable(
            "rows-out-of-order",
            |path| {
                database(
                    path,
                    "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t(v) VALUES ('aaaaaaaa'), ('bbbbbbbb');",
                );
                changed(path, |bytes| {
                    // Length and rowid of the row, then its header: three bytes, NULL, a text of eight.
                    let record = [11, 1, 3, 0, 29, b'a'];
                    let mut found = bytes.windows(record.len());
                    let at = found.position(|window| window == record).expect("the row");
                    bytes[at + 1] = 9;
                });
            },
            "source-damaged",
        ),
        Quirk::unreadable(
            "format-of-the-future",
            |path| {
                database(path, MANY_ROWS);
                changed(path, |bytes| bytes[44..48].copy_from_slice(&[0, 0, 0, 9]));
            },
            "source-foreign",
        ),
    ]
}

/// Files that SQLite itself reads, although something in them is not as it should be.
fn doubtful() -> Vec<Quirk> {
    vec![
        Quirk::file(
            "index-that-lacks-a-row",
            |path| {
                database(
                    path,
                    "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX i ON t(v); INSERT INTO t(v) VALUES ('aaaaaaaa'), ('bbbbbbbb');",
                );
                let page = root_page(path, "i");
                changed(path, |bytes| {
                    let page = &mut bytes[(page - 1) * 4096..page * 4096];
                    let at = page.windows(8).position(|bytes| bytes == b"aaaaaaaa").expect("it is there");
                    page[at] = b'A';
                });
            },
            &[],
        ),
        Quirk::file(
            "null-where-none-may-be",
            |path| {
                database(
                    path,
                    "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t(v) VALUES ('a'), (NULL); PRAGMA writable_schema = ON;
                     UPDATE sqlite_schema SET sql = 'CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT NOT NULL)';",
                );
            },
            &[],
        )
        .into_sqlite(&["error not-null-violated t.v: NULL in a column declared NOT NULL"])
        .into_postgres(Postgres::Equal(vec!["warning not-null-violated t.v: NOT NULL is left out: 1 row holds NULL"])),
        Quirk::equal(
            "key-that-rows-break",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX i ON t(v); INSERT INTO t(v) VALUES ('a'), ('b'), ('a'), ('a');
             PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE UNIQUE INDEX i ON t(v)' WHERE name = 'i';",
            &["warning structure-left-out t: index `i` is left out: 2 rows have another one's key"],
        )
        .into_sqlite(&["error key-duplicate t ×2: key of unique index `i` occurs more than once"]),
        Quirk::equal(
            "unique-key-that-rows-break",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX i ON t(v); INSERT INTO t(v) VALUES ('a'), ('b'), ('a'), (NULL), (NULL);
             PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT UNIQUE)' WHERE name = 't';
             UPDATE sqlite_schema SET name = 'sqlite_autoindex_t_1', sql = NULL WHERE name = 'i';",
            &["warning key-duplicate t: unique constraint (v) is left out: 1 row has another one's key"],
        )
        .into_sqlite(&["error key-duplicate t.v: unique key occurs more than once"]),
        Quirk::file(
            "sequence-of-no-table",
            |path| {
                database(
                    path,
                    "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (1); INSERT INTO sqlite_sequence VALUES ('gone', 7);",
                );
            },
            &[],
        ),
        Quirk::file(
            "file-with-pages-after-its-end",
            |path| {
                database(path, MANY_ROWS);
                changed(path, |bytes| bytes.extend([0; 4096]));
            },
            &[],
        ),
    ]
}
