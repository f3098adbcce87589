//! CHECK constraints, and indexes that are on expressions or partial: what is carried over, and what
//! is left out with its reason.

use crate::fault::Code;
use crate::mapping::draft::{Draft, Source};
use crate::mapping::entry::too_long;
use crate::mapping::expression::{self, Class, Collation, Expression, Scope, Typed};
use crate::mapping::keys::IndexDraft;
use crate::mapping::leftovers::{brief, left_out};
use crate::mapping::names::Taken;
use crate::mapping::plan::{CheckPlan, IndexPlan, IndexTerm, PgType, TablePlan};
use crate::mapping::scope::scope;
use crate::model::schema::{Check, Index, IndexOn, IndexTerm as SourceTerm};
use crate::profile::evidence::Constraint;
use crate::report::structure::Subject;
use crate::report::{Finding, Severity};
use std::collections::BTreeSet;

/// The finding that something is carried over as an expression of PostgreSQL.
pub(super) fn translation(what: &str, sql: &str, caveats: &[&str]) -> Finding {
    let mut message = format!("{what} is translated: {}", brief(sql));
    for caveat in caveats {
        message.push_str("; ");
        message.push_str(caveat);
    }
    Finding::new(Code::StructureTranslated, Severity::Note, message)
        .hint("nothing to do: docs/expressions.md says what each piece becomes")
}

/// Adds the table's checks, and gives its expressed indexes their terms or takes them out.
pub(super) fn carry(
    source: &Source<'_>,
    draft: &Draft<'_>,
    table: &mut TablePlan,
    findings: &mut Vec<Finding>,
) {
    let expressed = draft
        .structure
        .indexes
        .iter()
        .any(|index| index.expressed.is_some());
    if draft.table.checks.is_empty() && !expressed {
        return;
    }
    let scope = scope(draft, false);
    indexes(source, draft, &scope, table, findings);
    checks(source, draft, &scope, table, findings);
}

fn checks(
    source: &Source<'_>,
    draft: &Draft<'_>,
    scope: &Scope,
    table: &mut TablePlan,
    findings: &mut Vec<Finding>,
) {
    let keys = table.primary_key.iter().chain(&table.unique);
    let names = keys.map(|key| key.name.clone());
    let names = names.chain(table.foreign_keys.iter().map(|key| key.name.clone()));
    let mut taken = Taken::of(names);
    for (position, check) in draft.table.checks.iter().enumerate() {
        let what = words(check);
        let translated = expression::check(&check.expression, scope);
        let affordable = translated.and_then(|one| {
            source.budget.take(&one.typed.tree)?;
            Ok(one)
        });
        let finding = match affordable {
            Ok(translated) => {
                let name = match &check.name {
                    Some(name) => taken.kept(name, &draft.name),
                    None => taken.free(&table.name, "", "check"),
                };
                table.checks.push(CheckPlan {
                    source: position,
                    name,
                    expression: translated.typed.tree,
                });
                let caveats: Vec<&str> = translated.caveats.into_iter().collect();
                translation(&what, &check.expression, &caveats)
            }
            Err(reason) => left_out(format!(
                "{what} is left out, {reason}: {}",
                brief(&check.expression)
            )),
        };
        let finding = finding.in_table(&draft.table.name);
        findings.push(finding.about(Subject::Check(position)));
    }
}

fn words(check: &Check) -> String {
    let name = check.name.as_ref();
    let name = name.map_or_else(String::new, |name| format!(" `{name}`"));
    format!("check constraint{name}")
}

fn indexes(
    source: &Source<'_>,
    draft: &Draft<'_>,
    scope: &Scope,
    table: &mut TablePlan,
    findings: &mut Vec<Finding>,
) {
    let planned = std::mem::take(&mut table.indexes);
    for (mut plan, of) in planned.into_iter().zip(&draft.structure.indexes) {
        let Some(position) = of.expressed else {
            table.indexes.push(plan);
            continue;
        };
        let index = &draft.table.indexes[position];
        let finding = match expressed(source, draft, scope, (index, position), &mut plan) {
            Ok(caveats) => {
                let what = format!("{} `{}`", kind(of), index.name);
                table.indexes.push(plan);
                translation(&what, &index.sql, &caveats)
            }
            Err(reason) => left_out(format!(
                "{} `{}` is left out: {reason}: {}",
                kind(of),
                index.name,
                brief(&index.sql)
            )),
        };
        let finding = finding.in_table(&draft.table.name);
        findings.push(finding.about(Subject::Index(position)));
    }
}

