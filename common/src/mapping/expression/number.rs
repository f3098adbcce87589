//! Arithmetic: integers stay integers, reals reals, and what SQLite forgives is forgiven.

use crate::mapping::expression::lower::{Lowering, Outcome};
use crate::mapping::expression::value::{Class, Spelling, Typed};
use crate::mapping::expression::{Expression, Operator};
use crate::mapping::plan::PgType;
use crate::model::value::OwnedValue;

/// Integers up to here, and down to its negative, are doubles as well.
pub(super) const EXACT: i64 = 1 << 53;
/// From here on every double is whole.
const WHOLE: f64 = 4_503_599_627_370_496.0;
/// 2^60, and its reciprocal with all digits.
const SHIFT: f64 = 1_152_921_504_606_846_976.0;
const UNSHIFT: &str = "0.000000000000000000867361737988403547205962240695953369140625";

/// Where results leave 64 bits.
pub(super) const OVERFLOW: &str =
    "a result out of range is an error, where SQLite would go on with a real or infinity";
/// Where a text is a number of more digits than a double has.
const ROUNDED: &str = "a text that begins with an integer beyond 2^53 is rounded to a double first";
/// The number that a text begins with, by SQLite's rules.
const NUMBER_PREFIX: &str =
    r"^[ \t\n\v\f\r]*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)";

/// The five operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Arithmetic {
    fn operator(self) -> Operator {
        match self {
            Arithmetic::Add => Operator::Add,
            Arithmetic::Subtract => Operator::Subtract,
            Arithmetic::Multiply => Operator::Multiply,
            Arithmetic::Divide => Operator::Divide,
            Arithmetic::Modulo => Operator::Modulo,
        }
    }
}

