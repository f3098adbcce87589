//! A table of the archive beside its live table of the same kind: which cells are compared.

use crate::fault::Code;
use crate::model::schema::{Rowid, Schema, Table};
use crate::report::{Finding, Severity};

/// Columns that a finding lists.
const LISTED: usize = 10;

/// A table of both sides.
pub(super) struct Pair {
    /// Position in the archive's schema.
    pub(super) source: usize,
    pub(super) live: Table,
    /// The names of the cells that are compared, and where they stand on each side.
    pub(super) names: Vec<String>,
    pub(super) ours: Vec<usize>,
    pub(super) theirs: Vec<usize>,
    /// Positions among these of the cells that tell rows apart; empty when all of them do.
    pub(super) key: Vec<usize>,
}

pub(super) fn pairs(schema: &Schema, live: &Schema, findings: &mut Vec<Finding>) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (source, table) in schema
        .tables
        .iter()
        .enumerate()
        .filter(|(_, table)| table.has_rows())
    {
        let mut there = live.tables.iter();
        let found = there.find(|there| there.name.eq_ignore_ascii_case(&table.name));
        let Some(there) = found else {
            let message = "the database has no such table";
            let finding = Finding::new(Code::TargetTableMissing, Severity::Error, message)
                .hint("leave the table out with -T if it is not to be there")
                .in_table(&table.name);
            findings.push(finding);
            continue;
        };
        pairs.push(pair(source, table, there, findings));
    }
    pairs
}

/// The rowid, where it stands apart, and the stored columns, each with its cell.
fn cells(table: &Table) -> Vec<(Option<&str>, usize)> {
    let rowid = (table.rowid == Rowid::Hidden).then_some((None, 0));
    let first = table.first_column_cell();
    let columns = table.stored_columns().enumerate();
    let columns = columns.map(|(position, column)| (Some(column.name.as_str()), first + position));
    rowid.into_iter().chain(columns).collect()
}

fn pair(source: usize, table: &Table, there: &Table, findings: &mut Vec<Finding>) -> Pair {
    let mut pair = Pair {
        source,
        live: there.clone(),
        names: Vec::new(),
        ours: Vec::new(),
        theirs: Vec::new(),
        key: Vec::new(),
    };
    let mut theirs = cells(there);
    for (name, ours) in cells(table) {
        let shown = name.unwrap_or("rowid");
        let same = |other: &(Option<&str>, usize)| match (name, other.0) {
            (Some(name), Some(other)) => name.eq_ignore_ascii_case(other),
            (None, None) => true,
            _ => false,
        };
        let Some(place) = theirs.iter().position(same) else {
            let message = "the table of the database has no such column";
            let finding = Finding::new(Code::TargetColumnMissing, Severity::Error, message)
                .hint("its values are compared with nothing; add the column, or leave the table out with -T")
                .in_table(&table.name)
                .in_column(shown);
            findings.push(finding);
            continue;
        };
        pair.names.push(shown.to_owned());
        pair.ours.push(ours);
        pair.theirs.push(theirs.remove(place).1);
    }
    findings.extend(unknown(&theirs).map(|finding| finding.in_table(&table.name)));
    pair.key = key(table, &pair.ours);
    pair
}

fn unknown(theirs: &[(Option<&str>, usize)]) -> Option<Finding> {
    if theirs.is_empty() {
        return None;
    }
    let names = theirs
        .iter()
        .take(LISTED)
        .map(|(name, _)| name.unwrap_or("rowid").to_owned());
    let message = "columns of the target that the archive knows nothing of are not compared";
    let finding = Finding::new(Code::TargetDiffers, Severity::Note, message)
        .hint("nothing to do, if they are the application's own");
    Some(finding.counted(theirs.len() as u64, names.collect()))
}

/// The primary key, else the rowid, where all of it is compared.
fn key(table: &Table, ours: &[usize]) -> Vec<usize> {
    let cells: Option<Vec<usize>> = match &table.primary_key {
        Some(key) => key
            .columns
            .iter()
            .map(|part| table.cell(&part.column))
            .collect(),
        None if table.rowid == Rowid::Hidden => Some(vec![0]),
        None => None,
    };
    let place = |cell: &usize| ours.iter().position(|ours| ours == cell);
    let places = cells.and_then(|cells| cells.iter().map(place).collect());
    places.unwrap_or_default()
}
