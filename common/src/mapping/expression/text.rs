//! Values as texts, values of several classes as one, and the functions on texts.

use crate::mapping::expression::lower::{Lowering, Outcome};
use crate::mapping::expression::value::{Class, Spelling, Typed};
use crate::mapping::expression::{Expression, Operator};
use crate::mapping::plan::PgType;
use crate::model::value::OwnedValue;

impl Lowering<'_> {
    /// A value as the text that SQLite writes for it.
    pub(super) fn texted(&mut self, typed: Typed) -> Outcome {
        let typed = typed.counted();
        let tree = match typed.class {
            Class::Text => return Ok(typed),
            Class::Null => Expression::null(PgType::Text),
            Class::Int => {
                if let Some(integer) = typed.constant_integer() {
                    return Ok(Typed::constant(OwnedValue::Text(integer.to_string())));
                }
                typed.tree.cast(PgType::Text)
            }
            Class::Uuid => typed.tree.cast(PgType::Text),
            Class::Date => {
                self.stable("a day as text")?;
                let moment = typed.tree.cast(PgType::Timestamp);
                printed(moment, "YYYY-MM-DD")
            }
            Class::Timestamp => {
                self.stable("a moment as text")?;
                let digits = printed(typed.tree, "YYYY-MM-DD HH24:MI:SS.US");
                let zero = Expression::text("0");
                let digits = Expression::call("rtrim", vec![digits, zero]);
                Expression::call("rtrim", vec![digits, Expression::text(".")])
            }
            Class::Found => self.found_text(&typed.tree),
            Class::Real | Class::Float | Class::Number => {
                return Err(format!(
                    "{} as text: SQLite and PostgreSQL write it with different digits",
                    typed.class.words()
                ));
            }
            Class::Bool | Class::Blob | Class::Json | Class::Moment | Class::Opaque => {
                return Err(self.unfit(&typed, "has no translation as text"));
            }
        };
        let mut text = Typed::new(tree, Class::Text);
        if matches!(typed.class, Class::Date | Class::Timestamp | Class::Uuid) {
            text.spelling = Spelling::NoNumber;
        }
        text.collation = typed.collation;
        Ok(text)
    }

    /// Values of which one or the other comes out, in one type.
    pub(super) fn unify(&mut self, values: Vec<Typed>) -> Outcome<(Class, Vec<Expression>)> {
        let class = self.common(&values)?;
        let mut trees = Vec::with_capacity(values.len());
        for value in values {
            trees.push(match (value.class, class) {
                (Class::Null, _) => Expression::null(class.pg_type()),
                (own, common) if own == common => value.tree,
                (_, Class::Int) => value.counted().tree,
                (_, Class::Float) => self.doubled(value)?,
                (_, Class::Number) => value.counted().tree.cast(PgType::Numeric),
                _ => self.texted(value)?.tree,
            });
        }
        Ok((class, trees))
    }

    fn common(&self, values: &[Typed]) -> Outcome<Class> {
        let mut classes: Vec<Class> = values.iter().map(|value| value.class).collect();
        classes.retain(|class| *class != Class::Null);
        let Some(first) = classes.first().copied() else {
            return Ok(Class::Null);
        };
        if classes.iter().all(|class| *class == first) && first != Class::Opaque {
            return Ok(first);
        }
        if classes.iter().all(|class| class.is_number()) {
            let any = |wanted: &[Class]| classes.iter().any(|class| wanted.contains(class));
            return Ok(if any(&[Class::Real, Class::Float]) {
                Class::Float
            } else if any(&[Class::Number]) {
                Class::Number
            } else {
                Class::Int
            });
        }
        if classes.iter().all(|class| class.is_text()) {
            return Ok(Class::Text);
        }
        let other = values.iter().find(|value| {
            value.class != first && value.class != Class::Null || value.class == Class::Opaque
        });
        Err(match other {
            Some(opaque) if opaque.class == Class::Opaque => {
                self.unfit(opaque, "is one of several results")
            }
            Some(other) => format!(
                "it gives {} in one case and {} in another",
                first.words(),
                other.class.words()
            ),
            None => "its results have no common type".to_owned(),
        })
    }

    /// `lower(x)`, `upper(x)`: ASCII letters only.
    pub(super) fn cased(&mut self, function: &'static str, typed: Typed) -> Outcome {
        let text = self.texted(typed)?;
        let tree = Expression::call(function, vec![text.ascii()]);
        let mut cased = Typed::new(tree, Class::Text);
        cased.bytewise = true;
        Ok(cased)
    }

    /// `length(x)`: characters of a text, bytes of a blob.
    pub(super) fn length(&mut self, typed: Typed) -> Outcome {
        let operand = match typed.class {
            Class::Blob => typed.tree,
            _ => self.texted(typed)?.tree,
        };
        let length = Expression::call("length", vec![operand]);
        Ok(Typed::new(length.cast(PgType::Bigint), Class::Int))
    }

    /// `trim(x, set)` and its halves: blanks only, where no set is given.
    pub(super) fn trimmed(
        &mut self,
        function: &'static str,
        typed: Typed,
        set: Option<Typed>,
    ) -> Outcome {
        let text = self.texted(typed)?.tree;
        let set = match set {
            Some(set) => self.texted(set)?.tree,
            None => Expression::text(" "),
        };
        let tree = Expression::call(function, vec![text, set]);
        Ok(Typed::new(tree, Class::Text))
    }

    /// `substr(x, start, count)`: positions from the end where negative, as SQLite counts them.
    pub(super) fn substring(
        &mut self,
        typed: Typed,
        start: Typed,
        count: Option<Typed>,
    ) -> Outcome {
        if typed.class == Class::Blob {
            return Err("substr() of a blob has no translation".to_owned());
        }
        let text = self.texted(typed)?.tree;
        if start.class == Class::Null {
            return Ok(Typed::new(Expression::null(PgType::Text), Class::Text));
        }
        let from = self.position(&text, start)?;
        let arguments = match count {
            None => vec![text, from],
            Some(count) => match count.constant_integer() {
                Some(known) if known >= 0 => vec![text, from, count.tree.small()],
                _ => {
                    let count = self.whole(count, "substr()")?;
                    let negative = Expression::call(
                        "least",
                        vec![count.clone().small(), Expression::Small(0)],
                    );
                    // What is NULL must stay NULL: least() passes over it.
                    let from = Expression::Case {
                        arms: vec![(
                            count.clone().null_test().negated(),
                            Expression::binary(Operator::Add, from, negative),
                        )],
                        otherwise: None,
                    };
                    let length = Expression::call("abs", vec![count.small()]);
                    vec![text, from, length]
                }
            },
        };
        Ok(Typed::new(
            Expression::call("substr", arguments),
            Class::Text,
        ))
    }

    /// Where a substring begins, counted from 1 and from the left.
    fn position(&mut self, text: &Expression, start: Typed) -> Outcome<Expression> {
        let after_end = |start: Expression| {
            let length = Expression::call("length", vec![text.clone()]);
            let sum = Expression::binary(Operator::Add, length, start);
            Expression::binary(Operator::Add, sum, Expression::Small(1))
        };
        if let Some(known) = start.constant_integer() {
            let start = start.tree.small();
            return Ok(if known < 0 { after_end(start) } else { start });
        }
        let start = self.whole(start, "substr()")?.small();
        let negative = Expression::binary(Operator::Less, start.clone(), Expression::Small(0));
        Ok(Expression::Case {
            arms: vec![(negative, after_end(start.clone()))],
            otherwise: Some(Box::new(start)),
        })
    }

    /// `instr(x, y)`.
    pub(super) fn instr(&mut self, hay: Typed, needle: Typed) -> Outcome {
        if hay.class == Class::Blob || needle.class == Class::Blob {
            return Err("instr() of a blob has no translation".to_owned());
        }
        let (hay, needle) = (self.texted(hay)?.tree, self.texted(needle)?.tree);
        let position = Expression::call("strpos", vec![hay, needle]);
        Ok(Typed::new(position.cast(PgType::Bigint), Class::Int))
    }

    /// `replace(x, from, to)`.
    pub(super) fn replaced(&mut self, texts: Vec<Typed>) -> Outcome {
        let mut trees = Vec::with_capacity(texts.len());
        for text in texts {
            trees.push(self.texted(text)?.tree);
        }
        Ok(Typed::new(Expression::call("replace", trees), Class::Text))
    }

    /// `hex(x)`; of NULL an empty text.
    pub(super) fn hexadecimal(&mut self, typed: Typed) -> Outcome {
        let bytes = if typed.class == Class::Blob {
            typed.tree
        } else {
            self.stable("hex() of a text")?;
            let text = self.texted(typed)?.tree;
            Expression::call("convert_to", vec![text, Expression::text("UTF8")])
        };
        let digits = Expression::call("encode", vec![bytes, Expression::text("hex")]);
        let upper = Expression::call("upper", vec![Expression::Collated(Box::new(digits))]);
        let tree = super::number::coalesce(vec![upper, Expression::text("")]);
        Ok(Typed::new(tree, Class::Text))
    }

    /// `typeof(x)`.
    pub(super) fn type_name(&mut self, typed: Typed) -> Outcome {
        let name = |name: &str| Expression::text(name);
        let known = match typed.class {
            Class::Null => return Ok(Typed::constant(OwnedValue::Text("null".to_owned()))),
            Class::Bool | Class::Int => name("integer"),
            Class::Real => name("real"),
            Class::Blob => name("blob"),
            Class::Text
            | Class::Date
            | Class::Timestamp
            | Class::Moment
            | Class::Uuid
            | Class::Json => name("text"),
            Class::Number => {
                let scale = Expression::call("scale", vec![typed.tree.clone()]);
                let whole = Expression::binary(Operator::Equal, scale, Expression::Small(0));
                Expression::Case {
                    arms: vec![(whole, name("integer"))],
                    otherwise: Some(Box::new(name("real"))),
                }
            }
            Class::Float | Class::Found | Class::Opaque => {
                return Err(self.unfit(&typed, "has no known class for typeof()"));
            }
        };
        let tree = Expression::Case {
            arms: vec![(typed.tree.null_test(), name("null"))],
            otherwise: Some(Box::new(known)),
        };
        let mut text = Typed::new(tree, Class::Text);
        text.spelling = Spelling::NoNumber;
        Ok(text)
    }

    /// `randomblob(n)`: the digest of two random UUIDs, cut.
    pub(super) fn random_blob(&mut self, length: &Typed) -> Outcome {
        self.changing("randomblob()")?;
        let Some(length @ 1..=32) = length.constant_integer() else {
            return Err("randomblob() of anything but 1 to 32 bytes has no translation".to_owned());
        };
        let uuid = || {
            let uuid = Expression::call("gen_random_uuid", Vec::new());
            Expression::call("uuid_send", vec![uuid])
        };
        let both = Expression::binary(Operator::Concat, uuid(), uuid());
        let digest = Expression::call("sha256", vec![both]);
        let start = Expression::Small(1);
        let length = Expression::integer(length).small();
        let tree = Expression::call("substr", vec![digest, start, length]);
        Ok(Typed::new(tree, Class::Blob))
    }
}

/// A moment printed by a format of `to_char`.
pub(super) fn printed(timestamp: Expression, format: &str) -> Expression {
    Expression::call("to_char", vec![timestamp, Expression::text(format)])
}
