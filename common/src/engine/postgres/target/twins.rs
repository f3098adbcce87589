//! Keys that become equal on their way: which can be told without a server, and which rows of a staged
//! table the server finds equal.

use crate::engine::postgres::name::{identifier, literal};
use crate::engine::postgres::session::Session;
use crate::engine::postgres::target::rehearse::TriedKey;
use crate::fault::Result;
use crate::mapping::expression::Expression;
use crate::mapping::plan::{ColumnPlan, IndexPlan, KeyPlan, PgType, TablePlan};
use crate::report::SAMPLES;
use std::borrow::Cow;
use std::ops::Range;

use super::run::transaction;
use super::sql::Statements;

/// Bytes of PostgreSQL's binary form of a numeric that say how many digits are shown after the point.
const SHOWN_SCALE: Range<usize> = 6..8;

/// What a term of an index compares of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    /// All of it.
    Bytes,
    /// Its bytes with the letters of ASCII in lower case: `lower()` under collation "C".
    Lower,
    /// Its bytes without blanks at the end: `rtrim()`.
    Trimmed,
}

/// What a key is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    /// Position among the columns that are tried.
    pub(super) column: usize,
    pub(super) fold: Fold,
}

/// A primary key, UNIQUE constraint or unique index on columns, or on what is folded of them.
pub(super) struct UniqueKey<'a> {
    name: &'a str,
    /// Columns by their names in the target.
    pub(super) terms: Vec<(&'a str, Fold)>,
}

impl Fold {
    /// What is compared of the bytes of a text.
    pub(super) fn of(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Fold::Bytes => Cow::Borrowed(bytes),
            Fold::Lower => Cow::Owned(bytes.to_ascii_lowercase()),
            Fold::Trimmed => {
                let end = bytes.iter().rposition(|byte| *byte != b' ');
                Cow::Borrowed(&bytes[..end.map_or(0, |last| last + 1)])
            }
        }
    }
}

/// The keys of a table that hold for all rows and whose terms can be computed here.
pub(super) fn keys(plan: &TablePlan) -> impl Iterator<Item = UniqueKey<'_>> {
    let constraints = plan.primary_key.iter().chain(&plan.unique).map(|key| {
        let columns = key.columns.iter();
        UniqueKey {
            name: &key.name,
            terms: columns
                .map(|column| (column.as_str(), Fold::Bytes))
                .collect(),
        }
    });
    let indexes = plan.indexes.iter();
    let indexes = indexes.filter(|index| index.unique && index.predicate.is_none());
    let indexes = indexes.filter_map(|index| {
        let terms = index.terms.iter().map(|term| term_of(plan, &term.on));
        Some(UniqueKey {
            name: &index.name,
            terms: terms.collect::<Option<Vec<_>>>()?,
        })
    });
    let copied = |key: &UniqueKey<'_>| {
        let mut terms = key.terms.iter();
        terms.all(|(name, _)| plan.copied().any(|column| column.name == *name))
    };
    constraints.chain(indexes).filter(copied)
}

