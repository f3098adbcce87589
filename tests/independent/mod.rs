//! The second reader, written in Python from docs/format.md alone: what we write, it reads, and
//! what was changed, it refuses. Needs `python3` and `zstd`.

use serde_json::Value as Json;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use waybill_common::archive::{WriterOptions, Written, write};
use waybill_common::model::schema::{
    Action, Affinity, Check, Column, DefaultValue, Deferrable, ForeignKey, Generated, Index,
    IndexOn, IndexTerm, Key, KeyColumn, Rowid, Schema, Sequence, Table, TableKind, Trigger, View,
    VirtualContent,
};
use waybill_common::model::value::{OwnedValue, Value};
use waybill_common::profile::evidence::{
    ColumnEvidence, Form, FormEvidence, RowRef, TableEvidence,
};
use waybill_common::progress::Unwatched;

fn column(name: &str) -> Column {
    Column {
        name: name.to_owned(),
        declared_type: "any \"type\"".to_owned(),
        affinity: Affinity::Numeric,
        not_null: true,
        default: None,
        generated: None,
        collation: "BINARY".to_owned(),
        hidden: false,
        on_conflict: None,
    }
}

fn key(column: &str) -> Key {
    Key {
        name: None,
        columns: vec![KeyColumn {
            column: column.to_owned(),
            descending: false,
            collation: "NOCASE".to_owned(),
        }],
        on_conflict: Some("IGNORE".to_owned()),
    }
}

/// The first table has one of everything; the second is long enough for three parts.
fn schema() -> Schema {
    let default = |name: &str, value| Column {
        default: Some(value),
        ..column(name)
    };
    let literal = |name: &str, value| default(name, DefaultValue::Literal(value));
    let first = Table {
        name: "Ä \"1\"\u{1f}".to_owned(),
        kind: TableKind::Rowid,
        strict: true,
        rowid: Rowid::Hidden,
        autoincrement: false,
        columns: vec![
            literal("a", OwnedValue::Integer(i64::MIN)),
            literal("b", OwnedValue::Real(1e300)),
            literal("c", OwnedValue::Real(f64::NEG_INFINITY)),
            literal("d", OwnedValue::Blob(vec![0, 255])),
            literal("e", OwnedValue::RawText(vec![255])),
            literal("f", OwnedValue::Text("\u{7f}\u{2028}".to_owned())),
            literal("g", OwnedValue::Null),
            default("h", DefaultValue::CurrentTimestamp),
            default("i", DefaultValue::Expression("1 + 1".to_owned())),
            Column {
                generated: Some(Generated {
                    expression: "a".to_owned(),
                    stored: false,
                }),
                ..column("j")
            },
        ],
        primary_key: Some(key("A")),
        unique: vec![key("b")],
        foreign_keys: vec![ForeignKey {
            name: Some("fk".to_owned()),
            columns: vec!["c".to_owned()],
            parent: "no such".to_owned(),
            parent_columns: vec![],
            on_delete: Action::SetDefault,
            on_update: Action::Restrict,
            deferrable: Deferrable::InitiallyImmediate,
        }],
        checks: vec![Check {
            name: Some("check".to_owned()),
            expression: "a > 0".to_owned(),
        }],
        indexes: vec![Index {
            name: "index".to_owned(),
            unique: true,
            terms: vec![IndexTerm {
                on: IndexOn::Expression("lower(f)".to_owned()),
                descending: true,
                collation: "RTRIM".to_owned(),
            }],
            predicate: Some("a > 1".to_owned()),
            sql: "CREATE INDEX".to_owned(),
        }],
        sql: "CREATE TABLE".to_owned(),
    };
    let plain = |name: &str, columns: Vec<Column>| Table {
        name: name.to_owned(),
        strict: false,
        columns,
        primary_key: None,
        unique: vec![],
        foreign_keys: vec![],
        checks: vec![],
        indexes: vec![],
        ..first.clone()
    };
    let search = Table {
        kind: TableKind::Virtual {
            module: "fts5".to_owned(),
            content: VirtualContent::Unavailable,
        },
        ..plain("search", vec![column("x")])
    };
    let (long, empty) = (plain("long", vec![column("x")]), plain("empty", vec![]));
    let mut schema = Schema {
        tables: vec![first, search, long, empty],
        views: vec![View {
            name: "v".to_owned(),
            sql: "CREATE VIEW".to_owned(),
        }],
        triggers: vec![Trigger {
            name: "t".to_owned(),
            table: "v".to_owned(),
            sql: "CREATE TRIGGER".to_owned(),
        }],
        sequences: vec![Sequence {
            table: "gone".to_owned(),
            value: i64::MAX,
        }],
        ..Schema::default()
    };
    schema.facts.user_version = -3;
    schema
}

