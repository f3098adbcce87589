//! Random databases: what a schema may say.

use super::database::{Cell, Column, Database, Primary, Reference, Table};
use super::look::{LOOKS, Look, cells, strict_type};
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

/// Names that PostgreSQL does not take.
const UNFIT_NAMES: [&str; 4] = [
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
        1 => select(&UNFIT_NAMES[..]).prop_map(str::to_owned),
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
        (vec(table(), 1..5), others()),
    )
        .prop_map(
            |(encoding, page_size, auto_vacuum, user_version, wal, (mut tables, others))| {
                let (views, triggers, search) = others;
                let mut taken = BTreeSet::from(["full text".to_owned()]);
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
                    views,
                    triggers,
                    search,
                }
            },
        )
}

/// What a database has beside tables.
#[expect(clippy::type_complexity, reason = "the fields of a database")]
fn others() -> impl Strategy<
    Value = (
        Vec<(usize, Vec<usize>)>,
        Vec<(usize, &'static str)>,
        Option<Vec<(Cell, Cell)>>,
    ),
> {
    let events = vec!["AFTER INSERT", "BEFORE UPDATE", "AFTER DELETE"];
    (
        vec((0..5usize, vec(0..8usize, 1..4)), 0..2),
        vec((0..5usize, select(events)), 0..2),
        option::weighted(0.15, rows_of_search()),
    )
}

/// Two columns of anything, one row for each pair.
fn rows_of_search() -> impl Strategy<Value = Vec<(Cell, Cell)>> {
    (cells(Look::Text), cells(Look::Any)).prop_map(|(a, b)| a.into_iter().zip(b).collect())
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
        proptest::bool::weighted(0.02),
    );
    let positions = || vec(0..8usize, 1..3);
    let keys = (
        primary(),
        vec(positions(), 0..2),
        vec((positions(), any::<bool>(), any::<bool>()), 0..3),
        vec(reference(), 0..2),
        checks(),
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
            (strict, bare, computed, rows, bulky),
            (primary, unique, indexes, references, checks),
            columns,
            rowids,
        )| {
            let ours = ["computed by us", "bulk by us"].map(str::to_owned);
            let mut taken = BTreeSet::from(ours);
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
                checks,
                bulky,
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

/// Conditions that hold, that most values break, and that none breaks.
fn checks() -> impl Strategy<Value = (Vec<(usize, &'static str)>, bool)> {
    let conditions = vec![
        "{} IS NOT 'never'",
        "length({}) < 40 OR {} IS NULL",
        "typeof({}) <> 'blob'",
        "{} > 0",
        "{} IN (0, 1, 'yes', 'no') OR 1",
        "{} BETWEEN -1000 AND 1000",
        "{} LIKE '%a%'",
    ];
    let one = (0..8usize, select(conditions));
    let stored = any::<bool>();
    (option::weighted(0.2, vec(one, 1..3)), stored)
        .prop_map(|(checks, stored)| (checks.unwrap_or_default(), stored))
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
        vec(0..8usize, 1..3),
        0..8usize,
        option::of(vec(0..8usize, 1..3)),
        proptest::bool::weighted(0.8),
        select(clauses),
    )
        .prop_map(
            |(columns, parent, parent_columns, follows, clause)| Reference {
                columns,
                parent,
                parent_columns,
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
