//! Foreign keys from and to the pieces of a table that was cut.

use crate::mapping::draft::Draft;
use crate::mapping::expression::Expression;
use crate::mapping::leftovers::left_out;
use crate::mapping::plan::{ForeignKeyPlan, TablePlan};
use crate::model::schema::ForeignKey;
use crate::report::Finding;
use crate::report::structure::Subject;
use std::collections::BTreeSet;

/// Lets foreign keys to a table that was cut refer to the piece that has the key; those whose key
/// has not been carried are left out. `cut` holds the positions of the first pieces.
pub(super) fn point_to_pieces(
    drafts: &[Draft<'_>],
    tables: &mut [TablePlan],
    cut: &BTreeSet<usize>,
    findings: &mut Vec<Finding>,
) {
    let mut homes = Vec::new();
    for table in tables.iter() {
        let homes_of = table.foreign_keys.iter().map(|key| {
            if cut.contains(&key.parent) {
                home_of(tables, key)
            } else {
                Some(key.parent)
            }
        });
        homes.push(homes_of.collect::<Vec<_>>());
    }
    for (table, homes) in tables.iter_mut().zip(homes) {
        let keys = std::mem::take(&mut table.foreign_keys);
        for (mut key, home) in keys.into_iter().zip(homes) {
            if let Some(home) = home {
                key.parent = home;
                table.foreign_keys.push(key);
                continue;
            }
            let parent = &drafts[key.parent].table.name;
            let message = format!(
                "foreign key ({}) to `{parent}` ({}) is left out: the columns it refers to are the key of no piece of that table",
                key.columns.join(", "),
                key.parent_columns.join(", ")
            );
            let finding = left_out(message);
            findings.push(
                match drafts.iter().find(|draft| draft.source == table.source) {
                    Some(child) => about(finding.in_table(&child.table.name), child, &key),
                    None => finding,
                },
            );
        }
    }
}

/// The piece of the parent where the columns referred to are a key.
fn home_of(tables: &[TablePlan], key: &ForeignKeyPlan) -> Option<usize> {
    let wanted: BTreeSet<&str> = key.parent_columns.iter().map(String::as_str).collect();
    let source = tables[key.parent].source;
    let is_key = |piece: &TablePlan| {
        let constraints = piece.primary_key.iter().chain(&piece.unique);
        let mut constraints = constraints.map(|key| {
            let columns = key.columns.iter().map(String::as_str);
            columns.collect::<BTreeSet<_>>()
        });
        let indexes = piece
            .indexes
            .iter()
            .filter(|index| index.unique && index.predicate.is_none());
        let mut indexes = indexes.filter_map(|index| {
            let columns = index.terms.iter().map(|term| match &term.on {
                Expression::Column(name) => Some(name.as_str()),
                _ => None,
            });
            columns.collect::<Option<BTreeSet<_>>>()
        });
        constraints.any(|columns| columns == wanted) || indexes.any(|columns| columns == wanted)
    };
    tables
        .iter()
        .position(|piece| piece.source == source && is_key(piece))
}

/// The names in the target of columns of the source.
pub(super) fn target_names<'n>(
    draft: &'n Draft<'_>,
    columns: impl Iterator<Item = &'n String>,
) -> impl Iterator<Item = &'n str> {
    columns.filter_map(|name| {
        let position = draft.position(name)?;
        Some(draft.columns[position].name.as_str())
    })
}

/// Says which foreign key of the source a finding is about.
pub(super) fn about(finding: Finding, child: &Draft<'_>, key: &ForeignKeyPlan) -> Finding {
    let mut declared = child.table.foreign_keys.iter();
    let same = |declared: &ForeignKey| {
        target_names(child, declared.columns.iter()).eq(key.columns.iter().map(String::as_str))
    };
    match declared.position(same) {
        Some(position) => finding.about(Subject::ForeignKey(position)),
        None => finding,
    }
}
