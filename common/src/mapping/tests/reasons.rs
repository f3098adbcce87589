//! What is said of a column's type: its reason, the types that were not taken, the documentation.

use super::support::*;
use crate::mapping::plan::PgType::{self, *};
use crate::model::value::OwnedValue;

const LOWER: &str = "00112233-4455-6677-8899-aabbccddeeff";
const UPPER: &str = "00112233-4455-6677-8899-AABBCCDDEEFF";

#[test]
fn types_that_were_not_taken_are_listed_with_their_reason() {
    let rejected = |declared: &str, keyed: bool, values: &[OwnedValue]| {
        let mut table = table("t", vec![column("c", declared)]);
        if keyed {
            table.unique.push(key(&["c"]));
        }
        plan_of(table, &[values]).tables[0].columns[0]
            .rejected
            .clone()
    };
    let dated = [text("2024-01-01"), NULL, text("soon"), text("")];
    assert_eq!(
        rejected("TEXT", false, &dated),
        [(Date, "2 values are not a day, first at row 3".to_owned())]
    );
    assert_eq!(
        rejected("UUID", false, &[text(UPPER), text(LOWER), text("x")]),
        [(Uuid, "1 value is not a UUID".to_owned())]
    );
    assert_eq!(
        rejected("TEXT", false, &[text(LOWER), text("x"), text(UPPER)]),
        [(Uuid, "1 value is not a UUID, first at row 2".to_owned())]
    );
    assert_eq!(
        rejected("TEXT", true, &[text(LOWER), text(UPPER)]),
        [(
            Uuid,
            "in a key or index two spellings of one value must stay two".to_owned()
        )]
    );
    assert_eq!(
        rejected("TEXT", false, &[text("10:00:00")]),
        [(Time, "only where TIME is declared".to_owned())]
    );
    assert_eq!(
        rejected("JSON", false, &[text("{}")]),
        [(Json, "json keeps every value, too".to_owned())]
    );
    assert_eq!(
        rejected("DECIMAL", false, &[int(1), real(f64::INFINITY)]),
        [
            (
                Bigint,
                "1 value is not an integer, first at row 2".to_owned()
            ),
            (
                Numeric,
                "1 value is not a decimal number, first at row 2".to_owned()
            ),
        ]
    );
    assert_eq!(rejected("INTEGER", false, &[int(0)]), []);
    assert_eq!(rejected("DATE", false, &[NULL]), []);
}

#[test]
fn the_reason_for_a_type_is_given_in_words() {
    let reason = |declared: &str, values: &[OwnedValue]| {
        plan_of(table("t", vec![column("c", declared)]), &[values]).tables[0].columns[0]
            .evidence
            .clone()
    };
    assert_eq!(
        reason("INT", &[int(1), int(99), NULL]),
        "2 integers (1 to 99), 1 NULL"
    );
    assert_eq!(
        reason("TEXT", &[text("2024-01-01")]),
        "1 text (at most 10 bytes); every text is a day"
    );
    assert_eq!(reason("DATE", &[]), "no values; by its declaration");
}

#[test]
fn every_type_has_its_section_in_the_documentation() {
    let page = include_str!("../../../../docs/types.md");
    let documented: Vec<&str> = page
        .split("\n## The types\n")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .into_iter()
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    let planned: Vec<String> = PgType::ALL.iter().map(ToString::to_string).collect();
    for name in &planned {
        assert!(documented.contains(&name.as_str()), "{name} has no section");
    }
    for name in &documented {
        assert!(
            planned.iter().any(|planned| planned == name),
            "{name} is no type of a plan"
        );
    }
}

/// The section of a type that only a mapping asks for; a new variant has to be given one here.
fn asked_section(target: PgType) -> Option<&'static str> {
    Some(match target {
        PgType::Smallint => "smallint",
        PgType::Integer => "integer",
        PgType::Real => "real",
        PgType::Decimal { .. } => "numeric(p,s)",
        PgType::Varchar(_) => "character varying(n)",
        PgType::Char(_) => "character(n)",
        PgType::Citext => "citext",
        PgType::Enum(_) => "Enumerated types",
        PgType::Cidr => "cidr",
        PgType::Bigint
        | PgType::Double
        | PgType::Numeric
        | PgType::Text
        | PgType::Bytea
        | PgType::Boolean
        | PgType::Timestamptz
        | PgType::Timestamp
        | PgType::Date
        | PgType::Time
        | PgType::Uuid
        | PgType::Jsonb
        | PgType::Json
        | PgType::Inet => return None,
    })
}

#[test]
fn every_type_that_can_only_be_asked_for_has_its_section_in_the_documentation() {
    let page = include_str!("../../../../docs/types.md");
    let asked = page.split("\n### Types that are only asked for\n").nth(1);
    let documented: Vec<&str> = asked
        .and_then(|rest| rest.split("\n### ").next())
        .into_iter()
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("#### "))
        .collect();
    let only_asked = [
        PgType::Smallint,
        PgType::Integer,
        PgType::Real,
        PgType::Decimal {
            precision: 1,
            scale: 0,
        },
        PgType::Varchar(1),
        PgType::Char(1),
        PgType::Citext,
        PgType::Enum(0),
        PgType::Cidr,
    ];
    let sections: Vec<&str> = only_asked.into_iter().filter_map(asked_section).collect();
    assert_eq!(documented, sections);
    assert!(
        PgType::ALL
            .into_iter()
            .all(|target| asked_section(target).is_none())
    );
}
