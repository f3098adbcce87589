//! Findings on small tables by hand, and on random ones against SQLite itself.

use super::*;
use crate::fault::Code;
use crate::model::schema::{Generated, Index, IndexOn, IndexTerm, Rowid, TableKind};
use crate::model::value::{OwnedValue, Value};
use crate::profile::evidence::Constraint;
use crate::progress::Unwatched;
use crate::report::SAMPLES;
use crate::seam::PartSpan;
use tables::{Parts, Rows, borrowed, checked, key, references, schema, table, with_unique};

#[cfg(feature = "sqlite")]
mod against_sqlite;
mod limits;
mod tables;

fn int(integer: i64) -> OwnedValue {
    OwnedValue::Integer(integer)
}

fn text(text: &str) -> OwnedValue {
    OwnedValue::Text(text.to_owned())
}

/// The only constraint's violations and samples.
fn single(tables: Vec<crate::model::schema::Table>, rows: &[Rows]) -> (u64, Vec<String>) {
    let mut evidence = checked(&schema(tables), rows, BUDGET, 2);
    evidence.retain(|key| !matches!(key.constraint, Constraint::ForeignKeyBytes(_)));
    assert_eq!(evidence.len(), 1, "{evidence:?}");
    assert_eq!(evidence[0].unchecked, None);
    (evidence[0].violations, evidence[0].samples.clone())
}

fn duplicates_of(declared: &str, values: &[OwnedValue]) -> Vec<String> {
    let table = with_unique(table("t", &[declared]), &["a"]);
    let rows = values.iter().map(|value| vec![value.clone()]).collect();
    let (count, samples) = single(vec![table], &[rows]);
    assert_eq!(count, samples.len() as u64);
    samples
}

#[test]
fn a_key_that_occurs_again_is_named_each_time_but_the_first() {
    let values = [
        int(5),
        int(6),
        int(5),
        OwnedValue::Null,
        OwnedValue::Null,
        int(5),
    ];
    assert_eq!(duplicates_of("a", &values), ["row 3 (a=5)", "row 6 (a=5)"]);
}

#[test]
fn keys_are_equal_as_sqlite_says() {
    let letters = [text("a"), text("A"), text("a "), text("ä"), text("Ä")];
    assert!(duplicates_of("a:TEXT", &letters).is_empty());
    assert_eq!(duplicates_of("a:TEXT:NOCASE", &letters), ["row 2 (a='A')"]);
    assert_eq!(duplicates_of("a:TEXT:RTRIM", &letters), ["row 3 (a='a ')"]);
    let numbers = [
        int(1),
        OwnedValue::Real(1.0),
        text("1"),
        OwnedValue::Blob(b"1".to_vec()),
        OwnedValue::Real(1.5),
    ];
    assert_eq!(duplicates_of("a", &numbers), ["row 2 (a=1.0)"]);
    let large = [
        int((1 << 53) + 1),
        OwnedValue::Real(9_007_199_254_740_992.0),
        int(1 << 53),
    ];
    assert_eq!(duplicates_of("a", &large), ["row 3 (a=9007199254740992)"]);
    let long = "long text that does not fit a record ".repeat(3);
    let long = [
        text(&long),
        text(&long.to_uppercase()),
        text(&format!("{long}x")),
    ];
    assert_eq!(duplicates_of("a:TEXT:NOCASE", &long).len(), 1);
}

#[test]
fn samples_are_the_first_rows_and_the_count_is_of_all() {
    let table = with_unique(table("t", &["a"]), &["a"]);
    let rows: Rows = (0..1000).map(|number| vec![int(number % 2)]).collect();
    let (count, samples) = single(vec![table], &[rows]);
    assert_eq!(count, 998);
    assert_eq!(samples.len(), SAMPLES);
    assert_eq!(samples[0], "row 3 (a=0)");
    assert_eq!(samples[9], "row 12 (a=1)");
}

