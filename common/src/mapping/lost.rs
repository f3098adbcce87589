//! What a plan loses with computed columns that the server has no result of for some row, which is
//! known only once the rows are in.
//!
//! Foreign keys are not concerned: none is carried over from or to a computed column.

use crate::mapping::expression::Expression;
use crate::mapping::judge::by_bytes;
use crate::mapping::leftovers::{brief, left_out};
use crate::mapping::operator::{AddedIndex, IndexedBy};
use crate::mapping::plan::{CheckPlan, ColumnPlan, IndexPlan, KeyPlan, Plan, TablePlan, ViewPlan};
use crate::model::schema::{Schema, Table};
use crate::report::Finding;
use crate::report::structure::Subject;
use std::collections::{BTreeMap, BTreeSet};

/// Columns of one table, by their names in the target.
pub type Columns = BTreeSet<String>;

/// What to do about a column that some row has no result for.
const ADVICE: &str = "SQLite goes on where PostgreSQL has an error; the columns it is computed from are there: mend such rows and add it in the target, or leave it out with drop = true in a mapping file";

/// The finding that leaves a computed column out. `why` is what the server has said.
#[must_use]
pub fn column(source: &Table, planned: &ColumnPlan, why: &str) -> Finding {
    let mut message = format!(
        "the computed column is left out, the server cannot compute it for every row: {why}"
    );
    let declared = source.column(&planned.name);
    if let Some(generated) = declared.and_then(|column| column.generated.as_ref()) {
        message.push_str(": ");
        message.push_str(&brief(&generated.expression));
    }
    let name = declared.map_or(&planned.name, |column| &column.name);
    let finding = left_out(message).in_table(&source.name).in_column(name);
    finding.about(Subject::Computed).hint(ADVICE)
}

/// The table without these columns and all that needs one of them, and what there is to say of that.
#[must_use]
pub fn without(source: &Table, table: &TablePlan, lost: &Columns) -> (TablePlan, Vec<Finding>) {
    let mut table = table.clone();
    let mut findings = Vec::new();
    let mut stays = |uses: Option<&str>, say: &dyn Fn(&str) -> Finding| {
        findings.extend(uses.map(|column| say(column).in_table(&source.name)));
        uses.is_none()
    };
    table.columns.retain(|column| !lost.contains(&column.name));
    let primary_key = table.primary_key.take();
    table.primary_key = primary_key.filter(|key| {
        let say = |column: &str| because(&key_words("primary key", key), column);
        stays(of_key(key, lost), &say)
    });
    table.unique.retain(|key| {
        let say = |column: &str| {
            let finding = because(&key_words("unique constraint", key), column);
            match declared(source, key) {
                Some(position) => finding.about(Subject::Unique(position)),
                None => finding,
            }
        };
        stays(of_key(key, lost), &say)
    });
    table.indexes.retain(|index| {
        let say = |column: &str| of_source(source, index, column);
        stays(of_index(index, lost), &say)
    });
    table.checks.retain(|check| {
        let say = |column: &str| of_check(source, check, column);
        stays(of_tree(&check.expression, lost), &say)
    });
    table.added.indexes.retain(|index| {
        let say = |column: &str| because(&format!("the added index `{}`", index.name), column);
        stays(of_added(index, lost), &say)
    });
    table.added.statistics.retain(|one| {
        let say = |column: &str| because(&format!("the statistics `{}`", one.name), column);
        stays(first(&one.columns, lost), &say)
    });
    let order = std::mem::take(&mut table.added.order_by);
    if stays(first(&order, lost), &|column| {
        because("the order of the rows", column)
    }) {
        table.added.order_by = order;
    }
    (table, findings)
}

/// Takes the views out of the plan that read these columns, by the names of their tables in the
/// target, or read a view that does; gives back what there is to say of them.
pub fn views(schema: &Schema, plan: &mut Plan, lost: &BTreeMap<String, Columns>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut gone = BTreeSet::new();
    plan.views.retain(|view| {
        let Some(reason) = of_view(view, lost, &gone) else {
            return true;
        };
        gone.insert(view.name.clone());
        let mut views = schema.views.iter().enumerate();
        let source = views.find(|(_, source)| source.name == view.source);
        let sql = source.map_or_else(String::new, |(_, view)| format!(": {}", brief(&view.sql)));
        let finding = left_out(format!("the view is left out, {reason}{sql}"));
        let finding = finding.in_table(&view.source);
        findings.push(match source {
            Some((position, _)) => finding.about(Subject::View(position)),
            None => finding,
        });
        false
    });
    findings
}

