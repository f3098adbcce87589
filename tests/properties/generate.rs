//! Random databases: what a schema may say.

use super::database::{Column, Database, Primary, Reference, Table};
use super::look::{LOOKS, cells, strict_type};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeSet;

const DECLARED: [&str; 34] = [
    "",
    "INTEGER",
    "INT",
    "BIGINT",
    "REAL",
    "DOUBLE PRECISION",
    "FLOAT",
    "TEXT",
    "VARCHAR(3)",
    "CLOB",
    "BLOB",
    "BINARY(16)",
    "NUMERIC",
    "DECIMAL(10,2)",
    "BOOLEAN",
    "DATE",
    "TIME",
    "DATETIME",
    "TIMESTAMP",
    "TIMESTAMP WITH TIME ZONE",
    "JSON",
    "UUID",
    "STRING",
    "ANY",
    "CHARINT",
    "FLOATING POINT",
    "\"odd \"\" type\"",
    "[some type]",
    "DECIMAL(-5, +3)",
    "Größe",
    "NULL",
    "UNSIGNED BIG INT",
    "NATIVE CHARACTER(70)",
    "money",
];

const NAMES: [&str; 40] = [
    "id",
    "a",
    "b",
    "name",
    "order",
    "select",
    "group",
    "user",
    "table",
    "with space",
    "a\"b",
    "a'b",
    "a`b",
    "[x]",
    "x.y",
    "Größe",
    "名前",
    "😀",
    "A.\"B\"",
    "tab\there",
    "line\nbreak",
    "rowid",
    "_rowid_",
    "oid",
    "$1",
    "%s",
    "{}",
    "\\",
    "--",
    "/*",
    ";",
    "null",
    "1st",
    "UPPER",
    "MiXeD",
    "é",
    "e\u{301}",
    "pg_class",
    "waybill",
    "\u{202e}rtl",
];

/// Names that PostgreSQL refuses.
const REFUSED_NAMES: [&str; 4] = [
    "",
    "ctid",
    "xmin",
    "a name of more than sixty-three bytes, which PostgreSQL would cut short",
];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        30 => select(&NAMES[..]).prop_map(str::to_owned),
        8 => "[a-zA-Z_]{1,8}",
        4 => "\\PC{1,10}",
        1 => select(&REFUSED_NAMES[..]).prop_map(str::to_owned),
    ]
}

/// A database.
pub(super) fn database() -> impl Strategy<Value = Database> {
    (
        select(vec!["UTF-8", "UTF-8", "UTF-16le", "UTF-16be"]),
        select(vec![512, 1024, 4096, 65536]),
        0..3u32,
        any::<i32>(),
        any::<bool>(),
        vec(table(), 1..5),
    )
        .prop_map(
            |(encoding, page_size, auto_vacuum, user_version, wal, mut tables)| {
                let mut taken = BTreeSet::new();
                for table in &mut tables {
                    if table.name.to_ascii_lowercase().starts_with("sqlite_") {
                        table.name.insert(0, 'x');
                    }
                    table.name = distinct(&table.name, &mut taken);
                }
                Database {
                    encoding,
                    page_size,
                    auto_vacuum,
                    user_version,
                    wal,
                    tables,
                }
            },
        )
}

/// The name, or one made from it that is not taken yet.
fn distinct(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut free = name.to_owned();
    let mut number = 0;
    while !taken.insert(free.to_ascii_lowercase()) {
        number += 1;
        free = format!("{name}{number}");
    }
    free
}

fn table() -> impl Strategy<Value = Table> {
    let flags = (
        proptest::bool::weighted(0.2),
        proptest::bool::weighted(0.25),
        option::weighted(0.15, any::<bool>()),
        0..12usize,
    );
    let positions = || vec(0..8usize, 1..3);
    let keys = (
        primary(),
        vec(positions(), 0..2),
        vec((positions(), any::<bool>(), any::<bool>()), 0..3),
        vec(reference(), 0..2),
    );
    let rowids = vec(
        prop_oneof![
            3 => any::<i8>().prop_map(i64::from),
            1 => select(vec![i64::MIN, i64::MAX, 0, -1])
        ],
        0..12,
    );
    (name(), flags, keys, vec(column(), 1..6), rowids).prop_map(
        |(
            name,
            (strict, bare, computed, rows),
            (primary, unique, indexes, references),
            columns,
            rowids,
        )| {
            let mut taken = BTreeSet::from(["computed by us".to_owned()]);
            let columns = columns
                .into_iter()
                .map(|column| Column {
                    name: distinct(&column.name, &mut taken),
                    ..column
                })
                .collect();
            Table {
                name,
                strict,
                without_rowid: bare && matches!(primary, Primary::Columns(..)),
                primary,
                columns,
                unique,
                indexes,
                references,
                computed,
                rows,
                rowids,
            }
        },
    )
}

fn primary() -> impl Strategy<Value = Primary> {
    prop_oneof![
        Just(Primary::None),
        any::<bool>().prop_map(Primary::Rowid),
        (vec(0..8usize, 1..3), proptest::bool::weighted(0.2))
            .prop_map(|(columns, descending)| Primary::Columns(columns, descending)),
    ]
}

fn reference() -> impl Strategy<Value = Reference> {
    let clauses = vec![
        "",
        "ON DELETE CASCADE",
        "ON DELETE SET NULL ON UPDATE RESTRICT",
        "ON UPDATE SET DEFAULT",
        "DEFERRABLE INITIALLY DEFERRED",
        "ON DELETE NO ACTION DEFERRABLE",
    ];
    (
        0..8usize,
        0..8usize,
        option::of(0..8usize),
        proptest::bool::weighted(0.8),
        select(clauses),
    )
        .prop_map(
            |(column, parent, parent_column, follows, clause)| Reference {
                column,
                parent,
                parent_column,
                follows,
                clause,
            },
        )
}

fn column() -> impl Strategy<Value = Column> {
    let collations = vec![
        "",
        "",
        "",
        "COLLATE NOCASE",
        "COLLATE RTRIM",
        "COLLATE BINARY",
    ];
    let defaults = vec![
        "NULL",
        "0",
        "-9223372036854775808",
        "9223372036854775807",
        "1.5",
        "-1e999",
        "'it''s'",
        "''",
        "x'00ff'",
        "TRUE",
        "CURRENT_TIMESTAMP",
        "CURRENT_DATE",
        "CURRENT_TIME",
        "(1 + 1)",
        "(random())",
        "'2024-01-01'",
        "'{}'",
        "+5",
        "'a' COLLATE NOCASE",
        "\"word\"",
    ];
    let rest = (
        name(),
        select(&DECLARED[..]),
        select(collations),
        proptest::bool::weighted(0.1),
        option::weighted(0.25, select(defaults)),
    );
    (select(&LOOKS[..]), rest)
        .prop_flat_map(|(look, rest)| (Just(look), Just(rest), cells(look)))
        .prop_map(
            |(look, (name, declared, collation, not_null, default), cells)| Column {
                name,
                declared: declared.to_owned(),
                strict: strict_type(look),
                collation,
                not_null,
                // A COLLATE after the default would be one more of the column.
                default: default
                    .filter(|sql| !sql.contains("COLLATE") || collation.is_empty())
                    .map(str::to_owned),
                cells,
            },
        )
}
