//! The serde form of a column's evidence in `manifest.json`, and the way there and back.

use super::json::{self, Decimal, Real};
use crate::fault::{Code, Fault, Mismatch, Result};
use crate::model::schema::Table;
use crate::profile::evidence::{
    ColumnEvidence, Form, FormEvidence, RealRange, RowRef, TableEvidence,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnJson {
    name: String,
    #[serde(with = "json::count")]
    nulls: u64,
    #[serde(with = "json::count")]
    integers: u64,
    #[serde(with = "json::count")]
    reals: u64,
    #[serde(with = "json::count")]
    texts: u64,
    #[serde(with = "json::count")]
    raw_texts: u64,
    #[serde(with = "json::count")]
    blobs: u64,
    integer_range: Option<(Decimal, Decimal)>,
    real_range: Option<(Real, Real)>,
    #[serde(with = "json::count")]
    longest_text: u64,
    #[serde(with = "json::count")]
    longest_blob: u64,
    forms: Vec<FormJson>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormJson {
    name: String,
    #[serde(with = "json::count")]
    matches: u64,
    first: RowJson,
    first_other: Option<RowJson>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowJson {
    #[serde(with = "json::count")]
    row: u64,
    key: String,
}

/// The serde form of the evidence of `table`'s columns.
pub(super) fn write(table: &Table, evidence: TableEvidence) -> Vec<ColumnJson> {
    let row = |row: RowRef| RowJson {
        row: row.number,
        key: row.key,
    };
    let form = |form: FormEvidence| FormJson {
        name: form.form.name().to_owned(),
        matches: form.matches,
        first: row(form.first),
        first_other: form.first_other.map(row),
    };
    let column = |(name, column): (&str, ColumnEvidence)| ColumnJson {
        name: name.to_owned(),
        nulls: column.nulls,
        integers: column.integers,
        reals: column.reals,
        texts: column.texts,
        raw_texts: column.raw_texts,
        blobs: column.blobs,
        integer_range: column
            .integer_range
            .map(|(least, most)| (Decimal(least), Decimal(most))),
        real_range: column
            .real_range
            .map(|range| (Real(range.least()), Real(range.most()))),
        longest_text: column.longest_text,
        longest_blob: column.longest_blob,
        forms: column.forms.into_iter().map(form).collect(),
    };
    let names = table.stored_columns().map(|column| column.name.as_str());
    names.zip(evidence.columns).map(column).collect()
}

/// Columns that the manifest has evidence for: the stored ones of a table whose rows are carried.
pub(super) fn columns(table: &Table) -> usize {
    if table.has_rows() {
        table.stored_columns().count()
    } else {
        0
    }
}

/// Reads the evidence of a table of `rows` rows, and holds it to the schema and to itself.
pub(super) fn read(table: &Table, rows: u64, json: Vec<ColumnJson>) -> Result<TableEvidence> {
    if json.len() != columns(table) {
        return Err(inconsistent(
            "there is evidence for another number of columns than are stored",
        )
        .because(Mismatch::new(columns(table), json.len())));
    }
    let named = table.stored_columns().zip(json).map(|(column, json)| {
        if column.name != json.name {
            return Err(inconsistent("evidence stands under another column's name")
                .because(Mismatch::new(&column.name, &json.name)));
        }
        read_column(rows, json).map_err(|fault| fault.in_column(&column.name))
    });
    let columns = named.collect::<Result<_>>()?;
    Ok(TableEvidence { rows, columns })
}

fn read_column(rows: u64, json: ColumnJson) -> Result<ColumnEvidence> {
    let classes = [
        json.nulls,
        json.integers,
        json.reals,
        json.texts,
        json.raw_texts,
        json.blobs,
    ];
    // Each is below 2^53, so the sum fits.
    let sum: u64 = classes.iter().sum();
    if sum != rows {
        return Err(
            inconsistent("the counts of the storage classes do not add up to the rows")
                .because(Mismatch::new(rows, sum)),
        );
    }
    if json.integer_range.is_some() != (json.integers > 0) {
        return Err(inconsistent(
            "a range of integers stands without integers, or is missing",
        ));
    }
    let real_range = json.real_range.map(|(least, most)| {
        let range = RealRange::new(least.0, most.0).filter(|_| json.reals > 0);
        range.ok_or_else(|| inconsistent("a range of reals is none, or stands without reals"))
    });
    let real_range = real_range.transpose()?;
    let mut forms: Vec<FormEvidence> = Vec::with_capacity(json.forms.len());
    for form in json.forms {
        let form = read_form(rows, form)?;
        if forms.last().is_some_and(|last| last.form >= form.form) {
            return Err(inconsistent("the forms are not in their order"));
        }
        forms.push(form);
    }
    Ok(ColumnEvidence {
        nulls: json.nulls,
        integers: json.integers,
        reals: json.reals,
        texts: json.texts,
        raw_texts: json.raw_texts,
        blobs: json.blobs,
        integer_range: json.integer_range.map(|(least, most)| (least.0, most.0)),
        real_range,
        longest_text: json.longest_text,
        longest_blob: json.longest_blob,
        forms,
    })
}

fn read_form(rows: u64, json: FormJson) -> Result<FormEvidence> {
    let form = Form::ALL
        .iter()
        .find(|form| form.name() == json.name)
        .ok_or_else(|| inconsistent("there is evidence for a form that version 1 does not know"))?;
    let row = |row: RowJson| {
        if (1..=rows).contains(&row.row) {
            Ok(RowRef {
                number: row.row,
                key: row.key,
            })
        } else {
            Err(inconsistent("evidence names a row that is not there"))
        }
    };
    if !(1..=rows).contains(&json.matches) {
        return Err(inconsistent(
            "a form has no values, or more than there are rows",
        ));
    }
    Ok(FormEvidence {
        form: *form,
        matches: json.matches,
        first: row(json.first)?,
        first_other: json.first_other.map(row).transpose()?,
    })
}

fn inconsistent(what: &'static str) -> Fault {
    Fault::new(Code::ArchiveInconsistent, what)
}
