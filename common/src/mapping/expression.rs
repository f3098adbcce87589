//! Expressions of the target: what defaults, checks, computed columns, indexes and views are made of.
//!
//! A closed tree. It never holds a word of SQL; `engine::postgres` writes it out. What of SQLite's
//! expressions becomes such a tree, and what is refused, is written in `docs/expressions.md`.

#[cfg(feature = "sqlite")]
mod aggregate;
mod budget;
#[cfg(feature = "sqlite")]
mod column;
#[cfg(feature = "sqlite")]
mod compare;
#[cfg(feature = "sqlite")]
mod functions;
#[cfg(feature = "sqlite")]
mod json;
#[cfg(feature = "sqlite")]
mod logic;
#[cfg(feature = "sqlite")]
mod lower;
#[cfg(feature = "sqlite")]
mod moment;
#[cfg(feature = "sqlite")]
mod number;
#[cfg(feature = "sqlite")]
mod order;
#[cfg(feature = "sqlite")]
mod parse;
#[cfg(feature = "sqlite")]
mod pattern;
pub mod query;
mod reads;
#[cfg(feature = "sqlite")]
mod select;
#[cfg(feature = "sqlite")]
mod text;
#[cfg(feature = "sqlite")]
mod translate;
#[cfg(not(feature = "sqlite"))]
#[path = "expression/without.rs"]
mod translate;
mod value;

use crate::mapping::expression::query::Query;
use crate::mapping::plan::PgType;
use crate::model::value::OwnedValue;

#[cfg(feature = "sqlite")]
pub use aggregate::AGGREGATES;
pub(super) use budget::Budget;
#[cfg(feature = "sqlite")]
pub use functions::FUNCTIONS;
pub(super) use translate::{Relation, Relations, check, computed, default, indexed, view};
pub(super) use value::{Class, Collation, Scope, ScopeColumn, Typed};

/// An expression on the columns of one table, or of a query's tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// A column, by its name in the target.
    Column(String),
    /// A column of a query's table, by the name the table has there.
    Qualified {
        /// The table's name in the query.
        table: String,
        /// The column's name in the target.
        column: String,
    },
    /// A value of a type, checked to be one.
    Literal {
        /// The value; NULL is a NULL of the type.
        value: OwnedValue,
        /// Its type.
        of: PgType,
    },
    /// A truth value.
    Boolean(bool),
    /// A number that a function wants as `integer`: a position, a count, a scale.
    Small(i32),
    /// A number with all its digits, of type numeric.
    Exact(String),
    /// A call of a function of `pg_catalog`.
    Call {
        /// The function's name.
        function: &'static str,
        /// Its arguments.
        arguments: Vec<Expression>,
    },
    /// An operator between two operands.
    Binary {
        /// The operator.
        operator: Operator,
        /// Its left operand.
        left: Box<Expression>,
        /// Its right operand.
        right: Box<Expression>,
    },
    /// True if all are.
    And(Vec<Expression>),
    /// True if one is.
    Or(Vec<Expression>),
    /// The contrary.
    Not(Box<Expression>),
    /// Whether a value is NULL.
    IsNull(Box<Expression>),
    /// The result of the first condition that is true.
    Case {
        /// Conditions and results.
        arms: Vec<(Expression, Expression)>,
        /// The result when none is.
        otherwise: Option<Box<Expression>>,
    },
    /// A value as one of another type.
    Cast {
        /// The value.
        of: Box<Expression>,
        /// The type.
        to: CastTo,
    },
    /// A text that compares by bytes, and of which only ASCII letters have a case.
    Collated(Box<Expression>),
    /// LIKE; without an escape character, a backslash is one of the pattern's own.
    Like {
        /// What is looked at.
        of: Box<Expression>,
        /// What it should look like.
        pattern: Box<Expression>,
        /// The escape character.
        escape: Option<char>,
    },
    /// Whether a value is among others.
    In {
        /// The value.
        of: Box<Expression>,
        /// The others.
        list: Vec<Expression>,
    },
    /// Whether a value is among the results of a query.
    InQuery {
        /// The value.
        of: Box<Expression>,
        /// The query.
        query: Box<Query>,
    },
    /// Whether a query has any result.
    Exists(Box<Query>),
    /// The one result of a query.
    Subquery(Box<Query>),
    /// An aggregate of the rows of a group.
    Aggregate {
        /// The function's name.
        function: &'static str,
        /// DISTINCT.
        distinct: bool,
        /// Its argument; none for all rows.
        of: Option<Box<Expression>>,
    },
}

/// Types that only casts name, beside those of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CastTo {
    /// A type of columns.
    Type(PgType),
    /// integer, which functions take where SQLite has but one size.
    Integer,
    /// text[], the keys of a path into JSON.
    Path,
}

/// Operators of PostgreSQL that an expression may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// =
    Equal,
    /// <>
    NotEqual,
    /// <
    Less,
    /// <=
    LessEqual,
    /// >
    Greater,
    /// >=
    GreaterEqual,
    /// IS NOT DISTINCT FROM
    Is,
    /// IS DISTINCT FROM
    IsNot,
    /// +
    Add,
    /// -
    Subtract,
    /// *
    Multiply,
    /// /
    Divide,
    /// %
    Modulo,
    /// ||
    Concat,
    /// &
    BitAnd,
    /// |
    BitOr,
    /// <<
    ShiftLeft,
    /// >>
    ShiftRight,
    /// ~ between texts: a regular expression
    Match,
    /// #> of jsonb
    JsonPath,
    /// #>> of jsonb
    JsonPathText,
}

impl Expression {
    /// A value of a type.
    pub(super) fn literal(value: OwnedValue, of: PgType) -> Expression {
        Expression::Literal { value, of }
    }