impl Lowering<'_> {
    pub(super) fn arithmetic(&mut self, how: Arithmetic, left: Typed, right: Typed) -> Outcome {
        let (left, right) = (self.operand(left)?, self.operand(right)?);
        if left.class == Class::Null || right.class == Class::Null {
            return Ok(Typed::constant(OwnedValue::Null));
        }
        self.caveat(OVERFLOW);
        let operator = how.operator();
        if left.class == Class::Int && right.class == Class::Int {
            let right = match how {
                Arithmetic::Divide | Arithmetic::Modulo => not_zero(right),
                _ => right.tree,
            };
            let tree = Expression::binary(operator, left.tree, right);
            return Ok(Typed::new(tree, Class::Int));
        }
        let real = left.class == Class::Real || right.class == Class::Real;
        match how {
            Arithmetic::Modulo => {
                return Err("`%` of numbers that are no integers has no translation".to_owned());
            }
            Arithmetic::Divide if !real => {
                return Err("`/` of numbers of which some are integers and some are not: SQLite divides integers without a rest".to_owned());
            }
            _ => {}
        }
        let class = if real { Class::Real } else { Class::Float };
        let is_finite = |typed: &Typed| {
            let zero = matches!(how, Arithmetic::Multiply | Arithmetic::Divide);
            match typed.constant {
                Some(OwnedValue::Real(real)) => !zero || real != 0.0,
                Some(OwnedValue::Integer(integer)) => !zero || integer != 0,
                // A divisor of any kind may be zero, or infinite.
                _ => typed.class == Class::Int && !zero,
            }
        };
        let is_number = is_finite(&right) || how != Arithmetic::Divide && is_finite(&left);
        let left = self.doubled(left)?;
        let right = self.doubled(right)?;
        let right = match how {
            Arithmetic::Divide => not_zero(Typed::new(right, Class::Real)),
            _ => right,
        };
        let tree = Expression::binary(operator, left, right);
        let tree = if is_number { tree } else { null_of_nan(tree) };
        Ok(Typed::new(tree, class))
    }

    /// An operand as SQLite reckons with it: a text is the number it begins with.
    fn operand(&mut self, typed: Typed) -> Outcome {
        match typed.class {
            Class::Null | Class::Int | Class::Real | Class::Float | Class::Number => Ok(typed),
            Class::Bool => Ok(typed.counted()),
            Class::Text => {
                if typed.spelling != Spelling::Digits {
                    self.caveat(ROUNDED);
                }
                Ok(text_as_number(typed))
            }
            _ => Err(self.unfit(&typed, "is no operand of arithmetic")),
        }
    }

    /// CAST to INTEGER: towards zero.
    pub(super) fn truncated(&mut self, typed: Typed) -> Outcome {
        let typed = typed.counted();
        match (typed.class, typed.spelling) {
            (Class::Int, _) => Ok(typed),
            (Class::Real | Class::Float | Class::Number, _) => {
                self.caveat(OVERFLOW);
                let tree = Expression::call("trunc", vec![typed.tree]);
                Ok(Typed::new(tree.cast(PgType::Bigint), Class::Int))
            }
            (Class::Text, Spelling::Digits) => {
                Ok(Typed::new(typed.tree.cast(PgType::Bigint), Class::Int))
            }
            _ => Err(self.unfit(&typed, "has no translation as an integer")),
        }
    }

    /// An operand of a bit operation.
    pub(super) fn whole(&mut self, typed: Typed, operator: &str) -> Outcome<Expression> {
        let typed = typed.counted();
        match typed.class {
            Class::Int => Ok(typed.tree),
            Class::Null => Ok(Expression::null(PgType::Bigint)),
            _ => {
                let what = format!("is no operand of `{operator}`");
                Err(self.unfit(&typed, &what))
            }
        }
    }

    pub(super) fn bits(
        &mut self,
        operator: Operator,
        shown: &str,
        left: Typed,
        right: Typed,
    ) -> Outcome {
        let (left, right) = (self.whole(left, shown)?, self.whole(right, shown)?);
        let tree = Expression::binary(operator, left, right);
        Ok(Typed::new(tree, Class::Int))
    }

    /// A shift by a literal number of bits; SQLite turns round for negative ones.
    pub(super) fn shift(&mut self, operator: Operator, left: Typed, by: &Typed) -> Outcome {
        let left = self.whole(left, "<<")?;
        match by.constant_integer().map(i32::try_from) {
            Some(Ok(by)) if (0..64).contains(&by) => {
                let tree = Expression::binary(operator, left, Expression::Small(by));
                Ok(Typed::new(tree, Class::Int))
            }
            _ => Err("a shift by anything but 0 to 63 has no translation".to_owned()),
        }
    }

    /// `abs(x)`.
    pub(super) fn absolute(&mut self, typed: Typed) -> Outcome {
        let typed = typed.counted();
        match typed.class {
            Class::Null => Ok(typed),
            Class::Int | Class::Real | Class::Float | Class::Number => {
                self.caveat(OVERFLOW);
                let tree = Expression::call("abs", vec![typed.tree]);
                Ok(Typed::new(tree, typed.class))
            }
            _ => Err(self.unfit(&typed, "is no operand of abs()")),
        }
    }

    /// `round(x, digits)`: halves away from zero, of the double as it is and not as it prints.
    pub(super) fn rounded(&mut self, typed: Typed, digits: Option<&Typed>) -> Outcome {
        if typed.class == Class::Null {
            return Ok(typed);
        }
        if !typed.class.is_number() {
            return Err(self.unfit(&typed, "is no operand of round()"));
        }
        let digits = match digits.map(Typed::constant_integer) {
            None => 0,
            Some(Some(digits)) => i32::try_from(digits.clamp(0, 30)).unwrap_or(30),
            Some(None) => {
                return Err("round() to a number of digits that is no literal".to_owned());
            }
        };
        let whole = matches!(typed.class, Class::Int | Class::Bool);
        let value = self.doubled(typed)?;
        if whole {
            return Ok(Typed::new(value, Class::Real));
        }
        let magnitude = Expression::call("abs", vec![value.clone()]);
        let large = Expression::binary(Operator::GreaterEqual, magnitude, Expression::real(WHOLE));
        let small = fraction_rounded(&value, digits);
        let tree = Expression::Case {
            arms: vec![(large, value)],
            otherwise: Some(Box::new(small)),
        };
        Ok(Typed::new(tree, Class::Real))
    }
}

