//! What an expression gives once it stands in a column: SQLite's affinity first, then the type.

use crate::mapping::expression::Expression;
use crate::mapping::expression::lower::{Lowering, Outcome};
use crate::mapping::expression::number::{exact_decimal, text_number};
use crate::mapping::expression::value::{Class, Shown, Spelling, Typed};
use crate::mapping::plan::PgType;
use crate::model::schema::Affinity;

impl Lowering<'_> {
    /// The type of a computed column of this affinity, and what it gives there.
    pub(super) fn computed(&mut self, typed: Typed, affinity: Affinity) -> Outcome {
        let mut stored = match (typed.class, affinity) {
            (Class::Null, _) => {
                return Err("it is always NULL".to_owned());
            }
            (Class::Int | Class::Bool | Class::Found, Affinity::Text) => self.texted(typed)?,
            (Class::Int | Class::Bool, Affinity::Real) => {
                Typed::new(self.doubled(typed)?, Class::Real)
            }
            (Class::Int | Class::Bool | Class::Float | Class::Number, _)
            | (Class::Real, Affinity::Real | Affinity::Blob)
                if affinity != Affinity::Text =>
            {
                typed
            }
            // A whole real becomes an integer.
            (Class::Real, Affinity::Integer | Affinity::Numeric) => {
                Typed::new(typed.tree, Class::Float)
            }
            (Class::Text, _) => text_of_affinity(typed, affinity)?,
            (Class::Blob | Class::Date | Class::Timestamp | Class::Uuid, _) => typed,
            _ => {
                let what = "has no translation in a computed column of this affinity";
                return Err(self.unfit(&typed, what));
            }
        };
        stored.affinity = Some(affinity);
        stored.constant = None;
        stored.moment = None;
        Ok(stored)
    }

    /// A default as a value of the column's type.
    pub(super) fn default_of(
        &mut self,
        typed: Typed,
        affinity: Affinity,
        target: PgType,
    ) -> Outcome<Expression> {
        if typed.class == Class::Null {
            return Ok(Expression::null(target));
        }
        let shown = typed.moment.as_ref().map(|moment| moment.shown);
        let moment = typed.moment.as_ref().map(|moment| moment.timestamp.clone());
        if let (Some(shown), Some(moment)) = (shown, moment)
            && target != PgType::Text
        {
            return at_moment(moment, shown, target)
                .ok_or_else(|| format!("it gives no value of type {}", target.name()));
        }
        match (target, typed.class) {
            (PgType::Text, Class::Text) => Ok(text_of_affinity(typed, affinity)?.tree),
            (PgType::Text, Class::Int | Class::Bool) if affinity == Affinity::Text => {
                Ok(self.texted(typed)?.tree)
            }
            (PgType::Bytea, Class::Blob) | (PgType::Boolean, Class::Bool) => Ok(typed.tree),
            (PgType::Boolean, Class::Int) => match typed.constant_integer() {
                Some(flag @ (0 | 1)) => Ok(Expression::Boolean(flag == 1)),
                _ => Err("it gives an integer that need not be 0 or 1".to_owned()),
            },
            (PgType::Bigint, Class::Int | Class::Bool) => Ok(typed.counted().tree),
            (PgType::Double, class) if class.is_number() => self.doubled(typed),
            (PgType::Numeric, Class::Int | Class::Bool) => {
                Ok(typed.counted().tree.cast(PgType::Numeric))
            }
            (PgType::Numeric, Class::Real) if typed.constant.is_some() => {
                exact_decimal(&typed).ok_or_else(|| "it gives an infinite number".to_owned())
            }
            // The text is looked at when a row gets it: one that is no UUID is an error then.
            (PgType::Uuid, Class::Text) => Ok(typed.tree.cast(PgType::Uuid)),
            _ => {
                let what = format!("is no value of type {}", target.name());
                Err(self.unfit(&typed, &what))
            }
        }
    }
}

/// A text that no affinity turns into a number.
fn text_of_affinity(typed: Typed, affinity: Affinity) -> Outcome {
    let numeric = matches!(
        affinity,
        Affinity::Integer | Affinity::Real | Affinity::Numeric
    );
    let sure = match typed.constant_text() {
        Some(text) => text_number(text).is_none(),
        None => typed.spelling == Spelling::NoNumber,
    };
    if numeric && !sure {
        return Err(
            "a text in a column of numeric affinity, where SQLite turns some into numbers"
                .to_owned(),
        );
    }
    Ok(typed)
}

/// A moment as a value of a type, as exact as its text would be.
fn at_moment(moment: Expression, shown: Shown, target: PgType) -> Option<Expression> {
    let unit = match shown {
        Shown::Date => "day",
        Shown::Time | Shown::Seconds | Shown::ZonedSeconds => "second",
        Shown::Milliseconds | Shown::ZonedMilliseconds => "milliseconds",
    };
    let cut = Expression::call("date_trunc", vec![Expression::text(unit), moment]);
    match (target, shown) {
        (PgType::Date, Shown::Date) => Some(cut.cast(PgType::Date)),
        (PgType::Time, Shown::Time) => Some(cut.cast(PgType::Time)),
        (PgType::Timestamp, Shown::Seconds | Shown::Milliseconds) => Some(cut),
        (
            PgType::Timestamptz,
            Shown::Seconds | Shown::Milliseconds | Shown::ZonedSeconds | Shown::ZonedMilliseconds,
        ) => Some(Expression::call(
            "timezone",
            vec![Expression::text("UTC"), cut],
        )),
        _ => None,
    }
}
