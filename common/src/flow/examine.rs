//! Looks at every row of an archive: digests, grammar, evidence and keys. verify reports what is
//! found; import refuses to go on.

use super::keys::KeyCheck;
use super::request::VerifyLevel;
use super::workers;
use crate::archive::Archive;
use crate::fault::{Code, Fault, Mismatch, Result};
use crate::model::schema::Schema;
use crate::model::value::Value;
use crate::profile::TableProfile;
use crate::profile::evidence::{Constraint, KeyEvidence};
use crate::progress::{Extent, Watch};
use crate::report::structure::Subject;
use crate::report::{Finding, Severity};
use crate::seam::{PartBuffers, PartReader, PartSpan, RowSink};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Memory for keys before they go to disk, in bytes.
pub(super) const KEY_BUDGET: usize = 32 << 20;

/// Damaged parts that are reported one by one; more are only counted.
const DAMAGE_SHOWN: usize = 20;

/// What was found.
pub(super) struct Examination {
    /// Damage and contradictions: the archive must not be trusted when there is any.
    pub(super) damage: Vec<Finding>,
    /// What the rows say of the keys; empty when there is damage.
    pub(super) keys: Vec<KeyEvidence>,
}

/// Reads every part at the depth asked for.
pub(super) fn examine(
    archive: &Archive,
    level: VerifyLevel,
    jobs: usize,
    watch: &dyn Watch,
) -> Result<Examination> {
    let none = Examination {
        damage: Vec::new(),
        keys: Vec::new(),
    };
    if level == VerifyLevel::Structure {
        return Ok(none);
    }
    let extent = Extent {
        rows: Some(archive.parts().iter().map(|part| part.rows).sum()),
        bytes: Some(archive.parts().iter().map(|part| part.bytes).sum()),
    };
    watch.phase("verifying", extent);
    let rows: Vec<u64> = archive.tables().iter().map(|table| table.rows).collect();
    let keys = match level {
        VerifyLevel::Data => Some(KeyCheck::new(archive.schema(), &rows, KEY_BUDGET)),
        _ => None,
    };
    let work = Work {
        archive,
        watch,
        keys: keys.as_ref(),
        next: AtomicUsize::new(0),
        state: Mutex::new(State::new(archive)),
    };
    workers::all(jobs, || work.run())?;
    let state = work
        .state
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut damage = state.damage;
    let Some(keys) = keys.filter(|_| damage.is_empty()) else {
        return Ok(Examination { damage, ..none });
    };
    damage.extend(evidence(archive, state.profiles));
    let mut broken = keys.finish(watch)?;
    broken.read_parts(archive, watch)?;
    Ok(Examination {
        damage,
        keys: broken.finish(),
    })
}

struct Work<'a> {
    archive: &'a Archive,
    watch: &'a dyn Watch,
    keys: Option<&'a KeyCheck>,
    next: AtomicUsize,
    state: Mutex<State>,
}

struct State {
    damage: Vec<Finding>,
    profiles: Vec<Merging>,
}

/// Profiles of parts in order; those that came early wait. Parts are handed out in order, so no
/// more wait than there are workers.
struct Merging {
    merged: Option<TableProfile>,
    next: u32,
    waiting: BTreeMap<u32, TableProfile>,
}

impl State {
    fn new(archive: &Archive) -> Self {
        let merging = |table| Merging {
            merged: Some(TableProfile::new(table)),
            next: 1,
            waiting: BTreeMap::new(),
        };
        State {
            damage: Vec::new(),
            profiles: archive.schema().tables.iter().map(merging).collect(),
        }
    }

    fn absorb(&mut self, part: &PartSpan, profile: TableProfile) {
        let merging = &mut self.profiles[part.table];
        merging.waiting.insert(part.part, profile);
        while let Some(profile) = merging.waiting.remove(&merging.next) {
            if let Some(merged) = &mut merging.merged {
                merged.merge(profile);
            }
            merging.next += 1;
        }
    }
}

