//! The text of the file: choices as keys, everything else as comments.

use crate::mapping::NameRule;
use crate::mapping::describe::{classes, counted};
use crate::mapping::file::{column_heading, string, table_heading};
use crate::mapping::lossless::Choices;
use crate::mapping::lossless::choice::Form;
use crate::mapping::lossless::suggest::{self, Suggestion};
use crate::mapping::plan::{ColumnPlan, Origin, Plan};
use crate::mapping::split;
use crate::model::schema::{Column, Schema, Table};
use crate::profile::evidence::{ColumnEvidence, TableEvidence};
use crate::report::Severity;
use crate::report::escape::escaped;
use std::collections::BTreeSet;
use std::fmt::Write as _;

const HEADER: &str = "\
# What becomes of each table and column in PostgreSQL, for `waybill-import --map`.
#
# As it stands, this file changes no value: a column has keys only where PostgreSQL does not hold all
# of its values as they are. What you may prefer stands below as comments that begin with `#:`; to
# choose one, take away its `#: ` and put `# ` before the keys that it replaces. Every value is tried
# before the first write, and every value that is changed is counted in the report.
#
# All keys are described in docs/mapping.md.

waybill-mapping = 1
";

pub(super) fn write(
    schema: &Schema,
    evidence: &[TableEvidence],
    plan: &Plan,
    (choices, names): (&Choices, NameRule),
) -> String {
    let mut text = HEADER.to_owned();
    if names == NameRule::Fold {
        line(&mut text, "names = \"fold\"");
    }
    let mut written = BTreeSet::new();
    for planned in &plan.tables {
        let Some(table) = schema.tables.get(planned.source) else {
            continue;
        };
        // The pieces of a table have their columns in one section.
        if !written.insert(planned.source) {
            continue;
        }
        let pieces = plan.tables.iter();
        let pieces = pieces.filter(|piece| piece.source == planned.source);
        let columns = Columns {
            source: planned.source,
            table,
            planned: pieces.flat_map(|piece| &piece.columns).collect(),
            evidence: evidence.get(planned.source),
            choices,
        };
        let rows = columns.evidence.map_or(0, |table| table.rows);
        line(&mut text, "");
        line(&mut text, &format!("# {}", counted(rows, "row")));
        for problem in unmendable(plan, &table.name) {
            line(&mut text, &format!("# Not mended by this file: {problem}"));
        }
        line(&mut text, &table_heading(&table.name));
        if columns.may_be_too_wide(rows) {
            line(&mut text, WIDE);
        }
        columns.write(plan, &mut text);
    }
    text
}

/// What is said of a table whose rows may not fit a page.
const WIDE: &str = "\
# The longest values of all columns together are more than a page of PostgreSQL holds. If no row has
# them all, the table can stay one.
split = true";

fn line(text: &mut String, content: &str) {
    text.push_str(content);
    text.push('\n');
}

/// Errors about a table as a whole: no rule for a column mends them.
fn unmendable<'p>(plan: &'p Plan, table: &'p str) -> impl Iterator<Item = String> + 'p {
    let of_table = plan.findings.iter().filter(move |finding| {
        finding.severity == Severity::Error
            && finding.place.table.as_deref() == Some(table)
            && finding.place.column.is_none()
    });
    of_table.map(|finding| escaped(&finding.message).into_owned())
}

struct Columns<'a> {
    /// Position in `Schema::tables`.
    source: usize,
    table: &'a Table,
    /// Its columns in the target, of all pieces.
    planned: Vec<&'a ColumnPlan>,
    evidence: Option<&'a TableEvidence>,
    choices: &'a Choices,
}

impl Columns<'_> {
    /// Whether a row may outgrow a page, unless the table is cut for its columns anyway.
    fn may_be_too_wide(&self, rows: u64) -> bool {
        let first = self.table.first_column_cell();
        let columns = self.planned.iter().map(|column| {
            let position = match column.origin {
                Origin::Cell(cell) => cell.checked_sub(first),
                Origin::Computed(_) | Origin::Added => None,
            };
            let plain = position.filter(|at| !self.choices.contains_key(&(self.source, *at)));
            let known = plain.and_then(|at| self.evidence?.columns.get(at));
            (column.target, known)
        });
        split::may_be_too_wide(columns, rows)
    }

    fn write(&self, plan: &Plan, text: &mut String) {
        let mut sections = String::new();
        let stored = self.table.stored_columns().enumerate();
        for (position, column) in stored {
            let cell = Origin::Cell(self.table.first_column_cell() + position);
            let mut planned = self.planned.iter().copied();
            let Some(planned) = planned.find(|planned| planned.origin == cell) else {
                continue;
            };
            let empty = ColumnEvidence::default();
            let evidence = self.evidence.and_then(|table| table.columns.get(position));
            let evidence = evidence.unwrap_or(&empty);
            let form = self.choices.get(&(self.source, position));
            let suggestions = match form {
                Some(_) => suggest::instead_of_refused(evidence),
                None => suggest::instead_of_planned(column, planned, evidence),
            };
            if form.is_none() && suggestions.is_empty() {
                plain(column, planned, evidence, text);
                continue;
            }
            self.heading(column, planned, evidence, &mut sections);
            if let Some(form) = form {
                for why in refusals(plan, &self.table.name, &column.name) {
                    line(&mut sections, &format!("# {why}"));
                }
                keys(*form, &mut sections);
            }
            for suggestion in &suggestions {
                commented(suggestion, &mut sections);
            }
        }
        text.push_str(&sections);
    }

    fn heading(
        &self,
        column: &Column,
        planned: &ColumnPlan,
        evidence: &ColumnEvidence,
        text: &mut String,
    ) {
        line(text, "");
        line(text, &column_heading(&self.table.name, &column.name));
        let target = planned.target.name();
        let refused = self.choices.keys().any(|(table, position)| {
            let mut stored = self.table.stored_columns();
            *table == self.source
                && stored
                    .nth(*position)
                    .is_some_and(|one| one.name == column.name)
        });
        let words = classes(evidence);
        line(
            text,
            &if refused {
                format!("# {words}")
            } else {
                format!("# {target}; {words}")
            },
        );
    }
}

/// A column of which there is nothing to say but what it becomes.
fn plain(column: &Column, planned: &ColumnPlan, evidence: &ColumnEvidence, text: &mut String) {
    let name = string(&column.name);
    let target = planned.target.name();
    line(text, &format!("# {name}: {target}; {}", classes(evidence)));
}

/// Why the plan would refuse values of a column.
fn refusals<'p>(
    plan: &'p Plan,
    table: &'p str,
    column: &'p str,
) -> impl Iterator<Item = String> + 'p {
    let errors = plan.findings.iter().filter(move |finding| {
        finding.severity == Severity::Error
            && finding.place.table.as_deref() == Some(table)
            && finding.place.column.as_deref() == Some(column)
    });
    errors.map(|finding| {
        let mut why = finding.message.clone();
        if let Some(first) = finding.samples.first() {
            write!(why, ", first at {first}").expect("a String takes all text");
        }
        escaped(&why).into_owned()
    })
}

fn keys(form: Form, text: &mut String) {
    let (target, read) = match form {
        Form::Bytes => ("bytea", "bytes"),
        Form::CellJson => ("json", "cell"),
        Form::CellText => ("text", "cell"),
    };
    line(text, &format!("type = \"{target}\""));
    line(text, &format!("read = \"{read}\""));
}

fn commented(suggestion: &Suggestion, text: &mut String) {
    line(text, &format!("# or: {}", suggestion.words));
    for key in &suggestion.keys {
        line(text, &format!("#: {key}"));
    }
}
