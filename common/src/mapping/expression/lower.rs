//! The walk over SQLite's tree: one arm a kind of node, each with the meaning that SQLite gives it.

use crate::mapping::expression::compare::Comparison;
use crate::mapping::expression::logic::truth_word;
use crate::mapping::expression::number::Arithmetic;
use crate::mapping::expression::parse::{blob, number, unquoted};
use crate::mapping::expression::translate::{Purpose, Relations, Translated};
use crate::mapping::expression::value::{Class, Collation, Scope, Typed};
use crate::mapping::expression::{Expression, Operator};
use crate::mapping::plan::PgType;
use crate::model::schema::Affinity;
use crate::model::value::OwnedValue;
use sqlite3_parser::ast::{self, Expr, Literal, UnaryOperator};
use std::collections::BTreeSet;

/// Deepest nesting of operators; chains of AND, OR and `||` count once.
const DEEPEST: usize = 120;
/// Most pieces of a translated expression or view: some translations name an operand several times.
pub(super) const LARGEST: usize = 20_000;
pub(super) const TOO_LARGE: &str = "its translation would be too large";

/// A piece of an expression with its meaning, or why it has none in PostgreSQL.
pub(super) type Outcome<T = Typed> = Result<T, String>;

/// A walk over one expression.
pub(super) struct Lowering<'s> {
    scope: &'s Scope,
    pub(super) purpose: Purpose,
    pub(super) caveats: BTreeSet<&'static str>,
    columns: BTreeSet<usize>,
    depth: usize,
    /// What queries may read, and how deep this one stands.
    pub(super) relations: Option<(&'s Relations, usize)>,
    /// Aggregates may stand here.
    pub(super) aggregates: bool,
    /// One has been found.
    pub(super) found_aggregate: bool,
    /// This is within the argument of one.
    pub(super) inside: bool,
    /// The names that a query gives its results, which WHERE and ORDER BY may use.
    pub(super) named: Vec<String>,
    /// How often COLLATE has been met.
    collates: usize,
    /// Pieces of the expressions that are done, of all those of a query.
    pub(super) spent: usize,
}

impl<'s> Lowering<'s> {
    pub(super) fn new(scope: &'s Scope, purpose: Purpose) -> Self {
        Lowering {
            scope,
            purpose,
            caveats: BTreeSet::new(),
            columns: BTreeSet::new(),
            depth: 0,
            relations: None,
            aggregates: false,
            found_aggregate: false,
            inside: false,
            named: Vec::new(),
            collates: 0,
            spent: 0,
        }
    }

    pub(super) fn finish(self, typed: Typed) -> Translated {
        Translated {
            typed,
            caveats: self.caveats,
            columns: self.columns,
        }
    }

    /// Notes a case in which the server reports an error and SQLite does not.
    pub(super) fn caveat(&mut self, caveat: &'static str) {
        self.caveats.insert(caveat);
    }

    /// Refuses what is not IMMUTABLE in PostgreSQL where that is asked for.
    pub(super) fn stable(&self, what: &str) -> Outcome<()> {
        if self.purpose == Purpose::Immutable {
            return Err(format!(
                "{what} is not immutable in PostgreSQL, which computed columns and indexes must be"
            ));
        }
        Ok(())
    }

    /// Refuses what gives another value each time, but in a default.
    pub(super) fn changing(&self, what: &str) -> Outcome<()> {
        if self.purpose == Purpose::Default {
            return Ok(());
        }
        Err(format!("{what} is translated in a default only"))
    }

