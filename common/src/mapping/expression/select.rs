//! SELECT: what the views of a source become.

use crate::mapping::expression::lower::{Lowering, Outcome};
use crate::mapping::expression::order::{
    binary, extend, is_place, limits, named, of_query, place, sorted,
};
use crate::mapping::expression::parse::unquoted;
use crate::mapping::expression::query::{Join, OrderBy, Query, Select, Source};
use crate::mapping::expression::translate::{Purpose, Relations, TranslatedView};
use crate::mapping::expression::value::{Class, Scope, ScopeColumn, Typed};
use crate::mapping::expression::{Expression, compare};
use sqlite3_parser::ast::{
    self, As, CompoundOperator, Distinctness, Expr, FromClause, IndexedColumn, JoinConstraint,
    JoinOperator, JoinType, OneSelect, ResultColumn, SelectTable,
};
use std::collections::BTreeSet;

/// Deepest nesting of queries.
const DEEPEST: usize = 8;
/// Most results of a query: no view of PostgreSQL has more columns.
const WIDEST: usize = 1600;

/// Translates queries over the relations of a plan.
pub(super) struct Queries<'r> {
    relations: &'r Relations,
    pub(super) caveats: BTreeSet<&'static str>,
    depth: usize,
    /// Pieces of the expressions that are done.
    spent: usize,
}

/// A translated query, and what its results are.
pub(super) struct Selected {
    pub(super) query: Query,
    pub(super) results: Vec<(String, Typed)>,
    /// It gives one row at the most.
    pub(super) single: bool,
}

/// One SELECT before its place in the query is known.
pub(super) struct Arm {
    pub(super) select: Select,
    pub(super) results: Vec<(String, Typed)>,
    pub(super) scope: Scope,
    pub(super) aggregate: bool,
}

impl<'r> Queries<'r> {
    pub(super) fn new(relations: &'r Relations, depth: usize) -> Self {
        Queries {
            relations,
            caveats: BTreeSet::new(),
            depth,
            spent: 0,
        }
    }

    /// A view: its query under the names that the view gives.
    pub(super) fn view(
        mut self,
        select: &ast::Select<'_>,
        columns: Option<&[IndexedColumn<'_>]>,
    ) -> Outcome<TranslatedView> {
        let selected = self.query(select)?;
        let mut names: Vec<String> = if let Some(columns) = columns {
            let names = columns.iter().map(|column| column.col_name.0);
            names.map(unquoted).collect()
        } else {
            let names = selected.results.iter().map(|(name, _)| name);
            names.cloned().collect()
        };
        if names.len() != selected.results.len() {
            return Err("it names another number of columns than its query has".to_owned());
        }
        let mut seen = BTreeSet::new();
        names.retain(|name| !name.is_empty());
        if names.len() != selected.results.len() {
            return Err("a column of it has no name that is sure: give it one with AS".to_owned());
        }
        if let Some(twice) = names
            .iter()
            .find(|name| !seen.insert(name.to_ascii_lowercase()))
        {
            return Err(format!("two columns of it are called `{twice}`"));
        }
        let typed = selected.results.into_iter().map(|(_, typed)| typed);
        Ok(TranslatedView {
            query: selected.query,
            columns: names.into_iter().zip(typed).collect(),
            caveats: self.caveats,
        })
    }

    pub(super) fn query(&mut self, select: &ast::Select<'_>) -> Outcome<Selected> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("its queries are nested more than {DEEPEST} deep"));
        }
        if select.with.is_some() {
            return Err("a query with WITH has no translation".to_owned());
        }
        let first = self.arm(&select.body.select)?;
        let compounds = select.body.compounds.as_deref().unwrap_or_default();
        let (limit, offset) = limits(select)?;
        let selected = if compounds.is_empty() {
            self.simple(select, first, (limit, offset))?
        } else {
            self.compound(select, first, (limit, offset))?
        };
        self.depth -= 1;
        Ok(selected)
    }

