//! Conditions and choices: AND, OR, IN, BETWEEN, CASE, and what counts as true.

use crate::mapping::expression::compare::Comparison;
use crate::mapping::expression::lower::{LARGEST, Lowering, Outcome, TOO_LARGE, negated};
use crate::mapping::expression::value::{Class, Scope, Typed, nonzero};
use crate::mapping::expression::{Expression, Operator};
use crate::mapping::plan::PgType;
use sqlite3_parser::ast::{self, Expr};

/// Most operands of one chain, where the chain becomes a list, and where it is nested.
const LONGEST_CHAIN: usize = 2000;
const LONGEST_CONCATENATION: usize = 200;

impl Lowering<'_> {
    /// All operands of a chain of one operator, which stands as deep as it is long in the tree.
    pub(super) fn operands<'a, 'b>(
        left: &'a Expr<'b>,
        operator: ast::Operator,
        right: &'a Expr<'b>,
    ) -> Outcome<Vec<&'a Expr<'b>>> {
        let longest = if operator == ast::Operator::Concat {
            LONGEST_CONCATENATION
        } else {
            LONGEST_CHAIN
        };
        let mut operands = vec![right];
        let mut left = left;
        while let Expr::Binary(further, same, right) = left {
            if *same != operator {
                break;
            }
            if operands.len() >= longest {
                return Err(format!("it is a chain of more than {longest} operands"));
            }
            operands.push(right);
            left = further;
        }
        operands.push(left);
        operands.reverse();
        Ok(operands)
    }

    pub(super) fn chain(
        &mut self,
        left: &Expr<'_>,
        operator: ast::Operator,
        right: &Expr<'_>,
    ) -> Outcome {
        let mut conditions = Vec::new();
        for operand in Self::operands(left, operator, right)? {
            let operand = self.lower(operand)?;
            conditions.push(self.condition(operand)?);
        }
        Ok(Typed::bool(if operator == ast::Operator::And {
            Expression::And(conditions)
        } else {
            Expression::Or(conditions)
        }))
    }

    pub(super) fn concatenation(&mut self, left: &Expr<'_>, right: &Expr<'_>) -> Outcome {
        let mut trees = Vec::new();
        for operand in Self::operands(left, ast::Operator::Concat, right)? {
            let operand = self.lower(operand)?;
            trees.push(self.texted(operand)?.tree);
        }
        let mut trees = trees.into_iter();
        let first = trees.next().unwrap_or_else(|| Expression::text(""));
        let tree = trees.fold(first, |left, right| {
            Expression::binary(Operator::Concat, left, right)
        });
        Ok(Typed::new(tree, Class::Text))
    }

    /// `x IS TRUE` and the like ask for truth, not for equality with 1.
    pub(super) fn is_truth(&mut self, operand: &Expr<'_>, truth: bool, not: bool) -> Outcome {
        let operand = self.lower(operand)?;
        if operand.class == Class::Null {
            return Ok(Typed::bool(Expression::Boolean(not)));
        }
        let condition = self.condition(operand)?;
        let operator = if not { Operator::IsNot } else { Operator::Is };
        let tree = Expression::binary(operator, condition, Expression::Boolean(truth));
        Ok(Typed::bool(tree))
    }

    /// Whether SQLite takes a value for true.
    pub(super) fn condition(&mut self, typed: Typed) -> Outcome<Expression> {
        match typed.class {
            Class::Bool => Ok(typed.tree),
            Class::Null => Ok(Expression::null(PgType::Boolean)),
            Class::Int | Class::Real | Class::Float | Class::Number => Ok(nonzero(typed)),
            _ => Err(self.unfit(&typed, "is no condition")),
        }
    }

    pub(super) fn between(
        &mut self,
        of: &Expr<'_>,
        not: bool,
        from: &Expr<'_>,
        to: &Expr<'_>,
    ) -> Outcome {
        let of = self.lower(of)?;
        let (from, to) = (self.lower(from)?, self.lower(to)?);
        let least = self.compare(Comparison::GreaterEqual, of.clone(), from)?;
        let most = self.compare(Comparison::LessEqual, of, to)?;
        let both = Typed::bool(Expression::And(vec![least.tree, most.tree]));
        Ok(if not { negated(both) } else { both })
    }

    pub(super) fn in_list(&mut self, of: &Expr<'_>, not: bool, list: &[Expr<'_>]) -> Outcome {
        let of = self.lower(of)?;
        // What is in no list is false even where it is NULL.
        if list.is_empty() {
            return Ok(Typed::bool(Expression::Boolean(not)));
        }
        affordable(&of, list.len())?;
        let mut equals = Vec::with_capacity(list.len());
        for item in list {
            // Only the left side's affinity and collation count.
            let mut item = self.lower(item)?.bare();
            item.collation = None;
            equals.push(self.compare(Comparison::Equal, of.clone(), item)?.tree);
        }
        let among = Typed::bool(among(equals));
        Ok(if not { negated(among) } else { among })
    }

    pub(super) fn case(
        &mut self,
        base: Option<&Expr<'_>>,
        pairs: &[(Expr<'_>, Expr<'_>)],
        otherwise: Option<&Expr<'_>>,
    ) -> Outcome {
        let base = base.map(|base| self.lower(base)).transpose()?;
        if let Some(base) = &base {
            affordable(base, pairs.len())?;
        }
        let (mut conditions, mut results) = (Vec::new(), Vec::new());
        for (when, then) in pairs {
            let when = self.lower(when)?;
            conditions.push(match &base {
                Some(base) => self.compare(Comparison::Equal, base.clone(), when)?.tree,
                None => self.condition(when)?,
            });
            results.push(self.lower(then)?);
        }
        if let Some(otherwise) = otherwise {
            results.push(self.lower(otherwise)?);
        }
        self.choice(conditions, results)
    }

    /// CASE: as many results as conditions, and perhaps one more for ELSE.
    pub(super) fn choice(&mut self, conditions: Vec<Expression>, results: Vec<Typed>) -> Outcome {
        let (class, mut trees) = self.unify(results)?;
        let otherwise = if trees.len() > conditions.len() {
            trees.pop().map(Box::new)
        } else {
            None
        };
        let arms = conditions.into_iter().zip(trees).collect();
        Ok(Typed::new(Expression::Case { arms, otherwise }, class))
    }
}

