//! SQLite's functions by name.

use crate::mapping::expression::Expression;
use crate::mapping::expression::compare::Comparison;
use crate::mapping::expression::lower::{Lowering, Outcome};
use crate::mapping::expression::value::{Class, Collation, Typed};
use crate::model::value::OwnedValue;
use sqlite3_parser::ast::Expr;

/// Every function that is translated, in the order of `docs/expressions.md`.
pub const FUNCTIONS: &[&str] = &[
    "abs",
    "coalesce",
    "date",
    "datetime",
    "hex",
    "ifnull",
    "iif",
    "instr",
    "json_extract",
    "json_valid",
    "julianday",
    "length",
    "lower",
    "ltrim",
    "max",
    "min",
    "nullif",
    "randomblob",
    "replace",
    "round",
    "rtrim",
    "strftime",
    "substr",
    "substring",
    "time",
    "trim",
    "typeof",
    "unixepoch",
    "upper",
];

impl Lowering<'_> {
    pub(super) fn function(&mut self, name: &str, arguments: &[Expr<'_>]) -> Outcome {
        let name = name.to_ascii_lowercase();
        if let [argument] = arguments
            && self.is_aggregate(&name, arguments.len())
        {
            return self.aggregated(&name, false, argument);
        }
        if !FUNCTIONS.contains(&name.as_str()) {
            return Err(format!("the function {name}() has no translation"));
        }
        if name == "iif" {
            return self.iif(arguments);
        }
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.lower(argument)?);
        }
        if matches!(
            name.as_str(),
            "date" | "time" | "datetime" | "strftime" | "julianday" | "unixepoch"
        ) {
            return self.date_function(&name, values);
        }
        let count = values.len();
        let wrong = || format!("{name}() with {count} arguments has no translation");
        match name.as_str() {
            "coalesce" | "ifnull" if count >= 2 => return self.first_present(values),
            "max" | "min" if count >= 2 => return self.extreme(&name, values),
            _ => {}
        }
        let mut values = values.into_iter();
        let (first, second, third) = (values.next(), values.next(), values.next());
        if values.next().is_some() {
            return Err(wrong());
        }
        match (name.as_str(), first, second, third) {
            ("abs", Some(x), None, None) => self.absolute(x),
            ("hex", Some(x), None, None) => self.hexadecimal(x),
            ("instr", Some(x), Some(y), None) => self.instr(x, y),
            ("json_extract", Some(x), Some(path), None) => self.extract(&x, &path),
            ("json_valid", Some(x), None, None) => self.valid_json(x),
            ("length", Some(x), None, None) => self.length(x),
            ("lower", Some(x), None, None) => self.cased("lower", x),
            ("upper", Some(x), None, None) => self.cased("upper", x),
            ("trim", Some(x), set, None) => self.trimmed("btrim", x, set),
            ("ltrim", Some(x), set, None) => self.trimmed("ltrim", x, set),
            ("rtrim", Some(x), set, None) => self.trimmed("rtrim", x, set),
            ("nullif", Some(x), Some(y), None) => self.null_if(x, y),
            ("randomblob", Some(x), None, None) => self.random_blob(&x),
            ("replace", Some(x), Some(from), Some(to)) => self.replaced(vec![x, from, to]),
            ("round", Some(x), digits, None) => self.rounded(x, digits.as_ref()),
            ("substr" | "substring", Some(x), Some(start), n) => self.substring(x, start, n),
            ("typeof", Some(x), None, None) => self.type_name(x),
            _ => Err(wrong()),
        }
    }

    fn iif(&mut self, arguments: &[Expr<'_>]) -> Outcome {
        let [condition, results @ ..] = arguments else {
            return Err("iif() without arguments has no translation".to_owned());
        };
        if results.is_empty() || results.len() > 2 {
            return Err("iif() with so many arguments has no translation".to_owned());
        }
        let condition = self.lower(condition)?;
        let condition = self.condition(condition)?;
        let mut values = Vec::new();
        for result in results {
            values.push(self.lower(result)?);
        }
        self.choice(vec![condition], values)
    }

    fn first_present(&mut self, values: Vec<Typed>) -> Outcome {
        let (class, trees) = self.unify(values)?;
        Ok(Typed::new(super::number::coalesce(trees), class))
    }

    fn null_if(&mut self, value: Typed, unwanted: Typed) -> Outcome {
        let class = value.class;
        let tree = value.tree.clone();
        let equal = self.compare(Comparison::Equal, value, unwanted)?.tree;
        let null = Expression::null(class.pg_type());
        let tree = Expression::Case {
            arms: vec![(equal, null)],
            otherwise: Some(Box::new(tree)),
        };
        Ok(Typed::new(tree, class))
    }

    /// The largest or smallest of several values; NULL where one of them is.
    fn extreme(&mut self, name: &str, values: Vec<Typed>) -> Outcome {
        let binary = |value: &Typed| {
            let collation = value.collation.as_ref().map(|own| &own.0);
            collation.is_none_or(|own| *own == Collation::Binary)
        };
        if !values.iter().all(binary) {
            return Err(format!("{name}() by a collation other than BINARY"));
        }
        let (class, mut trees) = self.unify(values)?;
        if class == Class::Null {
            return Ok(Typed::constant(OwnedValue::Null));
        }
        if class == Class::Text {
            trees = trees
                .into_iter()
                .map(|tree| Expression::Collated(Box::new(tree)))
                .collect();
        } else if !matches!(
            class,
            Class::Int
                | Class::Real
                | Class::Float
                | Class::Number
                | Class::Date
                | Class::Timestamp
        ) {
            return Err(format!("{name}() of {} has no translation", class.words()));
        }
        let present = trees.iter().cloned().map(|tree| tree.null_test().negated());
        let function = if name == "max" { "greatest" } else { "least" };
        let tree = Expression::Case {
            arms: vec![(
                Expression::And(present.collect()),
                Expression::call(function, trees),
            )],
            otherwise: None,
        };
        Ok(Typed::new(tree, class))
    }

    /// `json_valid(x)` of a column that holds nothing else.
    fn valid_json(&mut self, typed: Typed) -> Outcome {
        match typed.class {
            Class::Null => Ok(typed),
            Class::Json => Ok(Typed::bool(Expression::Case {
                arms: vec![(typed.tree.null_test().negated(), Expression::Boolean(true))],
                otherwise: None,
            })),
            _ => Err(self.unfit(
                &typed,
                "need not be JSON in PostgreSQL: only a column that becomes jsonb is",
            )),
        }
    }
}
