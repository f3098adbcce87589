//! Views: translated in the order in which they read each other.

use crate::mapping::draft::{Draft, Source};
use crate::mapping::expression::{self, Relation, Relations, ScopeColumn};
use crate::mapping::leftovers::{brief, left_out};
use crate::mapping::names::Taken;
use crate::mapping::naming::NameRule;
use crate::mapping::objects::translation;
use crate::mapping::plan::{TablePlan, ViewPlan};
use crate::mapping::scope::scope;
use crate::model::schema::View;
use crate::report::Finding;
use crate::report::structure::Subject;
use std::collections::BTreeSet;

/// Rounds over the views, each of which may read those of the rounds before.
const ROUNDS: usize = 16;

/// The views of the schema that can be translated, each after those that it reads.
pub(super) fn views(
    source: &Source<'_>,
    (drafts, cut): (&[Draft<'_>], &BTreeSet<usize>),
    tables: &[TablePlan],
    rule: NameRule,
    findings: &mut Vec<Finding>,
) -> Vec<ViewPlan> {
    let schema = source.schema;
    if schema.views.is_empty() {
        return Vec::new();
    }
    let mut relations = relations(drafts, cut);
    let mut taken = Taken::of(tables.iter().flat_map(names));
    let mut pending: Vec<((usize, &View), String)> = schema
        .views
        .iter()
        .enumerate()
        .map(|view| (view, String::new()))
        .collect();
    let mut plans = Vec::new();
    for _ in 0..ROUNDS {
        let count = pending.len();
        pending.retain_mut(|(view, reason)| {
            match one((source, *view), rule, &mut relations, &mut taken, findings) {
                Ok(plan) => {
                    plans.push(plan);
                    false
                }
                Err(why) => {
                    *reason = why;
                    true
                }
            }
        });
        if pending.is_empty() || pending.len() == count {
            break;
        }
    }
    for ((position, view), reason) in pending {
        let message = format!("the view is left out, {reason}: {}", brief(&view.sql));
        let finding = left_out(message).in_table(&view.name);
        findings.push(finding.about(Subject::View(position)));
    }
    plans
}

fn one(
    (source, (position, view)): (&Source<'_>, (usize, &View)),
    rule: NameRule,
    relations: &mut Relations,
    taken: &mut Taken,
    findings: &mut Vec<Finding>,
) -> Result<ViewPlan, String> {
    let translated = expression::view(&view.sql, relations)?;
    source.budget.take_query(&translated.query)?;
    let name = taken.kept(&rule.apply(&view.name), "view");
    let mut given = Taken::default();
    let mut columns = Vec::with_capacity(translated.columns.len());
    let mut readable = Vec::with_capacity(translated.columns.len());
    for (source, typed) in translated.columns {
        let target = given.kept(&rule.apply(&source), "column");
        readable.push(ScopeColumn::of_result(&source, &target, typed));
        columns.push(target);
    }
    relations.insert(
        view.name.to_ascii_lowercase(),
        Relation {
            name: name.clone(),
            columns: readable,
        },
    );
    let caveats: Vec<&str> = translated.caveats.into_iter().collect();
    let mut what = "the view".to_owned();
    if name != view.name {
        what = format!("the view, which becomes `{name}`,");
    }
    let finding = translation(&what, &view.sql, &caveats).in_table(&view.name);
    findings.push(finding.about(Subject::View(position)));
    Ok(ViewPlan {
        source: view.name.clone(),
        name,
        columns,
        query: translated.query,
    })
}

/// The tables as queries read them.
fn relations(drafts: &[Draft<'_>], cut: &BTreeSet<usize>) -> Relations {
    let mut relations = Relations::new();
    let drafts = drafts.iter().enumerate();
    for (_, draft) in drafts.filter(|(position, _)| !cut.contains(position)) {
        let relation = Relation {
            name: draft.name.clone(),
            columns: scope(draft, false).columns,
        };
        relations.insert(draft.table.name.to_ascii_lowercase(), relation);
    }
    relations
}

fn names(table: &TablePlan) -> Vec<String> {
    let keys = table.primary_key.iter().chain(&table.unique);
    let indexes = table.indexes.iter().map(|index| &index.name);
    let names = keys.map(|key| &key.name).chain(indexes);
    names.chain([&table.name]).cloned().collect()
}
