//! Tries every value that the evidence does not speak for, before the first write: each worker takes
//! whole parts, and nothing is kept of a row but counts and the form of its keys.

use super::examine::KEY_BUDGET;
use super::keys::{Feed, KeyCheck};
use super::workers;
use crate::engine::postgres::target::rehearse::{Rehearsal, Trial};
use crate::fault::{Code, Fault, Result};
use crate::mapping::plan::Plan;
use crate::model::key::RowNaming;
use crate::model::schema::{Affinity, Column, Key, KeyColumn, Schema, Table, TableKind};
use crate::model::value::Value;
use crate::profile::evidence::Constraint;
use crate::progress::{Extent, Watch};
use crate::report::{Finding, Severity};
use crate::seam::{PartBuffers, PartReader, PartSpan, RowSink};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Reads the tables that the plan asks to convert, and says what would be refused, what is changed
/// on purpose, and which keys would occur twice. Nothing is read when the plan asks for nothing.
pub(super) fn rehearse(
    schema: &Schema,
    plan: &Plan,
    parts: &dyn PartReader,
    jobs: usize,
    watch: &dyn Watch,
) -> Result<Vec<Finding>> {
    let rehearsal = Rehearsal::new(schema, plan)?;
    let tables: BTreeSet<usize> = rehearsal.tables().collect();
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let is_read = |part: &&PartSpan| tables.contains(&part.table);
    let spans: Vec<PartSpan> = parts.parts().iter().filter(is_read).copied().collect();
    watch.phase(
        "rehearsing",
        Extent {
            rows: Some(spans.iter().map(|part| part.rows).sum()),
            bytes: Some(spans.iter().map(|part| part.bytes).sum()),
        },
    );
    let forms = key_forms(&rehearsal, schema.tables.len());
    let rows = rows_of(&spans, schema.tables.len());
    let keys = KeyCheck::new(&forms, &rows, KEY_BUDGET);
    let work = Work {
        rehearsal: &rehearsal,
        parts,
        spans: &spans,
        keys: &keys,
        next: AtomicUsize::new(0),
        watch,
    };
    workers::all(jobs, || work.run())?;
    let twice = keys.finish(watch)?.rows();
    let mut findings = duplicates(&rehearsal, schema, twice, parts, watch)?;
    findings.extend(rehearsal.finish());
    Ok(findings)
}

fn rows_of(spans: &[PartSpan], tables: usize) -> Vec<u64> {
    let mut rows = vec![0; tables];
    for part in spans {
        rows[part.table] += part.rows;
    }
    rows
}

struct Work<'a> {
    rehearsal: &'a Rehearsal<'a>,
    parts: &'a dyn PartReader,
    spans: &'a [PartSpan],
    keys: &'a KeyCheck,
    next: AtomicUsize,
    watch: &'a dyn Watch,
}

impl Work<'_> {
    fn run(&self) -> Result<()> {
        let mut buffers = PartBuffers::default();
        while let Some(part) = self.spans.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if self.watch.stopped() {
                return Err(Fault::interrupted());
            }
            let tried = self.part(part, &mut buffers);
            tried.map_err(|fault| fault.in_table(self.rehearsal.name(part.table)))?;
            self.watch.advance(part.rows, part.bytes);
        }
        Ok(())
    }

    fn part(&self, part: &PartSpan, buffers: &mut PartBuffers) -> Result<()> {
        let (_, keys) = self.rehearsal.keys(part.table);
        let mut rows = Rows {
            trial: self.rehearsal.trial(part.table)?,
            feed: (!keys.is_empty()).then(|| self.keys.feed(part.table)),
            number: part.first_row,
        };
        self.parts.read(part, buffers, &mut rows)?;
        let Rows { trial, feed, .. } = rows;
        self.rehearsal.absorb(trial);
        feed.map_or(Ok(()), |feed| self.keys.absorb(feed))
    }
}

/// Tries the rows of one part.
struct Rows<'a> {
    trial: Trial,
    feed: Option<Feed<'a>>,
    number: u64,
}

impl RowSink for Rows<'_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        self.trial.row(row, self.number)?;
        if let Some(feed) = &mut self.feed {
            let keys = self.trial.keys();
            let keys: Vec<_> = keys
                .iter()
                .map(|key| key.as_deref().map_or(Value::Null, Value::Blob))
                .collect();
            feed.row(&keys, self.number)?;
        }
        self.number += 1;
        Ok(())
    }
}

