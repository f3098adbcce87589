//! The files that hold no truth of their own: writer and reader make them from the same facts, and
//! the reader compares them byte by byte.
//!
//! They make the unpacked archive a bag (RFC 8493) and a data package that other tools read.

use super::layout::Member;
use super::manifest::{Manifest, TableRecord};
use crate::digest::Digest;
use crate::model::schema::{Schema, Table};
use serde::Serialize;
use std::io::{self, Write};

/// `bagit.txt` (RFC 8493, section 2.1.1).
pub(super) const BAGIT: &[u8] = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";

/// What the derived files are made from.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) schema: &'a Schema,
    /// Length of `data/schema.json` in bytes.
    pub(super) schema_bytes: u64,
    pub(super) manifest: &'a Manifest,
    /// The program that wrote the archive.
    pub(super) program: &'a str,
}

/// `manifest-sha256.txt`: one line for each file below `data/`.
pub(super) fn payload_manifest(out: &mut dyn Write, facts: &Facts<'_>) -> io::Result<()> {
    list(out, facts.manifest.schema_sha256, Member::Schema)?;
    for table in &facts.manifest.tables {
        for (part, record) in (1..).zip(&table.parts) {
            let table = table.id;
            list(out, record.sha256, Member::Part { table, part })?;
        }
    }
    Ok(())
}

/// `bag-info.txt`.
pub(super) fn bag_info(out: &mut dyn Write, facts: &Facts<'_>) -> io::Result<()> {
    let totals = &facts.manifest.totals;
    let (bytes, files) = (totals.bytes + facts.schema_bytes, totals.parts + 1);
    writeln!(out, "Bag-Software-Agent: {}", facts.program)?;
    writeln!(out, "Payload-Oxum: {bytes}.{files}")
}

/// `tagmanifest-sha256.txt`, the root file: one line for each tag file before it.
pub(super) fn root_file(out: &mut dyn Write, digest: impl Fn(Member) -> Digest) -> io::Result<()> {
    Member::FIXED
        .into_iter()
        .filter(|member| !matches!(member, Member::Schema | Member::Root))
        .try_for_each(|member| list(out, digest(member), member))
}

fn list(out: &mut dyn Write, digest: Digest, member: Member) -> io::Result<()> {
    writeln!(out, "{digest}  {}", member.name())
}

#[derive(Serialize)]
struct PackageJson<'a> {
    profile: &'static str,
    name: &'static str,
    resources: Vec<ResourceJson<'a>>,
}

#[derive(Serialize)]
struct ResourceJson<'a> {
    name: String,
    title: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    path: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<[(); 0]>,
    profile: &'static str,
    format: &'static str,
    encoding: &'static str,
    dialect: DialectJson,
    schema: FieldsJson<'a>,
}

#[derive(Serialize)]
struct DialectJson {
    header: bool,
}

#[derive(Serialize)]
struct FieldsJson<'a> {
    fields: Vec<FieldJson<'a>>,
}

#[derive(Serialize)]
struct FieldJson<'a> {
    name: String,
    title: &'a str,
    r#type: &'static str,
}

/// `datapackage.json`: a Frictionless Data Package, one resource a table whose rows are carried.
pub(super) fn data_package(out: &mut dyn Write, facts: &Facts<'_>) -> io::Result<()> {
    let tables = facts.schema.tables.iter().zip(&facts.manifest.tables);
    let package = PackageJson {
        profile: "data-package",
        name: "waybill",
        resources: tables
            .filter(|(table, _)| table.has_rows())
            .map(|(table, record)| resource(table, record))
            .collect(),
    };
    super::json::write(out, &package)
}

fn resource<'a>(table: &'a Table, record: &TableRecord) -> ResourceJson<'a> {
    let id = record.id;
    let path = |part| Member::Part { table: id, part }.name();
    let parts = 1..=u32::try_from(record.parts.len()).unwrap_or(u32::MAX);
    // Names of columns may repeat or be empty; ordinals do not.
    let field = |(cell, title)| FieldJson {
        name: format!("c{cell:05}"),
        title,
        r#type: "any",
    };
    let rowid = (table.first_column_cell() == 1).then_some("rowid");
    let titles = rowid
        .into_iter()
        .chain(table.stored_columns().map(|column| column.name.as_str()));
    ResourceJson {
        name: format!("t{id:04}"),
        title: &table.name,
        path: if record.parts.is_empty() {
            Vec::new()
        } else {
            parts.map(path).collect()
        },
        data: record.parts.is_empty().then_some([]),
        profile: "tabular-data-resource",
        format: if record.parts.is_empty() {
            "inline"
        } else {
            "jsonl"
        },
        encoding: "utf-8",
        dialect: DialectJson { header: false },
        schema: FieldsJson {
            fields: (1u32..).zip(titles).map(field).collect(),
        },
    }
}