    fn simple(
        &mut self,
        select: &ast::Select<'_>,
        mut arm: Arm,
        (limit, offset): (Option<i64>, Option<i64>),
    ) -> Outcome<Selected> {
        let mut order = Vec::new();
        for term in select.order_by.unwrap_or_default() {
            order.push(self.order(term, &arm)?);
        }
        let single = limit == Some(1) || arm.aggregate && arm.select.group.is_empty();
        for ((tree, _), (_, typed)) in arm.select.results.iter_mut().zip(&arm.results) {
            *tree = typed.tree.clone();
        }
        Ok(Selected {
            query: Query {
                selects: vec![(arm.select, false)],
                order,
                limit,
                offset,
            },
            results: arm.results,
            single,
        })
    }

    /// UNION and UNION ALL: the results of all SELECTs in common types.
    fn compound(
        &mut self,
        select: &ast::Select<'_>,
        first: Arm,
        (limit, offset): (Option<i64>, Option<i64>),
    ) -> Outcome<Selected> {
        let mut arms = vec![(first, false)];
        for compound in select.body.compounds.as_deref().unwrap_or_default() {
            let all = match compound.operator {
                CompoundOperator::UnionAll => true,
                CompoundOperator::Union => false,
                _ => return Err("EXCEPT and INTERSECT have no translation".to_owned()),
            };
            arms.push((self.arm(&compound.select)?, all));
        }
        let width = arms[0].0.results.len();
        if arms.iter().any(|(arm, _)| arm.results.len() != width) {
            return Err("its SELECTs have different numbers of results".to_owned());
        }
        let once = arms.iter().skip(1).any(|(_, all)| !all);
        let mut results = Vec::with_capacity(width);
        for column in 0..width {
            let values: Vec<Typed> = arms
                .iter()
                .map(|(arm, _)| arm.results[column].1.clone())
                .collect();
            if once {
                values.iter().try_for_each(distinct)?;
            }
            let bytewise = values
                .iter()
                .all(|value| value.bytewise || value.constant.is_some());
            let scope = Scope::default();
            let mut lowering = self.lowering(&scope);
            let (class, trees) = lowering.unify(values)?;
            self.absorb(lowering);
            for ((arm, _), tree) in arms.iter_mut().zip(trees) {
                arm.select.results[column].0 = tree;
            }
            let (name, first) = &arms[0].0.results[column];
            let mut typed = Typed::new(Expression::Boolean(true), class);
            typed.collation.clone_from(&first.collation);
            typed.bytewise = bytewise;
            results.push((name.clone(), typed));
        }
        let mut order = Vec::new();
        for term in select.order_by.unwrap_or_default() {
            let by = place(&term.expr, &results)?
                .ok_or("ORDER BY of a UNION by anything but a result has no translation")?;
            let (_, typed) = &results[by - 1];
            let plain = typed.class != Class::Text || typed.bytewise;
            if !plain || !binary(typed) {
                return Err(
                    "ORDER BY of a UNION by a text that PostgreSQL would not sort by bytes"
                        .to_owned(),
                );
            }
            order.push(sorted(term, OrderBy::Result(by)));
        }
        Ok(Selected {
            query: Query {
                selects: arms
                    .into_iter()
                    .map(|(arm, all)| (arm.select, all))
                    .collect(),
                order,
                limit,
                offset,
            },
            results,
            single: limit == Some(1),
        })
    }

