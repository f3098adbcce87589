//! The rehearsal: values of which nobody has proved that they fit are tried before the first write.
//!
//! Whoever drives it reads the rows of the tables it names and feeds them to trials, one a part, on
//! any thread; the findings do not depend on the order. Knows no connection: what is tried is the
//! same encoder that fills COPY.

use crate::engine::postgres::target::encode::{Outcome, Refused, Setting, TupleEncoder};
use crate::fault::{Code, Fault, Result};
use crate::mapping::plan::{ColumnPlan, PgType, Plan, Reading, TablePlan};
use crate::model::key::RowNaming;
use crate::model::schema::{Schema, Table};
use crate::model::value::Value;
use crate::report::{Finding, SAMPLES, Severity};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::twins::{self, Term, UniqueKey};

/// Characters of a value that a sample shows, about.
const SHOWN: usize = 40;

/// The tables of a plan whose values are to be tried.
#[derive(Debug)]
pub struct Rehearsal<'a> {
    setting: Setting<'a>,
    /// By position in the schema.
    tables: BTreeMap<usize, Tried<'a>>,
    /// By position in the schema; per column tried.
    found: Mutex<BTreeMap<usize, Vec<Tallies>>>,
}

/// A table with values that are to be tried.
#[derive(Debug)]
struct Tried<'a> {
    plan: &'a TablePlan,
    source: &'a Table,
    columns: Vec<ColumnPlan>,
    /// What the keys are on.
    terms: Vec<Term>,
    keys: Vec<TriedKey>,
}

/// A key of a table whose values may become equal on their way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriedKey {
    /// The name of the key or unique index.
    pub name: String,
    /// What it is on, as positions among the terms of its table.
    pub terms: Vec<usize>,
}

/// What has become of the values of a column.
#[derive(Debug, Default)]
struct Tallies {
    refused: Tally,
    nulls: Tally,
    changed: Tally,
}

/// A count with the first rows, whatever order they come in.
#[derive(Debug, Default)]
struct Tally {
    count: u64,
    /// By number of the row: how it is named, and why.
    first: BTreeMap<u64, (String, String)>,
}

impl Tally {
    /// The row is worded only where it is shown.
    fn add(&mut self, row: u64, words: impl FnOnce() -> (String, String)) {
        self.count += 1;
        let is_among = self.first.len() < SAMPLES
            || self
                .first
                .last_key_value()
                .is_some_and(|(last, _)| row < *last);
        if is_among {
            self.first.insert(row, words());
            self.cut();
        }
    }

    fn merge(&mut self, other: Tally) {
        self.count += other.count;
        self.first.extend(other.first);
        self.cut();
    }

    fn cut(&mut self) {
        while self.first.len() > SAMPLES {
            self.first.pop_last();
        }
    }
}

impl<'a> Rehearsal<'a> {
    /// What of this plan is to be tried: the columns whose type was asked for or whose values are
    /// converted, and the keys they are in.
    pub fn new(schema: &'a Schema, plan: &'a Plan) -> Result<Self> {
        let mut tables = BTreeMap::new();
        for planned in &plan.tables {
            let source = schema.tables.get(planned.source).ok_or_else(|| {
                let what = "the plan names a table that the schema does not have";
                Fault::new(Code::Bug, what).in_table(&planned.name)
            })?;
            if let Some(tried) = Tried::of(planned, source) {
                match tables.entry(planned.source) {
                    Entry::Vacant(entry) => {
                        entry.insert(tried);
                    }
                    Entry::Occupied(mut first) => first.get_mut().join(tried),
                }
            }
        }
        let rehearsal = Rehearsal {
            setting: Setting {
                enums: &plan.enums,
                encoding: schema.facts.encoding,
            },
            tables,
            found: Mutex::default(),
        };
        // What no encoder can be made for is known before the first row.
        for table in rehearsal.tables.keys() {
            rehearsal.trial(*table)?;
        }
        Ok(rehearsal)
    }

    /// The tables whose rows are to be read, by position in the schema.
    pub fn tables(&self) -> impl Iterator<Item = usize> {
        self.tables.keys().copied()
    }

    /// The name in the target of a table, for messages.
    #[must_use]
    pub fn name(&self, table: usize) -> &str {
        self.tables
            .get(&table)
            .map_or("", |tried| tried.plan.name.as_str())
    }

    /// The columns that the terms of a table's keys are on, and the keys that may break.
    #[must_use]
    pub fn keys(&self, table: usize) -> (Vec<&str>, &[TriedKey]) {
        match self.tables.get(&table) {
            Some(tried) => {
                let names = tried.terms.iter();
                let names = names.map(|term| tried.columns[term.column].name.as_str());
                (names.collect(), &tried.keys)
            }
            None => (Vec::new(), &[]),
        }
    }

