//! docs/types.md says what the code does: each row of its tables is tried.

use super::support::*;
use crate::mapping::plan::{PgType, TablePlan};
use crate::model::value::OwnedValue;
use crate::profile::evidence::Constraint;
use crate::report::Severity;

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/types.md");
    std::fs::read_to_string(path).unwrap()
}

/// What stands between a heading and the next one.
fn section(page: &str, heading: &str) -> String {
    let (_, rest) = page.split_once(&format!("\n{heading}\n")).unwrap();
    let lines = rest.lines().take_while(|line| !line.starts_with('#'));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The cells of the rows of a section's table, without its head.
fn rows(section: &str) -> Vec<(String, String)> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.filter_map(|row| row.strip_suffix(" |")?.split_once(" | "));
    let cells = cells.map(|(left, right)| (left.to_owned(), right.to_owned()));
    cells.skip(2).collect()
}

/// The type of a column of these values, or `None` where they are refused.
fn becomes(declared: &str, values: &[OwnedValue]) -> Option<String> {
    let plan = plan_of(table("t", vec![column("c", declared)]), &[values]);
    let mut findings = plan.findings.iter();
    let refused = findings.any(|finding| finding.severity == Severity::Error);
    (!refused).then(|| plan.table("t").column("c").target.name().into_owned())
}

#[test]
fn a_column_without_values_becomes_what_the_page_says() {
    let page = page();
    let rows = rows(&section(&page, "### A column without values"));
    assert_eq!(rows.len(), 11);
    for (declared, target) in rows {
        let (target, zoned) = match target.split_once(", or with it if") {
            Some((target, _)) => (target, true),
            None => (target.as_str(), false),
        };
        let examples: Vec<String> = match declared.as_str() {
            "any other of INTEGER affinity" => vec!["INT".into(), "BIGINT(20)".into()],
            "any other of REAL affinity" => vec!["REAL".into(), "DOUBLE PRECISION".into()],
            "anything else, or nothing" => {
                vec![
                    String::new(),
                    "VARCHAR(10)".into(),
                    "STRING".into(),
                    "x y".into(),
                ]
            }
            names => {
                let names = names.split(", ").map(|name| name.trim_matches('`'));
                let filled =
                    names.flat_map(|name| ["", "X"].map(|letters| name.replace('…', letters)));
                filled.collect()
            }
        };
        for example in examples {
            for spelled in [
                example.clone(),
                example.to_lowercase(),
                format!("{example}(9)"),
            ] {
                // An empty declaration with a length is another one.
                let found = becomes(&spelled, &[]).unwrap();
                assert_eq!(found, target, "{spelled:?} of `{declared}`");
            }
            if zoned {
                for spelled in [format!("{example}TZ"), format!("{example} WITH TIME ZONE")] {
                    assert_eq!(becomes(&spelled, &[]).unwrap(), "timestamp with time zone");
                }
            }
        }
    }
}

/// A declaration and values, and the type that they become; `refused` where none holds them.
type Example = (&'static str, Vec<OwnedValue>, &'static str);

/// Examples of each row of the table of classes, by the words in front.
fn examples(row: &str) -> Vec<Example> {
    let wide = || int((1 << 53) + 1);
    match row {
        "none" => vec![("BIGINT", vec![], "bigint"), ("DATE", vec![NULL], "date")],
        "integers" => vec![
            ("", vec![int(0), int(1)], "bigint"),
            ("TEXT", vec![int(i64::MIN), NULL], "bigint"),
            ("BOOLEAN", vec![int(0), int(1)], "boolean"),
            ("BOOL", vec![int(2)], "bigint"),
            ("DECIMAL(10,2)", vec![int(7)], "numeric"),
            ("NUMERIC", vec![int(7)], "numeric"),
        ],
        "reals" => vec![
            ("", vec![real(0.5), real(f64::INFINITY)], "double precision"),
            ("DECIMAL", vec![real(0.5)], "numeric"),
            ("DECIMAL", vec![real(-0.0)], "double precision"),
        ],
        "integers and reals" => vec![
            ("", vec![wide(), real(0.5)], "numeric"),
            ("", vec![int(1), real(f64::INFINITY)], "double precision"),
            ("", vec![wide(), real(-0.0)], "refused"),
        ],
        "texts, all of one form" => vec![
            (
                "",
                vec![text("550e8400-e29b-41d4-a716-446655440000")],
                "uuid",
            ),
            (
                "",
                vec![text("2024-01-01T10:00:00Z")],
                "timestamp with time zone",
            ),
            (
                "",
                vec![text("2024-01-01 10:00:00")],
                "timestamp without time zone",
            ),
            ("", vec![text("2024-01-01"), NULL], "date"),
            ("TIME", vec![text("10:00:00")], "time without time zone"),
            ("", vec![text("10:00:00")], "text"),
            ("", vec![text("{\"a\":1}")], "jsonb"),
            ("", vec![text("{\"a\":1e5}")], "json"),
            ("", vec![text("fe80::1/64")], "inet"),
        ],
        "other texts" => vec![
            ("INTEGER", vec![text("007")], "text"),
            ("DATE", vec![text("2024-01-01"), text("")], "text"),
            ("", vec![text("1e5")], "text"),
            ("", vec![text("+49")], "text"),
            ("", vec![text("550e8400e29b41d4a716446655440000")], "text"),
            ("", vec![text("2024-01-01 10:00")], "text"),
        ],
        "numbers and texts" => vec![
            ("", vec![int(1), text("x")], "text"),
            ("", vec![int(1), text("2")], "refused"),
            ("", vec![real(-0.0), text("x")], "refused"),
        ],
        "blobs" => vec![("TEXT", vec![blob(&[]), NULL], "bytea")],
        "blobs and anything else" => vec![
            ("", vec![blob(b"x"), text("x")], "refused"),
            ("", vec![blob(b"x"), int(1)], "refused"),
        ],
        other => panic!("no example of `{other}`"),
    }
}