    /// Translates one node and all below it.
    pub(super) fn lower(&mut self, expression: &Expr<'_>) -> Outcome {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("it is nested more than {DEEPEST} deep"));
        }
        let before = self.collates;
        let typed = self.node(expression)?;
        self.depth -= 1;
        let explicit = typed.collation.as_ref().is_some_and(|own| own.1);
        if self.collates > before && typed.class.is_text() && !explicit {
            return Err(
                "a COLLATE within an operand, which SQLite lets count for the whole".to_owned(),
            );
        }
        if typed.tree.size(LARGEST) > LARGEST {
            return Err(TOO_LARGE.to_owned());
        }
        if self.depth == 0 {
            self.spend(&typed.tree)?;
        }
        Ok(typed)
    }

    /// Counts an expression that is part of the result.
    pub(super) fn spend(&mut self, tree: &Expression) -> Outcome<()> {
        self.spent += tree.size(LARGEST);
        if self.spent > LARGEST {
            return Err(TOO_LARGE.to_owned());
        }
        Ok(())
    }

    fn node(&mut self, expression: &Expr<'_>) -> Outcome {
        match expression {
            Expr::Literal(literal) => self.literal(literal),
            Expr::Id(ast::Id(name)) | Expr::Name(ast::Name(name)) => self.name(name),
            Expr::Qualified(table, column) => self.qualified(table.0, column.0),
            Expr::Parenthesized(inner) => match inner.as_slice() {
                [one] => self.lower(one),
                _ => Err("a row of several values has no translation".to_owned()),
            },
            Expr::Unary(operator, operand) => self.unary(*operator, operand),
            Expr::Binary(left, operator, right) => self.binary(left, *operator, right),
            Expr::IsNull(operand) => self.is_null(operand),
            Expr::NotNull(operand) => {
                let is_null = self.is_null(operand)?;
                Ok(Typed::bool(is_null.tree.negated()))
            }
            Expr::Between {
                lhs,
                not,
                start,
                end,
            } => self.between(lhs, *not, start, end),
            Expr::InList { lhs, not, rhs } => self.in_list(lhs, *not, rhs.unwrap_or_default()),
            Expr::Case {
                base,
                when_then_pairs,
                else_expr,
            } => self.case(*base, when_then_pairs, *else_expr),
            Expr::Cast { expr, type_name } => {
                let operand = self.lower(expr)?;
                let name = type_name.as_ref().map_or("", |name| name.name);
                self.cast(operand, name)
            }
            Expr::Collate(operand, name) => {
                let mut typed = self.lower(operand)?;
                self.collates += 1;
                typed.collation = Some((Collation::named(&unquoted(name)), true));
                Ok(typed)
            }
            Expr::Like {
                lhs,
                not,
                op,
                rhs,
                escape,
            } => {
                let like = self.like(lhs, *op, rhs, *escape)?;
                Ok(if *not { negated(like) } else { like })
            }
            Expr::FunctionCall {
                name,
                distinctness: None,
                args,
                order_by: None,
                filter_over: None,
            } => self.function(&unquoted(name.0), args.unwrap_or_default()),
            Expr::FunctionCall {
                name,
                distinctness: Some(ast::Distinctness::Distinct),
                args: Some([argument]),
                order_by: None,
                filter_over: None,
            } => {
                let name = unquoted(name.0).to_ascii_lowercase();
                if !self.is_aggregate(&name, 1) {
                    return Err(format!("{name}(DISTINCT …) has no translation"));
                }
                self.aggregated(&name, true, argument)
            }
            Expr::FunctionCallStar {
                name,
                filter_over: None,
            } => self.count_rows(&unquoted(name.0)),
            Expr::Subquery(select) => self.scalar(select),
            Expr::Exists(select) => self.exists(select),
            Expr::InSelect { lhs, not, rhs } => self.in_query(lhs, *not, rhs),
            other => Err(format!("{} has no translation", kind(other))),
        }
    }

    fn literal(&mut self, literal: &Literal<'_>) -> Outcome {
        match literal {
            Literal::Numeric(token) => {
                number(token).ok_or_else(|| format!("the number {token} is out of range"))
            }
            Literal::String(token) => text(unquoted(token)),
            Literal::Blob(token) => {
                blob(token).ok_or_else(|| "a blob literal is malformed".to_owned())
            }
            Literal::Null => Ok(Typed::constant(OwnedValue::Null)),
            Literal::Keyword(word) => Err(format!("the keyword {word} has no translation")),
            Literal::CurrentDate => self.now("current_date"),
            Literal::CurrentTime => self.now("current_time"),
            Literal::CurrentTimestamp => self.now("current_timestamp"),
        }
    }

    /// A name: a column's; else a string where it stands in double quotes, or TRUE or FALSE.
    fn name(&mut self, token: &str) -> Outcome {
        let name = unquoted(token);
        if let Some(position) = self.scope.position(&name) {
            if self.scope.is_ambiguous(&name) {
                return Err(format!("`{name}` is a column of several tables"));
            }
            return self.column(position);
        }
        let row = matches!(
            name.to_ascii_lowercase().as_str(),
            "rowid" | "oid" | "_rowid_"
        );
        // Quotes or not, and any table has one.
        if row && !self.scope.columns.is_empty() {
            return Err("the rowid has no counterpart in PostgreSQL".to_owned());
        }
        if token.starts_with('"') {
            return self.quoted(name);
        }
        match name.to_ascii_lowercase().as_str() {
            "true" | "false" if name == token => {
                let truth = name.eq_ignore_ascii_case("true");
                let mut typed = Typed::bool(Expression::Boolean(truth));
                typed.constant = Some(OwnedValue::Integer(i64::from(truth)));
                Ok(typed)
            }
            _ => Err(format!("`{name}` is no column")),
        }
    }

    /// A name in double quotes that is no column here is a string, unless it may be a result of
    /// the query or a column of a query around it.
    fn quoted(&self, name: String) -> Outcome {
        let is_result = self.named.iter().any(|own| own.eq_ignore_ascii_case(&name));
        let is_within = self.relations.is_some_and(|(_, depth)| depth > 1);
        if is_result || is_within {
            return Err(format!(
                "`\"{name}\"` may be a string, a result, or a column of a query around it"
            ));
        }
        text(name)
    }

    fn qualified(&mut self, table: &str, column: &str) -> Outcome {
        let (table, column) = (unquoted(table), unquoted(column));
        let mut columns = self.scope.columns.iter();
        let found = columns.position(|own| {
            own.table.eq_ignore_ascii_case(&table) && own.name.eq_ignore_ascii_case(&column)
        });
        match found {
            Some(position) => self.column(position),
            None => Err(format!("`{table}`.`{column}` is no column here")),
        }
    }

    /// All columns, or those of one table, with their names.
    pub(super) fn all_columns(
        &mut self,
        table: Option<&str>,
        all: &mut Vec<(String, Typed)>,
    ) -> Outcome<()> {
        let before = all.len();
        for position in 0..self.scope.columns.len() {
            let column = &self.scope.columns[position];
            let wanted = match table {
                Some(table) => column.table.eq_ignore_ascii_case(table),
                None => !column.shadowed,
            };
            if wanted && !column.hidden {
                let name = column.name.clone();
                all.push((name, self.column(position)?));
            }
        }
        if all.len() == before {
            return Err("there is no table for its `*`".to_owned());
        }
        Ok(())
    }

    fn column(&mut self, position: usize) -> Outcome {
        let column = &self.scope.columns[position];
        if column.unusable {
            return Err(format!("column `{}` {}", column.name, column.reason));
        }
        self.columns.insert(position);
        Ok(column.typed.clone())
    }

    /// Why a piece of this class cannot be used in this way.
    pub(super) fn unfit(&self, typed: &Typed, what: &str) -> String {
        if let Class::Opaque = typed.class {
            let named =
                |column: &&crate::mapping::expression::ScopeColumn| column.typed.tree == typed.tree;
            if let Some(column) = self.scope.columns.iter().find(named) {
                return format!("column `{}` {}", column.name, column.reason);
            }
        }
        format!("{} {what}", typed.class.words())
    }

    /// Why a moment cannot be compared as the text that it is in SQLite, and what helps.
    pub(super) fn respelled(&self, typed: &Typed) -> String {
        let mut columns = self.scope.columns.iter();
        let named = columns.find(|column| column.typed.tree == typed.tree);
        let what = named.map_or_else(
            || "it".to_owned(),
            |column| format!("column `{}`", column.name),
        );
        format!(
            "{what} holds moments, which SQLite compares as texts, and how they are written is not kept (`type = \"text\"` for the column in a mapping file keeps it)"
        )
    }

    fn unary(&mut self, operator: UnaryOperator, operand: &Expr<'_>) -> Outcome {
        if operator == UnaryOperator::Negative
            && let Expr::Literal(Literal::Numeric(token)) = operand
            && let Some(typed) = number(&format!("-{token}"))
        {
            return Ok(typed);
        }
        let operand = self.lower(operand)?;
        match operator {
            UnaryOperator::Not => {
                if operand.class == Class::Null {
                    return Ok(Typed::bool(Expression::null(PgType::Boolean)));
                }
                let condition = self.condition(operand)?;
                Ok(Typed::bool(condition.negated()))
            }
            UnaryOperator::Positive => Ok(operand.bare()),
            UnaryOperator::Negative => {
                let zero = Typed::constant(OwnedValue::Integer(0));
                self.arithmetic(Arithmetic::Subtract, zero, operand)
            }
            UnaryOperator::BitwiseNot => {
                let operand = self.whole(operand, "~")?;
                let ones = Expression::integer(-1);
                let tree = Expression::binary(Operator::Subtract, ones, operand);
                Ok(Typed::new(tree, Class::Int))
            }
        }
    }

    fn binary(&mut self, left: &Expr<'_>, operator: ast::Operator, right: &Expr<'_>) -> Outcome {
        use ast::Operator as Op;
        match operator {
            Op::And | Op::Or => return self.chain(left, operator, right),
            Op::Concat => return self.concatenation(left, right),
            Op::ArrowRight | Op::ArrowRightShift => {
                return self.arrow(left, operator == Op::ArrowRightShift, right);
            }
            _ => {}
        }
        if let (Op::Is | Op::IsNot, Some(truth)) = (operator, truth_word(self.scope, right)) {
            return self.is_truth(left, truth, operator == Op::IsNot);
        }
        let (left, right) = (self.lower(left)?, self.lower(right)?);
        match operator {
            Op::Equals => self.compare(Comparison::Equal, left, right),
            Op::NotEquals => self.compare(Comparison::NotEqual, left, right),
            Op::Less => self.compare(Comparison::Less, left, right),
            Op::LessEquals => self.compare(Comparison::LessEqual, left, right),
            Op::Greater => self.compare(Comparison::Greater, left, right),
            Op::GreaterEquals => self.compare(Comparison::GreaterEqual, left, right),
            Op::Is => self.compare(Comparison::Is, left, right),
            Op::IsNot => self.compare(Comparison::IsNot, left, right),
            Op::Add => self.arithmetic(Arithmetic::Add, left, right),
            Op::Subtract => self.arithmetic(Arithmetic::Subtract, left, right),
            Op::Multiply => self.arithmetic(Arithmetic::Multiply, left, right),
            Op::Divide => self.arithmetic(Arithmetic::Divide, left, right),
            Op::Modulus => self.arithmetic(Arithmetic::Modulo, left, right),
            Op::BitwiseAnd => self.bits(Operator::BitAnd, "&", left, right),
            Op::BitwiseOr => self.bits(Operator::BitOr, "|", left, right),
            Op::LeftShift => self.shift(Operator::ShiftLeft, left, &right),
            Op::RightShift => self.shift(Operator::ShiftRight, left, &right),
            Op::And | Op::Or | Op::Concat | Op::ArrowRight | Op::ArrowRightShift => {
                Err("an operator is out of place".to_owned())
            }
        }
    }

    fn is_null(&mut self, operand: &Expr<'_>) -> Outcome {
        let typed = self.lower(operand)?;
        Ok(Typed::bool(typed.tree.null_test()))
    }

    /// CAST to the affinity that a type's name has.
    fn cast(&mut self, operand: Typed, name: &str) -> Outcome {
        let affinity = affinity_of(name);
        if operand.class == Class::Null {
            return Ok(operand);
        }
        let mut cast = match affinity {
            Affinity::Text => self.texted(operand)?,
            Affinity::Integer => self.truncated(operand)?,
            Affinity::Real => {
                let real = self.doubled(operand)?;
                Typed::new(real, Class::Real)
            }
            Affinity::Numeric if matches!(operand.class, Class::Int | Class::Bool) => {
                operand.counted()
            }
            Affinity::Numeric | Affinity::Blob => {
                let what = format!("has no translation as `{name}`");
                return Err(self.unfit(&operand, &what));
            }
        };
        cast.affinity = Some(affinity);
        cast.constant = None;
        Ok(cast)
    }
}