    /// A trial for consecutive rows of one of the tables.
    pub fn trial(&self, table: usize) -> Result<Trial> {
        let tried = self
            .tables
            .get(&table)
            .ok_or_else(|| Fault::new(Code::Bug, "a table is rehearsed that needs no rehearsal"))?;
        let encoder = TupleEncoder::new(&tried.columns, self.setting)
            .map_err(|fault| fault.in_table(&tried.plan.name))?;
        let targets = tried.columns.iter().map(|column| column.target);
        Ok(Trial {
            table,
            encoder,
            naming: RowNaming::of(tried.source),
            targets: targets.collect(),
            terms: tried.terms.clone(),
            cells: tried.columns.iter().map(cell).collect(),
            tallies: tried.columns.iter().map(|_| Tallies::default()).collect(),
            out: Vec::new(),
            fields: Vec::new(),
        })
    }

    /// Takes what a trial has found, after its last row.
    pub fn absorb(&self, trial: Trial) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let sums = found.entry(trial.table).or_default();
        sums.resize_with(trial.tallies.len(), Tallies::default);
        for (sum, tallies) in sums.iter_mut().zip(trial.tallies) {
            sum.refused.merge(tallies.refused);
            sum.nulls.merge(tallies.nulls);
            sum.changed.merge(tallies.changed);
        }
    }

    /// What was found: refused values and NULLs as errors, values changed on purpose as notes.
    #[must_use]
    pub fn finish(self) -> Vec<Finding> {
        let found = self
            .found
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut findings = Vec::new();
        for (table, sums) in found {
            let Some(tried) = self.tables.get(&table) else {
                continue;
            };
            for (column, tallies) in tried.columns.iter().zip(sums) {
                let place =
                    |finding: Finding| finding.in_table(&tried.plan.name).in_column(&column.name);
                findings.extend(tallies.findings(column).into_iter().map(place));
            }
        }
        findings
    }
}

impl Tallies {
    fn findings(self, column: &ColumnPlan) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.refused.count > 0 {
            let hint = "mend the values in the source, or choose another type or conversion in the mapping file";
            findings
                .push(finding(Code::ValueRefused, Severity::Error, self.refused, None).hint(hint));
        }
        if self.nulls.count > 0 {
            let hint = "let the column be NULL in the mapping file, or convert the values to something else";
            findings
                .push(finding(Code::NotNullViolated, Severity::Error, self.nulls, None).hint(hint));
        }
        if self.changed.count > 0 {
            let message = format!("values are changed as asked for: {}", asked(column));
            findings.push(finding(
                Code::ValueConverted,
                Severity::Note,
                self.changed,
                Some(message),
            ));
        }
        findings
    }
}

/// The finding that a tally amounts to, with the reason of its first row unless another is given.
fn finding(code: Code, severity: Severity, tally: Tally, message: Option<String>) -> Finding {
    let first = tally.first.first_key_value();
    let reason = first.map(|(_, (_, why))| why.clone()).unwrap_or_default();
    let samples = tally.first.into_values().map(|(name, _)| name).collect();
    Finding::new(code, severity, message.unwrap_or(reason)).counted(tally.count, samples)
}

/// What the mapping asks of the values of a column, in words.
fn asked(column: &ColumnPlan) -> String {
    let mut words = Vec::new();
    let Some(conversion) = &column.conversion else {
        return format!("type {}", column.target);
    };
    match &conversion.reading {
        Reading::Plain | Reading::Cell | Reading::Bytes => {}
        Reading::Epoch(unit) => words.push(format!("numbers are {}", unit.words())),
        Reading::Zone(zone) => words.push(format!("local times are in {zone}")),
        Reading::Words { .. } => words.push("words are true or false".to_owned()),
        Reading::Values { .. } => words.push("texts become others".to_owned()),
        Reading::Uuid => words.push("other spellings of UUIDs".to_owned()),
        Reading::Json { .. } => words.push("what is no JSON is replaced".to_owned()),
    }
    if !conversion.null_if.is_empty() {
        words.push("listed texts become NULL".to_owned());
    }
    for (policy, of) in [
        (conversion.nul, "NUL"),
        (conversion.invalid, "invalid text"),
    ] {
        if let Some(done) = policy.words() {
            words.push(format!("{of} is {done}"));
        }
    }
    if words.is_empty() {
        words.push(format!("type {}", column.target));
    }
    words.join(", ")
}

fn cell(column: &ColumnPlan) -> usize {
    match column.origin {
        crate::mapping::plan::Origin::Cell(cell) => cell,
        _ => usize::MAX,
    }
}

