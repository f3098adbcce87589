//! Dates and times: SQLite's functions on texts become PostgreSQL's on timestamps in UTC.

use crate::mapping::expression::lower::{Lowering, Outcome};
use crate::mapping::expression::text::printed;
use crate::mapping::expression::value::{Class, Moment, Shown, Spelling, Typed};
use crate::mapping::expression::{Expression, Operator};
use crate::mapping::plan::PgType;
use crate::model::forms;
use crate::model::value::OwnedValue;

/// Where SQLite has a year 0 and PostgreSQL has none.
const BEFORE_CHRIST: &str = "a moment before the year 1 becomes NULL";

/// A moment before it is printed.
struct Base {
    timestamp: Expression,
    /// It is the moment of the statement.
    now: bool,
    /// It has no more than milliseconds.
    coarse: bool,
    /// It is reckoned from a number of seconds.
    counted: bool,
}

impl Lowering<'_> {
    /// `CURRENT_TIMESTAMP` and its like.
    pub(super) fn now(&mut self, word: &str) -> Outcome {
        let base = self.current(word)?;
        Ok(match word {
            "current_date" => shown(base.timestamp, Shown::Date),
            "current_time" => shown(base.timestamp, Shown::Time),
            _ => shown(base.timestamp, Shown::Seconds),
        })
    }

    fn current(&mut self, what: &str) -> Outcome<Base> {
        self.stable(what)?;
        let now = Expression::call("statement_timestamp", Vec::new());
        let utc = Expression::text("UTC");
        Ok(Base {
            timestamp: Expression::call("timezone", vec![utc, now]),
            now: true,
            coarse: true,
            counted: false,
        })
    }

    /// A function of date and time by its name in lower case.
    pub(super) fn date_function(&mut self, name: &str, arguments: Vec<Typed>) -> Outcome {
        let mut arguments = arguments;
        let format = if name == "strftime" {
            if arguments.is_empty() {
                return Err("strftime() has no format".to_owned());
            }
            Some(arguments.remove(0))
        } else {
            None
        };
        if arguments
            .iter()
            .any(|argument| argument.class == Class::Null)
        {
            return Ok(Typed::constant(OwnedValue::Null));
        }
        let base = self.base(name, arguments)?;
        match (name, format) {
            ("date", _) => self.show(base.timestamp, Shown::Date),
            ("time", _) => self.show(base.timestamp, Shown::Time),
            ("datetime", _) => self.show(base.timestamp, Shown::Seconds),
            ("julianday", _) => Ok(julian_day(base.timestamp)),
            ("unixepoch", _) => Ok(Typed::new(seconds(base.timestamp), Class::Int)),
            (_, Some(format)) => self.formatted(base, &format),
            _ => Err(format!("{name}() has no translation")),
        }
    }

    /// What all arguments together mean: a moment and its modifiers.
    fn base(&mut self, name: &str, arguments: Vec<Typed>) -> Outcome<Base> {
        let mut arguments = arguments.into_iter().peekable();
        let mut base = match arguments.next() {
            None => self.current(name)?,
            Some(value) => {
                let unix = arguments
                    .peek()
                    .and_then(Typed::constant_text)
                    .is_some_and(|modifier| modifier.eq_ignore_ascii_case("unixepoch"));
                if unix {
                    arguments.next();
                    self.since_epoch(name, value)?
                } else {
                    self.moment(name, value)?
                }
            }
        };
        // SQLite's dates end with the year 9999; beyond it comes NULL, also on the way.
        if base.counted {
            base.timestamp = inside(base.timestamp);
        }
        for modifier in arguments {
            let Some(text) = modifier.constant_text() else {
                return Err(format!("a modifier of {name}() that is no literal"));
            };
            base.timestamp = modified(base.timestamp, text)
                .ok_or_else(|| format!("the modifier `{text}` of {name}() has no translation"))?;
            if !base.now && !text.trim().to_ascii_lowercase().starts_with("start") {
                self.caveat(BEFORE_CHRIST);
                base.timestamp = inside(base.timestamp);
            }
        }
        Ok(base)
    }

    fn moment(&mut self, name: &str, value: Typed) -> Outcome<Base> {
        if let Some(text) = value.constant_text() {
            if text.eq_ignore_ascii_case("now") {
                return self.current(name);
            }
            let plain = forms::date(text).is_some()
                || forms::timestamp(text).is_some() && forms::is_plain_time(text);
            if plain {
                let value = OwnedValue::Text(if text.len() == 10 {
                    format!("{text} 00:00:00")
                } else {
                    text.to_owned()
                });
                return Ok(Base {
                    timestamp: Expression::literal(value, PgType::Timestamp),
                    now: false,
                    coarse: false,
                    counted: false,
                });
            }
            return Err(format!("{name}() of a text that is no plain date or time"));
        }
        if let Some(moment) = &value.moment
            && moment.shown != Shown::Time
        {
            let unit = Expression::text(match moment.shown {
                Shown::Date => "day",
                Shown::Milliseconds | Shown::ZonedMilliseconds => "milliseconds",
                _ => "second",
            });
            let timestamp = moment.timestamp.clone();
            return Ok(Base {
                timestamp: Expression::call("date_trunc", vec![unit, timestamp]),
                now: false,
                coarse: true,
                counted: false,
            });
        }
        let timestamp = match value.class {
            Class::Date => value.tree.cast(PgType::Timestamp),
            Class::Timestamp | Class::Moment => value.tree,
            Class::Text => {
                return Err(format!(
                    "{name}() of texts that need not be dates: SQLite gives NULL for those that are none"
                ));
            }
            Class::Int | Class::Real | Class::Number | Class::Float | Class::Bool => {
                return Err(format!(
                    "{name}() of a number, which SQLite takes for a Julian day"
                ));
            }
            _ => {
                let what = format!("is no argument of {name}()");
                return Err(self.unfit(&value, &what));
            }
        };
        Ok(Base {
            timestamp,
            now: false,
            coarse: false,
            counted: false,
        })
    }

    /// The modifier `unixepoch`: seconds since 1970.
    fn since_epoch(&mut self, name: &str, value: Typed) -> Outcome<Base> {
        if value.class != Class::Int {
            let what = format!("is no number of whole seconds for {name}()");
            return Err(self.unfit(&value, &what));
        }
        self.caveat("a number of seconds outside the years that a timestamp holds is an error");
        let epoch = OwnedValue::Text("1970-01-01 00:00:00".to_owned());
        let epoch = Expression::literal(epoch, PgType::Timestamp);
        let seconds = value.tree.cast(PgType::Double);
        Ok(Base {
            timestamp: Expression::binary(Operator::Add, epoch, interval(0, 0, seconds)),
            now: false,
            coarse: true,
            counted: true,
        })
    }

    fn show(&mut self, timestamp: Expression, what: Shown) -> Outcome {
        if let Some(constant) = constant_shown(&timestamp, what) {
            return Ok(Typed::constant(OwnedValue::Text(constant)));
        }
        self.stable("a moment as text")?;
        Ok(shown(timestamp, what))
    }

    /// `strftime`: each field by `to_char`, what stands between them as it is.
    fn formatted(&mut self, base: Base, format: &Typed) -> Outcome {
        let Some(format) = format.constant_text() else {
            return Err("strftime() with a format that is no literal".to_owned());
        };
        self.stable("strftime()")?;
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut digits = true;
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                plain.push(c);
                digits = false;
                continue;
            }
            let field = chars.next();
            if field == Some('%') {
                plain.push('%');
                digits = false;
                continue;
            }
            let (piece, number) =
                field
                    .and_then(|field| field_of(&base, field))
                    .ok_or_else(|| {
                        let shown = field.map_or_else(String::new, String::from);
                        format!("the field `%{shown}` of strftime() has no translation")
                    })?;
            digits &= number;
            if !plain.is_empty() {
                pieces.push(Expression::text(std::mem::take(&mut plain)));
            }
            pieces.push(piece);
        }
        if !plain.is_empty() || pieces.is_empty() {
            pieces.push(Expression::text(plain));
        }
        let mut pieces = pieces.into_iter();
        let first = pieces.next().unwrap_or_else(|| Expression::text(""));
        let tree = pieces.fold(first, |left, right| {
            Expression::binary(Operator::Concat, left, right)
        });
        let mut typed = Typed::new(tree, Class::Text);
        if digits && format.len() <= 16 && !format.is_empty() {
            typed.spelling = Spelling::Digits;
        }
        typed.moment = shown_by(format).map(|shown| {
            typed.spelling = Spelling::NoNumber;
            Box::new(Moment {
                timestamp: base.timestamp,
                shown,
            })
        });
        Ok(typed)
    }
}

