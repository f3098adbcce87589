//! JSON in columns that become jsonb: what a path finds, and comparisons with it.

use crate::mapping::expression::compare::Comparison;
use crate::mapping::expression::lower::{Lowering, Outcome};
use crate::mapping::expression::value::{Class, Typed};
use crate::mapping::expression::{Expression, Operator};
use crate::mapping::plan::PgType;
use crate::model::value::OwnedValue;
use sqlite3_parser::ast::Expr;

/// What jsonb prints otherwise.
const SPACED: &str = "an object or array that a path finds is written with blanks";

impl Lowering<'_> {
    /// `json_extract(x, path)`.
    pub(super) fn extract(&mut self, document: &Typed, path: &Typed) -> Outcome {
        let Some(steps) = path.constant_text().and_then(steps) else {
            return Err("a JSON path that is no literal, or not of the form $.a.b[0]".to_owned());
        };
        self.found(document, &steps)
    }

    /// `x -> path` and `x ->> path`.
    pub(super) fn arrow(&mut self, document: &Expr<'_>, value: bool, path: &Expr<'_>) -> Outcome {
        let (document, path) = (self.lower(document)?, self.lower(path)?);
        if !value {
            return Err(
                "`->` gives JSON as SQLite spells it, which jsonb does not keep".to_owned(),
            );
        }
        let found = match (path.constant_text(), path.constant_integer()) {
            (Some(text), _) if text.starts_with('$') => steps(text),
            (Some(text), _) => Some(vec![text.to_owned()]),
            (_, Some(index)) if index >= 0 => Some(vec![index.to_string()]),
            _ => None,
        };
        let Some(steps) = found else {
            return Err("a JSON path that is no literal, or not of the form $.a.b[0]".to_owned());
        };
        self.found(&document, &steps)
    }

    fn found(&mut self, document: &Typed, steps: &[String]) -> Outcome {
        if document.class == Class::Null {
            return Ok(Typed::constant(OwnedValue::Null));
        }
        if document.class != Class::Json {
            return Err(self.unfit(document, "is not in a column that becomes jsonb"));
        }
        let steps: Vec<Expression> = steps.iter().map(Expression::text).collect();
        let mut arguments = vec![document.tree.clone()];
        arguments.extend(steps);
        let found = Expression::call("jsonb_extract_path", arguments);
        let null = Expression::text("null").cast(PgType::Jsonb);
        Ok(Typed::new(
            Expression::call("nullif", vec![found, null]),
            Class::Found,
        ))
    }

    /// What a path finds, as text: a string without quotes, true as 1.
    pub(super) fn found_text(&mut self, found: &Expression) -> Expression {
        self.caveat(SPACED);
        let empty = Expression::Cast {
            of: Box::new(Expression::text("{}")),
            to: super::CastTo::Path,
        };
        let text = Expression::binary(Operator::JsonPathText, found.clone(), empty);
        let truth = |word: &str| {
            let word = Expression::text(word).cast(PgType::Jsonb);
            Expression::binary(Operator::Equal, found.clone(), word)
        };
        Expression::Case {
            arms: vec![
                (truth("true"), Expression::text("1")),
                (truth("false"), Expression::text("0")),
            ],
            otherwise: Some(Box::new(text)),
        }
    }
}

/// What a path finds against a literal: a string against a text, a number or a truth value
/// against a number.
pub(super) fn compare_found(how: Comparison, left: Typed, right: Typed) -> Outcome {
    let (found, literal) = if left.class == Class::Found {
        (left, right)
    } else {
        (right, left)
    };
    let not = match how {
        Comparison::Equal => false,
        Comparison::NotEqual => true,
        _ => {
            return Err("what a JSON path finds is compared otherwise than by = or <>".to_owned());
        }
    };
    let mut documents = Vec::new();
    match &literal.constant {
        Some(OwnedValue::Text(text)) => {
            documents.push(serde_json::Value::from(text.as_str()).to_string());
        }
        Some(OwnedValue::Integer(integer)) => {
            documents.push(integer.to_string());
            match integer {
                0 => documents.push("false".to_owned()),
                1 => documents.push("true".to_owned()),
                _ => {}
            }
        }
        _ => {
            return Err(
                "what a JSON path finds is compared with something that is no literal".to_owned(),
            );
        }
    }
    let list = documents
        .into_iter()
        .map(|document| Expression::text(document).cast(PgType::Jsonb));
    let among = Expression::In {
        of: Box::new(found.tree),
        list: list.collect(),
    };
    Ok(Typed::bool(if not { among.negated() } else { among }))
}

/// The steps of a path of keys and positions from the left.
fn steps(path: &str) -> Option<Vec<String>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(index) = rest.strip_prefix('[') {
            let (digits, after) = index.split_once(']')?;
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            if !plain || digits.len() > 9 {
                return None;
            }
            steps.push(digits.to_owned());
            rest = after;
        } else {
            let key = rest.strip_prefix('.')?;
            let end = key.find(['.', '[']).unwrap_or(key.len());
            let (key, after) = key.split_at(end);
            if key.is_empty() || key.contains('"') || key.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            steps.push(key.to_owned());
            rest = after;
        }
    }
    (!steps.is_empty()).then_some(steps)
}