#[test]
fn an_integer_primary_key_must_ascend() {
    let mut one = table("t", &["id:INTEGER"]);
    one.primary_key = Some(key(&one, &["id"]));
    one.rowid = Rowid::Column("id".to_owned());
    let rows: Rows = [-5, 1, 2, 3, 3, 4, 4, 9].map(|id| vec![int(id)]).to_vec();
    for step in 1..9 {
        let evidence = checked(
            &schema(vec![one.clone()]),
            std::slice::from_ref(&rows),
            BUDGET,
            step,
        );
        assert_eq!(evidence[0].constraint, Constraint::PrimaryKey);
        assert_eq!(evidence[0].violations, 2, "in feeds of {step} rows");
        assert_eq!(evidence[0].samples, ["id=3 (row 5)", "id=4 (row 7)"]);
    }
    let rows = vec![vec![int(1)], vec![OwnedValue::Null], vec![int(2)]];
    assert_eq!(single(vec![one], &[rows]).0, 1);
}

#[test]
fn a_composite_primary_key_is_compared_as_a_whole() {
    let mut one = table("t", &["a", "b"]);
    one.primary_key = Some(key(&one, &["b", "a"]));
    let rows = vec![
        vec![int(1), int(2)],
        vec![int(2), int(1)],
        vec![OwnedValue::Null, int(2)],
        vec![OwnedValue::Null, int(2)],
        vec![int(1), OwnedValue::Real(2.0)],
    ];
    assert_eq!(
        single(vec![one], &[rows]),
        (1, vec!["b=2.0, a=1 (row 5)".to_owned()])
    );
}

#[test]
fn nulls_in_a_not_null_column_are_named() {
    let mut one = table("t", &["a", "b"]);
    one.columns[1].not_null = true;
    let rows = vec![
        vec![OwnedValue::Null, int(1)],
        vec![int(1), OwnedValue::Null],
    ];
    assert_eq!(single(vec![one], &[rows]), (1, vec!["row 2".to_owned()]));
}

fn orphans_of(parent: &str, parents: &[OwnedValue], children: &[OwnedValue]) -> Vec<String> {
    let one = |value: &OwnedValue| vec![value.clone()];
    let mut child = table("c", &["x"]);
    child.foreign_keys.push(references(&["x"], "P", &["ID"]));
    let rows = [
        children.iter().map(one).collect(),
        parents.iter().map(one).collect(),
    ];
    let (count, samples) = single(vec![child, table("p", &[parent])], &rows);
    assert_eq!(count, samples.len() as u64);
    samples
}

#[test]
fn orphans_are_found_with_the_parents_affinity_and_collation() {
    let children = [
        int(1),
        text("1"),
        text(" 1.0 "),
        OwnedValue::Real(1.0),
        OwnedValue::Null,
        int(2),
        text("x"),
    ];
    let missing = ["row 6 (x=2)", "row 7 (x='x')"];
    assert_eq!(orphans_of("id:INTEGER", &[int(1)], &children), missing);
    assert_eq!(orphans_of("id:NUMERIC", &[int(1)], &children), missing);
    assert_eq!(
        orphans_of("id:REAL", &[OwnedValue::Real(1.0)], &children),
        missing
    );
    let found = orphans_of("id:TEXT", &[text("1")], &children);
    assert_eq!(
        found,
        [
            "row 3 (x=' 1.0 ')",
            "row 4 (x=1.0)",
            "row 6 (x=2)",
            "row 7 (x='x')"
        ]
    );
    let found = orphans_of("id", &[int(1)], &children);
    assert_eq!(
        found,
        [
            "row 2 (x='1')",
            "row 3 (x=' 1.0 ')",
            "row 6 (x=2)",
            "row 7 (x='x')"
        ]
    );
    assert!(orphans_of("id:TEXT:NOCASE", &[text("AbC")], &[text("aBc")]).is_empty());
    assert_eq!(
        orphans_of("id:TEXT", &[text("AbC")], &[text("aBc")]).len(),
        1
    );
    assert_eq!(
        orphans_of("id", &[], &[int(1), OwnedValue::Null]),
        ["row 1 (x=1)"]
    );
}