/// What a format shows, where it is one that a column's own type can take.
fn shown_by(format: &str) -> Option<Shown> {
    match format {
        "%Y-%m-%d" | "%F" => Some(Shown::Date),
        "%H:%M:%S" | "%T" => Some(Shown::Time),
        "%Y-%m-%d %H:%M:%S" | "%Y-%m-%dT%H:%M:%S" | "%F %T" | "%FT%T" => Some(Shown::Seconds),
        "%Y-%m-%d %H:%M:%f" | "%Y-%m-%dT%H:%M:%f" => Some(Shown::Milliseconds),
        "%Y-%m-%dT%H:%M:%SZ" | "%Y-%m-%d %H:%M:%SZ" | "%FT%TZ" => Some(Shown::ZonedSeconds),
        "%Y-%m-%dT%H:%M:%fZ" | "%Y-%m-%d %H:%M:%fZ" => Some(Shown::ZonedMilliseconds),
        _ => None,
    }
}

/// One field of `strftime`, and whether it is digits and nothing else.
fn field_of(base: &Base, field: char) -> Option<(Expression, bool)> {
    let timestamp = || base.timestamp.clone();
    let format = match field {
        'Y' => "YYYY",
        'm' => "MM",
        'd' => "DD",
        'H' => "HH24",
        'M' => "MI",
        'S' => "SS",
        'j' => "DDD",
        'F' => return Some((printed(timestamp(), "YYYY-MM-DD"), false)),
        'T' => return Some((printed(timestamp(), "HH24:MI:SS"), false)),
        'R' => return Some((printed(timestamp(), "HH24:MI"), false)),
        // Stored fractions have more digits, and SQLite rounds them.
        'f' if base.coarse => return Some((printed(timestamp(), "SS.MS"), false)),
        'w' => {
            let day = Expression::call("date_part", vec![Expression::text("dow"), timestamp()]);
            return Some((day.small().cast(PgType::Text), true));
        }
        's' => return Some((seconds(timestamp()).cast(PgType::Text), false)),
        _ => return None,
    };
    Some((printed(timestamp(), format), true))
}

