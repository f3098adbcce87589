//! Phrases that several reports share.

use crate::model::schema::{Table, TableKind};
use crate::report::{TableReport, Totals};

/// `12 tables, 48,201 rows (3.1 MiB)`.
pub(super) fn extent(totals: &Totals) -> String {
    format!(
        "{}, {} ({})",
        counted(totals.tables, "table"),
        counted(totals.rows, "row"),
        indicatif::HumanBytes(totals.bytes)
    )
}

/// `1 row`, `48,201 rows`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", indicatif::HumanCount(count))
}

/// A table's line in a report.
pub(super) fn table(table: &Table, rows: u64, bytes: u64) -> TableReport {
    let kind = match &table.kind {
        TableKind::Rowid => "table".to_owned(),
        TableKind::WithoutRowid => "without rowid".to_owned(),
        TableKind::Virtual { module, .. } => format!("virtual ({module})"),
    };
    TableReport {
        name: table.name.clone(),
        kind,
        rows,
        bytes,
        ..TableReport::default()
    }
}