#[test]
fn composite_and_self_references_are_checked_whatever_the_order_of_columns() {
    let mut one = table("t", &["a:INTEGER", "b:TEXT", "pa", "pb"]);
    one.primary_key = Some(key(&one, &["b", "a"]));
    one.foreign_keys
        .push(references(&["pb", "pa"], "t", &["b", "a"]));
    one.foreign_keys
        .push(references(&["pa", "pb"], "t", &["a", "b"]));
    let row = |a, b: &str, pa, pb| vec![int(a), text(b), pa, pb];
    let rows = vec![
        row(1, "x", int(1), text("x")),
        row(2, "y", int(1), text("x")),
        row(3, "z", int(1), text("y")),
        row(4, "w", OwnedValue::Null, text("nothing")),
    ];
    let evidence = checked(&schema(vec![one]), &[rows], BUDGET, 1);
    let counts: Vec<_> = evidence
        .iter()
        .map(|key| (key.constraint, key.violations))
        .collect();
    assert_eq!(
        counts,
        [
            (Constraint::PrimaryKey, 0),
            (Constraint::ForeignKey(0), 1),
            (Constraint::ForeignKey(1), 1)
        ]
    );
    assert_eq!(evidence[1].samples, ["b='z', a=3 (pb='y', pa=1)"]);
    assert_eq!(evidence[2].samples, ["b='z', a=3 (pa=1, pb='y')"]);
}

#[test]
fn what_cannot_be_checked_is_said_with_its_reason() {
    let mut one = table("t", &["a", "b:TEXT:german", "c"]);
    one.columns[2].generated = Some(Generated {
        expression: "a".to_owned(),
        stored: true,
    });
    one.columns[2].not_null = true;
    one = with_unique(with_unique(one, &["b"]), &["c"]);
    let index = |on, predicate: Option<&str>| Index {
        name: "i".to_owned(),
        unique: true,
        terms: vec![IndexTerm {
            on,
            descending: false,
            collation: "BINARY".to_owned(),
        }],
        predicate: predicate.map(str::to_owned),
        sql: String::new(),
    };
    one.indexes = vec![
        index(IndexOn::Column("a".to_owned()), Some("a > 1")),
        index(IndexOn::Expression("lower(a)".to_owned()), None),
        Index {
            unique: false,
            ..index(IndexOn::Column("a".to_owned()), None)
        },
        index(IndexOn::Column("a".to_owned()), None),
    ];
    one.foreign_keys = vec![
        references(&["a"], "nowhere", &["x"]),
        references(&["a"], "t", &["nothing"]),
        references(&["a"], "t", &[]),
        references(&["a"], "v", &["x"]),
    ];
    let mut other = table("v", &["x"]);
    other.kind = TableKind::Virtual {
        module: "fts5".to_owned(),
        content: crate::model::schema::VirtualContent::Unavailable,
    };
    let evidence = checked(
        &schema(vec![one, other]),
        &[vec![vec![int(1), text("a")]]],
        BUDGET,
        9,
    );
    let reasons: Vec<_> = evidence
        .iter()
        .map(|key| {
            (
                key.constraint,
                key.unchecked.as_deref().unwrap_or("checked"),
            )
        })
        .collect();
    assert_eq!(
        reasons,
        [
            (
                Constraint::Unique(0),
                "the collation `german` is an application's own"
            ),
            (
                Constraint::Unique(1),
                "the column `c` is computed and not in the archive"
            ),
            (Constraint::Index(0), "the index holds for some rows only"),
            (Constraint::Index(1), "the index is on an expression"),
            (Constraint::Index(3), "checked"),
            (
                Constraint::NotNull(2),
                "the column `c` is computed and not in the archive"
            ),
            (Constraint::ForeignKey(0), "there is no table `nowhere`"),
            (
                Constraint::ForeignKey(1),
                "there is no column `nothing` in `t`"
            ),
            (
                Constraint::ForeignKey(2),
                "the columns of `t` it refers to are not known"
            ),
            (
                Constraint::ForeignKey(3),
                "the rows of `v` are not in the archive"
            ),
        ]
    );
}

