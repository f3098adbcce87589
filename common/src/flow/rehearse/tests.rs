use super::*;
use crate::mapping::expression::Expression;
use crate::mapping::operator::OperatorPlan;
use crate::mapping::plan::{
    ColumnPlan, Conversion, IndexPlan, IndexTerm, KeyPlan, PgType, Reading, TablePlan,
};
use crate::model::schema::Rowid;
use crate::model::value::OwnedValue;
use crate::progress::Unwatched;

/// Rows of one table in parts of three.
struct Memory {
    spans: Vec<PartSpan>,
    rows: Vec<Vec<OwnedValue>>,
}

const PART: usize = 3;

impl Memory {
    fn new(rows: Vec<Vec<OwnedValue>>) -> Memory {
        let span = |(position, rows): (usize, &[Vec<OwnedValue>])| PartSpan {
            table: 0,
            part: u32::try_from(position + 1).unwrap(),
            rows: rows.len() as u64,
            first_row: (position * PART + 1) as u64,
            bytes: 10,
        };
        Memory {
            spans: rows.chunks(PART).enumerate().map(span).collect(),
            rows,
        }
    }
}

impl PartReader for Memory {
    fn parts(&self) -> &[PartSpan] {
        &self.spans
    }

    fn read(&self, part: &PartSpan, _: &mut PartBuffers, sink: &mut dyn RowSink) -> Result<()> {
        for row in self.rows.chunks(PART).nth(part.part as usize - 1).unwrap() {
            let row: Vec<_> = row.iter().map(OwnedValue::as_value).collect();
            sink.row(&row)?;
        }
        Ok(())
    }
}

fn schema() -> Schema {
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
    let key = Key {
        name: None,
        columns: vec![KeyColumn {
            column: "id".to_owned(),
            descending: false,
            collation: "BINARY".to_owned(),
        }],
        on_conflict: None,
    };
    let table = Table {
        rowid: Rowid::Column("id".to_owned()),
        columns: vec![column("id"), column("v")],
        primary_key: Some(key),
        ..Table::bare("t")
    };
    Schema {
        tables: vec![table],
        ..Schema::default()
    }
}

fn column(name: &str, cell: usize, target: PgType) -> ColumnPlan {
    ColumnPlan::bare(name, cell, target)
}

/// A plan of `t (id bigint PRIMARY KEY, v)`.
fn plan(v: ColumnPlan) -> Plan {
    Plan {
        tables: vec![TablePlan {
            primary_key: Some(KeyPlan {
                name: "t_pkey".to_owned(),
                columns: vec!["id".to_owned()],
            }),
            ..TablePlan::bare(0, "t", vec![column("id", 0, PgType::Bigint), v])
        }],
        enums: Vec::new(),
        views: Vec::new(),
        operator: OperatorPlan::default(),
        findings: Vec::new(),
    }
}

fn asked(target: PgType) -> ColumnPlan {
    ColumnPlan {
        asked: true,
        ..column("v", 1, target)
    }
}

fn text(text: &str) -> OwnedValue {
    OwnedValue::Text(text.to_owned())
}

fn findings(plan: &Plan, values: Vec<OwnedValue>) -> Vec<Finding> {
    let rows = (1..).zip(values);
    let rows = rows.map(|(id, value)| vec![OwnedValue::Integer(id), value]);
    let memory = Memory::new(rows.collect());
    rehearse(&schema(), plan, &memory, 3, &Unwatched).unwrap()
}

#[test]
fn every_value_that_does_not_fit_is_counted_and_the_first_are_named() {
    let values = (1..=40).map(|i| {
        if i % 2 == 0 {
            text("x")
        } else {
            OwnedValue::Integer(i)
        }
    });
    let found = findings(&plan(asked(PgType::Smallint)), values.collect());
    let [finding] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(
        (finding.code, finding.severity),
        (Code::ValueRefused, Severity::Error)
    );
    assert_eq!(finding.place.table.as_deref(), Some("t"));
    assert_eq!(finding.place.column.as_deref(), Some("v"));
    assert_eq!(finding.message, "'x' has no exact form as smallint");
    assert_eq!(finding.count, 20);
    let first: Vec<_> = (1..=10).map(|i| format!("id={}", i * 2)).collect();
    assert_eq!(finding.samples, first);
}

