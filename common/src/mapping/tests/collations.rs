//! Keys and indexes under collations other than BINARY.

use super::support::*;
use crate::mapping::expression::Expression;
use crate::mapping::plan::TablePlan;
use crate::model::schema::{Key, Table};

/// A table whose columns compare by these collations.
fn collated(columns: &[(&str, &str, &str)]) -> Table {
    let columns = columns.iter().map(|(name, declared, collation)| {
        let mut column = column(name, declared);
        column.collation = (*collation).to_owned();
        column
    });
    table("t", columns.collect())
}

/// A key that compares as the columns of its table do.
fn own_key(table: &Table, columns: &[&str]) -> Key {
    let mut key = key(columns);
    for part in &mut key.columns {
        part.collation
            .clone_from(&table.column(&part.column).unwrap().collation);
    }
    key
}

fn add_index(table: &mut Table, name: &str, unique: bool, columns: &[&str]) {
    let mut index = index(name, unique, columns);
    for (term, column) in index.terms.iter_mut().zip(columns) {
        term.collation
            .clone_from(&table.column(column).unwrap().collation);
    }
    table.indexes.push(index);
}

/// The indexes in words: `once: unique lower(a), b DESC`.
fn indexes(table: &TablePlan) -> Vec<String> {
    let on = |on: &Expression| match on {
        Expression::Column(name) => name.clone(),
        Expression::Call {
            function,
            arguments,
        } => format!("{function}({arguments:?})"),
        other => format!("{other:?}"),
    };
    let shown = |index: &crate::mapping::plan::IndexPlan| {
        let terms = index.terms.iter().map(|term| {
            let order = if term.descending { " DESC" } else { "" };
            on(&term.on) + order
        });
        let unique = if index.unique { "unique " } else { "" };
        let terms = terms.collect::<Vec<_>>().join(", ");
        format!("{}: {unique}{terms}", index.name)
            .replace("[Column(\"", "")
            .replace("\")]", "")
    };
    table.indexes.iter().map(shown).collect()
}

const COLLATION: &str = "collation NOCASE is left out: PostgreSQL compares the column's bytes";

#[test]
fn a_key_under_nocase_stays_and_indexes_under_nocase_are_on_lower() {
    let mut nocase = collated(&[("a", "TEXT", "NOCASE")]);
    nocase.primary_key = Some(own_key(&nocase, &["a"]));
    add_index(&mut nocase, "plain", false, &["a"]);
    add_index(&mut nocase, "once", true, &["a"]);
    nocase.indexes[0].terms[0].descending = true;
    let plan = plan_of(nocase, &[&[text("a"), text("b")]]);
    assert_eq!(plan.table("t").primary_key.as_ref().unwrap().columns, ["a"]);
    assert_eq!(
        indexes(plan.table("t")),
        ["plain: lower(a) DESC", "once: unique lower(a)"]
    );
    assert_eq!(
        plan.listed(),
        [
            "Note structure-translated t.a: primary key (a) compares bytes, where the source compares by NOCASE: a unique index on (lower(a)) beside it keeps that rule".to_owned(),
            "Note structure-translated t.a: index `plain` compares by NOCASE: it is made on (lower(a))".to_owned(),
            "Note structure-translated t.a: index `once` compares by NOCASE: it is made on (lower(a))".to_owned(),
            format!("Warning structure-weakened t.a: {COLLATION}"),
        ]
    );
}

#[test]
fn numbers_and_uuids_compare_alike_under_every_collation() {
    let uuid = "550e8400-e29b-41d4-a716-446655440000";
    for (declared, value) in [("INTEGER", int(1)), ("TEXT", text(uuid))] {
        let mut nocase = collated(&[("a", declared, "NOCASE")]);
        nocase.primary_key = Some(own_key(&nocase, &["a"]));
        add_index(&mut nocase, "once", true, &["a"]);
        let plan = plan_of(nocase, &[&[value]]);
        assert_eq!(indexes(plan.table("t")), ["once: unique a"]);
        assert_eq!(plan.listed(), [""; 0]);
    }
}

