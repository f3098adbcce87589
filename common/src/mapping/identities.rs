//! Identity columns: the number that the next row gets.

use crate::fault::Code;
use crate::mapping::draft::{Draft, Source, Stored};
use crate::report::structure::Subject;
use crate::report::{Finding, Severity};

/// The next value of an identity column; `None` when the largest integer is taken, which is reported.
pub(super) fn next(
    source: &Source<'_>,
    draft: &Draft<'_>,
    stored: &Stored<'_>,
    findings: &mut Vec<Finding>,
) -> Option<i64> {
    let next = source.next_identity(draft, stored);
    if next.is_none() {
        findings.push(used_up(draft, stored));
    }
    next
}

/// An AUTOINCREMENT of the source gives no number either; else it looks for one that is free.
fn used_up(draft: &Draft<'_>, stored: &Stored<'_>) -> Finding {
    let (severity, source) = if draft.table.autoincrement {
        (Severity::Note, "no more than the source does")
    } else {
        (Severity::Warning, "where the source looks for a free one")
    };
    let message = format!(
        "the largest integer of 64 bits is taken, so the sequence gives no next number, {source}"
    );
    Finding::new(Code::StructureWeakened, severity, message)
        .in_table(&draft.table.name)
        .in_column(&stored.column.name)
        .about(Subject::Sequence)
        .hint("insert new rows with numbers of their own, or give the row with the largest number another one and restart the sequence")
}