    pub(super) fn lowering<'s>(&self, scope: &'s Scope) -> Lowering<'s>
    where
        'r: 's,
    {
        let mut lowering = Lowering::new(scope, Purpose::Query);
        lowering.relations = Some((self.relations, self.depth));
        lowering.spent = self.spent;
        lowering
    }

    pub(super) fn absorb(&mut self, lowering: Lowering<'_>) {
        self.caveats.extend(lowering.caveats);
        self.spent = lowering.spent;
    }

    fn arm(&mut self, select: &OneSelect<'_>) -> Outcome<Arm> {
        let OneSelect::Select {
            distinctness,
            columns,
            from,
            where_clause,
            group_by,
            having,
            window_clause: None,
        } = select
        else {
            return Err("VALUES and windows have no translation".to_owned());
        };
        let (scope, from) = self.from(from.as_ref())?;
        let mut lowering = self.lowering(&scope);
        lowering.named = named(columns);
        let filter = where_clause
            .map(|filter| condition(&mut lowering, filter))
            .transpose()?;
        lowering.aggregates = true;
        let results = results(&mut lowering, columns)?;
        let mut group = Vec::new();
        for term in group_by.unwrap_or_default() {
            let typed = match place(term, &results)? {
                Some(place) if is_place(term, &scope) => {
                    let result = &results[place - 1].1;
                    lowering.spend(&result.tree)?;
                    result.clone()
                }
                _ => lowering.lower(term)?,
            };
            distinct(&typed)?;
            group.push(typed.tree);
        }
        let having = having
            .map(|having| condition(&mut lowering, having))
            .transpose()?;
        let aggregate = lowering.found_aggregate || !group.is_empty();
        self.absorb(lowering);
        if aggregate {
            let trees = results.iter().map(|(_, typed)| &typed.tree);
            if !trees.chain(&having).all(|tree| tree.is_grouped(&group)) {
                return Err("a result is neither in GROUP BY nor an aggregate: SQLite takes it from some row".to_owned());
            }
        }
        let distinct_rows = *distinctness == Some(Distinctness::Distinct);
        if distinct_rows {
            results.iter().try_for_each(|(_, typed)| distinct(typed))?;
        }
        Ok(Arm {
            select: Select {
                distinct: distinct_rows,
                results: results
                    .iter()
                    .map(|(name, typed)| (typed.tree.clone(), name.clone()))
                    .collect(),
                from,
                filter,
                group,
                having,
            },
            results,
            scope,
            aggregate,
        })
    }

    fn from(&mut self, from: Option<&FromClause<'_>>) -> Outcome<(Scope, Vec<(Source, Join)>)> {
        let (mut scope, mut sources) = (Scope::default(), Vec::new());
        let Some((first, from)) = from.and_then(|from| Some((from.select?, from))) else {
            return Ok((scope, sources));
        };
        let source = self.source(first, &mut scope)?;
        sources.push((source, Join::Inner(None)));
        for joined in from.joins.as_deref().unwrap_or_default() {
            let before = scope.columns.len();
            let source = self.source(&joined.table, &mut scope)?;
            let left = match joined.operator {
                JoinOperator::Comma | JoinOperator::TypedJoin(None) => false,
                JoinOperator::TypedJoin(Some(kind)) => {
                    if kind.intersects(JoinType::NATURAL | JoinType::RIGHT) {
                        return Err("NATURAL, RIGHT and FULL joins have no translation".to_owned());
                    }
                    kind.contains(JoinType::LEFT)
                }
            };
            let on = match &joined.constraint {
                None => None,
                Some(JoinConstraint::On(on)) => {
                    let mut lowering = self.lowering(&scope);
                    let on = condition(&mut lowering, on)?;
                    self.absorb(lowering);
                    Some(on)
                }
                Some(JoinConstraint::Using(names)) => {
                    let names: Vec<String> = names.iter().map(|name| unquoted(name.0)).collect();
                    Some(self.using(&names, before, &mut scope)?)
                }
            };
            sources.push((
                source,
                if left {
                    Join::Left(on)
                } else {
                    Join::Inner(on)
                },
            ));
        }
        Ok((scope, sources))
    }

    /// USING as the condition it stands for; the right one of two columns is then known by its
    /// table's name only.
    fn using(&mut self, names: &[String], before: usize, scope: &mut Scope) -> Outcome<Expression> {
        let mut equal = Vec::new();
        for name in names {
            let same = |column: &ScopeColumn| column.name.eq_ignore_ascii_case(name);
            let left = scope.columns[..before].iter().position(same);
            let right = scope.columns[before..].iter().position(same);
            let (Some(left), Some(right)) = (left, right.map(|right| right + before)) else {
                return Err(format!("USING names `{name}`, which is not on both sides"));
            };
            let pair = [left, right].map(|column| scope.columns[column].clone());
            if pair.iter().any(|column| column.unusable) {
                return Err(format!("USING names `{name}`, which is left out"));
            }
            let [left, far] = pair.map(|column| column.typed);
            let mut lowering = self.lowering(scope);
            let compared = lowering.compare(compare::Comparison::Equal, left, far)?;
            self.absorb(lowering);
            equal.push(compared.tree);
            scope.columns[right].shadowed = true;
        }
        Ok(Expression::And(equal))
    }

    /// A table, view or query of FROM, whose columns join the scope.
    fn source(&mut self, table: &SelectTable<'_>, scope: &mut Scope) -> Outcome<Source> {
        let alias_of = |alias: &Option<As<'_>>| {
            alias.as_ref().map(|alias| match alias {
                As::As(name) | As::Elided(name) => unquoted(name.0),
            })
        };
        match table {
            SelectTable::Table(name, alias, _) => {
                let database = name.db_name.as_ref().map(|name| unquoted(name.0));
                if database.is_some_and(|name| !name.eq_ignore_ascii_case("main")) {
                    return Err("it reads another database".to_owned());
                }
                let source = unquoted(name.name.0);
                let relation = self
                    .relations
                    .get(&source.to_ascii_lowercase())
                    .ok_or_else(|| {
                        format!(
                            "it reads `{source}`, which is not there, left out or cut into pieces"
                        )
                    })?;
                let inner = name.alias.as_ref().map(|name| unquoted(name.0));
                let alias = alias_of(alias).or(inner).unwrap_or(source);
                let columns = relation.columns.iter().cloned();
                extend(scope, &alias, columns)?;
                Ok(Source::Relation {
                    name: relation.name.clone(),
                    alias,
                })
            }
            SelectTable::Select(select, alias) => {
                let selected = self.query(select)?;
                let number = scope.columns.len();
                let alias = alias_of(alias).unwrap_or_else(|| format!("subquery_{number}"));
                let columns = selected
                    .results
                    .into_iter()
                    .map(|(name, typed)| of_query(&name, typed));
                extend(scope, &alias, columns)?;
                Ok(Source::Query {
                    query: Box::new(selected.query),
                    alias,
                })
            }
            SelectTable::TableCall(..) => {
                Err("a table-valued function has no translation".to_owned())
            }
            SelectTable::Sub(..) => Err("a join in parentheses has no translation".to_owned()),
        }
    }
}