#[test]
fn a_unique_constraint_gets_an_index_beside_it_with_all_its_columns() {
    let mut mixed = collated(&[
        ("a", "TEXT", "NOCASE"),
        ("b", "TEXT", "RTRIM"),
        ("c", "INTEGER", "BINARY"),
    ]);
    mixed.unique = vec![own_key(&mixed, &["a", "b", "c"]), own_key(&mixed, &["c"])];
    let plan = plan_of(mixed, &[&[text("a")], &[text("b ")], &[int(1)]]);
    assert_eq!(plan.table("t").unique.len(), 2);
    assert_eq!(
        indexes(plan.table("t")),
        ["t_a_b_c_folded: unique lower(a), rtrim(b), c"]
    );
}

#[test]
fn json_under_a_folded_index_stays_text() {
    let mut nocase = collated(&[("a", "JSON", "NOCASE")]);
    add_index(&mut nocase, "plain", false, &["a"]);
    let plan = plan_of(nocase, &[&[text("{\"a\":1}")]]);
    assert_eq!(plan.table("t").column("a").target.name(), "text");
    assert_eq!(indexes(plan.table("t")), ["plain: lower(a)"]);
}

#[test]
fn what_a_foreign_key_refers_to_stays_unique_by_bytes() {
    let mut database = Database::default();
    let mut parent = collated(&[("a", "TEXT", "NOCASE")]);
    add_index(&mut parent, "once", true, &["a"]);
    database.table(parent, &[&[text("a")]]);
    let mut child = table("child", vec![column("a", "TEXT")]);
    child.foreign_keys.push(foreign_key(&["a"], "T", &["A"]));
    database.table(child, &[]);
    let bytes = crate::profile::evidence::Constraint::ForeignKeyBytes(0);
    database.keys = vec![broken(1, bytes, 0)];
    let plan = database.plan();
    assert_eq!(
        indexes(plan.table("t")),
        ["once: unique a", "t_a_folded: unique lower(a)"]
    );
    assert_eq!(plan.table("child").foreign_keys.len(), 1);
}

#[test]
fn a_column_that_a_foreign_key_makes_a_number_is_not_folded() {
    let mut database = Database::default();
    database.table(numbered("parent", vec![integer("id")]), &[&[int(1)]]);
    let mut child = collated(&[("a", "TEXT", "NOCASE")]);
    child.unique = vec![own_key(&child, &["a"])];
    add_index(&mut child, "plain", false, &["a"]);
    child
        .foreign_keys
        .push(foreign_key(&["a"], "parent", &["id"]));
    database.table(child, &[]);
    let plan = database.plan();
    assert_eq!(plan.table("t").column("a").target.name(), "bigint");
    assert_eq!(indexes(plan.table("t")), ["plain: a"]);
}

#[test]
fn a_collation_that_only_the_application_knows_is_named() {
    let mut own = collated(&[("a", "TEXT", "GERMAN")]);
    own.unique = vec![own_key(&own, &["a"])];
    add_index(&mut own, "plain", false, &["a"]);
    add_index(&mut own, "once", true, &["a"]);
    let plan = plan_of(own, &[&[text("a")]]);
    assert_eq!(indexes(plan.table("t")), ["once: unique a"]);
    assert_eq!(
        plan.listed(),
        [
            "Warning structure-left-out t: index `plain` is left out: in PostgreSQL it compares bytes, where the source compares by GERMAN: CREATE INDEX plain …",
            "Warning structure-weakened t.a: unique constraint (a) is weaker: it compares bytes, where the source compares by GERMAN",
            "Warning structure-weakened t.a: unique index `once` is weaker: it compares bytes, where the source compares by GERMAN",
            "Warning structure-weakened t.a: collation GERMAN is left out: PostgreSQL compares the column's bytes",
        ]
    );
}