/// Refuses what would be too large once it is repeated for each of a list.
fn affordable(typed: &Typed, times: usize) -> Outcome<()> {
    if typed.tree.size(LARGEST).saturating_mul(times) > LARGEST {
        return Err(TOO_LARGE.to_owned());
    }
    Ok(())
}

/// `a = 1 OR a = 2` as `a IN (1, 2)`, where the left side is one and the same.
fn among(equals: Vec<Expression>) -> Expression {
    let left = match equals.first() {
        Some(Expression::Binary {
            operator: Operator::Equal,
            left,
            ..
        }) => left.clone(),
        _ => return Expression::Or(equals),
    };
    let mut list = Vec::with_capacity(equals.len());
    for equal in &equals {
        match equal {
            Expression::Binary {
                operator: Operator::Equal,
                left: same,
                right,
            } if *same == left => list.push((**right).clone()),
            _ => return Expression::Or(equals),
        }
    }
    Expression::In { of: left, list }
}

/// TRUE or FALSE, where no column is called so.
pub(super) fn truth_word(scope: &Scope, expression: &Expr<'_>) -> Option<bool> {
    let (Expr::Id(ast::Id(name)) | Expr::Name(ast::Name(name))) = expression else {
        return None;
    };
    let truth = match name.to_ascii_lowercase().as_str() {
        "true" => true,
        "false" => false,
        _ => return None,
    };
    scope.position(name).is_none().then_some(truth)
}
