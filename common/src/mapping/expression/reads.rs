//! What a query reads.

use crate::mapping::expression::Expression;
use crate::mapping::expression::query::{Join, OrderBy, Query, Select, Source};

/// What queries within one another read from, the innermost last.
type Sources<'q> = Vec<&'q [(Source, Join)]>;

impl Query {
    /// Shows every relation that it reads, and with it every column it takes from one, by their
    /// names in the target.
    pub(in crate::mapping) fn reads<'q>(&'q self, see: &mut dyn FnMut(&'q str, Option<&'q str>)) {
        self.reads_within(&Vec::new(), see);
    }

    fn reads_within<'q>(
        &'q self,
        outer: &Sources<'q>,
        see: &mut dyn FnMut(&'q str, Option<&'q str>),
    ) {
        for (select, _) in &self.selects {
            for (source, _) in &select.from {
                match source {
                    Source::Relation { name, .. } => see(name, None),
                    Source::Query { query, .. } => query.reads_within(outer, see),
                }
            }
            let mut sources = outer.clone();
            sources.push(&select.from);
            let order = self.order.iter().filter_map(|term| match &term.by {
                OrderBy::Expression(tree) => Some(tree),
                OrderBy::Result(_) => None,
            });
            let mut pending: Vec<&Expression> = trees(select).chain(order).collect();
            while let Some(tree) = pending.pop() {
                match tree {
                    Expression::Qualified { table, column } => {
                        if let Some(relation) = relation(&sources, table) {
                            see(relation, Some(column));
                        }
                    }
                    Expression::Exists(query)
                    | Expression::Subquery(query)
                    | Expression::InQuery { query, .. } => query.reads_within(&sources, see),
                    _ => {}
                }
                tree.parts(&mut pending);
            }
        }
    }
}

/// All expressions of a SELECT.
fn trees(select: &Select) -> impl Iterator<Item = &Expression> {
    let joins = select.from.iter().filter_map(|(_, join)| match join {
        Join::Inner(on) | Join::Left(on) => on.as_ref(),
    });
    let results = select.results.iter().map(|(tree, _)| tree);
    results
        .chain(joins)
        .chain(&select.filter)
        .chain(&select.group)
        .chain(&select.having)
}

/// The relation that is called so; none where a query is.
fn relation<'q>(sources: &Sources<'q>, called: &str) -> Option<&'q str> {
    let mut nearest = sources.iter().rev();
    let found = nearest.find_map(|from| {
        let mut from = from.iter().map(|(source, _)| source);
        from.find(|source| match source {
            Source::Relation { alias, .. } | Source::Query { alias, .. } => alias == called,
        })
    });
    match found? {
        Source::Relation { name, .. } => Some(name),
        Source::Query { .. } => None,
    }
}