#[test]
fn values_changed_on_purpose_are_counted_with_what_they_were() {
    let mut column = asked(PgType::Integer);
    column.conversion = Some(Conversion {
        null_if: vec!["N/A".to_owned()],
        ..Conversion::default()
    });
    let values = vec![
        text("7"),
        text("N/A"),
        OwnedValue::Real(2.0),
        OwnedValue::Null,
    ];
    let found = findings(&plan(column.clone()), values.clone());
    let [finding] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(
        (finding.code, finding.severity),
        (Code::ValueConverted, Severity::Note)
    );
    assert_eq!(
        finding.message,
        "values are changed as asked for: listed texts become NULL"
    );
    assert_eq!(finding.count, 2);
    assert_eq!(finding.samples, ["id=2 ('N/A')", "id=3 (2.0)"]);
    column.not_null = true;
    let found = findings(&plan(column), values);
    let nulls = found.iter().find(|one| one.code == Code::NotNullViolated);
    let nulls = nulls.expect("two rows have no value");
    assert_eq!((nulls.count, nulls.severity), (2, Severity::Error));
    assert_eq!(
        nulls.message,
        "'N/A' becomes NULL in a column that is NOT NULL"
    );
    assert_eq!(nulls.samples, ["id=2", "id=4"]);
}

#[test]
fn keys_that_become_equal_are_found_in_whatever_parts_they_stand() {
    let keyed = |column: ColumnPlan| {
        let mut plan = plan(column);
        plan.tables[0].indexes.push(IndexPlan {
            name: "t_v".to_owned(),
            unique: true,
            terms: vec![IndexTerm {
                on: Expression::Column("v".to_owned()),
                descending: false,
            }],
            predicate: None,
        });
        plan
    };
    let duplicate = |plan: &Plan, values| {
        let found = findings(plan, values);
        let finding = found.into_iter().find(|one| one.code == Code::KeyDuplicate);
        finding.map(|one| (one.severity, one.place.column, one.samples))
    };
    let values = ["a@x", "b@x", "c@x", "d@x", "A@x", "ä", "Ä"]
        .map(text)
        .to_vec();
    assert_eq!(
        duplicate(&keyed(asked(PgType::Citext)), values.clone()),
        Some((
            Severity::Error,
            Some("v".to_owned()),
            vec!["id=5".to_owned()]
        ))
    );
    assert_eq!(duplicate(&keyed(asked(PgType::Text)), values), None);
    let mut mapped = asked(PgType::Text);
    mapped.conversion = Some(Conversion {
        null_if: vec!["b@x".to_owned(), "c@x".to_owned()],
        reading: Reading::Values {
            map: [("d@x".to_owned(), "a@x".to_owned())].into(),
            keep_others: true,
        },
        ..Conversion::default()
    });
    let values = ["a@x", "b@x", "c@x", "d@x"].map(text).to_vec();
    assert_eq!(
        duplicate(&keyed(mapped), values).map(|(_, _, samples)| samples),
        Some(vec!["id=4".to_owned()]),
        "NULLs are not equal"
    );
    let numbers = vec![text("1.0"), text("1.00"), OwnedValue::Integer(2)];
    assert!(duplicate(&keyed(asked(PgType::Numeric)), numbers).is_some());
}

#[test]
fn nothing_is_read_where_nothing_is_asked_for() {
    struct Unread;
    impl PartReader for Unread {
        fn parts(&self) -> &[PartSpan] {
            panic!("nothing is to be tried")
        }
        fn read(&self, _: &PartSpan, _: &mut PartBuffers, _: &mut dyn RowSink) -> Result<()> {
            panic!("nothing is to be tried")
        }
    }
    let plan = plan(column("v", 1, PgType::Text));
    assert_eq!(
        rehearse(&schema(), &plan, &Unread, 2, &Unwatched).unwrap(),
        []
    );
}

#[test]
fn a_zone_that_there_is_not_is_refused_before_a_row_is_read() {
    let mut column = asked(PgType::Timestamptz);
    column.conversion = Some(Conversion {
        reading: Reading::Zone("Mars".to_owned()),
        ..Conversion::default()
    });
    let memory = Memory::new(Vec::new());
    let fault = rehearse(&schema(), &plan(column), &memory, 1, &Unwatched).unwrap_err();
    assert_eq!(fault.code(), Code::Usage);
    assert_eq!(fault.place().column.as_deref(), Some("v"));
}
