//! Every quirk with the mapping file that analyze writes: all that can be read is imported, with
//! every value equal, but for what docs/mapping.md lists.

use super::quirk::{Expected, Quirk};
use super::{corpus, said, settled};
use crate::map_out::assert_lossless;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What no mapping file can mend, with the reason.
const BEYOND: &[(&str, &str)] = &[
    (
        "table-of-1601-columns",
        "more columns than a table of PostgreSQL has",
    ),
    (
        "table-of-2000-columns",
        "more columns than a table of PostgreSQL has",
    ),
    ("row-that-no-page-holds", "a row wider than a page"),
];

/// Imports that run side by side.
const LANES: usize = 4;

#[test]
fn every_quirk_is_imported_with_the_generated_mapping_and_equal() {
    let corpus = corpus();
    let readable: Vec<&Quirk> = corpus
        .iter()
        .filter(|quirk| matches!(quirk.expected, Expected::Readable { .. }))
        .collect();
    assert!(readable.len() >= 80, "{} can be read", readable.len());
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                while let Some(quirk) = readable.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let beyond = BEYOND.iter().any(|(name, _)| *name == quirk.name);
                    let outcome = catch_unwind(AssertUnwindSafe(|| tried(quirk)));
                    let failure = match outcome {
                        Ok(()) if beyond => "it is listed as beyond, and succeeds".to_owned(),
                        Err(panic) if !beyond => said(panic.as_ref()),
                        _ => continue,
                    };
                    let mut failures = failures.lock().expect("nobody panics here");
                    failures.push(format!("{}:\n{failure}", quirk.name));
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("nobody panics here");
    failures.sort();
    assert!(
        failures.is_empty(),
        "{} of {} quirks differ\n\n{}",
        failures.len(),
        readable.len(),
        failures.join("\n\n")
    );
}

fn tried(quirk: &Quirk) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join("source.db");
    quirk.write(&source);
    let reference = settled(&source, folder.path());
    assert_lossless(&source, &reference);
}
