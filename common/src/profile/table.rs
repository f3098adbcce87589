//! Gathers the evidence of one table, in one pass or in parts that are merged.

use super::evidence::{ColumnEvidence, Form, FormEvidence, RealRange, RowRef, TableEvidence};
use super::form::{Forms, bit, forms};
use super::json::Memory;
use crate::model::key::RowNaming;
use crate::model::schema::Table;
use crate::model::value::Value;

/// The evidence of a table, or of some of its rows, as it grows.
#[derive(Debug)]
pub struct TableProfile {
    naming: RowNaming,
    first_cell: usize,
    rows: u64,
    columns: Vec<ColumnProfile>,
    memory: Memory,
}

/// The evidence of a column as it grows.
#[derive(Debug, Default)]
struct ColumnProfile {
    /// All but the forms.
    evidence: ColumnEvidence,
    /// The first value that is not NULL: the first other of every form that comes later.
    first_present: Option<RowRef>,
    /// Forms that a value has had.
    seen: Forms,
    /// Forms that every value so far has had: their first other is still to come.
    unbroken: Forms,
    forms: [FormProfile; Form::ALL.len()],
}

/// The evidence for one form as it grows.
#[derive(Debug, Default)]
struct FormProfile {
    matches: u64,
    first: Option<RowRef>,
    first_other: Option<RowRef>,
}

impl TableProfile {
    /// A profile of no rows yet.
    #[must_use]
    pub fn new(table: &Table) -> Self {
        TableProfile {
            naming: RowNaming::of(table),
            first_cell: table.first_column_cell(),
            rows: 0,
            columns: table
                .stored_columns()
                .map(|_| ColumnProfile::default())
                .collect(),
            memory: Memory::default(),
        }
    }

    /// Looks at one row of `Table::cells` values; `number` counts from 1 over the whole table, in
    /// archive order, and grows from call to call.
    pub fn observe(&mut self, row: &[Value<'_>], number: u64) {
        self.rows += 1;
        let naming = &self.naming;
        let name = || RowRef {
            number,
            key: naming.name(row, number),
        };
        let values = row.iter().skip(self.first_cell);
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.observe(value, &mut self.memory, name);
        }
    }

    /// Adds the profile of rows of the same table that all come after those seen here. The result
    /// does not depend on where the rows were parted.
    pub fn merge(&mut self, later: TableProfile) {
        self.rows += later.rows;
        for (column, later) in self.columns.iter_mut().zip(later.columns) {
            column.merge(later);
        }
    }

    /// What the rows said.
    #[must_use]
    pub fn finish(self) -> TableEvidence {
        TableEvidence {
            rows: self.rows,
            columns: self
                .columns
                .into_iter()
                .map(ColumnProfile::finish)
                .collect(),
        }
    }
}

impl ColumnProfile {
    #[inline]
    fn observe(&mut self, value: &Value<'_>, memory: &mut Memory, name: impl Fn() -> RowRef) {
        if matches!(value, Value::Null) {
            self.evidence.nulls += 1;
            return;
        }
        self.count(value);
        let found = forms(value, memory);
        let new = found & !self.seen;
        let broken = self.unbroken & !found;
        if new | broken != 0 || self.first_present.is_none() {
            self.turn(new, broken, &name());
        }
        let mut rest = found;
        while rest != 0 {
            self.forms[rest.trailing_zeros() as usize].matches += 1;
            rest &= rest - 1;
        }
    }

    #[inline]
    fn count(&mut self, value: &Value<'_>) {
        let evidence = &mut self.evidence;
        match *value {
            Value::Null => evidence.nulls += 1,
            Value::Integer(integer) => {
                evidence.integers += 1;
                evidence.integer_range = wider(evidence.integer_range, Some((integer, integer)));
            }
            Value::Real(real) => {
                evidence.reals += 1;
                evidence.real_range = wider_reals(evidence.real_range, RealRange::new(real, real));
            }
            Value::Text(text) => {
                evidence.texts += 1;
                lengthen(&mut evidence.longest_text, text.len() as u64);
            }
            Value::RawText(bytes) => {
                evidence.raw_texts += 1;
                lengthen(&mut evidence.longest_blob, bytes.len() as u64);
            }
            Value::Blob(bytes) => {
                evidence.blobs += 1;
                lengthen(&mut evidence.longest_blob, bytes.len() as u64);
            }
        }
    }

    /// Notes the row whose value has forms that none had before, or lacks forms that all had.
    #[cold]
    fn turn(&mut self, new: Forms, broken: Forms, row: &RowRef) {
        let earlier = self.first_present.get_or_insert_with(|| row.clone());
        let is_first = earlier.number == row.number;
        for (position, form) in self.forms.iter_mut().enumerate() {
            let this = 1 << position;
            if new & this != 0 {
                form.first = Some(row.clone());
                form.first_other = (!is_first).then(|| earlier.clone());
            } else if broken & this != 0 {
                form.first_other = Some(row.clone());
            }
        }
        self.seen |= new;
        self.unbroken &= !broken;
        if is_first {
            self.unbroken = new;
        }
    }

    fn merge(&mut self, later: ColumnProfile) {
        add(&mut self.evidence, &later.evidence);
        let (first, later_first) = (self.first_present.clone(), later.first_present);
        for (form, later_form) in self.forms.iter_mut().zip(later.forms) {
            if form.matches == 0 {
                form.first = later_form.first;
                form.first_other = first.clone().or(later_form.first_other);
            } else if form.first_other.is_none() {
                form.first_other = if later_form.matches == 0 {
                    later_first.clone()
                } else {
                    later_form.first_other
                };
            }
            form.matches += later_form.matches;
        }
        self.unbroken = match (&first, &later_first) {
            (Some(_), Some(_)) => self.unbroken & later.unbroken,
            _ => self.unbroken | later.unbroken,
        };
        self.seen |= later.seen;
        self.first_present = first.or(later_first);
    }

    fn finish(self) -> ColumnEvidence {
        let mut evidence = self.evidence;
        for (form, profile) in Form::ALL.iter().zip(self.forms) {
            debug_assert_eq!(self.seen & bit(*form) != 0, profile.matches > 0);
            if let Some(first) = profile.first {
                evidence.forms.push(FormEvidence {
                    form: *form,
                    matches: profile.matches,
                    first,
                    first_other: profile.first_other,
                });
            }
        }
        evidence
    }
}

/// Adds the counts, ranges and lengths of `later`.
fn add(to: &mut ColumnEvidence, later: &ColumnEvidence) {
    to.nulls += later.nulls;
    to.integers += later.integers;
    to.reals += later.reals;
    to.texts += later.texts;
    to.raw_texts += later.raw_texts;
    to.blobs += later.blobs;
    to.integer_range = wider(to.integer_range, later.integer_range);
    to.real_range = wider_reals(to.real_range, later.real_range);
    lengthen(&mut to.longest_text, later.longest_text);
    lengthen(&mut to.longest_blob, later.longest_blob);
}

#[inline]
fn wider(a: Option<(i64, i64)>, b: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (a, b) {
        (Some((low, high)), Some((other_low, other_high))) => Some((
            std::cmp::min(low, other_low),
            std::cmp::max(high, other_high),
        )),
        (one, None) | (None, one) => one,
    }
}

#[inline]
fn wider_reals(a: Option<RealRange>, b: Option<RealRange>) -> Option<RealRange> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.with(b)),
        (one, None) | (None, one) => one,
    }
}

#[inline]
fn lengthen(longest: &mut u64, length: u64) {
    if length > *longest {
        *longest = length;
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