/// NULL outside of the years that both databases print alike.
fn inside(timestamp: Expression) -> Expression {
    let bound = |text: &str| {
        let text = OwnedValue::Text(text.to_owned());
        Expression::literal(text, PgType::Timestamp)
    };
    let (first, last) = (
        bound("0001-01-01 00:00:00"),
        bound("9999-12-31 23:59:59.999999"),
    );
    let known = Expression::And(vec![
        Expression::binary(Operator::GreaterEqual, timestamp.clone(), first),
        Expression::binary(Operator::LessEqual, timestamp.clone(), last),
    ]);
    Expression::Case {
        arms: vec![(known, timestamp)],
        otherwise: None,
    }
}

fn shown(timestamp: Expression, what: Shown) -> Typed {
    let format = match what {
        Shown::Date => "YYYY-MM-DD",
        Shown::Time => "HH24:MI:SS",
        _ => "YYYY-MM-DD HH24:MI:SS",
    };
    let mut typed = Typed::new(printed(timestamp.clone(), format), Class::Text);
    typed.spelling = Spelling::NoNumber;
    typed.moment = Some(Box::new(Moment {
        timestamp,
        shown: what,
    }));
    typed
}

/// A literal moment without modifiers, as SQLite prints it.
fn constant_shown(timestamp: &Expression, what: Shown) -> Option<String> {
    let Expression::Literal {
        value: OwnedValue::Text(text),
        of: PgType::Timestamp,
    } = timestamp
    else {
        return None;
    };
    let (day, time) = (text.get(..10)?, text.get(11..19)?);
    Some(match what {
        Shown::Date => day.to_owned(),
        Shown::Time => time.to_owned(),
        _ => format!("{day} {time}"),
    })
}

