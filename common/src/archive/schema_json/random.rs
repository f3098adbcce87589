//! Any schema whose names refer to what is there comes back from `schema.json` unchanged.

use super::{read, write};
use crate::model::schema::{
    Action, Affinity, Check, Column, DefaultValue, Deferrable, Encoding, Facts, ForeignKey,
    Generated, Index, IndexOn, IndexTerm, Key, KeyColumn, Rowid, Schema, Sequence, Table,
    TableKind, Trigger, View, VirtualContent,
};
use crate::model::value::OwnedValue;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeSet;

fn word() -> impl Strategy<Value = String> {
    any::<String>()
}

fn facts() -> impl Strategy<Value = Facts> {
    let encodings = vec![Encoding::Utf8, Encoding::Utf16le, Encoding::Utf16be];
    (
        select(encodings),
        any::<(i32, i32)>(),
        any::<(u32, u32)>(),
        any::<(bool, bool)>(),
    )
        .prop_map(
            |(
                encoding,
                (user_version, application_id),
                (page_size, auto_vacuum),
                (wal, analyzed),
            )| Facts {
                encoding,
                user_version,
                application_id,
                page_size,
                auto_vacuum,
                wal,
                analyzed,
            },
        )
}

fn default() -> impl Strategy<Value = DefaultValue> {
    let real = any::<f64>().prop_filter("a default is no NaN", |real| !real.is_nan());
    let not_text = vec(any::<u8>(), 0..9).prop_filter("other bytes are text", |bytes| {
        std::str::from_utf8(bytes).is_err()
    });
    let literal = prop_oneof![
        Just(OwnedValue::Null),
        any::<i64>().prop_map(OwnedValue::Integer),
        real.prop_map(OwnedValue::Real),
        word().prop_map(OwnedValue::Text),
        not_text.prop_map(OwnedValue::RawText),
        vec(any::<u8>(), 0..9).prop_map(OwnedValue::Blob),
    ];
    prop_oneof![
        6 => literal.prop_map(DefaultValue::Literal),
        1 => Just(DefaultValue::CurrentDate),
        1 => Just(DefaultValue::CurrentTime),
        1 => Just(DefaultValue::CurrentTimestamp),
        1 => word().prop_map(DefaultValue::Expression),
    ]
}

fn column() -> impl Strategy<Value = Column> {
    let affinities = vec![
        Affinity::Text,
        Affinity::Numeric,
        Affinity::Integer,
        Affinity::Real,
        Affinity::Blob,
    ];
    let generated =
        (word(), any::<bool>()).prop_map(|(expression, stored)| Generated { expression, stored });
    (
        (word(), word(), word()),
        select(affinities),
        (any::<(bool, bool)>(), option::of(word())),
        option::of(default()),
        option::of(generated),
    )
        .prop_map(
            |(
                (name, declared_type, collation),
                affinity,
                ((not_null, hidden), on_conflict),
                default,
                generated,
            )| {
                Column {
                    name,
                    declared_type,
                    affinity,
                    not_null,
                    on_conflict,
                    default,
                    generated,
                    collation,
                    hidden,
                }
            },
        )
}

fn key(columns: Vec<String>) -> impl Strategy<Value = Key> {
    let column =
        (select(columns), any::<bool>(), word()).prop_map(|(column, descending, collation)| {
            KeyColumn {
                column,
                descending,
                collation,
            }
        });
    (option::of(word()), vec(column, 1..3), option::of(word())).prop_map(
        |(name, columns, on_conflict)| Key {
            name,
            columns,
            on_conflict,
        },
    )
}

fn foreign_key(columns: Vec<String>) -> impl Strategy<Value = ForeignKey> {
    let actions = || {
        select(vec![
            Action::NoAction,
            Action::Restrict,
            Action::SetNull,
            Action::SetDefault,
            Action::Cascade,
        ])
    };
    let deferrable = select(vec![
        Deferrable::No,
        Deferrable::InitiallyImmediate,
        Deferrable::InitiallyDeferred,
    ]);
    let pairs = vec((select(columns), word()), 1..3);
    (
        (option::of(word()), word(), any::<bool>()),
        pairs,
        (actions(), actions(), deferrable),
    )
        .prop_map(
            |((name, parent, unknown), pairs, (on_delete, on_update, deferrable))| {
                let (columns, mut parent_columns): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
                if unknown {
                    parent_columns.clear();
                }
                ForeignKey {
                    name,
                    columns,
                    parent,
                    parent_columns,
                    on_delete,
                    on_update,
                    deferrable,
                }
            },
        )
}

