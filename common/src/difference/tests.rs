use super::*;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Rows of a key and a value.
type Rows<'a> = &'a [(u64, &'a str)];

struct Sample {
    found: Found,
    spilled: bool,
}

fn compare(archive: Rows<'_>, target: Rows<'_>, keyed: bool, budget: usize) -> Sample {
    let secret = Secret::random();
    let hash = |(key, value): &(u64, &str)| {
        let row = secret.hash(format!("{key} {value}").as_bytes());
        RowHash {
            key: if keyed {
                secret.hash(&key.to_le_bytes())
            } else {
                row
            },
            row,
        }
    };
    let sums = Sums::new(&[7, archive.len() as u64]);
    let sides = [(Side::Archive, archive), (Side::Target, target)];
    for (side, rows) in sides {
        for row in rows {
            sums.add(1, side, hash(row));
        }
        assert_eq!(sums.rows(1, side), rows.len() as u64);
    }
    let folder = PathBuf::from("/var/tmp");
    let suspects = sums.suspects(budget, folder);
    assert!(!suspects.concern(0));
    for (side, rows) in sides {
        let mut batch = Vec::new();
        for (at, row) in (1..).zip(rows) {
            let hash = hash(row);
            if suspects.want(1, hash.key) {
                batch.push(Entry::new(1, side, hash, at));
            }
        }
        suspects.add(&mut batch).unwrap();
    }
    let spilled = suspects.file_is_used();
    let mut found = suspects.finish(&[true, keyed], 3).unwrap();
    assert_eq!(found[0], Found::default());
    Sample {
        found: found.remove(1),
        spilled,
    }
}

fn counts(found: &Found) -> [u64; 3] {
    [Kind::Differs, Kind::Missing, Kind::Extra].map(|kind| found.rows(kind))
}

#[test]
fn order_means_nothing_and_equal_rows_are_not_looked_at() {
    let rows: Vec<_> = (0..1000).map(|key| (key, "x")).collect();
    let turned: Vec<_> = rows.iter().rev().copied().collect();
    let sample = compare(&rows, &turned, true, 1 << 20);
    assert_eq!(sample.found, Found::default());
    assert!(!sample.spilled);
}

#[test]
fn rows_that_differ_are_missing_or_extra_are_counted_and_found_again() {
    let archive = [(1, "a"), (2, "b"), (3, "c")];
    let target = [(4, "d"), (3, "c"), (2, "B")];
    let found = compare(&archive, &target, true, 1 << 20).found;
    assert_eq!(counts(&found), [1, 1, 1]);
    let named = |kind, archive, target| Difference {
        kind,
        archive,
        target,
    };
    assert_eq!(
        found.named,
        [
            named(Kind::Differs, Some(2), Some(3)),
            named(Kind::Missing, Some(1), None),
            named(Kind::Extra, None, Some(1)),
        ]
    );
}

#[test]
fn rows_without_a_key_are_a_multiset() {
    let archive = [(1, "a"), (1, "a"), (2, "b")];
    let target = [(1, "a"), (2, "b"), (2, "b"), (2, "b")];
    let found = compare(&archive, &target, false, 1 << 20).found;
    assert_eq!(counts(&found), [0, 1, 2]);
    assert_eq!(found.all_rows(), 3);
}

#[test]
fn a_key_that_occurs_twice_is_counted_as_often() {
    let archive = [(1, "a"), (1, "b"), (1, "c")];
    let found = compare(&archive, &[(1, "a"), (1, "d")], true, 1 << 20).found;
    assert_eq!(counts(&found), [1, 1, 0]);
    let found = compare(&[(1, "a")], &[(1, "a"), (1, "a")], true, 1 << 20).found;
    assert_eq!(counts(&found), [0, 0, 1]);
}

#[test]
fn no_kind_hides_another_among_the_rows_that_are_named() {
    let archive: Vec<_> = (0..100).map(|key| (key, "a")).collect();
    let target: Vec<_> = (1..101).map(|key| (key, "b")).collect();
    let found = compare(&archive, &target, true, 1 << 20).found;
    assert_eq!(counts(&found), [99, 1, 1]);
    let kinds: Vec<_> = found.named.iter().map(|named| named.kind).collect();
    assert_eq!(kinds, [Kind::Differs, Kind::Missing, Kind::Extra]);
    // By where they were read.
    assert_eq!(found.named[0].archive, Some(2));
}

#[test]
fn counts_are_exact_when_memory_is_short() {
    let value = |key: u64| if key.is_multiple_of(3) { "x" } else { "y" };
    let archive: Vec<_> = (0..20_000).map(|key| (key, "y")).collect();
    let target: Vec<_> = (100..20_100).map(|key| (key, value(key))).collect();
    let mut wanted = BTreeMap::new();
    for key in 100..20_000_u64 {
        *wanted.entry(value(key)).or_insert(0) += 1;
    }
    let sample = compare(&archive, &target, true, 64 * 1024);
    assert!(sample.spilled);
    assert_eq!(counts(&sample.found), [wanted["x"], 100, 100]);
}

#[test]
fn many_equal_rows_take_no_room() {
    let archive = vec![(1, "a"); 50_000];
    let target = vec![(1, "a"); 50_001];
    let sample = compare(&archive, &target, false, 64 * 1024);
    assert_eq!(counts(&sample.found), [0, 0, 1]);
    assert!(!sample.spilled);
}