/// A schema of the keys as the target will hold them: blobs, equal where its keys are equal.
fn key_forms(rehearsal: &Rehearsal<'_>, tables: usize) -> Schema {
    let table = |position| {
        let (terms, keys) = rehearsal.keys(position);
        // One column may stand in several terms, so that its name would not do.
        let column = |term: usize| Column {
            name: term.to_string(),
            declared_type: String::new(),
            affinity: Affinity::Blob,
            not_null: false,
            default: None,
            generated: None,
            collation: "BINARY".to_owned(),
            hidden: false,
            on_conflict: None,
        };
        let key_column = |position: &usize| KeyColumn {
            column: position.to_string(),
            descending: false,
            collation: "BINARY".to_owned(),
        };
        let unique = keys.iter().map(|key| Key {
            name: Some(key.name.clone()),
            columns: key.terms.iter().map(key_column).collect(),
            on_conflict: None,
        });
        Table {
            kind: TableKind::WithoutRowid,
            unique: unique.collect(),
            columns: (0..terms.len()).map(column).collect(),
            ..Table::bare(rehearsal.name(position))
        }
    };
    Schema {
        tables: (0..tables).map(table).collect(),
        ..Schema::default()
    }
}

/// Keys that occur more than once: table, which of its keys, how often, and the first rows.
type Twice = (usize, Constraint, u64, Vec<u64>);

fn duplicates(
    rehearsal: &Rehearsal<'_>,
    schema: &Schema,
    twice: Vec<Twice>,
    parts: &dyn PartReader,
    watch: &dyn Watch,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let names = name_rows(schema, &twice, parts, watch)?;
    for (table, constraint, count, rows) in twice {
        let (columns, keys) = rehearsal.keys(table);
        let Constraint::Unique(position) = constraint else {
            continue;
        };
        let Some(key) = keys.get(position).filter(|_| count > 0) else {
            continue;
        };
        let columns: Vec<_> = key.terms.iter().map(|term| columns[*term]).collect();
        let message = format!(
            "rows get the same key `{}` once their values are converted",
            key.name
        );
        let sample = |row: &u64| match names.get(&(table, *row)) {
            Some(name) => name.clone(),
            None => format!("row {row}"),
        };
        let finding = Finding::new(Code::KeyDuplicate, Severity::Error, message)
            .counted(count, rows.iter().map(sample).collect())
            .in_table(rehearsal.name(table))
            .in_column(columns.join(", "))
            .hint("choose a type or conversion that keeps the keys apart, or leave out the key in the mapping file");
        findings.push(finding);
    }
    Ok(findings)
}

/// The names of these rows, by table and number: the parts they stand in are read once more.
fn name_rows(
    schema: &Schema,
    twice: &[Twice],
    parts: &dyn PartReader,
    watch: &dyn Watch,
) -> Result<BTreeMap<(usize, u64), String>> {
    let mut names = BTreeMap::new();
    let mut buffers = PartBuffers::default();
    let wanted: BTreeSet<(usize, u64)> = twice
        .iter()
        .flat_map(|(table, _, _, rows)| rows.iter().map(|row| (*table, *row)))
        .collect();
    for part in parts.parts() {
        let end = part.first_row.saturating_add(part.rows);
        let mut here = wanted.range((part.table, part.first_row)..(part.table, end));
        if here.next().is_none() {
            continue;
        }
        if watch.stopped() {
            return Err(Fault::interrupted());
        }
        let mut sink = Namer {
            naming: RowNaming::of(&schema.tables[part.table]),
            table: part.table,
            number: part.first_row,
            wanted: &wanted,
            names: &mut names,
        };
        parts.read(part, &mut buffers, &mut sink)?;
    }
    Ok(names)
}

struct Namer<'a> {
    naming: RowNaming,
    table: usize,
    number: u64,
    wanted: &'a BTreeSet<(usize, u64)>,
    names: &'a mut BTreeMap<(usize, u64), String>,
}

impl RowSink for Namer<'_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        let key = (self.table, self.number);
        if self.wanted.contains(&key) {
            self.names.insert(key, self.naming.name(row, self.number));
        }
        self.number += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
