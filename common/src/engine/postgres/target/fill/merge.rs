//! Merges staged rows with those that the tables of the target hold.
//!
//! What becomes of a row is decided when the tables are locked, so that the comparison and the write
//! are one: what the application has written before is seen, and it writes nothing in between.
//! What an undo needs is kept in a backup schema, in the same transaction.

use crate::engine::postgres::images::BACKUP;
use crate::engine::postgres::ledger::{self, Record, Saved, WrittenTable};
use crate::engine::postgres::name::qualified;
use crate::engine::postgres::session::Session;
use crate::engine::postgres::swap;
use crate::fault::{Code, Fault, Mismatch, Result};
use crate::mapping::fill::{MergeBy, OnConflict};
use crate::report::{Finding, MergeCounts, Severity};
use crate::seam::Check;

use super::sequences::{Sequences, Standings};
use super::statements::Filled;
use super::survey::counted;
use super::{Publish, as_refusal, count, matched, references, write};

/// What came of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Merged {
    /// Per table of the plan.
    pub(in super::super) tables: Vec<MergeCounts>,
    /// Rows that the target has kept.
    pub(in super::super) findings: Vec<Finding>,
}

impl Merged {
    /// As the ledger keeps it, for processes that wait for the one that merges.
    pub(super) fn record(&self) -> Record {
        let counts = self.tables.iter();
        let counts = counts.map(|of| [of.inserted, of.updated, of.unchanged, of.skipped]);
        Record {
            merged: counts.collect(),
            findings: self.findings.iter().map(Saved::from).collect(),
            ..Record::default()
        }
    }

    /// As it was written down; nothing where it was not.
    pub(in super::super) fn read(record: Record) -> Option<Merged> {
        if record.merged.is_empty() {
            return None;
        }
        let counts = record.merged.into_iter();
        let counts = counts.map(|[inserted, updated, unchanged, skipped]| MergeCounts {
            inserted,
            updated,
            unchanged,
            skipped,
        });
        Some(Merged {
            tables: counts.collect(),
            findings: record.findings.into_iter().map(Finding::from).collect(),
        })
    }
}

/// A table that is merged, while it is locked.
struct Table<'a> {
    filled: Filled<'a>,
    by: &'a MergeBy,
    /// The table that says what becomes of each staged row.
    fates: String,
    counts: MergeCounts,
    /// Rows that the target held before.
    before: i64,
}

impl Table<'_> {
    /// What writes the rows. A value of a unique key is free before it is taken again, so rows are changed
    /// first; and as one may refer to another that is new, all is one statement: foreign keys are checked at
    /// its end.
    fn writing(&self) -> Result<Option<String>> {
        let update = || self.filled.update(self.by, &self.fates);
        let insert = || self.filled.insert_new(&self.fates);
        Ok(match (self.counts.updated > 0, self.counts.inserted > 0) {
            (false, false) => None,
            (true, false) => Some(update()?),
            (false, true) => Some(insert()?),
            (true, true) => Some(format!(
                "WITH waybill_updated AS ({} RETURNING 1) {} AND (SELECT count(*) FROM waybill_updated) >= 0",
                update()?,
                insert()?
            )),
        })
    }

    /// How many images of rows are kept of it.
    fn kept(&self) -> i64 {
        let images = self.counts.inserted.saturating_add(self.counts.updated);
        i64::try_from(images).unwrap_or(i64::MAX)
    }
}

/// What can be done about rows that were found to have no equals, and yet cannot be written.
fn advised(fault: Fault) -> Fault {
    if fault.code() != Code::KeyDuplicate {
        return fault;
    }
    fault.hint("rows that exchange their values of a unique key can be written only where it is DEFERRABLE: make it so, or change one of the rows in the target first")
}

/// What cannot be merged, before the tables are locked.
pub(super) fn survey(session: &mut Session, filled: Filled<'_>) -> Result<Vec<Finding>> {
    let Some(by) = &filled.table.merge else {
        return Ok(Vec::new());
    };
    let mut findings = Vec::new();
    let nullable = |place: usize| !filled.table.target.columns[place].not_null;
    if !by.nulls_are_equal && by.columns.iter().any(|column| nullable(column.place)) {
        let rows = session.query(&filled.without_key(by)?, &[])?;
        if !rows.is_empty() {
            let message = format!(
                "NULL in the key `{}`: a second merge could not find the row again",
                by.key
            );
            let names: Vec<_> = by
                .columns
                .iter()
                .map(|column| column.by.name.as_str())
                .collect();
            let finding = Finding::new(Code::NotNullViolated, Severity::Error, message)
                .hint("give the rows a key in the source, or name another key with --on-key");
            findings.push(counted(finding, &rows).in_column(names.join(", ")));
        }
    }
    if by.on_conflict == OnConflict::Fail {
        findings.extend(conflict(session, filled, by, Severity::Error)?);
    }
    Ok(findings)
}