fn kind(index: &IndexDraft) -> &'static str {
    if index.unique {
        "unique index"
    } else {
        "index"
    }
}

fn expressed(
    source: &Source<'_>,
    draft: &Draft<'_>,
    scope: &Scope,
    (index, position): (&Index, usize),
    plan: &mut IndexPlan,
) -> Result<Vec<&'static str>, String> {
    if source
        .broken(draft.source, Constraint::Index(position))
        .is_some()
    {
        return Err("some rows have another one's key".to_owned());
    }
    let mut caveats = BTreeSet::new();
    let mut used = BTreeSet::new();
    let mut terms = Vec::new();
    for term in &index.terms {
        let sql = match &term.on {
            // A name that is no column would be read as a string.
            IndexOn::Column(name) if scope.position(name).is_none() => {
                return Err(format!("its column `{name}` is not there"));
            }
            IndexOn::Column(name) => quoted(name),
            IndexOn::Expression(sql) => sql.clone(),
        };
        let translated = expression::indexed(&sql, scope, false)?;
        let on = if is_ordered_as_it_stands(draft, term) {
            translated.typed.tree
        } else {
            term_of(translated.typed, &term.collation)?
        };
        source.budget.take(&on)?;
        caveats.extend(translated.caveats);
        used.extend(translated.columns);
        terms.push(IndexTerm {
            on,
            descending: term.descending,
        });
    }
    if let Some(predicate) = &index.predicate {
        let translated = expression::indexed(predicate, scope, true)?;
        source.budget.take(&translated.typed.tree)?;
        caveats.extend(translated.caveats);
        plan.predicate = Some(translated.typed.tree);
    }
    let names = used
        .iter()
        .map(|column| scope.columns[*column].name.as_str());
    let columns: Vec<usize> = names.filter_map(|name| draft.position(name)).collect();
    if let Some((_, reason)) = too_long(draft, &columns) {
        return Err(reason);
    }
    plan.terms = terms;
    Ok(caveats.into_iter().collect())
}

/// Whether the term is a column that an index without a condition would take as it is, although no
/// expression knows its values, such as numbers beside texts.
fn is_ordered_as_it_stands(draft: &Draft<'_>, term: &SourceTerm) -> bool {
    let IndexOn::Column(name) = &term.on else {
        return false;
    };
    let stored = draft.position(name).map(|at| &draft.columns[at]);
    term.collation.eq_ignore_ascii_case("BINARY")
        && stored.is_some_and(|stored| !matches!(stored.target, PgType::Json | PgType::Jsonb))
}

/// A name as SQLite reads it, whatever it holds.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The term in the form in which equal values are equal in the index of the source, too.
fn term_of(typed: Typed, collation: &str) -> Result<Expression, String> {
    let what = typed.class.words();
    match typed.class {
        Class::Opaque | Class::Found | Class::Null => {
            Err(format!("{what} has no order in PostgreSQL"))
        }
        Class::Text => match Collation::named(collation) {
            Collation::Binary if typed.bytewise => Ok(typed.tree),
            Collation::Binary => Ok(Expression::Collated(Box::new(typed.tree))),
            Collation::NoCase => Ok(Expression::call("lower", vec![byte_text(typed)])),
            Collation::Rtrim => {
                let blank = Expression::text(" ");
                Ok(Expression::call("rtrim", vec![byte_text(typed), blank]))
            }
            Collation::Other(name) => {
                Err(format!("the collation `{name}` is the application's own"))
            }
        },
        _ => Ok(typed.tree),
    }
}

fn byte_text(typed: Typed) -> Expression {
    if typed.bytewise {
        typed.tree
    } else {
        Expression::Collated(Box::new(typed.tree))
    }
}