fn condition(lowering: &mut Lowering<'_>, expression: &Expr<'_>) -> Outcome<Expression> {
    let typed = lowering.lower(expression)?;
    lowering.condition(typed)
}

/// The results of a SELECT with their names; an empty name where SQLite would make one up.
fn results(
    lowering: &mut Lowering<'_>,
    columns: &[ResultColumn<'_>],
) -> Outcome<Vec<(String, Typed)>> {
    let mut results = Vec::new();
    for column in columns {
        match column {
            ResultColumn::Star => lowering.all_columns(None, &mut results)?,
            ResultColumn::TableStar(table) => {
                lowering.all_columns(Some(&unquoted(table.0)), &mut results)?;
            }
            ResultColumn::Expr(expression, alias) => {
                let typed = lowering.lower(expression)?;
                let name = match (alias, expression) {
                    (Some(As::As(name) | As::Elided(name)), _) => unquoted(name.0),
                    (
                        None,
                        Expr::Id(ast::Id(name))
                        | Expr::Name(ast::Name(name))
                        | Expr::Qualified(_, ast::Name(name)),
                    ) => unquoted(name),
                    _ => String::new(),
                };
                results.push((name, as_result(typed)?));
            }
        }
        if results.len() > WIDEST {
            return Err(format!("it has more than {WIDEST} columns"));
        }
    }
    Ok(results)
}

/// A value as a result: truth values that are computed are 0 and 1.
fn as_result(typed: Typed) -> Outcome {
    match typed.class {
        Class::Bool if !matches!(typed.tree, Expression::Qualified { .. }) => Ok(typed.counted()),
        Class::Found => Err("what a JSON path finds may be of any class".to_owned()),
        _ => Ok(typed),
    }
}

/// Refuses values of which PostgreSQL might take two for one, or one for two.
pub(super) fn distinct(typed: &Typed) -> Outcome<()> {
    match typed.class {
        Class::Opaque | Class::Json | Class::Found | Class::Moment => {
            Err("rows are told apart by a text whose spelling is not kept".to_owned())
        }
        Class::Text if !binary(typed) => {
            Err("rows are told apart by a text under another collation than BINARY".to_owned())
        }
        _ => Ok(()),
    }
}