#[test]
fn what_is_spilled_to_disk_gives_the_same_findings() {
    let parent = with_unique(table("p", &["id", "name:TEXT:NOCASE"]), &["name"]);
    let mut child = with_unique(table("c", &["p", "x"]), &["x", "p"]);
    child.foreign_keys.push(references(&["p"], "p", &["id"]));
    let schema = schema(vec![parent, child]);
    let parents: Rows = (0..3000)
        .map(|id| {
            vec![
                int(id),
                text(&format!("name {} {}", id % 2900, "x".repeat(30))),
            ]
        })
        .collect();
    let children: Rows = (0..9000)
        .map(|n| vec![int(n * 7 % 3100), text(&format!("x{}", n * 31 % 100))])
        .collect();
    let rows = [parents, children];
    let in_memory = checked(&schema, &rows, BUDGET, 100_000);
    assert!(
        in_memory.iter().all(|key| key.violations > 0),
        "{in_memory:?}"
    );
    for (budget, step) in [(0, 5000), (1000, 1000), (100_000, 777)] {
        assert_eq!(
            checked(&schema, &rows, budget, step),
            in_memory,
            "with {budget} bytes"
        );
    }
    let check = KeyCheck::new(&schema, &[], 1000);
    let mut feed = check.feed(1);
    for (row, number) in rows[1].iter().zip(1..) {
        feed.row(&borrowed(row), number).unwrap();
    }
    check.absorb(feed).unwrap();
    assert!(check.spool.runs() > 0, "a small budget must use the disk");
}

#[test]
fn only_parts_with_rows_to_name_are_read_again() {
    let schema = schema(vec![
        with_unique(table("t", &["a"]), &["a"]),
        table("u", &["a"]),
    ]);
    let rows = [vec![1, 2, 3, 4, 1, 5, 3], vec![1, 1, 1]].map(|table| {
        table
            .into_iter()
            .map(|value| vec![int(value)])
            .collect::<Rows>()
    });
    let span = |table, part: u32, rows| PartSpan {
        table,
        part,
        rows,
        first_row: u64::from(part) * 2 - 1,
        bytes: 0,
    };
    let spans = vec![
        span(0, 1, 2),
        span(0, 2, 2),
        span(0, 3, 2),
        span(0, 4, 1),
        span(1, 1, 2),
        span(1, 2, 1),
    ];
    let parts = Parts {
        rows: &rows,
        spans: spans.clone(),
        read: Mutex::default(),
    };
    let check = KeyCheck::new(&schema, &[], BUDGET);
    for part in &spans {
        let mut feed = check.feed(part.table);
        let first = usize::try_from(part.first_row).unwrap() - 1;
        let count = usize::try_from(part.rows).unwrap();
        for (number, row) in (part.first_row..).zip(&rows[part.table][first..][..count]) {
            feed.row(&borrowed(row), number).unwrap();
        }
        check.absorb(feed).unwrap();
    }
    let mut outcome = check.finish(&Unwatched).unwrap();
    outcome.read_parts(&parts, &Unwatched).unwrap();
    let evidence = outcome.finish();
    assert_eq!(evidence[0].samples, ["row 5 (a=1)", "row 7 (a=3)"]);
    assert_eq!(*parts.read.lock().unwrap(), [spans[2], spans[3]]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let records = [record::Record::new(b"key", 1); 10];
    let spool = Spool::new(1, 0, "/nowhere/at/all".into());
    let fault = spool.add(0, &records).unwrap_err();
    assert_eq!(fault.code(), Code::Spool);
    assert_eq!(fault.place().location.as_deref(), Some("/nowhere/at/all"));
}

#[test]
fn feeds_may_run_on_many_threads() {
    let schema = schema(vec![with_unique(table("t", &["a"]), &["a"])]);
    let check = KeyCheck::new(&schema, &[], 50_000);
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let check = &check;
            scope.spawn(move || {
                let mut feed = check.feed(0);
                for row in 0..5000 {
                    let value = i64::try_from(row * 4 + thread).unwrap() % 19_000;
                    feed.row(&[Value::Integer(value)], thread * 5000 + row + 1)
                        .unwrap();
                }
                check.absorb(feed).unwrap();
            });
        }
    });
    let evidence = check.finish(&Unwatched).unwrap().finish();
    assert_eq!(evidence[0].violations, 1000);
    assert_eq!(
        evidence[0].samples.len(),
        SAMPLES,
        "untold rows are named by number"
    );
}
