//! Which key or index of the plan belongs to one of the source.

use crate::mapping::expression::Expression;
use crate::mapping::plan::{IndexPlan, KeyPlan, TablePlan};

/// Keys and indexes of the plan that no object of the source has been found for yet.
pub(super) struct Left<'a> {
    pub(super) unique: Vec<&'a KeyPlan>,
    pub(super) indexes: Vec<&'a IndexPlan>,
}

impl<'a> Left<'a> {
    pub(super) fn of(planned: &'a TablePlan) -> Self {
        Left {
            unique: planned.unique.iter().collect(),
            indexes: planned.indexes.iter().collect(),
        }
    }

    pub(super) fn unique(&mut self, columns: &[&str]) -> Option<&'a KeyPlan> {
        let at = self.unique.iter().position(|key| key.columns == columns)?;
        Some(self.unique.remove(at))
    }

    /// A unique index on expressions of exactly these columns.
    pub(super) fn unique_index(&mut self, columns: &[&str]) -> Option<&'a IndexPlan> {
        let same = |index: &&IndexPlan| {
            let plain = |term| matches!(term, &Expression::Column(_));
            let terms: Vec<_> = index
                .terms
                .iter()
                .filter_map(|term| column_of(&term.on))
                .collect();
            index.unique && !index.terms.iter().all(|term| plain(&term.on)) && terms == columns
        };
        let at = self.indexes.iter().position(same)?;
        Some(self.indexes.remove(at))
    }

    pub(super) fn named(&mut self, name: &str) -> Option<&'a IndexPlan> {
        let at = self.indexes.iter().position(|index| index.name == name)?;
        Some(self.indexes.remove(at))
    }
}

/// The one column that an expression is about.
fn column_of(expression: &Expression) -> Option<&str> {
    match expression {
        Expression::Column(name) => Some(name),
        Expression::Call { arguments, .. } => match arguments.as_slice() {
            [only] => column_of(only),
            _ => None,
        },
        _ => None,
    }
}
