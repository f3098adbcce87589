//! NOT NULL, and what the source does with a NULL where there must be none.

use crate::fault::Code;
use crate::mapping::draft::{Draft, Source};
use crate::mapping::keys::rows;
use crate::profile::evidence::Constraint;
use crate::report::{Finding, Severity};

/// Whether the column becomes NOT NULL.
pub(super) fn not_null(
    source: &Source<'_>,
    draft: &Draft<'_>,
    position: usize,
    findings: &mut Vec<Finding>,
) -> bool {
    let stored = &draft.columns[position];
    let primary = draft.structure.primary.as_ref();
    if stored.identity || primary.is_some_and(|key| key.columns.contains(&position)) {
        return true;
    }
    let nulls = stored.evidence.nulls;
    if stored.column.not_null && nulls > 0 {
        let declared = draft
            .table
            .columns
            .iter()
            .position(|column| std::ptr::eq(column, stored.column));
        let broken =
            declared.and_then(|column| source.broken(draft.source, Constraint::NotNull(column)));
        findings.push(
            Finding::new(
                Code::NotNullViolated,
                Severity::Warning,
                format!(
                    "NOT NULL is left out: {} NULL",
                    rows(nulls, "holds", "hold")
                ),
            )
            .in_table(&draft.table.name)
            .in_column(&stored.column.name)
            .counted(
                nulls,
                broken.map_or_else(Vec::new, |broken| broken.samples.clone()),
            ),
        );
    }
    stored.column.not_null && nulls == 0
}

/// Says that the column's NOT NULL does something else with a NULL than the source's.
pub(super) fn conflict(draft: &Draft<'_>, position: usize) -> Option<Finding> {
    let stored = &draft.columns[position];
    // A NULL in an INTEGER PRIMARY KEY asks for the next number, whatever the clause says.
    let clause = stored.column.on_conflict.as_deref();
    let clause = clause.filter(|_| stored.column.not_null && !stored.identity)?;
    let hint = match clause.to_ascii_uppercase().as_str() {
        "ABORT" => return None,
        "IGNORE" => {
            "let the application leave out rows with NULL there: PostgreSQL refuses them, where the source skips them"
        }
        "REPLACE" => {
            "let the application leave out the column to get its default: PostgreSQL refuses a NULL, where the source puts the default in its place"
        }
        _ => {
            "nothing to do for most applications: PostgreSQL undoes the whole statement that brings a NULL"
        }
    };
    let message =
        format!("NOT NULL loses its ON CONFLICT {clause}: PostgreSQL refuses every NULL there");
    let finding = Finding::new(Code::StructureWeakened, Severity::Warning, message).hint(hint);
    let finding = finding.in_table(&draft.table.name);
    Some(finding.in_column(&stored.column.name))
}
