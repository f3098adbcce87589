//! What has no place in the plan at all, named object by object with its SQL.

use crate::fault::Code;
use crate::mapping::describe::counted;
use crate::mapping::draft::Draft;
use crate::mapping::split;
use crate::model::schema::{Facts, Rowid, Schema, Table, TableKind, VirtualContent};
use crate::report::structure::Subject;
use crate::report::{Finding, Severity};

/// Longest piece of SQL shown in a message, in characters; all of it stands in `schema.json`.
const SHOWN: usize = 240;

/// Everything that is left out or changes its nature, apart from columns, keys and indexes.
pub(super) fn list(schema: &Schema, findings: &mut Vec<Finding>) {
    facts(&schema.facts, findings);
    for table in &schema.tables {
        virtual_table(table, findings);
    }
    for (position, trigger) in schema.triggers.iter().enumerate() {
        let message = format!(
            "the trigger on `{}` is left out, its program is not translated: {}",
            trigger.table,
            brief(&trigger.sql)
        );
        findings.push(
            left_out(message)
                .in_table(&trigger.name)
                .about(Subject::Trigger(position)),
        );
    }
}

pub(super) fn left_out(message: String) -> Finding {
    Finding::new(Code::StructureLeftOut, Severity::Warning, message)
}

/// Says what becomes of a virtual table.
fn virtual_table(table: &Table, findings: &mut Vec<Finding>) {
    let TableKind::Virtual { module, content } = &table.kind else {
        return;
    };
    let (code, message) = match content {
        VirtualContent::Rows => (
            Code::StructureWeakened,
            format!(
                "the virtual table becomes an ordinary one; what its module `{module}` does with queries is lost"
            ),
        ),
        VirtualContent::Rebuilt => (
            Code::StructureLeftOut,
            format!(
                "the virtual table is left out; its module `{module}` derives it from another table"
            ),
        ),
        VirtualContent::Unavailable => (
            Code::StructureLeftOut,
            format!(
                "the virtual table is left out; its module `{module}` does not give its content back"
            ),
        ),
    };
    let message = format!("{message}: {}", brief(&table.sql));
    findings.push(Finding::new(code, Severity::Warning, message).in_table(&table.name));
}

fn facts(facts: &Facts, findings: &mut Vec<Finding>) {
    for (pragma, value) in [
        ("user_version", facts.user_version),
        ("application_id", facts.application_id),
    ] {
        if value != 0 {
            let message =
                format!("`PRAGMA {pragma}` ({value}) is left out, PostgreSQL has no place for it");
            findings.push(
                Finding::new(Code::StructureLeftOut, Severity::Note, message)
                    .on(format!("PRAGMA {pragma}"))
                    .hint("nothing to do, unless a program reads it: then keep the number in a table of its own"),
            );
        }
    }
}

/// The rowid that no column shows is not carried; only where no key tells rows apart is it missed.
pub(super) fn hidden_rowid(draft: &Draft<'_>, findings: &mut Vec<Finding>) {
    if split::is_wide(draft) {
        return;
    }
    if draft.table.rowid == Rowid::Hidden && draft.structure.primary.is_none() {
        let verb = if draft.rows == 1 { "is" } else { "are" };
        let message = format!(
            "the rowid is left out, and there is no primary key; {} {verb} carried, equal ones as often as they occur",
            counted(draft.rows, "row")
        );
        findings.push(
            Finding::new(Code::StructureLeftOut, Severity::Note, message)
                .in_table(&draft.table.name)
                .hint("nothing to do, unless rows must be told apart: `add-columns` in a mapping file gives them numbers"),
        );
    }
}

/// SQL on one line, shortened.
pub(super) fn brief(sql: &str) -> String {
    let mut line = String::new();
    let mut shown = 0;
    for word in sql.split_whitespace() {
        let blank = usize::from(!line.is_empty());
        if blank == 1 {
            line.push(' ');
        }
        let room = SHOWN.saturating_sub(shown + blank);
        line.extend(word.chars().take(room));
        let length = word.chars().count();
        if length > room {
            line.push('…');
            return line;
        }
        shown += blank + length;
    }
    line
}
