//! Queries of the target: what views are made of. A closed tree, as expressions are.

use crate::mapping::expression::{Expression, size};

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The SELECTs, each with whether its rows are joined to those before it as they are (UNION ALL)
    /// and not once only (UNION); of the first it means nothing.
    pub selects: Vec<(Select, bool)>,
    /// ORDER BY.
    pub order: Vec<Order>,
    /// LIMIT.
    pub limit: Option<i64>,
    /// OFFSET.
    pub offset: Option<i64>,
}

impl Query {
    /// Number of pieces of all its expressions; counting ends once it is over `most`.
    pub(in crate::mapping) fn size(&self, most: usize) -> usize {
        let mut pending = Vec::new();
        self.parts(&mut pending);
        size(pending, most)
    }

    /// Its expressions, with those of the queries that it reads.
    pub(super) fn parts<'q>(&'q self, parts: &mut Vec<&'q Expression>) {
        for (select, _) in &self.selects {
            parts.extend(select.results.iter().map(|(tree, _)| tree));
            for (source, Join::Inner(on) | Join::Left(on)) in &select.from {
                parts.extend(on);
                if let Source::Query { query, .. } = source {
                    query.parts(parts);
                }
            }
            parts.extend(&select.filter);
            parts.extend(&select.group);
            parts.extend(&select.having);
        }
        parts.extend(self.order.iter().filter_map(|term| match &term.by {
            OrderBy::Expression(tree) => Some(tree),
            OrderBy::Result(_) => None,
        }));
    }
}

/// One SELECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// DISTINCT.
    pub distinct: bool,
    /// The results with their names.
    pub results: Vec<(Expression, String)>,
    /// FROM, each source after the first with how it is joined.
    pub from: Vec<(Source, Join)>,
    /// WHERE.
    pub filter: Option<Expression>,
    /// GROUP BY.
    pub group: Vec<Expression>,
    /// HAVING.
    pub having: Option<Expression>,
}

/// What a SELECT reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A table or view of the plan, by its name in the target.
    Relation {
        /// The name.
        name: String,
        /// What it is called in the query.
        alias: String,
    },
    /// A query.
    Query {
        /// The query.
        query: Box<Query>,
        /// What it is called.
        alias: String,
    },
}

/// How a source is joined to those before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Join {
    /// All pairs, or those for which a condition holds.
    Inner(Option<Expression>),
    /// The same, and each row before it for which none does.
    Left(Option<Expression>),
}

/// A term of ORDER BY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub by: OrderBy,
    /// DESC.
    pub descending: bool,
    /// NULLs come first.
    pub nulls_first: bool,
}

/// What rows are ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderBy {
    /// A result, counted from 1.
    Result(usize),
    /// An expression.
    Expression(Expression),
}
