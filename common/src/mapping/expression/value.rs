//! What is known of a translated expression: its class in SQLite, and how PostgreSQL holds it.

use crate::mapping::expression::{Expression, Operator};
use crate::mapping::plan::PgType;
use crate::model::schema::Affinity;
use crate::model::value::OwnedValue;

/// The values an expression gives besides NULL, and the type that holds them in PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mapping) enum Class {
    /// Always NULL.
    Null,
    /// The integers 0 and 1, as boolean.
    Bool,
    /// Integers, as bigint.
    Int,
    /// Reals, as double precision.
    Real,
    /// Integers and reals, as double precision: which is which is not known.
    Float,
    /// Integers and reals, as numeric: a value without point is an integer.
    Number,
    /// Texts, as text.
    Text,
    /// Blobs, as bytea.
    Blob,
    /// Texts of days, as date.
    Date,
    /// Texts of moments spelled as PostgreSQL prints them, as timestamp.
    Timestamp,
    /// Texts of moments in some other spelling, as timestamp.
    Moment,
    /// Texts of UUIDs in lower case, as uuid.
    Uuid,
    /// What `json_extract` finds, as jsonb.
    Found,
    /// Texts of JSON, as jsonb.
    Json,
    /// Something that only IS NULL can be asked of, for the reason that `Scope` gives.
    Opaque,
}

impl Class {
    /// Whether the values are numbers.
    pub(in crate::mapping) fn is_number(self) -> bool {
        matches!(
            self,
            Class::Bool | Class::Int | Class::Real | Class::Float | Class::Number
        )
    }

    /// Whether the values are texts in SQLite, and their spelling is known.
    pub(in crate::mapping) fn is_text(self) -> bool {
        matches!(
            self,
            Class::Text | Class::Date | Class::Timestamp | Class::Uuid
        )
    }

    /// What the values are in words.
    pub(in crate::mapping) fn words(self) -> &'static str {
        match self {
            Class::Null => "NULL",
            Class::Bool => "a truth value",
            Class::Int => "an integer",
            Class::Real => "a real",
            Class::Float | Class::Number => "a number",
            Class::Text => "a text",
            Class::Blob => "a blob",
            Class::Date => "a day",
            Class::Timestamp => "a moment",
            Class::Moment => "a moment whose spelling is not kept",
            Class::Uuid => "a UUID",
            Class::Found | Class::Json => "JSON",
            Class::Opaque => "a value of a type that is not translated",
        }
    }

    /// The type in which the values stand.
    pub(in crate::mapping) fn pg_type(self) -> PgType {
        match self {
            Class::Bool => PgType::Boolean,
            Class::Int => PgType::Bigint,
            Class::Real | Class::Float => PgType::Double,
            Class::Number => PgType::Numeric,
            Class::Blob => PgType::Bytea,
            Class::Date => PgType::Date,
            Class::Timestamp | Class::Moment => PgType::Timestamp,
            Class::Uuid => PgType::Uuid,
            Class::Found | Class::Json => PgType::Jsonb,
            Class::Null | Class::Text | Class::Opaque => PgType::Text,
        }
    }
}

/// How SQLite compares texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mapping) enum Collation {
    /// By bytes.
    Binary,
    /// Without regard to the case of ASCII letters.
    NoCase,
    /// Without regard to blanks at the end.
    Rtrim,
    /// An application's own.
    Other(String),
}

impl Collation {
    /// The collation of this name.
    pub(in crate::mapping) fn named(name: &str) -> Self {
        match name.to_ascii_uppercase().as_str() {
            "BINARY" => Collation::Binary,
            "NOCASE" => Collation::NoCase,
            "RTRIM" => Collation::Rtrim,
            _ => Collation::Other(name.to_owned()),
        }
    }
}

/// Which texts may come out, as far as numbers are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mapping) enum Spelling {
    /// Any.
    Any,
    /// None that SQLite would take for a number.
    NoNumber,
    /// Only decimal digits, few enough for 64 bits.
    Digits,
}

/// A moment that a text is printed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mapping) struct Moment {
    /// The moment as a timestamp in UTC.
    pub(in crate::mapping) timestamp: Expression,
    /// What the text shows of it.
    pub(in crate::mapping) shown: Shown,
}

/// What a text shows of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mapping) enum Shown {
    /// `YYYY-MM-DD`
    Date,
    /// `HH:MM:SS`
    Time,
    /// Both, with or without `T`, to the second.
    Seconds,
    /// The same to the millisecond.
    Milliseconds,
    /// To the second, with an offset of UTC.
    ZonedSeconds,
    /// To the millisecond, with an offset of UTC.
    ZonedMilliseconds,
}

/// A translated expression and what is known of it.
#[derive(Debug, Clone)]
pub(in crate::mapping) struct Typed {
    /// The expression; a NULL literal where the class is `Null`.
    pub(in crate::mapping) tree: Expression,
    /// What it gives.
    pub(in crate::mapping) class: Class,
    /// The affinity it lends to what it is compared with.
    pub(in crate::mapping) affinity: Option<Affinity>,
    /// The collation, and whether COLLATE says so.
    pub(in crate::mapping) collation: Option<(Collation, bool)>,
    /// The value, where it is a literal.
    pub(in crate::mapping) constant: Option<OwnedValue>,
    /// Which texts come out.
    pub(in crate::mapping) spelling: Spelling,
    /// What the text is printed from.
    pub(in crate::mapping) moment: Option<Box<Moment>>,
    /// The server compares it by bytes without being told.
    pub(in crate::mapping) bytewise: bool,
}

