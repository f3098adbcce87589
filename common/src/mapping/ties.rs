//! Columns tied by a foreign key share one type.
//!
//! A union-find over column pairs: each group keeps the types that all its columns may have, and a
//! foreign key that would leave a group without any type is left out instead.

use crate::fault::Code;
use crate::mapping::draft::Draft;
use crate::mapping::foreign::Reference;
use crate::mapping::plan::PgType;
use crate::mapping::types::{self, Fits};
use crate::report::{Finding, Severity};

/// A group of tied columns.
struct Group {
    /// The types that all of them may have; `None` while no value has spoken.
    common: Option<Vec<PgType>>,
}

struct Ties {
    /// Position of the next node towards the group's root.
    parent: Vec<usize>,
    groups: Vec<Group>,
    /// The first node of each table.
    first: Vec<usize>,
}

/// Gives every column its type and drops the references whose columns can share none.
pub(super) fn settle<'a>(
    drafts: &mut [Draft<'a>],
    references: &mut Vec<Reference<'a>>,
    findings: &mut Vec<Finding>,
) {
    let fits: Vec<Vec<Fits>> = drafts
        .iter()
        .map(|draft| draft.columns.iter().map(types::fits).collect())
        .collect();
    let mut ties = Ties::new(&fits);
    references.retain(|reference| {
        let kept = ties.tie(reference);
        if !kept {
            let child = &drafts[reference.child];
            let names = |draft: &Draft<'_>, table: usize, columns: &[usize]| {
                let name = |column: &usize| {
                    let best = fits[table][*column].types[0];
                    format!("`{}` ({})", draft.columns[*column].column.name, best.name())
                };
                columns.iter().map(name).collect::<Vec<_>>().join(", ")
            };
            let reason = format!(
                "{} and {} can share no type that keeps every value",
                names(child, reference.child, &reference.columns),
                names(
                    &drafts[reference.parent],
                    reference.parent,
                    &reference.parent_columns
                )
            );
            findings.push(reference.left_out(child, &reason));
        }
        kept
    });
    let chosen = ties.choose(&fits);
    for (table, draft) in drafts.iter_mut().enumerate() {
        for (column, stored) in draft.columns.iter_mut().enumerate() {
            let own = &fits[table][column];
            let root = ties.root(ties.first[table] + column);
            stored.target = chosen[root].unwrap_or(own.types[0]);
            stored.tied = stored.target != own.types[0];
        }
    }
    for draft in drafts.iter() {
        for stored in draft.columns.iter().filter(|stored| stored.tied) {
            findings.push(
                Finding::new(
                    Code::Recast,
                    Severity::Note,
                    format!(
                        "becomes {}, the type of the columns that a foreign key ties it to",
                        stored.target.name()
                    ),
                )
                .in_table(&draft.table.name)
                .in_column(&stored.column.name),
            );
        }
    }
}

impl Ties {
    fn new(fits: &[Vec<Fits>]) -> Self {
        let mut ties = Ties {
            parent: Vec::new(),
            groups: Vec::new(),
            first: Vec::with_capacity(fits.len()),
        };
        for table in fits {
            ties.first.push(ties.parent.len());
            for fit in table {
                ties.parent.push(ties.parent.len());
                let common = (!fit.any).then(|| fit.types.clone());
                ties.groups.push(Group { common });
            }
        }
        ties
    }

    fn root(&mut self, mut node: usize) -> usize {
        while self.parent[node] != node {
            // Halve the path, so that long chains stay cheap.
            self.parent[node] = self.parent[self.parent[node]];
            node = self.parent[node];
        }
        node
    }

    /// Ties the columns of a foreign key, unless some pair can share no type.
    fn tie(&mut self, reference: &Reference<'_>) -> bool {
        let mut pairs = Vec::new();
        for (column, parent) in reference.columns.iter().zip(&reference.parent_columns) {
            let child = self.root(self.first[reference.child] + column);
            let parent = self.root(self.first[reference.parent] + parent);
            if self
                .shared(child, parent)
                .is_some_and(|types| types.is_empty())
            {
                return false;
            }
            pairs.push((child, parent));
        }
        // Two pairs may meet in one group, so each is looked at again when its turn comes.
        pairs
            .into_iter()
            .all(|(child, parent)| self.unite(child, parent))
    }

    fn unite(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return true;
        }
        let common = self.shared(a, b);
        if common.as_ref().is_some_and(Vec::is_empty) {
            return false;
        }
        let (root, other) = (std::cmp::min(a, b), std::cmp::max(a, b));
        self.groups[root].common = common;
        self.parent[other] = root;
        true
    }

    /// The types that both groups may have; `None` when neither has a say.
    fn shared(&self, a: usize, b: usize) -> Option<Vec<PgType>> {
        match (&self.groups[a].common, &self.groups[b].common) {
            (Some(a), Some(b)) => Some(a.iter().copied().filter(|t| b.contains(t)).collect()),
            (Some(types), None) | (None, Some(types)) => Some(types.clone()),
            (None, None) => None,
        }
    }

    /// The type of each group, by its root: what its first column would have alone, if all may have
    /// it, else the next column's; columns without values are asked last.
    fn choose(&mut self, fits: &[Vec<Fits>]) -> Vec<Option<PgType>> {
        let mut chosen = vec![None; self.parent.len()];
        for silent in [false, true] {
            for (node, fit) in fits.iter().flatten().enumerate() {
                let root = self.root(node);
                let best = fit.types[0];
                let possible = match &self.groups[root].common {
                    Some(common) => common.contains(&best),
                    None => true,
                };
                if fit.any == silent && chosen[root].is_none() && possible {
                    chosen[root] = Some(best);
                }
            }
        }
        for (root, group) in self.groups.iter().enumerate() {
            let first = group
                .common
                .as_ref()
                .and_then(|types| types.first().copied());
            chosen[root] = chosen[root].or(first);
        }
        chosen
    }
}
