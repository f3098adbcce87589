//! What the check costs, that it can be interrupted, and what is left unchecked.

use super::super::{BUDGET, KeyCheck};
use super::int;
use super::tables::{Rows, checked, references, schema, table, with_unique};
use crate::fault::Code;
use crate::model::value::Value;
use crate::progress::Unwatched;

/// Counts how often it is asked whether to stop, and says yes from a number on.
struct Counting {
    asked: std::sync::atomic::AtomicUsize,
    stops_at: usize,
}

impl Counting {
    fn new(stops_at: usize) -> Self {
        Counting {
            asked: std::sync::atomic::AtomicUsize::new(0),
            stops_at,
        }
    }
}

impl crate::progress::Watch for Counting {
    fn phase(&self, _: &str, _: crate::progress::Extent) {}
    fn table(&self, _: &str) {}
    fn advance(&self, _: u64, _: u64) {}
    fn stopped(&self) -> bool {
        let asked = self
            .asked
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed)
            + 1;
        asked >= self.stops_at
    }
}

fn fed(schema: &crate::model::schema::Schema, rows: i64) -> KeyCheck {
    let check = KeyCheck::new(schema, &[], BUDGET);
    let mut feed = check.feed(0);
    for number in 0..rows {
        let row = [Value::Integer(number % (rows - 1))];
        feed.row(&row, number.unsigned_abs() + 1).unwrap();
    }
    check.absorb(feed).unwrap();
    check
}

#[test]
fn equal_constraints_cost_one_pass_and_are_all_answered() {
    let mut one = table("t", &["a"]);
    for _ in 0..2000 {
        one = with_unique(one, &["a"]);
        one.foreign_keys.push(references(&["a"], "t", &["a"]));
    }
    let check = fed(&schema(vec![one]), 300_000);
    assert_eq!(check.checks.streams, 2, "as a key, and as a reference");
    let watch = Counting::new(usize::MAX);
    let evidence = check.finish(&watch).unwrap().finish();
    assert_eq!(evidence.len(), 4000);
    let (unique, foreign) = evidence.split_at(2000);
    assert!(
        unique
            .iter()
            .all(|key| key.violations == 1 && key.samples.len() == 1)
    );
    assert!(
        foreign
            .iter()
            .all(|key| key.violations == 0 && key.unchecked.is_none())
    );
    // A question for each of the two passes, and one for each 65,536 of some 900,000 records.
    let asked = watch.asked.into_inner();
    assert!((10..=20).contains(&asked), "{asked} questions");
}

#[test]
fn the_comparison_of_keys_can_be_interrupted() {
    let schema = schema(vec![with_unique(table("t", &["a"]), &["a"])]);
    for stops_at in [1, 2, 3] {
        let watch = Counting::new(stops_at);
        let fault = fed(&schema, 200_000).finish(&watch).unwrap_err();
        assert_eq!(fault.code(), Code::Interrupted);
        assert_eq!(watch.asked.into_inner(), stops_at);
    }
}

#[test]
fn references_to_one_table_are_compared_with_it_in_one_pass() {
    let parent = table("p", &["id"]);
    let children = (0..50).map(|number| {
        let mut child = table(&format!("c{number}"), &["x"]);
        child.foreign_keys.push(references(&["x"], "p", &["id"]));
        child
    });
    let schema = schema(std::iter::once(parent).chain(children).collect());
    let parents: Rows = (0..100).map(|id| vec![int(id)]).collect();
    // Child n refers to rows n to n + 59: those from 41 on have orphans.
    let children = (0..50).map(|number| (number..number + 60).map(|id| vec![int(id)]).collect());
    let rows: Vec<Rows> = std::iter::once(parents).chain(children).collect();
    for budget in [0, BUDGET] {
        let evidence = checked(&schema, &rows, budget, 7);
        let found: Vec<u64> = evidence.iter().map(|key| key.violations).collect();
        let expected: Vec<u64> = (0..50_u64).map(|n| n.saturating_sub(40)).collect();
        assert_eq!(found, expected);
        assert_eq!(evidence[41].samples, ["row 60 (x=100)"]);
    }
}

#[test]
fn keys_beyond_the_limits_are_said_to_be_unchecked() {
    let names: Vec<String> = (0..70).map(|number| format!("c{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut one = table("t", &names);
    for name in &names {
        one = with_unique(one, &[name]);
    }
    let reasons = |tables, rows: &[u64]| {
        let check = KeyCheck::new(&schema(tables), rows, BUDGET);
        let evidence = check.finish(&Unwatched).unwrap().finish();
        evidence
            .into_iter()
            .map(|key| key.unchecked)
            .collect::<Vec<_>>()
    };
    let found = reasons(vec![one], &[5]);
    assert!(found[..64].iter().all(Option::is_none));
    assert!(
        found[64..].iter().all(|reason| {
            reason.as_deref() == Some("the table has more than 64 different keys")
        })
    );
    let small = with_unique(table("s", &["a"]), &["a"]);
    let large = with_unique(with_unique(table("l", &["a", "b"]), &["a"]), &["b"]);
    let found = reasons(vec![small.clone(), large, small], &[9, 2_000_000_000, 9]);
    let beyond = "the keys would take more than 64 GiB of temporary space".to_owned();
    assert_eq!(found, [None, None, Some(beyond), None]);
}
