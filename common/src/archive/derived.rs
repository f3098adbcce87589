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
#[serde(untagged)]
enum ResourceJson<'a> {
    /// A package needs one resource at least, and all tables may be empty.
    About {
        name: &'static str,
        path: String,
        profile: &'static str,
        format: &'static str,
        encoding: &'static str,
    },
    Table {
        name: String,
        title: &'a str,
        path: Vec<String>,
        profile: &'static str,
        format: &'static str,
        encoding: &'static str,
        dialect: DialectJson,
        schema: FieldsJson<'a>,
    },
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

/// `datapackage.json`: a Frictionless Data Package, with `waybill.json` and one resource for each
/// table that has rows.
pub(super) fn data_package(out: &mut dyn Write, facts: &Facts<'_>) -> io::Result<()> {
    let about = ResourceJson::About {
        name: "about",
        path: Member::Preamble.name(),
        profile: "data-resource",
        format: "json",
        encoding: "utf-8",
    };
    let tables = facts.schema.tables.iter().zip(&facts.manifest.tables);
    let tables = tables
        .filter(|(_, record)| !record.parts.is_empty())
        .map(|(table, record)| resource(table, record));
    let package = PackageJson {
        profile: "data-package",
        name: "waybill",
        resources: std::iter::once(about).chain(tables).collect(),
    };
    super::json::write(out, &package)
}

fn resource<'a>(table: &'a Table, record: &TableRecord) -> ResourceJson<'a> {
    let path = |(part, _)| {
        Member::Part {
            table: record.id,
            part,
        }
        .name()
    };
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
    ResourceJson::Table {
        name: format!("t{:04}", record.id),
        title: &table.name,
        path: (1..).zip(&record.parts).map(path).collect(),
        profile: "tabular-data-resource",
        format: "jsonl",
        encoding: "utf-8",
        dialect: DialectJson { header: false },
        schema: FieldsJson {
            fields: (1u32..).zip(titles).map(field).collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::archive::layout::Member;
    use crate::archive::tests::sample::{archive, open, small};

    #[test]
    fn the_derived_files_are_those_docs_format_md_shows() {
        let (schema, rows) = small();
        let archive = open(&archive(&schema, &rows).0).unwrap();
        let text = |member| String::from_utf8(archive.tag_file(member).unwrap()).unwrap();
        assert_eq!(
            text(Member::DataPackage),
            "{\"profile\":\"data-package\",\"name\":\"waybill\",\"resources\":[{\"name\":\"about\",\
            \"path\":\"waybill.json\",\"profile\":\"data-resource\",\"format\":\"json\",\
            \"encoding\":\"utf-8\"},{\"name\":\"t0001\",\"title\":\"a\",\
            \"path\":[\"data/t0001/p000001.jsonl\"],\"profile\":\"tabular-data-resource\",\
            \"format\":\"jsonl\",\"encoding\":\"utf-8\",\"dialect\":{\"header\":false},\
            \"schema\":{\"fields\":[{\"name\":\"c00001\",\"title\":\"rowid\",\"type\":\"any\"},\
            {\"name\":\"c00002\",\"title\":\"x\",\"type\":\"any\"}]}},{\"name\":\"t0003\",\
            \"title\":\"c\",\"path\":[\"data/t0003/p000001.jsonl\"],\
            \"profile\":\"tabular-data-resource\",\"format\":\"jsonl\",\"encoding\":\"utf-8\",\
            \"dialect\":{\"header\":false},\"schema\":{\"fields\":[{\"name\":\"c00001\",\
            \"title\":\"rowid\",\"type\":\"any\"},{\"name\":\"c00002\",\"title\":\"y\",\
            \"type\":\"any\"},{\"name\":\"c00003\",\"title\":\"z\",\"type\":\"any\"}]}}]}\n"
        );
        let bytes = text(Member::Schema).len() + 20 + 25;
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            text(Member::BagInfo),
            format!("Bag-Software-Agent: waybill {version}\nPayload-Oxum: {bytes}.3\n")
        );
        let listed = text(Member::PayloadManifest);
        let names: Vec<_> = listed.lines().map(|line| &line[64..]).collect();
        assert_eq!(
            names,
            [
                "  data/schema.json",
                "  data/t0001/p000001.jsonl",
                "  data/t0003/p000001.jsonl"
            ]
        );
    }
}
