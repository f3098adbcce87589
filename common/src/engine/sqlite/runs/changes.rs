//! What has changed in a database since an import made it, table by table.
//!
//! Knows sums of rows and digests of statements; knows no file.

use crate::codec;
use crate::digest::Multiset;
use crate::engine::sqlite::runs::record::{Content, TableSum, digest_of};
use crate::engine::sqlite::schema;
use crate::engine::sqlite::source::read_table;
use crate::fault::{Code, Fault, Result};
use crate::model::schema::Schema;
use crate::model::value::Value;
use crate::progress::Watch;
use crate::report::{Finding, Severity};
use crate::seam::RowSink;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// Rows after which progress is told.
const PACE: u64 = 4096;

/// What differs between the database of `connection` and what was put into it; nothing, when its
/// rows and its objects are the same.
pub(super) fn since(
    recorded: &Content,
    connection: &Connection,
    watch: &dyn Watch,
) -> Result<Vec<Finding>> {
    let (schema, unread) = schema::read(connection).map_err(unreadable)?;
    let mut differences = tables(recorded, &schema, connection, watch)?;
    if structure(&schema) != recorded.structure || unread.iter().any(is_error) {
        let message = "tables, indexes, views or triggers are not those of the import";
        differences.push(finding(message.to_owned()).on("schema"));
    }
    Ok(differences)
}

/// Digest of what the objects of a schema are, whatever their order.
pub(super) fn structure(schema: &Schema) -> String {
    let tables = schema.tables.iter();
    let indexes = schema.tables.iter().flat_map(|table| &table.indexes);
    let statements: BTreeSet<(&str, &str, &str)> = tables
        .map(|table| ("table", table.name.as_str(), table.sql.as_str()))
        .chain(indexes.map(|index| ("index", index.name.as_str(), index.sql.as_str())))
        .chain(
            schema
                .views
                .iter()
                .map(|view| ("view", view.name.as_str(), view.sql.as_str())),
        )
        .chain(
            schema
                .triggers
                .iter()
                .map(|trigger| ("trigger", trigger.name.as_str(), trigger.sql.as_str())),
        )
        .collect();
    digest_of(
        statements
            .into_iter()
            .flat_map(|(kind, name, sql)| [kind, name, sql]),
    )
}

fn tables(
    recorded: &Content,
    schema: &Schema,
    connection: &Connection,
    watch: &dyn Watch,
) -> Result<Vec<Finding>> {
    let mut expected: BTreeMap<&str, &TableSum> = recorded
        .tables
        .iter()
        .map(|table| (table.name.as_str(), table))
        .collect();
    let mut differences = Vec::new();
    for table in schema.tables.iter().filter(|table| table.has_rows()) {
        let Some(recorded) = expected.remove(table.name.as_str()) else {
            let message = "table was made after the import".to_owned();
            differences.push(finding(message).in_table(&table.name));
            continue;
        };
        watch.table(&table.name);
        let mut summing = Summing::new(watch);
        read_table(
            connection,
            schema.facts.encoding,
            table,
            watch,
            &mut summing,
        )
        .map_err(|fault| unreadable(fault).in_table(&table.name))?;
        let found = TableSum::new(&table.name, &summing.finish());
        differences.extend(rows(recorded, &found));
    }
    let gone = expected
        .into_keys()
        .map(|name| finding("table of the import is no longer there".to_owned()).in_table(name));
    differences.extend(gone);
    Ok(differences)
}

fn rows(recorded: &TableSum, found: &TableSum) -> Option<Finding> {
    if recorded == found {
        return None;
    }
    let message = if recorded.rows == found.rows {
        "values are not those of the import".to_owned()
    } else {
        format!("rows: {} imported, {} found", recorded.rows, found.rows)
    };
    Some(finding(message).in_table(&found.name))
}

fn finding(message: String) -> Finding {
    Finding::new(Code::TargetChanged, Severity::Error, message)
}

fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}

/// The reader blames a source.
fn unreadable(fault: Fault) -> Fault {
    match fault.code() {
        Code::Interrupted => fault,
        _ => Fault::new(
            Code::TargetUnwritable,
            "cannot compare the database with the import",
        )
        .because(fault),
    }
}

/// Sums up rows.
pub(in crate::engine::sqlite) struct Summing<'a> {
    line: Vec<u8>,
    sum: Multiset,
    watch: &'a dyn Watch,
    rows: u64,
    bytes: u64,
}

impl<'a> Summing<'a> {
    /// No row yet.
    pub(in crate::engine::sqlite) fn new(watch: &'a dyn Watch) -> Self {
        Summing {
            line: Vec::new(),
            sum: Multiset::default(),
            watch,
            rows: 0,
            bytes: 0,
        }
    }

    /// The sum of all rows.
    pub(in crate::engine::sqlite) fn finish(mut self) -> Multiset {
        self.tell();
        self.sum
    }

    fn tell(&mut self) {
        self.watch.advance(self.rows, self.bytes);
        (self.rows, self.bytes) = (0, 0);
    }
}

impl RowSink for Summing<'_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        self.line.clear();
        codec::encode_row(&mut self.line, row);
        self.sum.add(&self.line);
        self.rows += 1;
        self.bytes += self.line.len() as u64;
        if self.rows >= PACE {
            self.tell();
        }
        Ok(())
    }
}