/// The number that a text begins with; 0 where it begins with none.
fn text_as_number(typed: Typed) -> Typed {
    if typed.spelling == Spelling::Digits {
        return Typed::new(typed.tree.cast(PgType::Bigint), Class::Int);
    }
    let pattern = Expression::text(NUMBER_PREFIX);
    let null = typed.tree.clone().null_test();
    let found = Expression::call("substring", vec![typed.tree, pattern]);
    let number = coalesce(vec![found.cast(PgType::Double), Expression::real(0.0)]);
    let tree = Expression::Case {
        arms: vec![(null.negated(), number)],
        otherwise: None,
    };
    Typed::new(tree, Class::Float)
}

/// The whole part and the fraction, each exact, as one decimal number, which is then rounded.
fn fraction_rounded(value: &Expression, digits: i32) -> Expression {
    let whole = Expression::call("trunc", vec![value.clone()]);
    let fraction = Expression::binary(Operator::Subtract, value.clone(), whole.clone());
    let scaled = Expression::binary(Operator::Multiply, fraction, Expression::real(SHIFT));
    let exact = Expression::binary(
        Operator::Multiply,
        scaled.cast(PgType::Bigint).cast(PgType::Numeric),
        Expression::Exact(UNSHIFT.to_owned()),
    );
    let sum = Expression::binary(Operator::Add, whole.cast(PgType::Bigint), exact);
    Expression::call("round", vec![sum, Expression::Small(digits)]).cast(PgType::Double)
}

/// What is no number, such as infinity minus infinity, is NULL in SQLite.
pub(super) fn null_of_nan(real: Expression) -> Expression {
    let nan = Expression::text("NaN").cast(PgType::Double);
    Expression::call("nullif", vec![real, nan])
}

/// Division by zero gives NULL in SQLite.
fn not_zero(divisor: Typed) -> Expression {
    let zero = match (&divisor.constant, divisor.class) {
        (Some(OwnedValue::Integer(integer)), _) if *integer != 0 => return divisor.tree,
        (Some(OwnedValue::Real(real)), _) if *real != 0.0 => return divisor.tree,
        (_, Class::Int) => Expression::integer(0),
        _ => Expression::real(0.0),
    };
    if let Expression::Literal {
        value: OwnedValue::Real(real),
        ..
    } = &divisor.tree
        && *real != 0.0
    {
        return divisor.tree;
    }
    Expression::call("nullif", vec![divisor.tree, zero])
}

pub(super) fn coalesce(arguments: Vec<Expression>) -> Expression {
    Expression::call("coalesce", arguments)
}

/// A literal real with all its digits, to compare integers and numerics with.
pub(super) fn exact_decimal(typed: &Typed) -> Option<Expression> {
    match typed.constant {
        Some(OwnedValue::Real(real)) if real.is_finite() => {
            Some(Expression::Exact(format!("{real}")))
        }
        _ => None,
    }
}

/// The number that a text is for a column of numeric affinity, if it is one: blanks around it do
/// not count.
pub(super) fn text_number(text: &str) -> Option<OwnedValue> {
    let text = text.trim_matches(|c: char| matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r'));
    let numeric =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    if text.is_empty() || !text.bytes().all(numeric) {
        return None;
    }
    if let Ok(integer) = text.parse() {
        return Some(OwnedValue::Integer(integer));
    }
    let real: f64 = text.parse().ok()?;
    real.is_finite().then_some(OwnedValue::Real(real))
}