fn index(columns: Vec<String>) -> impl Strategy<Value = Index> {
    let on = prop_oneof![
        select(columns).prop_map(IndexOn::Column),
        word().prop_map(IndexOn::Expression)
    ];
    let term = (on, any::<bool>(), word()).prop_map(|(on, descending, collation)| IndexTerm {
        on,
        descending,
        collation,
    });
    (
        word(),
        any::<bool>(),
        vec(term, 0..3),
        option::of(word()),
        word(),
    )
        .prop_map(|(name, unique, terms, predicate, sql)| Index {
            name,
            unique,
            terms,
            predicate,
            sql,
        })
}

fn kind() -> impl Strategy<Value = TableKind> {
    let content = select(vec![
        VirtualContent::Rows,
        VirtualContent::Rebuilt,
        VirtualContent::Unavailable,
    ]);
    prop_oneof![
        Just(TableKind::Rowid),
        Just(TableKind::WithoutRowid),
        (word(), content).prop_map(|(module, content)| TableKind::Virtual { module, content }),
    ]
}

/// A table; its keys, indexes and rowid name columns that it has.
fn table() -> impl Strategy<Value = Table> {
    vec(column(), 1..5).prop_flat_map(|columns| {
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let mut rowids = vec![Rowid::Hidden, Rowid::None];
        // A name may stand twice; the first column of that name is the one that counts.
        let first = |column: &Column| {
            columns
                .iter()
                .find(|other| other.name.eq_ignore_ascii_case(&column.name))
                .is_some_and(|first| first.generated.is_none() && !first.hidden)
        };
        let stored = columns.iter().filter(|column| first(column));
        rowids.extend(stored.map(|column| Rowid::Column(column.name.clone())));
        let check =
            (option::of(word()), word()).prop_map(|(name, expression)| Check { name, expression });
        let structure = (
            option::of(key(names.clone())),
            vec(key(names.clone()), 0..2),
            vec(foreign_key(names.clone()), 0..2),
            vec(check, 0..2),
            vec(index(names), 0..2),
        );
        let rest = (
            (word(), word()),
            kind(),
            select(rowids),
            any::<(bool, bool)>(),
        );
        (rest, Just(columns), structure).prop_map(
            |(
                ((name, sql), kind, rowid, (strict, autoincrement)),
                columns,
                (primary_key, unique, foreign_keys, checks, indexes),
            )| Table {
                name,
                kind,
                strict,
                rowid,
                autoincrement,
                columns,
                primary_key,
                unique,
                foreign_keys,
                checks,
                indexes,
                sql,
            },
        )
    })
}

fn schema() -> impl Strategy<Value = Schema> {
    let view = (word(), word()).prop_map(|(name, sql)| View { name, sql });
    let trigger =
        (word(), word(), word()).prop_map(|(name, table, sql)| Trigger { name, table, sql });
    let sequence = (word(), any::<i64>()).prop_map(|(table, value)| Sequence { table, value });
    (
        facts(),
        vec(table(), 0..4),
        vec(view, 0..2),
        vec(trigger, 0..2),
        vec(sequence, 0..2),
    )
        .prop_map(|(facts, mut tables, views, triggers, sequences)| {
            let mut names = BTreeSet::new();
            tables.retain(|table| names.insert(table.name.to_ascii_lowercase()));
            Schema {
                facts,
                tables,
                views,
                triggers,
                sequences,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_schema_reads_back(schema in schema()) {
        let bytes = write(&schema);
        let back = read(&bytes).map_err(|fault| TestCaseError::fail(format!("{fault:?}")))?;
        prop_assert_eq!(&back, &schema);
        prop_assert_eq!(write(&back), bytes);
    }
}
