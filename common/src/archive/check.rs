//! Holds the manifest to the schema, to the frames that were walked, and to itself.

use super::content_root::content_root;
use super::layout::Member;
use super::limits::PART_BYTES;
use super::manifest::{self, Manifest, PartRecord, TableRecord};
use super::walk::Span;
use super::{evidence_json, schema_json};
use crate::digest::Digest;
use crate::fault::{Code, Fault, Mismatch, Result};
use crate::model::schema::{Schema, Table};
use crate::profile::evidence::TableEvidence;

/// Checks all that can be checked without reading rows; takes the evidence out of the manifest.
pub(super) fn check(
    manifest: &mut Manifest,
    schema: &Schema,
    schema_sha256: Digest,
    spans: &[Span],
) -> Result<Vec<TableEvidence>> {
    same(
        "the schema does not match its recorded digest",
        manifest.schema_sha256,
        schema_sha256,
    )?;
    same(
        "the manifest has another number of tables than the schema",
        manifest.tables.len(),
        schema.tables.len(),
    )?;
    let mut evidence = Vec::with_capacity(schema.tables.len());
    let mut found = spans
        .iter()
        .filter(|span| matches!(span.member, Member::Part { .. }));
    for ((id, table), record) in (1..).zip(&schema.tables).zip(&mut manifest.tables) {
        let named = |fault: Fault| fault.in_table(&table.name);
        check_table(id, table, record).map_err(named)?;
        for (part, listed) in (1..).zip(&record.parts) {
            check_part(Member::Part { table: id, part }, listed, found.next()).map_err(named)?;
        }
        let columns = std::mem::take(&mut record.columns);
        evidence.push(evidence_json::read(table, record.rows, columns).map_err(named)?);
    }
    if let Some(more) = found.next() {
        return Err(inconsistent("a part is not in the manifest").in_entry(more.member.path()));
    }
    check_sums(manifest, schema)?;
    Ok(evidence)
}

fn check_table(id: u32, table: &Table, record: &TableRecord) -> Result<()> {
    same("a table is out of order in the manifest", id, record.id)?;
    same(
        "a table has another name in the manifest",
        &table.name,
        &record.name,
    )?;
    if !table.has_rows() && !record.parts.is_empty() {
        return Err(inconsistent("a table whose rows are not carried has rows"));
    }
    let sums = manifest::sums(&record.parts)
        .ok_or_else(|| inconsistent("the parts of a table hold more than can be counted"))?;
    same("the parts' rows do not add up", record.rows, sums.rows)?;
    same("the parts' bytes do not add up", record.bytes, sums.bytes)?;
    same(
        "the parts' digests do not give the table's",
        record.rows_sha256,
        sums.rows_sha256,
    )?;
    let all_but_last = record.parts.split_last().map_or(&[][..], |(_, rest)| rest);
    if all_but_last
        .iter()
        .any(|part| (part.bytes as usize) < PART_BYTES)
    {
        return Err(inconsistent(
            "a part that is not the last of its table ends too early",
        ));
    }
    Ok(())
}

fn check_part(member: Member, listed: &PartRecord, found: Option<&Span>) -> Result<()> {
    let check = || {
        let found = found
            .filter(|span| span.member == member)
            .ok_or_else(|| inconsistent("a part of the manifest is not in the archive"))?;
        same(
            "the frame is not where the manifest says",
            listed.offset,
            found.offset,
        )?;
        same(
            "the frame has another length",
            listed.frame_bytes,
            found.frame_bytes,
        )?;
        same("the lines have another length", listed.bytes, found.bytes)?;
        if listed.rows == 0 {
            return Err(inconsistent("a part has no rows"));
        }
        Ok(())
    };
    check().map_err(|fault| fault.in_entry(member.path()))
}

fn check_sums(manifest: &Manifest, schema: &Schema) -> Result<()> {
    let totals = manifest::totals(&manifest.tables)
        .ok_or_else(|| inconsistent("the tables hold more than can be counted"))?;
    let listed = manifest.totals;
    same("the tables are counted wrong", listed.tables, totals.tables)?;
    same("the parts are counted wrong", listed.parts, totals.parts)?;
    same("the tables' rows do not add up", listed.rows, totals.rows)?;
    same(
        "the tables' bytes do not add up",
        listed.bytes,
        totals.bytes,
    )?;
    same(
        "the content does not give the recorded content root",
        manifest.content_root,
        content_root(&schema_json::content(schema), &manifest.tables),
    )
}

fn same<T: PartialEq + std::fmt::Display>(what: &'static str, recorded: T, found: T) -> Result<()> {
    if recorded == found {
        Ok(())
    } else {
        Err(inconsistent(what).because(Mismatch::new(recorded, found)))
    }
}

fn inconsistent(what: &'static str) -> Fault {
    Fault::new(Code::ArchiveInconsistent, what)
}
