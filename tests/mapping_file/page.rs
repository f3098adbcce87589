//! `docs/mapping.md`: its examples are imported, and it has every key.

use super::Case;
use crate::support::postgres;
use std::fs;
use waybill_common::mapping::file::MappingFile;

/// The page, and its blocks in a language.
fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/mapping.md");
    fs::read_to_string(path).expect("the page is there")
}

fn blocks(page: &str, language: &str) -> Vec<String> {
    let begin = format!("\n```{language}\n");
    let blocks = page.split(begin.as_str()).skip(1);
    blocks
        .map(|rest| rest.split("\n```").next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn its_examples_can_be_imported() {
    let page = page();
    let source = blocks(&page, "sql").concat();
    let examples = blocks(&page, "toml");
    assert_eq!(examples.len(), 4);
    for example in examples {
        let case = Case::new(&source);
        let lines = example
            .strip_prefix("waybill-mapping = 1\n")
            .expect(&example);
        // The text with a NUL would refuse the import on its own.
        let note = if lines.contains("columns.note]") {
            ""
        } else {
            "\n[tables.orders.columns.note]\nnul = \"strip\"\n"
        };
        let uri = postgres::fresh_database();
        case.import(&format!("{lines}{note}"), &uri, &[]).exits(0);
    }
}

#[test]
fn it_has_every_key_and_every_word() {
    let page = page();
    let mut expected = Vec::new();
    for lines in [
        "no-such-key = 1",
        "[tables.a]\nno-such-key = 1",
        "[tables.a.columns.a]\nno-such-key = 1",
        "[[tables.a.indexes]]\nno-such-key = 1",
        "[[tables.a.add-columns]]\nno-such-key = 1",
        "[[tables.a.statistics]]\nno-such-key = 1",
        "[[grants]]\nno-such-key = 1",
        "names = \"no-such-word\"",
        "[tables.a.columns.a]\nepoch = \"no-such-word\"",
        "[tables.a.columns.a]\nread = \"no-such-word\"",
        "[tables.a.columns.a]\nnul = \"no-such-word\"",
        "[tables.a.columns.a]\nvalues = {}\nother-values = \"no-such-word\"",
        "[[tables.a.indexes]]\ncolumns = [\"a\"]\nmethod = \"no-such-word\"",
        "[[grants]]\nto = []\nprivileges = [\"no-such-word\"]",
        "[[tables.a.statistics]]\ncolumns = [\"a\", \"b\"]\nkinds = [\"no-such-word\"]",
    ] {
        let text = format!("waybill-mapping = 1\n{lines}");
        let fault = MappingFile::parse(&text, "m").expect_err(lines);
        let (_, words) = fault.what().split_once("expected").expect(lines);
        let words = words.split('`').skip(1).step_by(2);
        expected.extend(words.map(str::to_owned));
    }
    assert!(expected.len() > 60, "{expected:?}");
    for word in expected {
        let there = [
            format!("`{word}`"),
            format!("`\"{word}\"`"),
            format!("`{word} = "),
        ];
        assert!(
            there.iter().any(|form| page.contains(form)),
            "`{word}` is not on the page"
        );
    }
}
