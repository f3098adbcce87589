//! The plan of a fill, from tables made by hand.

use super::*;
use crate::mapping::existing::{ExistingForeignKey, ExistingTrigger};
use crate::mapping::tests::support::{integer, table};
use crate::mapping::{NameRule, Request};

fn column(name: &str, kind: Kind) -> ExistingColumn {
    ExistingColumn {
        name: name.to_owned(),
        type_name: "some type".to_owned(),
        cast_name: "some type".to_owned(),
        of_domain: false,
        kind,
        not_null: false,
        has_default: false,
        identity_always: false,
        generated: false,
        collation: None,
    }
}

fn target(name: &str, columns: Vec<ExistingColumn>) -> ExistingTable {
    ExistingTable {
        name: name.to_owned(),
        has_rows: Some(false),
        owned: true,
        columns,
        ..ExistingTable::default()
    }
}

fn existing(tables: Vec<ExistingTable>) -> Existing {
    Existing {
        schema: "public".to_owned(),
        role: "app".to_owned(),
        tables,
        ..Existing::default()
    }
}

fn request() -> Request {
    Request {
        target_schema: "public".to_owned(),
        server_version: 150_000,
        names: NameRule::Keep,
        mapping: None,
        kept: crate::mapping::kept::Kept::new(),
    }
}

/// Errors as `code table column`.
fn errors(filling: &Filling) -> Vec<String> {
    let findings = filling.plan.findings.iter();
    let errors = findings.filter(|finding| finding.severity == Severity::Error);
    errors
        .map(|finding| {
            let place = &finding.place;
            let words = [
                Some(finding.code.name()),
                place.table.as_deref(),
                place.column.as_deref(),
            ];
            words.into_iter().flatten().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

fn schema(tables: Vec<crate::model::schema::Table>) -> Schema {
    Schema {
        tables,
        ..Schema::default()
    }
}

#[test]
fn everything_in_the_way_is_listed_at_once() {
    let source = schema(vec![
        table(
            "orders",
            vec![integer("id"), integer("total"), integer("gone")],
        ),
        table("nowhere", vec![integer("id")]),
    ]);
    let mut computed = column("total", Kind::Integer(32));
    computed.generated = true;
    let mut needed = column("tenant", Kind::Integer(32));
    needed.not_null = true;
    let mut orders = target(
        "Orders",
        vec![column("ID", Kind::Integer(32)), computed, needed],
    );
    orders.has_rows = Some(true);
    orders.row_security = true;
    orders.rules = vec!["keep_out".to_owned()];
    orders.triggers = ["touch", "notify"]
        .map(|name| ExistingTrigger {
            name: name.to_owned(),
            changes_rows: name == "touch",
        })
        .to_vec();
    let filling = fill(&source, &[], &existing(vec![orders]), &request()).unwrap();
    assert_eq!(
        errors(&filling),
        [
            "target-not-empty Orders",
            "target-interferes Orders",
            "target-interferes Orders",
            "target-interferes Orders",
            "target-table-missing nowhere",
            "target-column-missing orders gone",
            "target-column-unfilled orders tenant",
            "target-interferes orders total",
        ]
    );
}

#[test]
fn parents_are_filled_first_and_a_cycle_waits_for_the_end() {
    let names = ["line", "orders", "chief", "unit"];
    let source = schema(names.map(|name| table(name, vec![integer("id")])).to_vec());
    let tables = names.map(|name| {
        let parents: &[&str] = match name {
            "line" => &["orders", "line"],
            "chief" => &["unit"],
            "unit" => &["chief"],
            _ => &[],
        };
        let mut table = target(name, vec![column("id", Kind::Integer(64))]);
        table.foreign_keys = parents
            .iter()
            .map(|parent| ExistingForeignKey {
                name: format!("{name}_{parent}_fkey"),
                parent: ("public".to_owned(), (*parent).to_owned()),
                deferrable: false,
            })
            .collect();
        table
    });
    let filling = fill(&source, &[], &existing(tables.to_vec()), &request()).unwrap();
    assert_eq!(errors(&filling), Vec::<String>::new());
    let place = |table| filling.order.iter().position(|at| *at == table).unwrap();
    assert!(place(1) < place(0), "{:?}", filling.order);
    let deferred: usize = filling
        .tables
        .iter()
        .map(|table| table.deferred.len())
        .sum();
    assert_eq!(deferred, 1, "one of the two keys of the cycle");
    let mut poor = tables.to_vec();
    for table in &mut poor {
        table.owned = false;
    }
    let filling = fill(&source, &[], &existing(poor), &request()).unwrap();
    assert_eq!(errors(&filling).len(), 1);
}
