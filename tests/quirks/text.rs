//! Characters, encodings and lengths.

use super::quirk::{Quirk, database};
use std::path::Path;

pub(super) fn quirks() -> Vec<Quirk> {
    [characters(), encodings(), lengths()]
        .into_iter()
        .flatten()
        .collect()
}

fn characters() -> Vec<Quirk> {
    vec![
        Quirk::refused(
            "nul-in-text",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES ('fine'), (CAST(x'610062' AS TEXT)), (CAST(x'00' AS TEXT));",
            &["error value-refused t.v ×2: NUL"],
        ),
        Quirk::refused(
            "latin1-in-a-utf8-database",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES ('fine'), (CAST(x'63616665e9' AS TEXT));",
            &["error value-refused t.v: not valid in the encoding"],
        ),
        Quirk::refused(
            "surrogates-in-utf8",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES (CAST(x'eda080edb080' AS TEXT)), (CAST(x'c0af' AS TEXT)), (CAST(x'f4908080' AS TEXT));",
            &["error value-refused t.v ×3: not valid in the encoding"],
        ),
        Quirk::equal(
            "unicode-to-its-ends",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES (char(0xfeff, 0x10ffff, 0xffff)), ('e' || char(0x301)), (char(0xe9)),
               (char(0x1f469, 0x200d, 0x1f4bb)), (char(0x202e) || 'rtl'), (char(0xd7ff, 0xe000)), (char(0x85, 0x2028));",
            &[],
        ),
        Quirk::equal(
            "controls-and-backslashes",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES (char(1, 31, 127)), ('\\N'), ('\\.'), (char(9, 10, 13)), ('\\\\x00'), ('''\"`'), ('{}'), ('{'), ('$$');",
            &[],
        ),
        Quirk::equal(
            "empty-text-and-null",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, w BLOB);
             INSERT INTO t(v, w) VALUES ('', x''), (NULL, NULL), (' ', x'00');",
            &[],
        ),
        Quirk::equal(
            "texts-that-differ-in-blanks-and-case",
            "CREATE TABLE t(v TEXT PRIMARY KEY);
             INSERT INTO t VALUES ('a'), ('A'), ('a '), (' a'), (char(0xe9)), ('e' || char(0x301)), ('');",
            &[],
        ),
    ]
}

fn encodings() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "utf16-little-endian",
            "PRAGMA encoding = 'UTF-16le'; CREATE TABLE \"tä\"(id INTEGER PRIMARY KEY, \"ü\" TEXT DEFAULT 'ß');
             INSERT INTO \"tä\"(\"ü\") VALUES ('ascii'), (char(0x1f600)), (''), (char(0xfffd, 0xfdff));",
            &[],
        ),
        Quirk::equal(
            "utf16-big-endian",
            "PRAGMA encoding = 'UTF-16be'; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT UNIQUE);
             INSERT INTO t(v) VALUES ('ascii'), (char(0x1f600)), (char(0xffff)), ('');",
            &[],
        ),
        Quirk::refused(
            "utf16-with-half-a-pair",
            "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES ('fine'), (CAST(x'410000d84200' AS TEXT));",
            &["error value-refused t.v: not valid in the encoding"],
        ),
        Quirk::file("utf16-of-odd-length", odd_length, &[])
            .stopped_in_sqlite("value-refused", "t")
            .refuses(&["error value-refused t.v: not valid in the encoding"]),
        Quirk::refused(
            "utf16-with-nul",
            "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES ('a' || char(0) || 'b');",
            &["error value-refused t.v: NUL"],
        ),
    ]
}

/// No statement stores such a text: a blob is made one by its type in the record's header.
fn odd_length(path: &Path) {
    let sql = "PRAGMA encoding = 'UTF-16be'; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB);
               INSERT INTO t(v) VALUES (x'00410042ff');";
    database(path, sql);
    let mut bytes = std::fs::read(path).expect("our own file");
    // NULL for the rowid, then a blob of five bytes.
    let record = [3, 0, 22, 0, 0x41, 0, 0x42, 0xff];
    let mut found = bytes.windows(record.len());
    let at = found
        .position(|window| window == record)
        .expect("the record");
    bytes[at + 2] = 23;
    std::fs::write(path, bytes).expect("our own file");
}

fn lengths() -> Vec<Quirk> {
    vec![
        Quirk::equal(
            "text-of-a-megabyte",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES (hex(randomblob(600000))), (replace(hex(zeroblob(500000)), '0', 'ä')), ('');",
            &[],
        ),
        Quirk::equal(
            "blob-of-two-megabytes",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB);
             INSERT INTO t(v) VALUES (randomblob(2000000)), (zeroblob(1000000)), (x'');",
            &[],
        ),
        Quirk::file(
            "rows-longer-than-a-part",
            |path| {
                database(
                    path,
                    "CREATE TABLE t(id INTEGER PRIMARY KEY, a BLOB, b TEXT);
                     INSERT INTO t VALUES (1, randomblob(9000000), 'x'), (2, x'00', 'y'), (3, zeroblob(9000000), '');",
                );
            },
            &[],
        ),
        Quirk::equal(
            "nested-json",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES (replace(hex(zeroblob(50)), '0', '[') || replace(hex(zeroblob(50)), '0', ']'));",
            &["note spelling-lost t.v: becomes jsonb"],
        ),
        Quirk::equal(
            "nested-json-too-deep",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t(v) VALUES (replace(hex(zeroblob(50000)), '0', '[') || replace(hex(zeroblob(50000)), '0', ']'));",
            &[],
        ),
    ]
}