/// Seconds since 1970, without fraction.
fn seconds(timestamp: Expression) -> Expression {
    let epoch = Expression::call("date_part", vec![Expression::text("epoch"), timestamp]);
    Expression::call("floor", vec![epoch]).cast(PgType::Bigint)
}

/// Days since noon of 24 November -4713: SQLite's milliseconds, divided. They are rounded, but never
/// up to the next second.
fn julian_day(timestamp: Expression) -> Typed {
    let epoch = Expression::call("date_part", vec![Expression::text("epoch"), timestamp]);
    let since = |seconds: Expression, further: f64| {
        let milliseconds =
            Expression::binary(Operator::Multiply, seconds, Expression::real(1000.0));
        Expression::binary(
            Operator::Add,
            milliseconds,
            Expression::real(210_866_760_000_000.0 + further),
        )
    };
    let last = since(Expression::call("floor", vec![epoch.clone()]), 999.0);
    let rounded = Expression::call("floor", vec![since(epoch, 0.5)]);
    let whole = Expression::call("least", vec![rounded, last]);
    let days = Expression::binary(Operator::Divide, whole, Expression::real(86_400_000.0));
    Typed::new(days, Class::Real)
}

fn interval(months: i32, days: i32, seconds: Expression) -> Expression {
    let zero = || Expression::Small(0);
    Expression::call(
        "make_interval",
        vec![
            zero(),
            Expression::Small(months),
            zero(),
            Expression::Small(days),
            zero(),
            zero(),
            seconds,
        ],
    )
}

/// A moment after one modifier.
fn modified(timestamp: Expression, modifier: &str) -> Option<Expression> {
    let words = modifier.trim().to_ascii_lowercase();
    let start = |unit: &str| {
        Expression::call(
            "date_trunc",
            vec![Expression::text(unit), timestamp.clone()],
        )
    };
    match words.as_str() {
        "start of day" => return Some(start("day")),
        "start of month" => return Some(start("month")),
        "start of year" => return Some(start("year")),
        _ => {}
    }
    let mut words = words.split_ascii_whitespace();
    let (number, unit) = (words.next()?, words.next()?);
    if words.next().is_some() || number.len() > 7 {
        return None;
    }
    let number: i32 = number.parse().ok()?;
    let after = |moment: Expression, interval: Expression| {
        Expression::binary(Operator::Add, moment, interval)
    };
    let seconds = |factor: f64| Expression::real(f64::from(number) * factor);
    let none = || Expression::real(0.0);
    let shift = match unit.strip_suffix('s').unwrap_or(unit) {
        "day" => interval(0, number, none()),
        "hour" => interval(0, 0, seconds(3600.0)),
        "minute" => interval(0, 0, seconds(60.0)),
        "second" => interval(0, 0, seconds(1.0)),
        unit @ ("month" | "year") => {
            let months = number.checked_mul(if unit == "year" { 12 } else { 1 })?;
            // SQLite lets the day run over into the next month; PostgreSQL would cut it.
            let month = start("month");
            let rest = Expression::binary(Operator::Subtract, timestamp.clone(), month.clone());
            return Some(after(after(month, interval(months, 0, none())), rest));
        }
        _ => return None,
    };
    Some(after(timestamp, shift))
}
