//! What is left out or refused as a whole, and the evidence in words.

use super::support::*;
use crate::digest::Digest;
use crate::fault::Code;
use crate::mapping::plan::Origin;
use crate::mapping::{NameRule, Request, describe, plan};
use crate::model::schema::{Check, Generated, Schema, TableKind, Trigger, View, VirtualContent};
use crate::report::Severity;

#[test]
fn every_object_that_is_left_out_is_named_with_its_sql() {
    let mut database = Database::default();
    let mut checked = table("t", vec![integer("a"), integer("b")]);
    checked.checks = vec![
        Check {
            name: None,
            expression: "soundex(a) > 0".to_owned(),
        },
        Check {
            name: Some("small".to_owned()),
            expression: "soundex(a)\n  < 9".to_owned(),
        },
    ];
    checked.columns[1].generated = Some(Generated {
        expression: "soundex(a)".to_owned(),
        stored: true,
    });
    database.table(checked, &[&[int(1)]]);
    database.schema.views.push(View {
        name: "v".to_owned(),
        sql: "CREATE VIEW v AS SELECT 1".to_owned(),
    });
    database.schema.triggers.push(Trigger {
        name: "after_t".to_owned(),
        table: "t".to_owned(),
        sql: "CREATE TRIGGER after_t …".to_owned(),
    });
    database.schema.facts.user_version = 7;
    database.schema.facts.application_id = -1;
    let plan = database.plan();
    assert_eq!(plan.tables[0].columns.len(), 1);
    assert_eq!(
        plan.listed(),
        [
            "Note structure-left-out : `PRAGMA user_version` (7) is left out, PostgreSQL has no place for it",
            "Note structure-left-out : `PRAGMA application_id` (-1) is left out, PostgreSQL has no place for it",
            "Warning structure-left-out after_t: the trigger on `t` is left out, its program is not translated: CREATE TRIGGER after_t …",
            "Warning structure-left-out t: check constraint is left out, the function soundex() has no translation: soundex(a) > 0",
            "Warning structure-left-out t: check constraint `small` is left out, the function soundex() has no translation: soundex(a) < 9",
            "Warning structure-left-out t.b: the computed column is left out, the function soundex() has no translation: soundex(a)",
            "Warning structure-left-out v: the view is left out, a column of it has no name that is sure: give it one with AS: CREATE VIEW v AS SELECT 1",
        ]
    );
}

/// Every finding has its own advice where the general line of its class would be wrong.
#[test]
fn advice_suits_what_is_left_out() {
    let mut database = Database::default();
    database.table(table("t", vec![column("a", "TEXT")]), &[&[text("x")]]);
    database.schema.facts.user_version = 7;
    let plan = database.plan();
    let general = Code::StructureLeftOut.help();
    for finding in &plan.findings {
        assert!(finding.help().starts_with("nothing to do"), "{finding:?}");
        assert_ne!(finding.help(), general);
    }
    assert_eq!(plan.findings.len(), 3);
}

/// SQLite's `*` does not give the hidden columns of a virtual table.
#[test]
fn views_on_virtual_tables_have_no_hidden_columns() {
    let mut database = Database::default();
    let mut words = table("words", vec![column("body", "TEXT"), column("words", "")]);
    words.columns[1].hidden = true;
    words.kind = TableKind::Virtual {
        module: "fts4".to_owned(),
        content: VirtualContent::Rows,
    };
    database.table(words, &[&[text("x")]]);
    for (name, query) in [
        ("a", "SELECT * FROM words"),
        ("b", "SELECT w.* FROM words w"),
        ("c", "SELECT words FROM words"),
    ] {
        database.schema.views.push(View {
            name: name.to_owned(),
            sql: format!("CREATE VIEW {name} AS {query}"),
        });
    }
    let plan = database.plan();
    let views: Vec<(&str, &[String])> = plan
        .views
        .iter()
        .map(|view| (view.name.as_str(), &view.columns[..]))
        .collect();
    let body = ["body".to_owned()];
    assert_eq!(views, [("a", &body[..]), ("b", &body[..])]);
}

#[test]
fn virtual_tables_with_rows_become_ordinary_ones_and_others_are_left_out() {
    let mut database = Database::default();
    for (name, content) in [
        ("rows", VirtualContent::Rows),
        ("rebuilt", VirtualContent::Rebuilt),
        ("away", VirtualContent::Unavailable),
    ] {
        let mut table = table(name, vec![column("body", ""), column("rank", "")]);
        table.columns[1].hidden = true;
        table.kind = TableKind::Virtual {
            module: "fts5".to_owned(),
            content,
        };
        database.table(table, &[&[text("x")]]);
    }
    let plan = database.plan();
    assert_eq!(plan.tables.len(), 1);
    let columns: Vec<(&str, Origin)> = plan.tables[0]
        .columns
        .iter()
        .map(|column| (column.name.as_str(), column.origin.clone()))
        .collect();
    assert_eq!(columns, [("body", Origin::Cell(1))]);
    assert_eq!(
        plan.listed(),
        [
            "Warning structure-left-out away: the virtual table is left out; its module `fts5` does not give its content back: CREATE TABLE away (…)",
            "Warning structure-left-out rebuilt: the virtual table is left out; its module `fts5` derives it from another table: CREATE TABLE rebuilt (…)",
            "Warning structure-weakened rows: the virtual table becomes an ordinary one; what its module `fts5` does with queries is lost: CREATE TABLE rows (…)",
        ]
    );
}

