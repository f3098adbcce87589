//! Aggregates, and subqueries within expressions: what only queries have.

use crate::mapping::expression::Expression;
use crate::mapping::expression::lower::{Lowering, Outcome, negated};
use crate::mapping::expression::select::Queries;
use crate::mapping::expression::translate::Purpose;
use crate::mapping::expression::value::{Class, Collation, Typed};
use crate::mapping::expression::{Operator, number};
use crate::mapping::plan::PgType;
use sqlite3_parser::ast::{self, Expr};

/// Every aggregate that is translated, in the order of `docs/expressions.md`.
pub const AGGREGATES: &[&str] = &["avg", "count", "max", "min", "sum", "total"];

/// Where sums are not the same to the last bit.
const SUMMED: &str = "a sum of reals may differ from SQLite's in its last digits";

impl Lowering<'_> {
    /// Whether a call is one of an aggregate.
    pub(super) fn is_aggregate(&self, name: &str, arguments: usize) -> bool {
        self.purpose == Purpose::Query && arguments == 1 && AGGREGATES.contains(&name)
    }

    /// `count(*)`.
    pub(super) fn count_rows(&mut self, name: &str) -> Outcome {
        if self.purpose != Purpose::Query || !name.eq_ignore_ascii_case("count") {
            return Err(format!("{name}(*) has no translation"));
        }
        self.enter()?;
        self.inside = false;
        Ok(Typed::new(aggregate("count", false, None), Class::Int))
    }

    fn enter(&mut self) -> Outcome<()> {
        if !self.aggregates || self.inside {
            return Err("an aggregate stands where none can".to_owned());
        }
        self.found_aggregate = true;
        self.inside = true;
        Ok(())
    }

    /// An aggregate of one argument.
    pub(super) fn aggregated(&mut self, name: &str, distinct: bool, of: &Expr<'_>) -> Outcome {
        self.enter()?;
        let typed = self.lower(of)?;
        self.inside = false;
        if distinct {
            super::select::distinct(&typed)?;
        }
        match name {
            "count" => Ok(Typed::new(
                aggregate("count", distinct, Some(typed.tree)),
                Class::Int,
            )),
            "min" | "max" => self.extreme_of(name, typed),
            _ => self.summed(name, distinct, typed),
        }
    }

    fn summed(&mut self, name: &str, distinct: bool, typed: Typed) -> Outcome {
        let typed = typed.counted();
        let whole = typed.class == Class::Int;
        if !typed.class.is_number() {
            let what = format!("is no operand of {name}()");
            return Err(self.unfit(&typed, &what));
        }
        let real = typed.class == Class::Real;
        let operand = if whole {
            typed.tree
        } else {
            self.caveat(SUMMED);
            self.doubled(typed)?
        };
        let sum = aggregate("sum", distinct, Some(operand.clone()));
        match name {
            "sum" if whole => {
                self.caveat(number::OVERFLOW);
                Ok(Typed::new(sum.cast(PgType::Bigint), Class::Int))
            }
            "sum" => Ok(Typed::new(
                number::null_of_nan(sum),
                if real { Class::Real } else { Class::Float },
            )),
            "total" => {
                let sum = sum.cast(PgType::Double);
                let total = number::coalesce(vec![sum, Expression::real(0.0)]);
                Ok(Typed::new(number::null_of_nan(total), Class::Real))
            }
            _ => {
                let count = aggregate("count", distinct, Some(operand));
                let count = Expression::call("nullif", vec![count, Expression::integer(0)]);
                let sum = sum.cast(PgType::Double);
                let mean = Expression::binary(Operator::Divide, sum, count.cast(PgType::Double));
                Ok(Typed::new(number::null_of_nan(mean), Class::Real))
            }
        }
    }

    fn extreme_of(&mut self, name: &str, typed: Typed) -> Outcome {
        let function = if name == "max" { "max" } else { "min" };
        let typed = typed.counted();
        let binary = typed
            .collation
            .as_ref()
            .is_none_or(|own| own.0 == Collation::Binary);
        let (class, affinity, collation) = (typed.class, typed.affinity, typed.collation.clone());
        let operand = match class {
            Class::Text if binary => typed.ascii(),
            Class::Int
            | Class::Real
            | Class::Float
            | Class::Number
            | Class::Date
            | Class::Timestamp => typed.tree,
            _ => {
                let what = format!("is no operand of {name}() as an aggregate");
                return Err(self.unfit(&typed, &what));
            }
        };
        let mut found = Typed::new(aggregate(function, false, Some(operand)), class);
        // SQLite's min() and max() keep what their argument is.
        found.affinity = affinity;
        found.collation = collation;
        found.bytewise = class == Class::Text;
        Ok(found)
    }

    fn queries(&self) -> Outcome<Queries<'_>> {
        match self.relations {
            Some((relations, depth)) => Ok(Queries::new(relations, depth)),
            None => Err("a subquery has no translation here".to_owned()),
        }
    }

    /// A query in the place of a value.
    pub(super) fn scalar(&mut self, select: &ast::Select<'_>) -> Outcome {
        let mut queries = self.queries()?;
        let mut selected = queries.query(select)?;
        let caveats = std::mem::take(&mut queries.caveats);
        self.caveats.extend(caveats);
        if !selected.single {
            return Err(
                "a subquery that may give several rows, of which SQLite takes the first".to_owned(),
            );
        }
        match (selected.results.pop(), selected.results.is_empty()) {
            (Some((_, result)), true) => {
                let mut typed = result;
                typed.tree = Expression::Subquery(Box::new(selected.query));
                typed.constant = None;
                typed.moment = None;
                typed.collation = None;
                Ok(typed)
            }
            _ => Err("a subquery of several columns in the place of a value".to_owned()),
        }
    }

    /// `EXISTS (SELECT …)`.
    pub(super) fn exists(&mut self, select: &ast::Select<'_>) -> Outcome {
        let mut queries = self.queries()?;
        let selected = queries.query(select)?;
        let caveats = std::mem::take(&mut queries.caveats);
        self.caveats.extend(caveats);
        Ok(Typed::bool(Expression::Exists(Box::new(selected.query))))
    }

    /// `x IN (SELECT …)`.
    pub(super) fn in_query(
        &mut self,
        of: &Expr<'_>,
        not: bool,
        select: &ast::Select<'_>,
    ) -> Outcome {
        let of = self.lower(of)?;
        let mut queries = self.queries()?;
        let selected = queries.query(select)?;
        let caveats = std::mem::take(&mut queries.caveats);
        self.caveats.extend(caveats);
        let [(_, result)] = selected.results.as_slice() else {
            return Err("IN a query of several columns".to_owned());
        };
        super::select::distinct(&of)?;
        super::select::distinct(result)?;
        if of.class != result.class || of.affinity != result.affinity {
            return Err("IN a query whose result is of another type or affinity".to_owned());
        }
        let among = Typed::bool(Expression::InQuery {
            of: Box::new(of.tree),
            query: Box::new(selected.query),
        });
        Ok(if not { negated(among) } else { among })
    }
}

fn aggregate(function: &'static str, distinct: bool, of: Option<Expression>) -> Expression {
    Expression::Aggregate {
        function,
        distinct,
        of: of.map(Box::new),
    }
}
