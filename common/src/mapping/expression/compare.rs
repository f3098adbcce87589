//! Comparisons: by SQLite's affinities first, then by class and collation.

use crate::mapping::expression::json::compare_found;
use crate::mapping::expression::lower::{Lowering, Outcome};
use crate::mapping::expression::number::{EXACT, exact_decimal, text_number};
use crate::mapping::expression::value::{Class, Collation, Spelling, Typed};
use crate::mapping::expression::{Expression, Operator};
use crate::mapping::plan::PgType;
use crate::model::forms;
use crate::model::schema::Affinity;
use crate::model::value::OwnedValue;

/// What two values are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Is,
    IsNot,
}

impl Comparison {
    fn operator(self) -> Operator {
        match self {
            Comparison::Equal => Operator::Equal,
            Comparison::NotEqual => Operator::NotEqual,
            Comparison::Less => Operator::Less,
            Comparison::LessEqual => Operator::LessEqual,
            Comparison::Greater => Operator::Greater,
            Comparison::GreaterEqual => Operator::GreaterEqual,
            Comparison::Is => Operator::Is,
            Comparison::IsNot => Operator::IsNot,
        }
    }

    /// Whether the order of the values counts, not only whether they are equal.
    fn is_order(self) -> bool {
        matches!(
            self,
            Comparison::Less
                | Comparison::LessEqual
                | Comparison::Greater
                | Comparison::GreaterEqual
        )
    }
}

/// Where integers meet doubles.
pub(super) const ROUNDED: &str = "an integer beyond 2^53 is rounded before it meets a real";

impl Lowering<'_> {
    pub(super) fn compare(&mut self, how: Comparison, left: Typed, right: Typed) -> Outcome {
        let (left, right) = self.with_affinities(left, right)?;
        if left.class == Class::Null || right.class == Class::Null {
            return Ok(against_null(how, left, right));
        }
        if left.class.is_number() && right.class.is_number() {
            return self.compare_numbers(how, left, right);
        }
        if left.class == Class::Found || right.class == Class::Found {
            return compare_found(how, left, right);
        }
        let operator = how.operator();
        if left.class == Class::Blob && right.class == Class::Blob {
            let tree = Expression::binary(operator, left.tree, right.tree);
            return Ok(Typed::bool(tree));
        }
        if !left.class.is_text() || !right.class.is_text() {
            let other = if left.class.is_text() { &right } else { &left };
            if other.class == Class::Moment {
                return Err(self.respelled(other));
            }
            if matches!(other.class, Class::Opaque | Class::Json) {
                return Err(self.unfit(other, "compares by a spelling that is not kept"));
            }
            return Err(format!(
                "{} is compared with {}, and SQLite sorts all of the one kind before all of the other",
                left.class.words(),
                right.class.words()
            ));
        }
        if let Some((left, right)) = same_type(&left, &right) {
            return Ok(Typed::bool(Expression::binary(operator, left, right)));
        }
        let collation = collation(&left, &right)?;
        let (left, right) = (self.texted(left)?, self.texted(right)?);
        Ok(Typed::bool(match collation {
            Collation::Binary if how.is_order() => {
                Expression::binary(operator, left.ascii(), right.tree)
            }
            Collation::Binary => Expression::binary(operator, left.tree, right.tree),
            _ => {
                let left = folded(left, &collation);
                Expression::binary(operator, left, folded(right, &collation))
            }
        }))
    }

    /// Datatypes In SQLite, section 4.2: a number's affinity is applied to texts, a text's to
    /// numbers.
    fn with_affinities(&mut self, left: Typed, right: Typed) -> Outcome<(Typed, Typed)> {
        let (of_left, of_right) = (left.affinity, right.affinity);
        let left = self.with_affinity(left, of_left, of_right)?;
        let right = self.with_affinity(right, of_right, of_left)?;
        Ok((left, right))
    }

    fn with_affinity(
        &mut self,
        typed: Typed,
        own: Option<Affinity>,
        other: Option<Affinity>,
    ) -> Outcome {
        match (own, other) {
            (
                None | Some(Affinity::Text | Affinity::Blob),
                Some(Affinity::Integer | Affinity::Real | Affinity::Numeric),
            ) if typed.class.is_text() => {
                if let Some(text) = typed.constant_text() {
                    return Ok(text_number(text).map_or_else(|| typed.clone(), Typed::constant));
                }
                let sure = typed.class != Class::Text || typed.spelling == Spelling::NoNumber;
                if sure {
                    return Ok(typed);
                }
                Err("a text is compared with a column of numeric affinity, for which SQLite turns texts into numbers".to_owned())
            }
            (None | Some(Affinity::Blob), Some(Affinity::Text)) if typed.class.is_number() => {
                self.texted(typed)
            }
            _ => Ok(typed),
        }
    }

    fn compare_numbers(&mut self, how: Comparison, left: Typed, right: Typed) -> Outcome {
        if let Some(tree) = truth_test(how, &left, &right).or(truth_test(how, &right, &left)) {
            return Ok(Typed::bool(tree));
        }
        let operator = how.operator();
        if left.class == Class::Bool && right.class == Class::Bool {
            let tree = Expression::binary(operator, left.tree, right.tree);
            return Ok(Typed::bool(tree));
        }
        let (left, right) = (left.counted(), right.counted());
        let double = |class| matches!(class, Class::Real | Class::Float);
        let (left, right) = if double(left.class) == double(right.class) {
            (left.tree, right.tree)
        } else if let (false, Some(decimal)) = (double(left.class), exact_decimal(&right)) {
            (left.tree, decimal)
        } else if let (false, Some(decimal)) = (double(right.class), exact_decimal(&left)) {
            (decimal, right.tree)
        } else {
            (self.doubled(left)?, self.doubled(right)?)
        };
        Ok(Typed::bool(Expression::binary(operator, left, right)))
    }

    /// A value as a double, noting where that rounds.
    pub(super) fn doubled(&mut self, typed: Typed) -> Outcome<Expression> {
        let typed = typed.counted();
        match (typed.class, typed.constant_integer()) {
            (Class::Real | Class::Float, _) => Ok(typed.tree),
            #[expect(clippy::cast_precision_loss, reason = "within 2^53, so exact")]
            (Class::Int, Some(integer)) if (-EXACT..=EXACT).contains(&integer) => {
                Ok(Expression::real(integer as f64))
            }
            (Class::Int, _) => {
                self.caveat(ROUNDED);
                Ok(typed.tree.cast(PgType::Double))
            }
            (Class::Number, _) => Ok(typed.tree.cast(PgType::Double)),
            _ => Err(self.unfit(&typed, "is no number")),
        }
    }
}