impl<'a> Tried<'a> {
    fn of(plan: &'a TablePlan, source: &'a Table) -> Option<Self> {
        let needs = |column: &ColumnPlan| column.asked || column.conversion.is_some();
        let is_tried = |name: &str| {
            plan.copied()
                .any(|column| column.name == name && needs(column))
        };
        let keys: Vec<UniqueKey<'_>> = twins::keys(plan)
            .filter(|key| key.terms.iter().any(|(column, _)| is_tried(column)))
            .collect();
        let in_key = |column: &ColumnPlan| {
            let mut terms = keys.iter().flat_map(|key| &key.terms);
            terms.any(|(name, _)| *name == column.name)
        };
        let primary = plan.primary_key.iter().flat_map(|key| &key.columns);
        let primary: Vec<&String> = primary.collect();
        let columns: Vec<ColumnPlan> = plan
            .copied()
            .filter(|column| needs(column) || in_key(column))
            .map(|column| ColumnPlan {
                // As the server will have it.
                not_null: column.not_null
                    || column.identity.is_some()
                    || primary.contains(&&column.name),
                ..column.clone()
            })
            .collect();
        let (terms, keys) = twins::settle(&columns, keys);
        let tried = Tried {
            plan,
            source,
            columns,
            terms,
            keys,
        };
        (!tried.columns.is_empty()).then_some(tried)
    }

    /// Takes in what is to be tried of another piece of the same table. What both have, the key that
    /// joins them, is tried once.
    fn join(&mut self, other: Tried<'a>) {
        let mut positions = Vec::with_capacity(other.columns.len());
        for column in other.columns {
            let mut own = self.columns.iter();
            let there = own.position(|known| known.origin == column.origin);
            positions.push(there.unwrap_or(self.columns.len()));
            if there.is_none() {
                self.columns.push(column);
            }
        }
        let mut moved = Vec::with_capacity(other.terms.len());
        for mut term in other.terms {
            term.column = positions[term.column];
            let there = self.terms.iter().position(|known| *known == term);
            moved.push(there.unwrap_or(self.terms.len()));
            if there.is_none() {
                self.terms.push(term);
            }
        }
        for key in other.keys {
            let terms: Vec<usize> = key.terms.iter().map(|at| moved[*at]).collect();
            if !self.keys.iter().any(|known| known.terms == terms) {
                let name = key.name;
                self.keys.push(TriedKey { name, terms });
            }
        }
    }
}

/// Tries consecutive rows of one table.
#[derive(Debug)]
pub struct Trial {
    table: usize,
    encoder: TupleEncoder,
    naming: RowNaming,
    targets: Vec<PgType>,
    terms: Vec<Term>,
    /// The cells of the columns.
    cells: Vec<usize>,
    tallies: Vec<Tallies>,
    /// The fields of the last row.
    out: Vec<u8>,
    /// Where in `out` each field is; nothing for NULL and for a value that is refused.
    fields: Vec<Option<Range<usize>>>,
}

impl Trial {
    /// Tries one row, the `number`th of its table. Only a defect of the program is a fault.
    pub fn row(&mut self, row: &[Value<'_>], number: u64) -> Result<()> {
        self.out.clear();
        self.fields.clear();
        for column in 0..self.targets.len() {
            let start = self.out.len();
            let tried = self.encoder.try_column(column, row, &mut self.out);
            let Trial {
                naming,
                tallies,
                cells,
                ..
            } = self;
            let tallies = &mut tallies[column];
            let name = || naming.name(row, number);
            let sample = || {
                let value = row.get(cells[column]).unwrap_or(&Value::Null);
                format!("{} ({})", name(), value.shown(SHOWN))
            };
            let is_whole = tried.is_ok();
            match tried {
                Ok(Outcome::Kept) => {}
                Ok(Outcome::Changed | Outcome::Nulled) => {
                    tallies.changed.add(number, || (sample(), String::new()));
                }
                Err(Refused {
                    code: Code::ValueRefused,
                    why,
                    ..
                }) => {
                    tallies.refused.add(number, || (name(), why.into_owned()));
                }
                Err(Refused {
                    code: Code::NotNullViolated,
                    why,
                    ..
                }) => {
                    tallies.nulls.add(number, || (name(), why.into_owned()));
                }
                Err(Refused { code, why, .. }) => {
                    return Err(Fault::new(code, why).in_row(name()));
                }
            }
            let field = start + 4..self.out.len();
            let is_null = self.out.get(start) == Some(&0xff);
            self.fields.push((is_whole && !is_null).then_some(field));
        }
        Ok(())
    }

    /// The terms of the keys in the last row, in a form that is equal where the server's keys are
    /// equal, as far as that can be told without it; nothing for NULL and for values that were refused.
    pub fn keys(&mut self) -> Vec<Option<Cow<'_, [u8]>>> {
        for (target, field) in self.targets.iter().zip(&self.fields) {
            let Some(bytes) = field.clone().and_then(|field| self.out.get_mut(field)) else {
                continue;
            };
            twins::normalise(*target, bytes);
        }
        let value = |term: &Term| {
            let field = self.fields.get(term.column)?.clone()?;
            Some(term.fold.of(self.out.get(field)?))
        };
        self.terms.iter().map(value).collect()
    }
}
