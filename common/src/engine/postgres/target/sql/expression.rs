//! Expressions as SQL.
//!
//! Functions are named without schema: the statements run with a `search_path` of `pg_catalog`, and
//! what they make keeps what was meant. Every operator stands in parentheses.

use crate::engine::postgres::name::{bytea_literal, identifier, literal};
use crate::fault::{Code, Fault, Result};
use crate::mapping::expression::{CastTo, Expression, Operator};
use crate::mapping::plan::PgType;
use crate::model::value::OwnedValue;

use super::super::encode::fits;
use super::query::query;

/// An expression without queries as SQL.
pub(in crate::engine::postgres::target) fn expression(tree: &Expression) -> Result<String> {
    within(tree, "")
}

/// An expression as SQL; its queries read relations of `schema`.
pub(super) fn within(tree: &Expression, schema: &str) -> Result<String> {
    Ok(match tree {
        Expression::Column(name) => identifier(name)?,
        Expression::Qualified { table, column } => {
            format!("{}.{}", identifier(table)?, identifier(column)?)
        }
        Expression::Literal {
            value: OwnedValue::Null,
            of,
        } => format!("NULL::{}", of.name()),
        Expression::Literal { value, of } => value_of(value, *of)?,
        Expression::Boolean(truth) => truth.to_string(),
        Expression::Small(number) if *number < 0 => format!("({number})"),
        Expression::Small(number) => number.to_string(),
        Expression::Exact(digits) => format!("{}::numeric", literal(digits)?),
        Expression::Call {
            function,
            arguments,
        } => format!("{function}({})", list(arguments, ", ", schema)?),
        Expression::Binary {
            operator,
            left,
            right,
        } => {
            let (left, right) = (within(left, schema)?, within(right, schema)?);
            format!("({left} {} {right})", spelled(*operator))
        }
        Expression::And(conditions) => format!("({})", list(conditions, " AND ", schema)?),
        Expression::Or(conditions) => format!("({})", list(conditions, " OR ", schema)?),
        Expression::Not(condition) => format!("(NOT {})", within(condition, schema)?),
        Expression::IsNull(value) => format!("({} IS NULL)", within(value, schema)?),
        Expression::Case { arms, otherwise } => case(arms, otherwise.as_deref(), schema)?,
        Expression::Cast { of, to } => format!("{}::{}", within(of, schema)?, cast_name(*to)),
        Expression::Collated(value) => format!("({} COLLATE \"C\")", within(value, schema)?),
        Expression::Like {
            of,
            pattern,
            escape,
        } => {
            let escape = escape.map_or_else(String::new, String::from);
            let (of, pattern) = (within(of, schema)?, within(pattern, schema)?);
            format!("({of} LIKE {pattern} ESCAPE {})", literal(&escape)?)
        }
        Expression::InQuery { of, query: own } => {
            format!("({} IN ({}))", within(of, schema)?, query(own, schema)?)
        }
        Expression::Exists(own) => format!("(EXISTS ({}))", query(own, schema)?),
        Expression::Subquery(own) => format!("({})", query(own, schema)?),
        Expression::Aggregate {
            function,
            distinct,
            of,
        } => {
            let word = if *distinct { "DISTINCT " } else { "" };
            let of = match of {
                Some(of) => within(of, schema)?,
                None => "*".to_owned(),
            };
            format!("{function}({word}{of})")
        }
        Expression::In { of, list: values } => {
            format!(
                "({} IN ({}))",
                within(of, schema)?,
                list(values, ", ", schema)?
            )
        }
    })
}

/// A literal, once more checked to be a value of its type: a text such as `now` would have the
/// server compute something.
fn value_of(value: &OwnedValue, of: PgType) -> Result<String> {
    let bug = |what: String| Err(Fault::new(Code::Bug, what));
    if !fits(&value.as_value(), of, &[]) {
        return bug(format!("a literal of an expression is no {}", of.name()));
    }
    let text = match value {
        OwnedValue::Blob(bytes) => return Ok(bytea_literal(bytes)),
        OwnedValue::Integer(integer) => integer.to_string(),
        OwnedValue::Real(real) => format!("{real:?}"),
        OwnedValue::Text(text) => text.clone(),
        OwnedValue::Null | OwnedValue::RawText(_) => {
            return bug("a literal of an expression has no text".to_owned());
        }
    };
    Ok(format!("{}::{}", literal(&text)?, of.name()))
}

fn list(trees: &[Expression], between: &str, schema: &str) -> Result<String> {
    let trees = trees.iter().map(|tree| within(tree, schema));
    Ok(trees.collect::<Result<Vec<_>>>()?.join(between))
}

fn case(
    arms: &[(Expression, Expression)],
    otherwise: Option<&Expression>,
    schema: &str,
) -> Result<String> {
    let mut sql = String::from("(CASE");
    for (condition, result) in arms {
        let (condition, result) = (within(condition, schema)?, within(result, schema)?);
        sql.extend([" WHEN ", &condition, " THEN ", &result]);
    }
    if let Some(otherwise) = otherwise {
        sql.push_str(" ELSE ");
        sql.push_str(&within(otherwise, schema)?);
    }
    sql.push_str(" END)");
    Ok(sql)
}

fn cast_name(to: CastTo) -> std::borrow::Cow<'static, str> {
    match to {
        CastTo::Type(to) => PgType::name(to),
        CastTo::Integer => "integer".into(),
        CastTo::Path => "text[]".into(),
    }
}

fn spelled(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal => "=",
        Operator::NotEqual => "<>",
        Operator::Less => "<",
        Operator::LessEqual => "<=",
        Operator::Greater => ">",
        Operator::GreaterEqual => ">=",
        Operator::Is => "IS NOT DISTINCT FROM",
        Operator::IsNot => "IS DISTINCT FROM",
        Operator::Add => "+",
        Operator::Subtract => "-",
        Operator::Multiply => "*",
        Operator::Divide => "/",
        Operator::Modulo => "%",
        Operator::Concat => "||",
        Operator::BitAnd => "&",
        Operator::BitOr => "|",
        Operator::ShiftLeft => "<<",
        Operator::ShiftRight => ">>",
        Operator::Match => "~",
        Operator::JsonPath => "#>",
        Operator::JsonPathText => "#>>",
    }
}