/// Rows whose key is in the target with other values.
fn conflict(
    session: &mut Session,
    filled: Filled<'_>,
    by: &MergeBy,
    severity: Severity,
) -> Result<Option<Finding>> {
    let rows = session.query(&filled.conflicts(by)?, &[])?;
    if rows.is_empty() {
        return Ok(None);
    }
    let finding = if severity == Severity::Error {
        let message = "the target has the row with other values";
        Finding::new(Code::MergeConflict, severity, message)
    } else {
        let message = "the target has the row with other values, and keeps them";
        let hint = "nothing to do when the target is right; --on-conflict update gives its rows the values of the archive";
        Finding::new(Code::MergeConflict, severity, message).hint(hint)
    };
    let finding = counted(finding, &rows);
    Ok(Some(finding.in_table(&filled.table.target.name)))
}

impl Publish<'_> {
    /// Merges all tables, which are locked.
    pub(super) fn merge(&self, session: &mut Session) -> Result<Merged> {
        Publish::settings(session)?;
        session.execute(&self.tables.application_path()?)?;
        let mut findings = Vec::new();
        let mut tables = Vec::with_capacity(self.tables.count());
        for position in 0..self.tables.count() {
            let table = self.decide(session, position)?;
            if table.counts.skipped > 0 {
                findings.extend(conflict(
                    session,
                    table.filled,
                    table.by,
                    Severity::Warning,
                )?);
            }
            tables.push(table);
        }
        for table in &tables {
            self.refuse_followers(session, table)?;
        }
        let mut before = None;
        if tables.iter().any(|table| !table.counts.is_idle()) {
            before = Some(self.write(session, &tables)?);
        }
        self.finish(session)?;
        if let Some(before) = before {
            let written = tables.iter().filter(|table| !table.counts.is_idle());
            let written = written.map(|table| WrittenTable {
                oid: 0,
                name: table.filled.table.target.name.clone(),
                key: Some(table.by.key.clone()),
                rows: None,
                kept: table.kept(),
            });
            self.write_down(session, written.collect(), &before)?;
        }
        Ok(Merged {
            tables: tables.iter().map(|table| table.counts).collect(),
            findings,
        })
    }

    /// Compares the staged rows of a table with the target's.
    fn decide(&self, session: &mut Session, position: usize) -> Result<Table<'_>> {
        let filled = self.tables.filled(position);
        let name = &filled.table.target.name;
        let Some(by) = &filled.table.merge else {
            let what = "a table is merged by no key";
            return Err(Fault::new(Code::Bug, what).in_table(name));
        };
        let fates = qualified(filled.staging, &self.free_name(position))?;
        let decided = session.execute(&filled.decide(by, &fates)?);
        decided.map_err(|fault| fault.in_table(name))?;
        let sql = format!("SELECT fate, count(*) AS rows FROM {fates} GROUP BY fate");
        let mut counts = MergeCounts::default();
        for row in session.query(&sql, &[])? {
            let rows = u64::try_from(row.get::<_, i64>("rows")).unwrap_or(0);
            match (row.get("fate"), by.on_conflict) {
                (matched::NEW, _) => counts.inserted = rows,
                (matched::SAME, _) => counts.unchanged = rows,
                (_, OnConflict::Update) => counts.updated = rows,
                (_, OnConflict::Skip) => counts.skipped = rows,
                (_, OnConflict::Fail) => return Err(Publish::changed(session, filled, by)),
            }
        }
        let before = count(session, filled)?;
        Ok(Table {
            filled,
            by,
            fates,
            counts,
            before,
        })
    }

    /// The refusal of rows that the application has changed since the survey.
    fn changed(session: &mut Session, filled: Filled<'_>, by: &MergeBy) -> Fault {
        let found = match conflict(session, filled, by, Severity::Error) {
            Ok(found) => found,
            Err(fault) => return fault,
        };
        let what =
            "the target has got rows of the archive with other values since the import began";
        let mut fault = Fault::new(Code::MergeConflict, what).in_table(&filled.table.target.name);
        if let Some(found) = found {
            let rows = found.samples.join("; ");
            fault = fault.because(format!("{} in all, such as {rows}", found.count));
        }
        fault
    }

    /// Refuses to change what rows refer to that would follow.
    fn refuse_followers(&self, session: &mut Session, table: &Table<'_>) -> Result<()> {
        if table.counts.updated == 0 {
            return Ok(());
        }
        let found = references::survey(session, self.tables, table.filled)?;
        let Some(first) = found.into_iter().next() else {
            return Ok(());
        };
        let rows = first.samples.join("; ");
        let mut fault = Fault::new(first.code, first.message)
            .in_table(&table.filled.table.target.name)
            .because(format!("{} in all, such as {rows}", first.count));
        if let Some(hint) = first.hint {
            fault = fault.hint(hint);
        }
        Err(fault)
    }

    /// A name for a table in the staging schema that no staged table has; one that goes with the run's
    /// where the schema is not its own.
    fn free_name(&self, position: usize) -> String {
        let disguise = self.tables.job.disguise.as_ref();
        let prefix = disguise.map_or("", |disguise| disguise.prefix());
        let mut name = format!("{prefix}waybill_fates_{position}");
        let plan = &self.tables.job.plan;
        while plan.tables.iter().any(|table| table.name == name) {
            name.push('_');
        }
        name
    }

    /// Writes what is to be written, and makes sure of it. Gives back where the sequences stood.
    fn write(&self, session: &mut Session, tables: &[Table<'_>]) -> Result<Standings> {
        let sequences = Sequences::read(session, self.tables)?;
        if self.moving.dry {
            sequences.refuse_lasting()?;
        }
        let before = sequences.standings(session)?;
        sequences.hold(session)?;
        self.keep(session, tables)?;
        self.defer(session)?;
        for position in &self.tables.filling.order {
            let table = &tables[*position];
            let name = &table.filled.table.target.name;
            let sql = table.writing()?;
            if let Some(sql) = sql {
                write(session, &sql, name).map_err(advised)?;
            }
        }
        session
            .execute("SET CONSTRAINTS ALL IMMEDIATE")
            .map_err(as_refusal)?;
        self.undo_deferring(session)?;
        for table in tables {
            self.arrived(session, table)?;
        }
        session.execute("SET LOCAL search_path = pg_catalog, pg_temp")?;
        if !self.moving.dry {
            sequences.advance(session, self.tables, true)?;
        }
        Ok(before)
    }

    /// What an undo needs: whole rows as they were, and keys of those that were not there.
    fn keep(&self, session: &mut Session, tables: &[Table<'_>]) -> Result<()> {
        let run = &self.tables.job.id;
        let schema = format!("{BACKUP}{run}");
        session.execute(&swap::create_backup(&schema, run)?.sql)?;
        for table in tables.iter().filter(|table| !table.counts.is_idle()) {
            let name = &table.filled.table.target.name;
            let place = qualified(&schema, name)?;
            let updates = table.counts.updated > 0;
            let sql = table
                .filled
                .keep(table.by, (&table.fates, &place), updates)?;
            let kept = session.execute(&sql);
            kept.map_err(|fault| fault.in_table(name))?;
        }
        ledger::keep(session, &self.moving.steps.ledger, run, Some(&schema))
    }

    /// Every staged row must be in the target with its values, unless the target has kept its own; and
    /// no other row may be gone or be new.
    fn arrived(&self, session: &mut Session, table: &Table<'_>) -> Result<()> {
        let filled = table.filled;
        let differ = |what: &'static str| {
            Fault::new(Code::ContentDiffers, what)
                .in_table(&filled.table.target.name)
                .hint("a trigger or the column's type has changed rows: switch the trigger off for the time of the import")
        };
        if self.check == Check::None {
            return Ok(());
        }
        let inserted = i64::try_from(table.counts.inserted).unwrap_or(i64::MAX);
        let expected = table.before.saturating_add(inserted);
        let found = count(session, filled)?;
        if found != expected {
            let what = "the table has not got as many rows as it must have";
            return Err(differ(what).because(Mismatch::new(expected, found)));
        }
        if self.check != Check::Content {
            return Ok(());
        }
        let mut fates = vec![matched::NEW, matched::SAME];
        if table.by.on_conflict == OnConflict::Update {
            fates.push(matched::DIFFERS);
        }
        let sql = filled.not_arrived((table.by, &table.fates), &fates)?;
        match session.query(&sql, &[])?.first() {
            Some(row) => {
                let fault = differ("a row has not got the values that were sent");
                Err(fault.in_row(row.get::<_, &str>("waybill_row")))
            }
            None => Ok(()),
        }
    }
}
