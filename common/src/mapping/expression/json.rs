//! JSON in columns that become jsonb: what a path finds, and comparisons with it.

use crate::mapping::expression::compare::Comparison;
use crate::mapping::expression::lower::{Lowering, Outcome};
use crate::mapping::expression::order::binary;
use crate::mapping::expression::value::{Class, Typed};
use crate::mapping::expression::{Expression, Operator};
use crate::mapping::plan::PgType;
use crate::model::value::OwnedValue;
use sqlite3_parser::ast::Expr;

/// What jsonb prints otherwise.
const SPACED: &str = "an object or array that a path finds is written with blanks";

/// Most nodes of what a path begins with, where it has to be named twice.
const MOST_OF_PATH: usize = 500;

/// One step of a path: PostgreSQL's own paths do not tell them apart.
enum Step {
    Key(String),
    Index(i32),
}

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
            (Some(text), _) if text.starts_with('[') => None,
            (Some(text), _) => key_of(text).map(|key| vec![key]),
            (_, Some(index)) => i32::try_from(index)
                .ok()
                .filter(|index| *index >= 0)
                .map(|index| vec![Step::Index(index)]),
            _ => None,
        };
        let Some(steps) = found else {
            return Err("a JSON path that is no literal, or not of the form $.a.b[0]".to_owned());
        };
        self.found(&document, &steps)
    }

    fn found(&mut self, document: &Typed, steps: &[Step]) -> Outcome {
        if document.class == Class::Null {
            return Ok(Typed::constant(OwnedValue::Null));
        }
        if document.class != Class::Json {
            return Err(self.unfit(document, "is not in a column that becomes jsonb"));
        }
        let mut found = document.tree.clone();
        for step in steps {
            found = match step {
                Step::Key(key) => {
                    Expression::call("jsonb_object_field", vec![found, Expression::text(key)])
                }
                Step::Index(index) => element(found, *index)?,
            };
        }
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
    if !binary(&found) || !binary(&literal) {
        return Err("what a JSON path finds is compared by a collation".to_owned());
    }
    let mut documents = Vec::new();
    match &literal.constant {
        Some(OwnedValue::Text(text)) if text.starts_with(['[', '{']) => {
            return Err("what a JSON path finds is compared with an array or object".to_owned());
        }
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

/// A key as it stands in documents; nothing where SQLite might read it otherwise.
fn key_of(key: &str) -> Option<Step> {
    let plain = !key.is_empty() && !key.contains(['"', '\\', '[', ']']);
    plain.then(|| Step::Key(key.to_owned()))
}

/// An element of an array, and of nothing else: the server takes a lone value for an array of one.
fn element(of: Expression, index: i32) -> Outcome<Expression> {
    let found = Expression::call(
        "jsonb_array_element",
        vec![of.clone(), Expression::Small(index)],
    );
    if index > 0 {
        return Ok(found);
    }
    if of.size(MOST_OF_PATH) > MOST_OF_PATH {
        return Err("a JSON path with many positions".to_owned());
    }
    let kind = Expression::call("jsonb_typeof", vec![of]);
    let array = Expression::binary(Operator::Equal, kind, Expression::text("array"));
    Ok(Expression::Case {
        arms: vec![(array, found)],
        otherwise: None,
    })
}

/// The steps of a path of keys and positions from the left.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(index) = rest.strip_prefix('[') {
            let (digits, after) = index.split_once(']')?;
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            if !plain || digits.len() > 9 {
                return None;
            }
            steps.push(Step::Index(digits.parse().ok()?));
            rest = after;
        } else {
            let key = rest.strip_prefix('.')?;
            let end = key.find(['.', '[']).unwrap_or(key.len());
            let (key, after) = key.split_at(end);
            steps.push(key_of(key)?);
            rest = after;
        }
    }
    (!steps.is_empty()).then_some(steps)
}