/// Corrects the note on how texts compare, which counts columns: `after` has fewer than `before`.
pub fn recount(before: &Plan, after: &Plan, findings: &mut Vec<Finding>) {
    let [old, new] = [before, after].map(|plan| {
        let mut notes = Vec::new();
        by_bytes(&plan.tables, &mut notes);
        notes
    });
    let count = findings.len();
    findings.retain(|finding| !old.contains(finding));
    if findings.len() < count {
        findings.extend(new);
    }
}

/// The finding that leaves something out for a column's sake.
fn because(what: &str, column: &str) -> Finding {
    left_out(format!(
        "{what} is left out: its column `{column}` is computed and left out"
    ))
}

fn key_words(kind: &str, key: &KeyPlan) -> String {
    format!("{kind} `{}` ({})", key.name, key.columns.join(", "))
}

/// The UNIQUE constraint of the source on the same columns, by its position.
fn declared(source: &Table, key: &KeyPlan) -> Option<usize> {
    source.unique.iter().position(|declared| {
        let columns = declared.columns.iter().map(|column| &column.column);
        columns.eq(&key.columns)
    })
}

fn of_source(source: &Table, index: &IndexPlan, column: &str) -> Finding {
    let kind = if index.unique {
        "unique index"
    } else {
        "index"
    };
    let mut finding = because(&format!("{kind} `{}`", index.name), column);
    let mut indexes = source.indexes.iter().enumerate();
    if let Some((position, of)) = indexes.find(|(_, of)| of.name == index.name) {
        finding.message.push_str(": ");
        finding.message.push_str(&brief(&of.sql));
        finding = finding.about(Subject::Index(position));
    }
    finding
}

fn of_check(source: &Table, check: &CheckPlan, column: &str) -> Finding {
    let mut message = format!(
        "check constraint `{}` is left out, column `{column}` is left out",
        check.name
    );
    if let Some(of) = source.checks.get(check.source) {
        message.push_str(": ");
        message.push_str(&brief(&of.expression));
    }
    left_out(message).about(Subject::Check(check.source))
}

/// The first of these names that is lost.
fn first<'n>(names: impl IntoIterator<Item = &'n String>, lost: &Columns) -> Option<&'n str> {
    let mut names = names.into_iter().map(String::as_str);
    names.find(|name| lost.contains(*name))
}

fn of_key<'k>(key: &'k KeyPlan, lost: &Columns) -> Option<&'k str> {
    first(&key.columns, lost)
}

fn of_tree<'t>(tree: &'t Expression, lost: &Columns) -> Option<&'t str> {
    let mut columns = tree.columns().into_iter();
    columns.find(|name| lost.contains(*name))
}

fn of_index<'i>(index: &'i IndexPlan, lost: &Columns) -> Option<&'i str> {
    let terms = index.terms.iter().map(|term| &term.on);
    let mut trees = terms.chain(&index.predicate);
    trees.find_map(|tree| of_tree(tree, lost))
}

/// What the operator's own SQL names is not known here.
fn of_added<'i>(index: &'i AddedIndex, lost: &Columns) -> Option<&'i str> {
    match &index.on {
        IndexedBy::Columns(columns, _) => first(columns, lost),
        IndexedBy::Sql(_) => None,
    }
}

fn of_view(
    view: &ViewPlan,
    lost: &BTreeMap<String, Columns>,
    gone: &BTreeSet<String>,
) -> Option<String> {
    let mut reason = None;
    view.query.reads(&mut |relation, column| {
        let is_lost = column.is_some_and(|column| {
            let lost = lost.get(relation);
            lost.is_some_and(|lost| lost.contains(column))
        });
        if is_lost || gone.contains(relation) {
            reason.get_or_insert_with(|| match column.filter(|_| is_lost) {
                Some(column) => format!("column `{column}` is left out"),
                None => format!("it reads `{relation}`, which is left out"),
            });
        }
    });
    reason
}