impl Typed {
    /// The result of an operation: no affinity, no collation.
    pub(in crate::mapping) fn new(tree: Expression, class: Class) -> Self {
        Typed {
            tree,
            class,
            affinity: None,
            collation: None,
            constant: None,
            spelling: Spelling::Any,
            moment: None,
            bytewise: false,
        }
    }

    /// A condition.
    pub(in crate::mapping) fn bool(tree: Expression) -> Self {
        Typed::new(tree, Class::Bool)
    }

    /// A literal.
    pub(in crate::mapping) fn constant(value: OwnedValue) -> Self {
        let class = match &value {
            OwnedValue::Null | OwnedValue::RawText(_) => Class::Null,
            OwnedValue::Integer(_) => Class::Int,
            OwnedValue::Real(_) => Class::Real,
            OwnedValue::Text(_) => Class::Text,
            OwnedValue::Blob(_) => Class::Blob,
        };
        let tree = Expression::literal(value.clone(), class.pg_type());
        let mut typed = Typed::new(tree, class);
        typed.constant = Some(value);
        typed
    }

    /// The same without affinity, as an operand of an operator.
    pub(in crate::mapping) fn bare(mut self) -> Self {
        self.affinity = None;
        self
    }

    /// The text, where it is a literal one.
    pub(in crate::mapping) fn constant_text(&self) -> Option<&str> {
        match &self.constant {
            Some(OwnedValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The integer, where it is a literal one.
    pub(in crate::mapping) fn constant_integer(&self) -> Option<i64> {
        match self.constant {
            Some(OwnedValue::Integer(integer)) => Some(integer),
            _ => None,
        }
    }

    /// The text in a form that functions read by ASCII's rules.
    pub(in crate::mapping) fn ascii(self) -> Expression {
        if self.bytewise {
            self.tree
        } else {
            Expression::Collated(Box::new(self.tree))
        }
    }

    /// The 0 and 1 of truth values, as bigint; other classes stay.
    pub(in crate::mapping) fn counted(self) -> Self {
        if self.class != Class::Bool {
            return self;
        }
        let small = Expression::Cast {
            of: Box::new(self.tree),
            to: super::CastTo::Integer,
        };
        let mut typed = Typed::new(small.cast(PgType::Bigint), Class::Int);
        typed.affinity = self.affinity;
        if let Some(OwnedValue::Integer(integer)) = self.constant {
            typed = Typed::constant(OwnedValue::Integer(integer));
        }
        typed
    }
}

/// A column that expressions may name.
#[derive(Debug, Clone)]
pub(in crate::mapping) struct ScopeColumn {
    /// The name of its table, in a query the one that it has there.
    pub(in crate::mapping) table: String,
    /// Its name in SQLite.
    pub(in crate::mapping) name: String,
    /// What it is.
    pub(in crate::mapping) typed: Typed,
    /// Why nothing but IS NULL can be asked of it, where the class is `Opaque`; or why nothing at
    /// all can, where `unusable`.
    pub(in crate::mapping) reason: String,
    /// It has no counterpart in the target.
    pub(in crate::mapping) unusable: bool,
    /// It is known by the name of its table only: USING has made one of two columns.
    pub(in crate::mapping) shadowed: bool,
}

impl ScopeColumn {
    /// A column that a query gives, by its names in source and target.
    pub(in crate::mapping) fn of_result(name: &str, target: &str, typed: Typed) -> Self {
        let opaque = typed.class == Class::Opaque;
        let mut own = Typed::new(Expression::Column(target.to_owned()), typed.class);
        own.affinity = typed.affinity;
        // To who reads the query it is a column's own, COLLATE or not.
        own.collation = typed.collation.map(|(collation, _)| (collation, false));
        own.spelling = typed.spelling;
        own.bytewise = typed.bytewise;
        if let Some(OwnedValue::Null) = typed.constant {
            own.class = Class::Null;
        }
        ScopeColumn {
            table: String::new(),
            name: name.to_owned(),
            typed: own,
            reason: if opaque {
                "is of a type that has no translation in expressions".to_owned()
            } else {
                String::new()
            },
            unusable: false,
            shadowed: false,
        }
    }
}

/// The columns of one table, or of all tables of a query.
#[derive(Debug, Clone, Default)]
pub(in crate::mapping) struct Scope {
    /// The columns.
    pub(in crate::mapping) columns: Vec<ScopeColumn>,
}

impl Scope {
    /// The position of a column; SQLite compares names without regard to ASCII case.
    pub(in crate::mapping) fn position(&self, name: &str) -> Option<usize> {
        let mut columns = self.columns.iter();
        columns.position(|column| !column.shadowed && column.name.eq_ignore_ascii_case(name))
    }

    /// Whether more than one table has a column of this name.
    pub(in crate::mapping) fn is_ambiguous(&self, name: &str) -> bool {
        let named =
            |column: &&ScopeColumn| !column.shadowed && column.name.eq_ignore_ascii_case(name);
        self.columns.iter().filter(named).count() > 1
    }
}

/// `value <> 0`, which is when SQLite takes a number for true.
pub(in crate::mapping) fn nonzero(value: Typed) -> Expression {
    let zero = match value.class {
        Class::Real | Class::Float => Expression::real(0.0),
        Class::Number => Expression::Exact("0".to_owned()),
        _ => Expression::integer(0),
    };
    Expression::binary(Operator::NotEqual, value.tree, zero)
}
