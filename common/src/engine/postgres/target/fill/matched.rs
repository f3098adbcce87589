//! What is said in SQL of a table whose rows are merged: how a staged row `s` finds its row `t` of the
//! target, and whether the two are equal.
//!
//! Pure. A row is found as the key's own index finds it: by its operator and collation. Two values
//! are equal when they have the same text (JSON, too), or where a type has several texts for one
//! value (numeric with zeros at its end), the same value.

use crate::engine::postgres::images;
use crate::engine::postgres::name::{identifier, literal, qualified};
use crate::fault::Result;
use crate::mapping::existing::{ExistingColumn, Kind};
use crate::mapping::fill::{MatchColumn, MergeBy, OnConflict};
use crate::mapping::plan::PgType;
use crate::report::SAMPLES;

use super::statements::Filled;

/// What becomes of a staged row, as the table of fates has it.
pub(super) const NEW: &str = "inserted";
pub(super) const DIFFERS: &str = "differs";
pub(super) const SAME: &str = "same";

impl Filled<'_> {
    /// Whether the staged row `s` has the key of a row whose columns of the key `there` gives.
    pub(super) fn has_key_of(
        &self,
        by: &MergeBy,
        there: &dyn Fn(usize, &MatchColumn) -> Result<String>,
    ) -> Result<String> {
        let mut all = Vec::with_capacity(by.columns.len());
        for (position, column) in by.columns.iter().enumerate() {
            let there = there(position, column)?;
            let here = self.as_in_target(column)?;
            let collate = match &column.by.collation {
                Some((schema, name)) => format!(" COLLATE {}", qualified(schema, name)?),
                None => String::new(),
            };
            let operators = identifier(&column.by.operators)?;
            let equal = format!("{there} OPERATOR({operators}.=) ({here}{collate})");
            let may_be_null =
                by.nulls_are_equal && !self.table.target.columns[column.place].not_null;
            all.push(if may_be_null {
                format!("({equal} OR {there} IS NULL AND {here} IS NULL)")
            } else {
                equal
            });
        }
        Ok(all.join(" AND "))
    }

    /// Whether the staged row `s` has the key of the row `t` of the target.
    pub(super) fn matches(&self, by: &MergeBy) -> Result<String> {
        self.has_key_of(by, &|_, column| {
            Ok(format!("t.{}", identifier(&column.by.name)?))
        })
    }

    /// The value of a staged column in the type of the target.
    fn as_in_target(&self, column: &MatchColumn) -> Result<String> {
        let cast = &self.table.target.columns[column.place].cast_name;
        Ok(format!("{}::{cast}", self.staged_column(column.staged)?))
    }

    /// Whether the row `t` has other values than the staged row `s`.
    pub(super) fn differs(&self) -> Result<String> {
        let mut all = Vec::new();
        for (staged, column) in self.table.filled() {
            let travels = self.travels(staged);
            let here = exact(&self.staged_column(staged)?, travels, column);
            let there = format!("t.{}::{}", identifier(&column.name)?, travels.name());
            let there = exact(&there, travels, column);
            all.push(format!("{here} IS DISTINCT FROM {there}"));
        }
        // A table without columns has no key, so there is one.
        Ok(format!("({})", all.join(" OR ")))
    }

    /// The staged rows that are written, as what follows `FROM … AS s`.
    pub(super) fn written(&self) -> Result<String> {
        let Some(by) = &self.table.merge else {
            return Ok(String::new());
        };
        let mut there = self.matches(by)?;
        if by.on_conflict != OnConflict::Skip {
            there = format!("{there} AND NOT {}", self.differs()?);
        }
        Ok(format!(
            " WHERE NOT EXISTS (SELECT FROM {} AS t WHERE {there})",
            self.only_target()?
        ))
    }

    /// Staged rows whose key has NULL in it, so that nobody would find them again.
    pub(super) fn without_key(&self, by: &MergeBy) -> Result<String> {
        let nulls = by.columns.iter().map(|column| {
            let column = self.staged_column(column.staged)?;
            Ok(format!("{column} IS NULL"))
        });
        let nulls = nulls.collect::<Result<Vec<_>>>()?;
        self.sampled(&format!(
            "{} AS s WHERE {}",
            self.staged()?,
            nulls.join(" OR ")
        ))
    }

    /// Staged rows whose key is in the target with other values.
    pub(super) fn conflicts(&self, by: &MergeBy) -> Result<String> {
        self.sampled(&format!(
            "{} AS s JOIN {} AS t ON {} WHERE {}",
            self.staged()?,
            self.only_target()?,
            self.matches(by)?,
            self.differs()?
        ))
    }

    /// Staged rows that the target does not hold, of those with a fate among `fates`.
    pub(super) fn not_arrived(
        &self,
        (by, fates): (&MergeBy, &str),
        expected: &[&str],
    ) -> Result<String> {
        self.sampled(&format!(
            "{} AS s LEFT JOIN {} AS t ON {} WHERE (t.ctid IS NULL OR {}) AND {}",
            self.staged()?,
            self.only_target()?,
            self.matches(by)?,
            self.differs()?,
            of_fate(fates, expected)?
        ))
    }

    fn sampled(&self, from: &str) -> Result<String> {
        Ok(format!(
            "SELECT {} AS waybill_row, count(*) OVER () AS all_rows FROM {from} ORDER BY {} LIMIT {SAMPLES}",
            self.row_key()?,
            self.row_order()?
        ))
    }

    /// Writes down what becomes of each staged row.
    pub(super) fn decide(&self, by: &MergeBy, fates: &str) -> Result<String> {
        Ok(format!(
            "CREATE UNLOGGED TABLE {fates} AS SELECT s.ctid AS row, \
             CASE WHEN t.ctid IS NULL THEN '{NEW}' WHEN {} THEN '{DIFFERS}' ELSE '{SAME}' END AS fate \
             FROM {} AS s LEFT JOIN {} AS t ON {}; ANALYZE {fates}",
            self.differs()?,
            self.staged()?,
            self.only_target()?,
            self.matches(by)?
        ))
    }

    /// INSERT of the rows that the target does not have.
    pub(super) fn insert_new(&self, fates: &str) -> Result<String> {
        let new = of_fate(fates, &[NEW])?;
        Ok(format!("{} WHERE {new}", self.insert()?))
    }

    /// UPDATE of the rows that the target has with other values.
    pub(super) fn update(&self, by: &MergeBy, fates: &str) -> Result<String> {
        let mut set = Vec::new();
        for (staged, column) in self.table.filled() {
            // It takes no update; it is part of the key, and so equal.
            if !column.identity_always {
                let value = self.assigned(staged, column)?;
                set.push(format!("{} = {value}", identifier(&column.name)?));
            }
        }
        Ok(format!(
            "UPDATE {} AS t SET {} FROM {} AS s WHERE {} AND {}",
            self.only_target()?,
            set.join(", "),
            self.staged()?,
            self.matches(by)?,
            of_fate(fates, &[DIFFERS])?
        ))
    }

    /// Keeps in `backup` the rows that an update will change, whole, and the keys of those that are
    /// inserted.
    pub(super) fn keep(
        &self,
        by: &MergeBy,
        (fates, backup): (&str, &str),
        updates: bool,
    ) -> Result<String> {
        let target = &self.table.target;
        let action = identifier(&images::action_column(&target.columns))?;
        let kept = if updates {
            of_fate(fates, &[DIFFERS])?
        } else {
            "false".to_owned()
        };
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for column in &by.columns {
            columns.push(identifier(&column.by.name)?);
            values.push(self.as_in_target(column)?);
        }
        Ok(format!(
            "CREATE TABLE {backup} AS SELECT {}::text AS {action}, {} FROM {} AS s JOIN {} AS t ON {} WHERE {kept}; \
             INSERT INTO {backup} ({action}, {}) SELECT {}, {} FROM {} AS s WHERE {}",
            literal(images::UPDATED)?,
            images::of_row(&target.columns)?,
            self.staged()?,
            self.only_target()?,
            self.matches(by)?,
            columns.join(", "),
            literal(images::INSERTED)?,
            values.join(", "),
            self.staged()?,
            of_fate(fates, &[NEW])?
        ))
    }

    /// Staged rows that take a value of another unique key which a row of the target has that stays:
    /// `terms` are those of the key, `filter` says which rows it speaks of.
    pub(super) fn taken_by_others(
        &self,
        by: &MergeBy,
        terms: &[String],
        filter: &str,
    ) -> Result<String> {
        let named: Vec<_> = terms
            .iter()
            .enumerate()
            .map(|(n, term)| format!("({term}) AS waybill_term_{n}"))
            .collect();
        let equal: Vec<_> = (0..terms.len())
            .map(|n| format!("here.waybill_term_{n} IS NOT DISTINCT FROM there.waybill_term_{n}"))
            .collect();
        // Without NULL the plain operator can use a hash.
        let equal = if filter.contains("IS NOT NULL") {
            equal.join(" AND ").replace("IS NOT DISTINCT FROM", "=")
        } else {
            equal.join(" AND ")
        };
        let mut keys = Vec::with_capacity(by.columns.len());
        for (n, column) in by.columns.iter().enumerate() {
            keys.push(format!(
                "{} AS waybill_key_{n}",
                identifier(&column.by.name)?
            ));
        }
        let mut stays = String::new();
        if by.on_conflict != OnConflict::Skip {
            // Such a row gets the values of its own staged row, which are compared with the others.
            let own = self.has_key_of(by, &|n, _| Ok(format!("there.waybill_key_{n}")))?;
            stays = format!(
                " WHERE NOT EXISTS (SELECT FROM {} AS s WHERE {own})",
                self.staged()?
            );
        }
        Ok(format!(
            "SELECT here.waybill_row, here.waybill_order \
             FROM (SELECT waybill_row, waybill_order, {} FROM ({}) AS staged{filter}) AS here \
             JOIN (SELECT {}, {} FROM {}{filter}) AS there ON {equal}{stays}",
            named.join(", "),
            self.checked()?,
            named.join(", "),
            keys.join(", "),
            self.only_target()?
        ))
    }

    /// The staged rows whose unique keys are compared with one another: all that the target will
    /// hold in the end.
    pub(super) fn checked(&self) -> Result<String> {
        match &self.table.merge {
            Some(by) if by.on_conflict == OnConflict::Skip => self.preview(),
            _ => self.preview_all(),
        }
    }
}

/// Whether a staged row has one of these fates.
fn of_fate(fates: &str, among: &[&str]) -> Result<String> {
    let among = among.iter().map(|fate| literal(fate));
    let among = among.collect::<Result<Vec<_>>>()?;
    Ok(format!(
        "s.ctid IN (SELECT row FROM {fates} WHERE fate IN ({}))",
        among.join(", ")
    ))
}

/// A value in a form in which IS DISTINCT FROM tells all values apart that are not equal.
fn exact(value: &str, travels: PgType, column: &ExistingColumn) -> String {
    match travels {
        // Zero has two signs.
        PgType::Double => format!("float8send({value})"),
        // Blanks at the end of char are no part of the value; none were sent.
        PgType::Text if matches!(column.kind, Kind::Char(_)) => {
            format!("rtrim({value}, ' ') COLLATE \"C\"")
        }
        PgType::Text | PgType::Json | PgType::Jsonb => format!("({value})::text COLLATE \"C\""),
        _ => format!("({value})"),
    }
}
