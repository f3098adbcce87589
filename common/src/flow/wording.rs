//! Phrases that several reports share.

use crate::model::schema::{Table, TableKind};
use crate::report::{TableReport, Totals};

/// `12 tables, 48,201 rows (3.1 MiB)`; without bytes where a job has not measured its rows.
pub(super) fn extent(totals: &Totals) -> String {
    let tables = counted(totals.tables, "table");
    let rows = counted(totals.rows, "row");
    if totals.bytes == 0 && totals.rows > 0 {
        return format!("{tables}, {rows}");
    }
    format!("{tables}, {rows} ({})", indicatif::HumanBytes(totals.bytes))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_were_not_measured_are_not_told() {
        let extent = |rows, bytes| {
            let tables = 1;
            super::extent(&Totals {
                tables,
                rows,
                bytes,
            })
        };
        assert_eq!(extent(1204, 0), "1 table, 1,204 rows");
        assert_eq!(extent(0, 0), "1 table, 0 rows (0 B)");
        assert_eq!(extent(1, 9), "1 table, 1 row (9 B)");
    }
}
