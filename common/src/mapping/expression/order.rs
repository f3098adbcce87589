//! ORDER BY and LIMIT, and what names the results and sources of a query.

use crate::mapping::expression::lower::{LARGEST, Lowering, Outcome, TOO_LARGE};
use crate::mapping::expression::parse::unquoted;
use crate::mapping::expression::query::{Order, OrderBy};
use crate::mapping::expression::select::{Arm, Queries};
use crate::mapping::expression::translate::Purpose;
use crate::mapping::expression::value::{Class, Collation, Scope, ScopeColumn, Typed};
use crate::mapping::expression::{Expression, compare};
use sqlite3_parser::ast::{self, As, Expr, ResultColumn, SortOrder, SortedColumn, UnaryOperator};

impl Queries<'_> {
    /// A term of ORDER BY of a query that is one SELECT.
    pub(super) fn order(&mut self, term: &SortedColumn<'_>, arm: &Arm) -> Outcome<Order> {
        let typed = if let Some(place) = place(&term.expr, &arm.results)? {
            let result = &arm.results[place - 1].1;
            let mut lowering = self.lowering(&arm.scope);
            lowering.spend(&result.tree)?;
            self.absorb(lowering);
            result.clone()
        } else {
            let mut lowering = self.lowering(&arm.scope);
            lowering.aggregates = true;
            lowering.named = arm.results.iter().map(|(name, _)| name.clone()).collect();
            let typed = lowering.lower(&term.expr)?;
            self.absorb(lowering);
            if arm.aggregate && !typed.tree.is_grouped(&arm.select.group) {
                return Err("ORDER BY what is neither in GROUP BY nor an aggregate".to_owned());
            }
            typed
        };
        if matches!(
            typed.class,
            Class::Opaque | Class::Json | Class::Found | Class::Moment
        ) {
            return Err("ORDER BY a text whose spelling is not kept".to_owned());
        }
        let tree = if typed.class == Class::Text {
            let collation = compare::collation(&typed, &typed)?;
            match collation {
                Collation::Binary => typed.ascii(),
                _ => compare::folded(typed, &collation),
            }
        } else {
            typed.tree
        };
        Ok(sorted(term, OrderBy::Expression(tree)))
    }
}

/// LIMIT and OFFSET; a negative number is none.
pub(super) fn limits(select: &ast::Select<'_>) -> Outcome<(Option<i64>, Option<i64>)> {
    let Some(limit) = select.limit else {
        return Ok((None, None));
    };
    let scope = Scope::default();
    let number = |expression: &Expr<'_>| {
        let typed = Lowering::new(&scope, Purpose::Query).lower(expression)?;
        typed
            .constant_integer()
            .ok_or_else(|| "LIMIT by anything but a literal number".to_owned())
    };
    let most = number(&limit.expr)?;
    let offset = limit.offset.as_ref().map(number).transpose()?;
    let positive = |number: i64| (number >= 0).then_some(number);
    Ok((positive(most), offset.and_then(positive)))
}

/// The result that a term names by its position or its name.
pub(super) fn place(term: &Expr<'_>, results: &[(String, Typed)]) -> Outcome<Option<usize>> {
    let core = core(term);
    let place = match core {
        Expr::Literal(ast::Literal::Numeric(digits)) => {
            let place = digits.parse().ok();
            let place = place.filter(|place| (1..=results.len()).contains(place));
            Some(place.ok_or("a number in ORDER BY or GROUP BY that names no result")?)
        }
        Expr::Id(ast::Id(name)) | Expr::Name(ast::Name(name)) => {
            let name = unquoted(name);
            let mut names = results.iter();
            names
                .position(|(own, _)| own.eq_ignore_ascii_case(&name))
                .map(|place| place + 1)
        }
        _ => None,
    };
    // SQLite looks through signs and COLLATE for the name of a result.
    if place.is_some() && !std::ptr::eq(core, bare(term)) {
        return Err("a result with a sign or COLLATE in ORDER BY or GROUP BY".to_owned());
    }
    Ok(place)
}

/// Whether a term of GROUP BY can only be meant as a result: a column comes before one.
pub(super) fn is_place(term: &Expr<'_>, scope: &Scope) -> bool {
    match bare(term) {
        Expr::Id(ast::Id(name)) | Expr::Name(ast::Name(name)) => {
            scope.position(&unquoted(name)).is_none()
        }
        _ => true,
    }
}

/// A term without the parentheses around it.
fn bare<'t, 'a>(term: &'t Expr<'a>) -> &'t Expr<'a> {
    let mut term = term;
    while let Expr::Parenthesized(inner) = term
        && let [one] = inner.as_slice()
    {
        term = one;
    }
    term
}

/// A term without parentheses, signs and COLLATE.
fn core<'t, 'a>(term: &'t Expr<'a>) -> &'t Expr<'a> {
    let mut term = bare(term);
    while let Expr::Collate(inner, _)
    | Expr::Unary(UnaryOperator::Positive | UnaryOperator::Negative, inner) = term
    {
        term = bare(inner);
    }
    term
}

/// Adds the columns of a source under its name in the query.
pub(super) fn extend(
    scope: &mut Scope,
    alias: &str,
    columns: impl Iterator<Item = ScopeColumn>,
) -> Outcome<()> {
    if alias.is_empty() || alias.len() > 63 || alias.contains('\0') {
        return Err(format!(
            "PostgreSQL does not take the name `{alias}` for a table of a query"
        ));
    }
    for mut column in columns {
        if scope.columns.len() >= LARGEST {
            return Err(TOO_LARGE.to_owned());
        }
        if let Expression::Column(name) = &column.typed.tree {
            column.typed.tree = Expression::Qualified {
                table: alias.to_owned(),
                column: name.clone(),
            };
        }
        alias.clone_into(&mut column.table);
        scope.columns.push(column);
    }
    Ok(())
}

/// A result of a query in FROM.
pub(super) fn of_query(name: &str, typed: Typed) -> ScopeColumn {
    let mut column = ScopeColumn::of_result(name, name, typed);
    if name.is_empty() {
        column.unusable = true;
        "is a result whose name is not sure: give it one with AS".clone_into(&mut column.reason);
    }
    column
}

/// The names that results are given.
pub(super) fn named(columns: &[ResultColumn<'_>]) -> Vec<String> {
    let name = |column: &ResultColumn<'_>| match column {
        ResultColumn::Expr(_, Some(As::As(name) | As::Elided(name))) => Some(unquoted(name.0)),
        _ => None,
    };
    columns.iter().filter_map(name).collect()
}

/// A term of ORDER BY.
pub(super) fn sorted(term: &SortedColumn<'_>, by: OrderBy) -> Order {
    let descending = matches!(term.order, Some(SortOrder::Desc));
    // SQLite takes NULL for the smallest of all.
    let nulls_first = match term.nulls {
        None => !descending,
        Some(nulls) => nulls == ast::NullsOrder::First,
    };
    Order {
        by,
        descending,
        nulls_first,
    }
}

/// Whether values compare by bytes.
pub(super) fn binary(typed: &Typed) -> bool {
    let collation = typed.collation.as_ref();
    collation.is_none_or(|(collation, _)| *collation == Collation::Binary)
}