/// Every kind of value; the reals lie on both sides of each threshold of the format.
fn first_rows() -> Vec<Vec<OwnedValue>> {
    let reals = [
        0.0,
        -0.0,
        1.0,
        -1234.5,
        1e15,
        1e16,
        1.5e16,
        123_456_789_012_345_680.0,
        0.1,
        1e-5,
        1.25e-5,
        9.5e-6,
        -1e-6,
        5e-324,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        9_007_199_254_740_993.0,
        0.3,
    ];
    let texts = [
        "",
        "\"\\/\u{8}\t\n\u{c}\r\u{0}\u{1f}\u{7f}",
        "ä€😀\u{2028}",
        "7",
        "[1]",
    ];
    let mut values = vec![
        OwnedValue::Null,
        OwnedValue::Integer(i64::MIN),
        OwnedValue::Integer(i64::MAX),
        OwnedValue::Integer(0),
        OwnedValue::Blob(vec![]),
        OwnedValue::Blob(vec![1]),
        OwnedValue::Blob(vec![0xfb, 0xff]),
        OwnedValue::RawText(vec![0xff, 0xfe, 0x00]),
    ];
    values.extend(reals.map(OwnedValue::Real));
    values.extend(texts.map(|text| OwnedValue::Text(text.to_owned())));
    let row = |(rowid, value): (i64, OwnedValue)| {
        let mut row = vec![value; 10];
        row[0] = OwnedValue::Integer(rowid);
        row
    };
    (1..).zip(values).map(row).collect()
}

/// Evidence whose classes add up, with one form.
fn evidence(columns: usize, rows: u64) -> TableEvidence {
    let row = |number| RowRef {
        number,
        key: format!("rowid={number}"),
    };
    let form = FormEvidence {
        form: Form::Uuid,
        matches: 1,
        first: row(rows),
        first_other: Some(row(1)),
    };
    let column = ColumnEvidence {
        integers: rows,
        integer_range: (rows > 0).then_some((i64::MIN, i64::MAX)),
        forms: if rows > 0 { vec![form] } else { vec![] },
        ..ColumnEvidence::default()
    };
    TableEvidence {
        rows,
        columns: vec![column; columns],
    }
}

fn sample(path: &Path) -> Written {
    let mut options = WriterOptions::new("sqlite", "3.54.1");
    options.jobs = 2;
    options.labels = vec![
        ("Ä".to_owned(), "\n".to_owned()),
        ("z".to_owned(), String::new()),
    ];
    options.created = Some("2026-01-31T09:30:00.25Z".to_owned());
    let mut bytes = Vec::new();
    let written = write(&mut bytes, &schema(), &options, &Unwatched, &mut |parts| {
        parts.table(0, &mut |sink| {
            let rows = first_rows();
            for row in &rows {
                let row: Vec<Value<'_>> = row.iter().map(OwnedValue::as_value).collect();
                sink.row(&row)?;
            }
            Ok(evidence(9, rows.len() as u64))
        })?;
        parts.table(2, &mut |sink| {
            let text = "0123456789".repeat(150_000);
            for rowid in 1..=14 {
                sink.row(&[Value::Integer(rowid), Value::Text(&text)])?;
            }
            Ok(evidence(1, 14))
        })?;
        parts.table(3, &mut |_| Ok(evidence(0, 0)))
    });
    fs::write(path, bytes).expect("the folder is our own");
    written.expect("the sample is one that can be written")
}

/// Runs the second reader; it must be there.
fn read(arguments: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/read_archive.py");
    let run = Command::new("python3").arg(script).args(arguments).output();
    run.expect("python3 is needed for this test")
}

#[test]
fn a_reader_made_from_the_format_page_alone_reads_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.waybill.tar.zst");
    let written = sample(&path);
    let path = path.to_str().unwrap();

    let output = read(&[path, "--expect-root", &written.root.to_string()]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let found: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["root"], written.root.to_string());
    assert_eq!(found["content_root"], written.content_root.to_string());
    assert_eq!(found["schema"]["tables"][0]["name"], "Ä \"1\"\u{1f}");
    let tables = found["tables"].as_array().unwrap();
    let rows: Vec<usize> = tables
        .iter()
        .map(|t| t["rows"].as_array().unwrap().len())
        .collect();
    assert_eq!(rows, [first_rows().len(), 0, 14, 0]);
    assert_eq!(
        found["manifest"]["tables"][2]["parts"]
            .as_array()
            .unwrap()
            .len(),
        3
    );

    let output = read(&[path, "--expect-root", &written.sha256.to_string()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stderr.starts_with(b"archive-unexpected: "));
}

#[test]
fn it_refuses_what_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.waybill.tar.zst");
    sample(&path);
    let whole = fs::read(&path).unwrap();
    let path_text = path.to_str().unwrap();
    let refused = |bytes: &[u8], what: &str| {
        fs::write(&path, bytes).unwrap();
        let output = read(&[path_text, "--no-rows"]);
        assert_eq!(output.status.code(), Some(1), "{what} was accepted");
        assert!(output.stderr.starts_with(b"archive-"), "{what}: {output:?}");
    };
    for at in (0..whole.len()).step_by(whole.len() / 12) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        refused(&flipped, &format!("bit 4 of byte {at}"));
        refused(&whole[..at], &format!("cut at {at}"));
    }
    refused(&[&whole[..], b"\0"].concat(), "a byte after the end");
}
