//! How large all translated expressions of a plan may become together.
//!
//! One expression is bounded by itself, and an archive may hold any number of them. What no longer
//! fits is left out as what has no translation is.

use crate::mapping::expression::Expression;
use crate::mapping::expression::query::Query;
use std::cell::Cell;

/// Most pieces of all expressions of a plan, see `Expression::size`: about 100 MB.
pub(in crate::mapping) const LARGEST_PLAN: usize = 1_000_000;

/// The pieces that further expressions of a plan may have.
#[derive(Debug)]
pub(in crate::mapping) struct Budget(Cell<usize>);

impl Default for Budget {
    fn default() -> Self {
        Budget(Cell::new(LARGEST_PLAN))
    }
}

impl Budget {
    /// Forgets what has been taken: the plan is made anew.
    pub(in crate::mapping) fn renew(&self) {
        self.0.set(LARGEST_PLAN);
    }

    /// Takes what an expression needs, or says why it must be left out.
    pub(in crate::mapping) fn take(&self, tree: &Expression) -> Result<(), String> {
        self.spend(tree.size(self.0.get()))
    }

    /// The same of a query.
    pub(in crate::mapping) fn take_query(&self, query: &Query) -> Result<(), String> {
        self.spend(query.size(self.0.get()))
    }

    fn spend(&self, pieces: usize) -> Result<(), String> {
        let left = self.0.get().checked_sub(pieces).ok_or_else(|| {
            format!("the expressions before it have used up the {LARGEST_PLAN} pieces that a plan may have")
        })?;
        self.0.set(left);
        Ok(())
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;
    use crate::fault::Code;
    use crate::mapping::expression::{
        Class, Relation, Relations, Scope, ScopeColumn, Typed, check, view,
    };
    use crate::mapping::tests::support::{integer, plan_of, table};
    use crate::model::schema::Check;

    fn large_check(name: &str) -> Check {
        Check {
            name: Some(name.to_owned()),
            expression: format!("a IN ({})", vec!["1"; 15_000].join(",")),
        }
    }

    /// An archive of a few megabytes with large checks took as many gigabytes as it liked.
    #[test]
    fn expressions_beyond_what_a_plan_may_have_are_left_out_by_name() {
        let mut of = table("t", vec![integer("a")]);
        of.checks = (0..80).map(|n| large_check(&format!("c{n}"))).collect();
        let plan = plan_of(of, &[]);
        let carried = &plan.tables[0].checks;
        let pieces: usize = carried
            .iter()
            .map(|check| check.expression.size(usize::MAX))
            .sum();
        assert!(pieces <= LARGEST_PLAN && pieces > LARGEST_PLAN - 20_000);
        let left_out = plan.findings.iter();
        let left_out = left_out.filter(|one| one.code == Code::StructureLeftOut);
        let told = left_out.filter(|one| one.message.contains("used up the 1000000 pieces"));
        assert_eq!(told.count(), 80 - carried.len());
        assert_eq!(carried.len(), 66);
    }

    #[test]
    fn a_long_literal_that_is_named_often_is_too_large() {
        let text = "x".repeat(50_000);
        let nested = format!("{}'{text}'{}", "substr(".repeat(8), ", -1)".repeat(8));
        let of = Scope::default();
        assert!(check(&format!("'{text}' = 'y'"), &of).is_ok());
        let refused = check(&format!("{nested} = 'y'"), &of).err();
        assert!(
            refused
                .as_deref()
                .is_some_and(|why| why.contains("too large")),
            "{refused:?}"
        );
    }

    #[test]
    fn a_view_is_bounded_as_a_whole() {
        let names: Vec<String> = (0..1_000).map(|n| format!("a{n}")).collect();
        let relations = Relations::from([
            ("t".to_owned(), relation("t", ["a"].into_iter())),
            (
                "wide".to_owned(),
                relation("wide", names.iter().map(String::as_str)),
            ),
        ]);
        let made = |query: &str| view(&format!("CREATE VIEW v AS {query}"), &relations).err();
        assert_eq!(made("SELECT a AS x FROM t"), None);
        let list = vec!["1"; 9_000].join(",");
        let term = format!("a IN ({list})");
        assert_eq!(
            made(&format!("SELECT {term} AS x, {term} AS y FROM t")),
            None
        );
        for query in [
            format!("SELECT {term} AS x, {term} AS y, {term} AS z FROM t"),
            format!("SELECT {term} AS x FROM t ORDER BY x, x, x"),
            format!(
                "SELECT a AS x FROM t WHERE EXISTS (SELECT {term} AS y FROM t WHERE {term} AND {term})"
            ),
            format!("SELECT a AS x FROM t{}", ", wide".repeat(1_000)),
        ] {
            let why = made(&query).unwrap_or_default();
            assert!(why.contains("too large"), "{why}: {query:.60}");
        }
    }

    fn relation<'n>(name: &str, columns: impl Iterator<Item = &'n str>) -> Relation {
        let columns = columns.map(|name| ScopeColumn {
            table: String::new(),
            name: name.to_owned(),
            typed: Typed::new(Expression::Column(name.to_owned()), Class::Int),
            reason: String::new(),
            unusable: false,
            shadowed: false,
            hidden: false,
        });
        Relation {
            name: name.to_owned(),
            columns: columns.collect(),
        }
    }
}