fn term_of<'a>(plan: &TablePlan, on: &'a Expression) -> Option<(&'a str, Fold)> {
    match on {
        Expression::Column(name) => Some((name, Fold::Bytes)),
        Expression::Call {
            function,
            arguments,
        } => {
            let (Expression::Column(name), rest) = arguments.split_first()? else {
                return None;
            };
            // Another collation has other letters.
            let bytewise = |column: &ColumnPlan| {
                column.target.is_bytewise_text() && column.collation.is_none()
            };
            plan.copied()
                .find(|column| column.name == *name)
                .filter(|column| bytewise(column))?;
            match (*function, rest) {
                ("lower", []) => Some((name, Fold::Lower)),
                ("rtrim", []) => Some((name, Fold::Trimmed)),
                ("rtrim", [blank]) if *blank == Expression::text(" ") => {
                    Some((name, Fold::Trimmed))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The terms of these keys, each once, and the keys on them; `columns` are those that are tried.
pub(super) fn settle(
    columns: &[ColumnPlan],
    keys: Vec<UniqueKey<'_>>,
) -> (Vec<Term>, Vec<TriedKey>) {
    let mut terms: Vec<Term> = Vec::new();
    let mut tried = Vec::new();
    for key in keys {
        let positions = key.terms.iter().filter_map(|(name, fold)| {
            let column = columns.iter().position(|column| column.name == *name)?;
            let term = Term {
                column,
                fold: *fold,
            };
            Some(
                terms
                    .iter()
                    .position(|known| *known == term)
                    .unwrap_or_else(|| {
                        terms.push(term);
                        terms.len() - 1
                    }),
            )
        });
        tried.push(TriedKey {
            terms: positions.collect(),
            name: key.name.to_owned(),
        });
    }
    (terms, tried)
}

/// Gives the field of a value the form that all equal values have.
pub(super) fn normalise(target: PgType, field: &mut [u8]) {
    match target {
        // Letters beyond ASCII are folded by the server's own rules.
        PgType::Citext => field.make_ascii_lowercase(),
        PgType::Numeric | PgType::Decimal { .. } => {
            if let Some(scale) = field.get_mut(SHOWN_SCALE) {
                scale.fill(0);
            }
        }
        PgType::Real | PgType::Double => {
            if let Some((0x80, rest)) = field.split_first()
                && rest.iter().all(|byte| *byte == 0)
            {
                field[0] = 0;
            }
        }
        _ => {}
    }
}

/// The SQL of what a unique index is on, and of its WHERE clause.
pub(super) struct Unique {
    terms: Vec<String>,
    predicate: Option<String>,
}

impl Unique {
    pub(super) fn key(key: &KeyPlan) -> Result<Self> {
        let terms = key.columns.iter().map(|column| identifier(column));
        Ok(Unique {
            terms: terms.collect::<Result<_>>()?,
            predicate: None,
        })
    }

    pub(super) fn index(index: &IndexPlan) -> Result<Self> {
        let terms = index.terms.iter();
        let terms = terms.map(|term| super::sql::expression(&term.on));
        let predicate = index.predicate.as_ref();
        Ok(Unique {
            terms: terms.collect::<Result<_>>()?,
            predicate: predicate.map(super::sql::expression).transpose()?,
        })
    }

    /// The first rows of the staged table that the server finds equal; nothing where no primary key
    /// tells rows apart.
    pub(super) fn rows(
        &self,
        session: &mut Session,
        begin: &str,
        statements: &Statements<'_>,
    ) -> Result<Option<String>> {
        let Some(key) = &statements.table.primary_key else {
            return Ok(None);
        };
        let sql = self.query(key, &statements.name()?)?;
        let rows = transaction(session, begin, |session| session.query(&sql, &[]))?;
        let rows: Vec<String> = rows.iter().map(|row| row.get("waybill_row")).collect();
        Ok((!rows.is_empty()).then(|| rows.join("; ")))
    }

    fn query(&self, key: &KeyPlan, table: &str) -> Result<String> {
        let (mut names, mut order) = (Vec::new(), Vec::new());
        for (position, name) in key.columns.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            let column = identifier(name)?;
            let label = literal(&format!("{comma}{name}="))?;
            names.push(format!("{label}, left({column}::text, {SHOWN})"));
            order.push(column);
        }
        // NULL is no other NULL's equal.
        let mut wheres: Vec<String> = Vec::new();
        wheres.extend(self.predicate.iter().map(|sql| format!("({sql})")));
        wheres.extend(self.terms.iter().map(|sql| format!("({sql}) IS NOT NULL")));
        let terms: Vec<_> = self.terms.iter().map(|sql| format!("({sql})")).collect();
        Ok(format!(
            "SELECT waybill_row FROM (SELECT concat({}) AS waybill_row, \
             count(*) OVER (PARTITION BY {}) AS waybill_equal, \
             row_number() OVER (ORDER BY {}) AS waybill_place FROM {table} WHERE {}) AS keyed \
             WHERE waybill_equal > 1 ORDER BY waybill_place LIMIT {SAMPLES}",
            names.join(", "),
            terms.join(", "),
            order.join(", "),
            wheres.join(" AND ")
        ))
    }
}

/// Characters of a key's value that are shown.
const SHOWN: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_compare_what_the_server_s_functions_give() {
        assert_eq!(&*Fold::Bytes.of(b"Ab "), b"Ab ");
        assert_eq!(&*Fold::Lower.of("ÄB ".as_bytes()), "Äb ".as_bytes());
        assert_eq!(&*Fold::Trimmed.of(b" a\t  "), b" a\t");
        assert_eq!(&*Fold::Trimmed.of(b"   "), b"");
        assert_eq!(&*Fold::Trimmed.of(b""), b"");
    }
}
