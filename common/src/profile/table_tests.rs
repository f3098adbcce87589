//! What is counted, which rows are named, and that the parting of rows does not matter.

use super::*;
use crate::model::schema::{Affinity, Column, Rowid, TableKind};
use crate::model::value::OwnedValue;
use proptest::prelude::*;

/// A table with a hidden rowid and columns `a` and `b`.
fn table() -> Table {
    let column = |name: &str| Column {
        name: name.to_owned(),
        declared_type: String::new(),
        affinity: Affinity::Blob,
        not_null: false,
        default: None,
        generated: None,
        collation: "BINARY".to_owned(),
        hidden: false,
        on_conflict: None,
    };
    Table {
        name: "t".to_owned(),
        kind: TableKind::Rowid,
        strict: false,
        rowid: Rowid::Hidden,
        autoincrement: false,
        columns: vec![column("a"), column("b")],
        primary_key: None,
        unique: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        indexes: Vec::new(),
        sql: String::new(),
    }
}

/// The profile of rows of which the first has this number.
fn profile(rows: &[[OwnedValue; 2]], first: u64) -> TableProfile {
    let mut profile = TableProfile::new(&table());
    for (row, number) in rows.iter().zip(first..) {
        let rowid = Value::Integer(i64::try_from(number).unwrap() * 10);
        profile.observe(&[rowid, row[0].as_value(), row[1].as_value()], number);
    }
    profile
}

fn row(number: u64) -> RowRef {
    RowRef {
        number,
        key: format!("rowid={}", number * 10),
    }
}

fn text(text: &str) -> OwnedValue {
    OwnedValue::Text(text.to_owned())
}

#[test]
fn classes_ranges_and_lengths_are_those_of_all_rows() {
    use OwnedValue::{Blob, Integer, Null, RawText, Real};
    let rows = [
        [Null, Integer(5)],
        [Integer(-3), Integer(i64::MAX)],
        [Real(0.5), text("ü")],
        [Blob(vec![1, 2, 3]), RawText(vec![0xff; 5])],
    ];
    let evidence = profile(&rows, 1).finish();
    assert_eq!(evidence.rows, 4);
    let [a, b] = &evidence.columns[..] else {
        panic!("two columns")
    };
    assert_eq!(
        (a.nulls, a.integers, a.reals, a.texts, a.raw_texts, a.blobs),
        (1, 1, 1, 0, 0, 1)
    );
    assert_eq!(
        (b.nulls, b.integers, b.reals, b.texts, b.raw_texts, b.blobs),
        (0, 2, 0, 1, 1, 0)
    );
    assert_eq!(
        (a.integer_range, b.integer_range),
        (Some((-3, -3)), Some((5, i64::MAX)))
    );
    assert_eq!(
        (a.real_range, b.real_range),
        (RealRange::new(0.5, 0.5), None)
    );
    assert_eq!((a.longest_text, a.longest_blob), (0, 3));
    assert_eq!((b.longest_text, b.longest_blob), (2, 5));
}

#[test]
fn a_form_names_its_first_row_and_the_first_that_is_neither_null_nor_of_it() {
    let null = OwnedValue::Null;
    let rows = [
        [null.clone(), null.clone()],
        [text("2024-01-02"), text("plain")],
        [null.clone(), null],
        [text("2024-01-03"), text("2024-01-02")],
        [text("yes"), text("other")],
        [text("no"), text("2024-01-03")],
    ];
    let evidence = profile(&rows, 1).finish();
    let form = |column: usize, form| evidence.columns[column].form(form).unwrap();
    let date = form(0, Form::Date);
    assert_eq!(
        (date.matches, &date.first, &date.first_other),
        (2, &row(2), &Some(row(5)))
    );
    let word = form(0, Form::BooleanWord);
    assert_eq!(
        (word.matches, &word.first, &word.first_other),
        (2, &row(5), &Some(row(2)))
    );
    let date = form(1, Form::Date);
    assert_eq!(
        (date.matches, &date.first, &date.first_other),
        (2, &row(4), &Some(row(2)))
    );
    assert_eq!(
        evidence.columns[1].forms.len(),
        2,
        "forms that no value has are not listed"
    );
}

#[test]
fn a_form_that_every_value_has_names_no_other() {
    let rows = [
        [text("2024-01-02"), OwnedValue::Null],
        [text("2024-01-03"), OwnedValue::Integer(1)],
    ];
    let evidence = profile(&rows, 1).finish();
    assert_eq!(
        evidence.columns[0].form(Form::Date).unwrap().first_other,
        None
    );
    assert_eq!(
        evidence.columns[1].form(Form::ZeroOne).unwrap().first_other,
        None
    );
}

fn value() -> impl Strategy<Value = OwnedValue> {
    prop_oneof![
        Just(OwnedValue::Null),
        prop::sample::select(vec![0, 1, 7, 1_700_000_000]).prop_map(OwnedValue::Integer),
        Just(OwnedValue::Real(0.5)),
        prop::sample::select(vec![
            "a",
            "7",
            "07",
            "no",
            "2024-01-02",
            "{}",
            "[1e5]",
            "10.0.0.1",
            "\0"
        ])
        .prop_map(text),
        Just(OwnedValue::Blob(vec![1])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_parting_of_rows_does_not_matter(
        rows in prop::collection::vec([value(), value()], 0..20),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let whole = profile(&rows, 1).finish();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(rows.len() + 1)).collect();
        cuts.extend([0, rows.len()]);
        cuts.sort_unstable();
        let mut merged = TableProfile::new(&table());
        for cut in cuts.windows(2) {
            merged.merge(profile(&rows[cut[0]..cut[1]], cut[0] as u64 + 1));
        }
        prop_assert_eq!(merged.finish(), whole);
    }

    #[test]
    fn named_rows_are_those_a_search_finds(rows in prop::collection::vec([value(), value()], 0..20)) {
        let evidence = profile(&rows, 1).finish();
        for (column, evidence) in evidence.columns.iter().enumerate() {
            let sets: Vec<_> = rows
                .iter()
                .map(|row| forms(&row[column].as_value(), &mut Memory::default()))
                .collect();
            for form in Form::ALL {
                let has = |at: &usize| sets[*at] & bit(*form) != 0;
                let present = |at: &usize| rows[*at][column] != OwnedValue::Null;
                let first = (0..rows.len()).find(has).map(|at| row(at as u64 + 1));
                let other = (0..rows.len()).find(|at| present(at) && !has(at)).map(|at| row(at as u64 + 1));
                let found = evidence.form(*form);
                prop_assert_eq!(found.map(|form| form.first.clone()), first.clone());
                prop_assert_eq!(evidence.count(*form), (0..rows.len()).filter(has).count() as u64);
                if first.is_some() {
                    prop_assert_eq!(found.and_then(|form| form.first_other.clone()), other);
                }
            }
        }
    }
}