#[test]
fn a_missing_rowid_and_the_collation_are_noted_once() {
    let mut database = Database::default();
    database.table(
        table("t", vec![column("a", "TEXT"), column("b", "TEXT")]),
        &[&[text("x"), text("x")]],
    );
    database.table(numbered("u", vec![integer("id"), column("b", "TEXT")]), &[]);
    let notes: Vec<_> = database
        .plan()
        .findings
        .into_iter()
        .map(|finding| {
            (
                finding.severity,
                finding.code,
                finding.place.table,
                finding.message,
                finding.count,
            )
        })
        .collect();
    assert_eq!(
        notes,
        [
            (Severity::Note, Code::StructureTranslated, None, "3 text columns made COLLATE \"C\", to compare by bytes as SQLite's BINARY does".to_owned(), 3),
            (Severity::Note, Code::StructureLeftOut, Some("t".to_owned()), "the rowid is left out, and there is no primary key; 2 rows are carried, equal ones as often as they occur".to_owned(), 1),
        ]
    );
}

#[test]
fn a_server_or_schema_that_will_not_do_is_refused() {
    for (schema, version, message) in [
        (
            "",
            150_000,
            "the name of the schema to import into, ``, is empty",
        ),
        (
            "pg_new",
            150_000,
            "the name of the schema to import into, `pg_new`, begins with `pg_`, which PostgreSQL keeps for itself",
        ),
        (
            "public",
            120_022,
            "the server has version 12, the oldest supported is 13",
        ),
    ] {
        let request = Request {
            target_schema: schema.to_owned(),
            server_version: version,
            names: NameRule::Keep,
            mapping: None,
            kept: crate::mapping::kept::Kept::new(),
        };
        let found = plan(&Schema::default(), &[], &[], &request).findings;
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].severity, found[0].message.as_str()),
            (Severity::Error, message)
        );
    }
}

#[test]
fn long_sql_is_shown_on_one_line_and_cut() {
    let mut database = Database::default();
    let sql = format!("CREATE VIEW v AS\n\tSELECT {}", "ü, ".repeat(500));
    database.schema.views.push(View {
        name: "v".to_owned(),
        sql,
    });
    let line = database.plan().listed().remove(0);
    assert!(
        line.contains("CREATE VIEW v AS SELECT ü, ü,") && line.ends_with('…'),
        "{line}"
    );
    assert!(line.chars().count() < 400, "{line}");
}

#[test]
fn evidence_is_described_in_words() {
    let many: Vec<_> = (1..=1204).map(int).collect();
    for (values, words, looks) in [
        (vec![], "no values", vec![]),
        (vec![NULL], "1 NULL", vec![]),
        (many, "1,204 integers (1 to 1204)", vec![]),
        (vec![int(1)], "1 integer (1)", vec!["0 or 1"]),
        (
            vec![int(1_700_000_000)],
            "1 integer (1700000000)",
            vec!["epoch seconds"],
        ),
        (vec![real(1.5), NULL, NULL], "1 real, 2 NULL", vec![]),
        (
            vec![text("2024-01-01"), text("2024-01-02"), text("")],
            "3 texts (at most 10 bytes)",
            vec!["mostly date"],
        ),
        (
            vec![text("{}"), text("x"), text("y")],
            "3 texts (at most 2 bytes)",
            vec![],
        ),
        (
            vec![text("007"), text("7")],
            "2 texts (at most 3 bytes)",
            vec!["numbers in text"],
        ),
        (
            vec![blob(&Digest::of(b"x").0), NULL],
            "1 blob (at most 32 bytes), 1 NULL",
            vec!["compressed or encrypted data"],
        ),
        (
            vec![crate::model::value::OwnedValue::RawText(vec![255])],
            "1 text not valid in its encoding",
            vec![],
        ),
    ] {
        let described = describe(&observe(&values));
        let looks: Vec<String> = looks.into_iter().map(str::to_owned).collect();
        assert_eq!(described, (words.to_owned(), looks), "{words}");
    }
}

#[test]
fn every_finding_has_a_place_or_a_name_and_its_rows() {
    // The plan is a pure function: missing evidence is no evidence, and never a panic.
    let mut database = Database::default();
    database.table(numbered("t", vec![integer("id"), column("c", "DATE")]), &[]);
    database.evidence.clear();
    let plan = database.plan();
    assert_eq!(plan.table("t").columns[1].target.name(), "date");
    assert_eq!(plan.listed(), [""; 0]);
}
