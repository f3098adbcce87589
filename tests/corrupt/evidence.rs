//! Archives whose digests all fit and whose evidence lies: the plan would choose types by it.

use crate::support::library::verify_by;
use crate::support::program::{Ran, command};
use std::fs;
use std::path::Path;
use waybill_common::archive::{WriterOptions, write};
use waybill_common::model::schema::{Affinity, Column, Rowid, Schema, Table};
use waybill_common::model::value::Value;
use waybill_common::profile::TableProfile;
use waybill_common::profile::evidence::{ColumnEvidence, Form, FormEvidence, RealRange, RowRef};
use waybill_common::progress::Unwatched;

fn schema() -> Schema {
    let column = Column {
        name: "a".to_owned(),
        declared_type: String::new(),
        affinity: Affinity::Blob,
        not_null: false,
        default: None,
        generated: None,
        collation: "BINARY".to_owned(),
        hidden: false,
        on_conflict: None,
    };
    let table = Table {
        rowid: Rowid::Hidden,
        columns: vec![column],
        sql: "CREATE TABLE t(a)".to_owned(),
        ..Table::bare("t")
    };
    Schema {
        tables: vec![table],
        ..Schema::default()
    }
}

/// Values, and what is said of them instead of the truth.
type Lie<'l> = (&'l [Value<'l>], &'l dyn Fn(&mut ColumnEvidence));

/// Writes an archive of these values, whose evidence has been told otherwise.
fn lying(path: &Path, values: &[Value<'_>], lie: &dyn Fn(&mut ColumnEvidence)) {
    let schema = schema();
    let options = WriterOptions::new("sqlite", "3.54.1");
    let mut bytes = Vec::new();
    write(&mut bytes, &schema, &options, &Unwatched, &mut |parts| {
        parts.table(0, &mut |sink| {
            let mut profile = TableProfile::new(&schema.tables[0]);
            for (rowid, value) in (1_u32..).zip(values) {
                let row = [Value::Integer(i64::from(rowid)), *value];
                profile.observe(&row, u64::from(rowid));
                sink.row(&row)?;
            }
            let mut evidence = profile.finish();
            lie(&mut evidence.columns[0]);
            Ok(evidence)
        })
    })
    .expect("an archive can be written");
    fs::write(path, bytes).expect("an archive can be written");
}

/// A form that a row has; or, it is said, does not.
fn form(form: Form, matches: u64) -> FormEvidence {
    FormEvidence {
        form,
        matches,
        first: RowRef {
            number: 1,
            key: "rowid=1".to_owned(),
        },
        first_other: None,
    }
}

#[test]
fn evidence_that_lies_is_found_before_anything_is_planned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.waybill.tar.zst");
    let values = [Value::Text("x"), Value::Text("7"), Value::Null];
    lying(&path, &values, &|_| ());
    assert!(verify_by(&path, 1).unwrap().findings.is_empty());
    let lies: &[Lie<'_>] = &[
        // Texts that are said to be integers, and the other way round.
        (&values, &|column| {
            (column.texts, column.integers) = (0, 2);
            (column.longest_text, column.integer_range) = (0, Some((1, 1)));
            column.forms = Vec::new();
        }),
        (&[Value::Integer(5)], &|column| {
            column.integer_range = Some((0, 1));
            column.forms.insert(0, form(Form::ZeroOne, 1));
            column.forms.sort_by_key(|form| form.form);
        }),
        (&[Value::Text("no day")], &|column| {
            column.forms.push(form(Form::Date, 1));
        }),
        (&[Value::Text("a\0b")], &|column| column.forms.clear()),
        (&[Value::Real(-0.0)], &|column| column.forms.clear()),
        (&[Value::Real(1.5)], &|column| {
            column.real_range = RealRange::new(1.0, 1.0);
        }),
        (&[Value::Text("longer")], &|column| column.longest_text = 1),
        (&[Value::Blob(b"longer")], &|column| column.longest_blob = 1),
        (&[Value::RawText(b"\xff")], &|column| {
            (column.raw_texts, column.texts) = (0, 1);
        }),
        (&[Value::Null], &|column| {
            (column.nulls, column.blobs) = (0, 1);
        }),
        // Of a table without rows there is nothing to say.
        (&[], &|column| column.longest_text = 1 << 40),
    ];
    for (number, (values, lie)) in lies.iter().enumerate() {
        lying(&path, values, lie);
        let verdict = verify_by(&path, 1);
        let told = match &verdict {
            Ok(report) => format!("{:?}", report.findings),
            Err(fault) => fault.to_string(),
        };
        assert!(told.contains("evidence"), "lie {number}: {told}");
        // Nobody listens there: the import must not come so far as to ask the server.
        let mut import = command("waybill-import");
        import.arg("--plan").arg(&path);
        import.arg("postgresql://nobody@127.0.0.1:1/none");
        let ran = Ran::of(import).exits(4);
        assert!(
            ran.stderr().contains("archive-inconsistent"),
            "lie {number}: {}",
            ran.stderr()
        );
    }
}