/// `flag = 1`, `flag <> 0` and the like, of a truth value.
fn truth_test(how: Comparison, flag: &Typed, with: &Typed) -> Option<Expression> {
    let with = with.constant_integer()?;
    if flag.class != Class::Bool || flag.constant.is_some() || !matches!(with, 0 | 1) {
        return None;
    }
    let flag_itself = (how == Comparison::Equal) == (with == 1);
    match how {
        Comparison::Equal | Comparison::NotEqual if flag_itself => Some(flag.tree.clone()),
        Comparison::Equal | Comparison::NotEqual => Some(flag.tree.clone().negated()),
        Comparison::Is | Comparison::IsNot => Some(Expression::binary(
            how.operator(),
            flag.tree.clone(),
            Expression::Boolean(with == 1),
        )),
        _ => None,
    }
}

fn against_null(how: Comparison, left: Typed, right: Typed) -> Typed {
    let other = if left.class == Class::Null {
        right
    } else {
        left
    };
    let is_null = other.tree.null_test();
    Typed::bool(match how {
        Comparison::Is => is_null,
        Comparison::IsNot => is_null.negated(),
        _ => Expression::null(PgType::Boolean),
    })
}

/// Two values that compare as what they are, not as the texts they are in SQLite: the order is the
/// same.
fn same_type(left: &Typed, right: &Typed) -> Option<(Expression, Expression)> {
    if left.class == right.class && left.class != Class::Text {
        return Some((left.tree.clone(), right.tree.clone()));
    }
    if let Some(right) = literal_of(left.class, right) {
        return Some((left.tree.clone(), right));
    }
    let left = literal_of(right.class, left)?;
    Some((left, right.tree.clone()))
}

/// A literal text as a value of the class that is spelled exactly so.
fn literal_of(class: Class, typed: &Typed) -> Option<Expression> {
    let text = typed.constant_text()?;
    let is_one = match class {
        Class::Date => forms::date(text).is_some(),
        Class::Timestamp => forms::timestamp(text).is_some() && forms::is_plain_time(text),
        Class::Uuid => forms::uuid(text).is_some() && !forms::has_upper(text),
        _ => false,
    };
    is_one.then(|| Expression::literal(OwnedValue::Text(text.to_owned()), class.pg_type()))
}

/// The collation by which two texts compare: COLLATE first, then a column's own, the left one's
/// before the right one's.
pub(super) fn collation(left: &Typed, right: &Typed) -> Outcome<Collation> {
    let said = |typed: &Typed, explicit| {
        let own = typed.collation.as_ref();
        own.filter(|own| own.1 == explicit).map(|own| own.0.clone())
    };
    let found = said(left, true)
        .or(said(right, true))
        .or(said(left, false))
        .or(said(right, false));
    match found {
        None => Ok(Collation::Binary),
        Some(Collation::Other(name)) => {
            Err(format!("the collation `{name}` is the application's own"))
        }
        Some(known) => Ok(known),
    }
}

/// The form of a text under which texts are equal that the collation takes for equal.
pub(super) fn folded(typed: Typed, collation: &Collation) -> Expression {
    match collation {
        Collation::NoCase => {
            if let Some(text) = typed.constant_text() {
                return Expression::text(text.to_ascii_lowercase());
            }
            Expression::call("lower", vec![typed.ascii()])
        }
        Collation::Rtrim => {
            if let Some(text) = typed.constant_text() {
                return Expression::text(text.trim_end_matches(' '));
            }
            let blank = Expression::text(" ");
            Expression::call("rtrim", vec![typed.ascii(), blank])
        }
        Collation::Binary | Collation::Other(_) => typed.tree,
    }
}