#[test]
fn values_become_what_the_page_says() {
    let page = page();
    let rows = rows(&section(&page, "## How a type is chosen"));
    assert_eq!(rows.len(), 9);
    for (values, words) in rows {
        let all = PgType::ALL.iter().map(|target| target.name().into_owned());
        let mut named: Vec<String> = all.filter(|name| words.contains(name)).collect();
        if words.contains("refused") {
            named.push("refused".to_owned());
        }
        let mut seen = Vec::new();
        for (declared, examples, expected) in examples(&values) {
            let found = becomes(declared, &examples);
            let found = found.as_deref().unwrap_or("refused");
            assert_eq!(found, expected, "{declared} {examples:?}");
            seen.push(expected);
        }
        // The page names every type that an example shows, and each that it names has an example.
        if values != "none" {
            named.retain(|name| !seen.contains(&name.as_str()));
            assert!(named.is_empty(), "no example of {named:?} for {values}");
        }
    }
}

#[test]
fn each_type_that_a_plan_chooses_has_its_section() {
    let page = page();
    let (_, types) = page.split_once("\n## The types\n").unwrap();
    let types = types.split("\n## ").next().unwrap();
    let headings = types.lines().filter_map(|line| line.strip_prefix("### "));
    let mut headings: Vec<String> = headings.map(str::to_owned).collect();
    let mut names: Vec<String> = PgType::ALL
        .iter()
        .map(|one| one.name().into_owned())
        .collect();
    headings.sort();
    names.sort();
    assert_eq!(headings, names);
}

#[test]
fn what_the_page_says_of_refusals_and_keys_holds() {
    let page = page();
    let refused = section(&page, "## What is refused");
    for (words, values) in [
        (
            "- text that is not valid in the encoding of the database, and text with a NUL character;",
            vec![vec![OwnedValue::RawText(vec![0xff])], vec![text("a\0b")]],
        ),
        (
            "- blobs beside values of other classes; numbers beside texts that are spelled like numbers;",
            vec![vec![blob(b"x"), int(1)], vec![int(1), text("1")]],
        ),
        (
            "- -0.0 or infinity beside texts, or beside integers beyond 2^53;",
            vec![
                vec![real(f64::INFINITY), text("x")],
                vec![real(-0.0), int(i64::MAX)],
            ],
        ),
    ] {
        assert!(refused.contains(words), "{words}");
        for values in values {
            assert_eq!(becomes("", &values), None, "{values:?}");
        }
    }
    let keys = rows(&section(&page, "## Keys, indexes and the rest"));
    for (left, right, holds) in keys_of_the_page() {
        assert!(
            keys.contains(&(left.to_owned(), right.to_owned())),
            "{left}"
        );
        assert!(holds, "{left}");
    }
}

/// Rows of the page on keys, each with whether the plan does so.
fn keys_of_the_page() -> Vec<(&'static str, &'static str, bool)> {
    let primary = |values: &[OwnedValue], broken: u64| -> TablePlan {
        let mut database = Database::default();
        let mut keyed = table("t", vec![column("a", "TEXT")]);
        keyed.primary_key = Some(key(&["a"]));
        keyed.columns[0].not_null = true;
        keyed.indexes.push(index("i", false, &["a"]));
        keyed.indexes[0].terms[0].descending = true;
        database.table(keyed, &[values]);
        let constraint = super::support::broken(0, Constraint::PrimaryKey, broken);
        database.keys.push(constraint);
        database.plan().table("t").clone()
    };
    let whole = primary(&[text("a")], 0);
    let null = primary(&[text("a"), NULL], 0);
    let twice = primary(&[text("a"), text("a")], 1);
    let long = primary(&[text(&"x".repeat(3000))], 0);
    vec![
        (
            "primary key",
            "primary key, whose columns are NOT NULL from then on; a UNIQUE constraint if a column of it holds NULL (warning)",
            whole.primary_key.is_some() && null.primary_key.is_none() && null.unique.len() == 1,
        ),
        (
            "UNIQUE, plain and unique indexes on columns, DESC",
            "the same",
            whole.indexes[0].terms[0].descending,
        ),
        (
            "NOT NULL",
            "the same, unless a row holds NULL (warning)",
            whole.columns[0].not_null && !null.columns[0].not_null,
        ),
        (
            "a key that rows break",
            "left out (warning)",
            twice.primary_key.is_none() && twice.unique.is_empty(),
        ),
        (
            "a key or index whose entries may exceed 2704 bytes",
            "left out (warning), and foreign keys that refer to it",
            long.primary_key.is_none() && long.indexes.is_empty(),
        ),
    ]
}