/// The contrary of a condition that may be NULL.
pub(super) fn negated(typed: Typed) -> Typed {
    Typed::bool(typed.tree.negated())
}

fn text(text: String) -> Outcome {
    if text.contains('\0') {
        return Err("a text with a NUL character has no place in PostgreSQL".to_owned());
    }
    Ok(Typed::constant(OwnedValue::Text(text)))
}

/// Datatypes In SQLite, section 3.1, for the type of a CAST.
fn affinity_of(name: &str) -> Affinity {
    let name = name.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["INT"]) {
        Affinity::Integer
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        Affinity::Text
    } else if name.is_empty() || has(&["BLOB"]) {
        Affinity::Blob
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        Affinity::Real
    } else {
        Affinity::Numeric
    }
}

/// What a node is called.
fn kind(expression: &Expr<'_>) -> &'static str {
    match expression {
        Expr::DoublyQualified(..) => "a column of another database",
        Expr::Exists(_) | Expr::Subquery(_) | Expr::InSelect { .. } | Expr::InTable { .. } => {
            "a subquery"
        }
        Expr::FunctionCall { .. } | Expr::FunctionCallStar { .. } => {
            "an aggregate or window function"
        }
        Expr::Raise(..) => "RAISE",
        Expr::Variable(_) => "a parameter",
        _ => "a piece of the expression",
    }
}