    /// A text.
    pub(crate) fn text(text: impl Into<String>) -> Expression {
        Expression::literal(OwnedValue::Text(text.into()), PgType::Text)
    }

    /// A 64-bit integer.
    pub(super) fn integer(integer: i64) -> Expression {
        Expression::literal(OwnedValue::Integer(integer), PgType::Bigint)
    }

    /// A double.
    pub(super) fn real(real: f64) -> Expression {
        Expression::literal(OwnedValue::Real(real), PgType::Double)
    }

    /// NULL of a type.
    pub(super) fn null(of: PgType) -> Expression {
        Expression::literal(OwnedValue::Null, of)
    }

    /// A call.
    pub(super) fn call(function: &'static str, arguments: Vec<Expression>) -> Expression {
        Expression::Call {
            function,
            arguments,
        }
    }

    /// An operator between two operands.
    pub(super) fn binary(operator: Operator, left: Expression, right: Expression) -> Expression {
        Expression::Binary {
            operator,
            left: Box::new(left),
            right: Box::new(right),
        }
    }

    /// This as a value of another type.
    pub(super) fn cast(self, to: PgType) -> Expression {
        Expression::Cast {
            of: Box::new(self),
            to: CastTo::Type(to),
        }
    }

    /// This as an `integer`.
    pub(super) fn small(self) -> Expression {
        match self {
            Expression::Literal {
                value: OwnedValue::Integer(integer),
                ..
            } if i32::try_from(integer).is_ok() => {
                Expression::Small(i32::try_from(integer).unwrap_or_default())
            }
            other => Expression::Cast {
                of: Box::new(other),
                to: CastTo::Integer,
            },
        }
    }

    /// Number of pieces, those of queries in it too: one a node, and one more for every 64 bytes of a
    /// name or value. Counting ends once it is over `most`.
    pub(super) fn size(&self, most: usize) -> usize {
        size(vec![self], most)
    }

    /// Length of the name or value that it holds, in bytes.
    fn length(&self) -> usize {
        match self {
            Expression::Column(name) | Expression::Exact(name) => name.len(),
            Expression::Qualified { table, column } => table.len() + column.len(),
            Expression::Literal { value, .. } => match value {
                OwnedValue::Text(text) => text.len(),
                OwnedValue::Blob(bytes) => bytes.len(),
                _ => 0,
            },
            _ => 0,
        }
    }

    /// The query that it asks.
    fn query(&self) -> Option<&Query> {
        match self {
            Expression::Exists(query)
            | Expression::Subquery(query)
            | Expression::InQuery { query, .. } => Some(query),
            _ => None,
        }
    }

    /// The columns that it uses, by their names in the target; not those of queries in it.
    pub(super) fn columns(&self) -> std::collections::BTreeSet<&str> {
        let mut pending = vec![self];
        let mut columns = std::collections::BTreeSet::new();
        while let Some(tree) = pending.pop() {
            if let Expression::Column(name) = tree {
                columns.insert(name.as_str());
            }
            tree.parts(&mut pending);
        }
        columns
    }

    /// Whether it is the same for all rows of a group: made of the group's keys and of aggregates.
    #[cfg(feature = "sqlite")]
    pub(super) fn is_grouped(&self, keys: &[Expression]) -> bool {
        let mut pending = vec![self];
        while let Some(tree) = pending.pop() {
            match tree {
                tree if keys.contains(tree) => {}
                Expression::Column(_) | Expression::Qualified { .. } => return false,
                Expression::Aggregate { .. } => {}
                tree => tree.parts(&mut pending),
            }
        }
        true
    }

    fn parts<'e>(&'e self, parts: &mut Vec<&'e Expression>) {
        match self {
            Expression::Column(_)
            | Expression::Qualified { .. }
            | Expression::Literal { .. }
            | Expression::Boolean(_)
            | Expression::Small(_)
            | Expression::Exact(_)
            | Expression::Exists(_)
            | Expression::Subquery(_) => {}
            Expression::Call { arguments, .. } => parts.extend(arguments),
            Expression::Binary { left, right, .. } => parts.extend([&**left, &**right]),
            Expression::And(conditions) | Expression::Or(conditions) => parts.extend(conditions),
            Expression::Not(of)
            | Expression::IsNull(of)
            | Expression::Collated(of)
            | Expression::Cast { of, .. }
            | Expression::InQuery { of, .. } => parts.push(of),
            Expression::Aggregate { of, .. } => parts.extend(of.as_deref()),
            Expression::Case { arms, otherwise } => {
                parts.extend(arms.iter().flat_map(|(when, then)| [when, then]));
                parts.extend(otherwise.as_deref());
            }
            Expression::Like { of, pattern, .. } => parts.extend([&**of, &**pattern]),
            Expression::In { of, list } => {
                parts.push(of);
                parts.extend(list);
            }
        }
    }

    /// The contrary of a condition.
    pub(super) fn negated(self) -> Expression {
        match self {
            Expression::Not(inner) => *inner,
            other => Expression::Not(Box::new(other)),
        }
    }

    /// Whether this is NULL.
    pub(super) fn null_test(self) -> Expression {
        Expression::IsNull(Box::new(self))
    }
}

/// Bytes of a name or value that count as one piece.
const PIECE: usize = 64;

/// Number of pieces of these expressions and all below them, up to a little more than `most`.
fn size(mut pending: Vec<&Expression>, most: usize) -> usize {
    let mut pieces = 0_usize;
    while let Some(tree) = pending.pop() {
        pieces = pieces.saturating_add(1 + tree.length() / PIECE);
        if pieces > most {
            break;
        }
        tree.parts(&mut pending);
        if let Some(query) = tree.query() {
            query.parts(&mut pending);
        }
    }
    pieces
}