impl Work<'_> {
    fn run(&self) -> Result<()> {
        let mut buffers = PartBuffers::default();
        while let Some(part) = self
            .archive
            .parts()
            .get(self.next.fetch_add(1, Ordering::Relaxed))
        {
            if self.watch.stopped() {
                return Err(Fault::interrupted());
            }
            match self.part(part, &mut buffers) {
                Ok(()) => self.watch.advance(part.rows, part.bytes),
                Err(fault) if fault.code().exit() == crate::fault::Exit::Findings => {
                    self.note(&fault);
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    fn part(&self, part: &PartSpan, buffers: &mut PartBuffers) -> Result<()> {
        let Some(keys) = self.keys else {
            return self.archive.check_part(part, buffers);
        };
        let table = &self.archive.schema().tables[part.table];
        let mut checker = Checker {
            profile: TableProfile::new(table),
            feed: keys.feed(part.table),
            number: part.first_row,
        };
        self.archive.read(part, buffers, &mut checker)?;
        let Checker { profile, feed, .. } = checker;
        keys.absorb(feed)?;
        self.locked(|state| state.absorb(part, profile));
        Ok(())
    }

    fn note(&self, fault: &Fault) {
        self.locked(|state| {
            if state.damage.len() < DAMAGE_SHOWN {
                state.damage.push(Finding::from_fault(fault));
            } else if let Some(last) = state.damage.last_mut() {
                last.count += 1;
            }
        });
    }

    fn locked(&self, act: impl FnOnce(&mut State)) {
        act(&mut self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

/// Looks at the rows of one part.
struct Checker<'a> {
    profile: TableProfile,
    feed: super::keys::Feed<'a>,
    number: u64,
}

impl RowSink for Checker<'_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        self.profile.observe(row, self.number);
        self.feed.row(row, self.number)?;
        self.number += 1;
        Ok(())
    }
}

/// The recorded evidence must be what the rows say: import builds its plan on it.
fn evidence(archive: &Archive, profiles: Vec<Merging>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for ((table, recorded), merging) in archive
        .schema()
        .tables
        .iter()
        .zip(archive.evidence())
        .zip(profiles)
    {
        let found = merging.merged.map(TableProfile::finish).unwrap_or_default();
        for (column, (said, seen)) in table
            .stored_columns()
            .zip(recorded.columns.iter().zip(&found.columns))
        {
            if said != seen {
                let fault = Fault::new(
                    Code::ArchiveInconsistent,
                    "the recorded evidence is not what the rows say",
                )
                .in_table(&table.name)
                .in_column(&column.name)
                .because(Mismatch::new(format!("{said:?}"), format!("{seen:?}")));
                findings.push(Finding::from_fault(&fault));
            }
        }
    }
    findings
}

/// What broken keys amount to. Orphans are warnings: SQLite does not enforce foreign keys unless
/// told to, so a faithful archive may hold them; a duplicate key or a NULL where none may be
/// means that the source's own file is inconsistent.
pub(super) fn key_findings(schema: &Schema, keys: &[KeyEvidence]) -> Vec<Finding> {
    keys.iter()
        // What only a target asks is for its plan to word.
        .filter(|key| !matches!(key.constraint, Constraint::ForeignKeyBytes(_)))
        .filter_map(|key| key_finding(schema, key))
        .collect()
}

/// What a constraint is for a finding.
fn subject(constraint: Constraint) -> Subject {
    match constraint {
        Constraint::PrimaryKey => Subject::PrimaryKey,
        Constraint::Unique(position) => Subject::Unique(position),
        Constraint::Index(position) => Subject::Index(position),
        Constraint::NotNull(_) => Subject::NotNull,
        Constraint::ForeignKey(position) | Constraint::ForeignKeyBytes(position) => {
            Subject::ForeignKey(position)
        }
    }
}

fn key_finding(schema: &Schema, key: &KeyEvidence) -> Option<Finding> {
    let table = &schema.tables[key.table];
    let names = |columns: &[crate::model::schema::KeyColumn]| {
        columns
            .iter()
            .map(|column| column.column.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (code, severity, column, message) = match key.constraint {
        Constraint::PrimaryKey => {
            let columns = table
                .primary_key
                .as_ref()
                .map(|key| names(&key.columns))
                .unwrap_or_default();
            (
                Code::KeyDuplicate,
                Severity::Error,
                columns,
                "primary key occurs more than once".to_owned(),
            )
        }
        Constraint::Unique(position) => {
            let columns = names(&table.unique[position].columns);
            (
                Code::KeyDuplicate,
                Severity::Error,
                columns,
                "unique key occurs more than once".to_owned(),
            )
        }
        Constraint::Index(position) => {
            let index = &table.indexes[position];
            let message = format!("key of unique index `{}` occurs more than once", index.name);
            (Code::KeyDuplicate, Severity::Error, String::new(), message)
        }
        Constraint::NotNull(position) => {
            let column = table.columns[position].name.clone();
            (
                Code::NotNullViolated,
                Severity::Error,
                column,
                "NULL in a column declared NOT NULL".to_owned(),
            )
        }
        Constraint::ForeignKey(position) | Constraint::ForeignKeyBytes(position) => {
            let foreign = &table.foreign_keys[position];
            let message = format!(
                "foreign key to `{}` points at rows that do not exist",
                foreign.parent
            );
            (
                Code::ForeignKeyOrphan,
                Severity::Warning,
                foreign.columns.join(", "),
                message,
            )
        }
    };
    let finding = match &key.unchecked {
        Some(reason) => Finding::new(
            Code::KeyUnchecked,
            Severity::Note,
            format!("not checked offline: {reason}"),
        )
        .about(subject(key.constraint)),
        None if key.violations == 0 => return None,
        None => Finding::new(code, severity, message).counted(key.violations, key.samples.clone()),
    };
    let finding = finding.in_table(&table.name);
    Some(if column.is_empty() {
        finding
    } else {
        finding.in_column(column)
    })
}
