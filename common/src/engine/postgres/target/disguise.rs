//! How a run stages in a schema that is not its own: everything it makes there has a name that begins
//! with a prefix of the run, and gets its true name in the transaction of the switch.
//!
//! So it clashes with nothing in that schema, which may even be the target's, and what is left of a run
//! is found by its prefix.

use std::collections::HashMap;

use crate::digest::Digest;
use crate::engine::postgres::name::{MAX_IDENTIFIER_BYTES, identifier, qualified};
use crate::engine::postgres::relation::{Names, cut};
use crate::engine::postgres::session::Session;
use crate::fault::{Fault, Result};
use crate::mapping::plan::{Plan, TablePlan};
use crate::report::Finding;

use super::run::Job;

/// Oldest server on which NOT NULL is a constraint with a name.
const NAMES_NOT_NULL: u32 = 180_000;
/// Digits of a digest that tell names apart which are cut.
const DIGITS: usize = 8;

/// Names that begin with the prefix of a run, and the true ones behind them.
#[derive(Debug, Clone)]
pub(super) struct Disguise {
    prefix: String,
    /// By the name in the staging schema.
    truth: HashMap<String, String>,
}

/// How the names of a run begin where its staging schema is not its own.
pub(super) fn prefix(target_schema: &str, run: &str) -> String {
    let digest = Digest::of(target_schema.as_bytes()).to_string();
    let tail = run.get(run.len().saturating_sub(DIGITS)..).unwrap_or(run);
    format!("waybill_{}_{tail}_", &digest[..DIGITS])
}

impl Disguise {
    /// Renames everything in `plan` and the sequences of `names` that has a name of its own in a schema.
    pub(super) fn put_on(prefix: String, plan: &mut Plan, names: &mut Names) -> Disguise {
        let mut truth = HashMap::new();
        let mut wear = |name: &mut String| {
            let worn = worn(&prefix, name);
            truth.insert(worn.clone(), std::mem::replace(name, worn));
        };
        each_name(plan, names, &mut wear);
        Disguise { prefix, truth }
    }

    /// Undoes `put_on`.
    pub(super) fn take_off(&self, plan: &mut Plan, names: &mut Names) {
        each_name(plan, names, &mut |name| *name = self.truth(name));
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The true name, or a text without the prefix.
    pub(super) fn truth(&self, text: &str) -> String {
        let name = self.truth.get(text).cloned();
        name.unwrap_or_else(|| text.replace(&self.prefix, ""))
    }

    /// The failure in terms of the target.
    pub(super) fn fault(&self, fault: Fault) -> Fault {
        fault.reworded(&|text| self.truth(text))
    }

    /// The finding in terms of the target.
    pub(super) fn finding(&self, mut finding: Finding) -> Finding {
        finding.message = self.truth(&finding.message);
        finding.place.table = finding.place.table.map(|table| self.truth(&table));
        finding
    }
}

/// The name in the staging schema, as long as the server allows.
fn worn(prefix: &str, name: &str) -> String {
    let room = MAX_IDENTIFIER_BYTES - prefix.len();
    if name.len() <= room {
        return format!("{prefix}{name}");
    }
    let digest = Digest::of(name.as_bytes()).to_string();
    let stem = cut(name, room - DIGITS - 1);
    format!("{prefix}{stem}~{}", &digest[..DIGITS])
}

/// Everything with a name that only one object of a schema may have. Views are made at the end only.
fn each_name(plan: &mut Plan, names: &mut Names, act: &mut dyn FnMut(&mut String)) {
    for planned in &mut plan.enums {
        act(&mut planned.name);
    }
    for table in &mut plan.tables {
        act(&mut table.name);
        let keys = table.primary_key.iter_mut().chain(&mut table.unique);
        keys.for_each(|key| act(&mut key.name));
        let added = &mut table.added;
        let indexes = table.indexes.iter_mut().map(|index| &mut index.name);
        let added_indexes = added.indexes.iter_mut().map(|index| &mut index.name);
        let statistics = added.statistics.iter_mut().map(|one| &mut one.name);
        let trigger = added.updated_at.iter_mut().map(|trigger| &mut trigger.name);
        let all = indexes
            .chain(added_indexes)
            .chain(statistics)
            .chain(trigger);
        all.for_each(&mut *act);
    }
    let sequences = names.sequences.iter_mut().flatten().flatten();
    sequences.for_each(act);
}

/// Gives everything that has been moved its true name. `worn` is the job as it was staged, `job` the same
/// with the true names.
pub(super) fn unmask(session: &mut Session, worn: &Job<'_>, job: &Job<'_>) -> Result<()> {
    for (worn, planned) in worn.plan.enums.iter().zip(&job.plan.enums) {
        let sql = rename(job, "TYPE", &worn.name, &planned.name)?;
        session.execute(&sql)?;
    }
    for (position, table) in job.plan.tables.iter().enumerate() {
        let before = &worn.plan.tables[position];
        let mut sql = vec![rename(job, "TABLE", &before.name, &table.name)?];
        for (before, index) in relations(before).zip(relations(table)) {
            sql.push(rename(job, "INDEX IF EXISTS", before, index)?);
        }
        let before_sequences = worn.names.sequences[position].iter().flatten();
        for (before, sequence) in
            before_sequences.zip(job.names.sequences[position].iter().flatten())
        {
            sql.push(rename(job, "SEQUENCE", before, sequence)?);
        }
        sql.extend(additions(job, before, table)?);
        for sql in sql {
            let renamed = session.execute(&sql);
            renamed.map_err(|fault| fault.in_table(&table.name))?;
        }
        if session.server_version_num() >= NAMES_NOT_NULL {
            name_not_null(session, job, table)?;
        }
    }
    Ok(())
}

fn rename(job: &Job<'_>, kind: &str, from: &str, to: &str) -> Result<String> {
    let (from, to) = (qualified(&job.target_schema, from)?, identifier(to)?);
    Ok(format!("ALTER {kind} {from} RENAME TO {to}"))
}

/// Keys and indexes; a key has the name of its index.
fn relations(table: &TablePlan) -> impl Iterator<Item = &str> {
    let keys = table.primary_key.iter().chain(&table.unique);
    let indexes = table.indexes.iter().map(|index| index.name.as_str());
    let added = table.added.indexes.iter().map(|index| index.name.as_str());
    keys.map(|key| key.name.as_str())
        .chain(indexes)
        .chain(added)
}

fn additions(job: &Job<'_>, before: &TablePlan, table: &TablePlan) -> Result<Vec<String>> {
    let mut sql = Vec::new();
    let statistics = before.added.statistics.iter().zip(&table.added.statistics);
    for (before, one) in statistics {
        sql.push(rename(job, "STATISTICS", &before.name, &one.name)?);
    }
    if let (Some(before), Some(trigger)) = (&before.added.updated_at, &table.added.updated_at) {
        sql.push(rename(job, "FUNCTION", &before.name, &trigger.name)?);
        let on = qualified(&job.target_schema, &table.name)?;
        let (from, to) = (identifier(&before.name)?, identifier(&trigger.name)?);
        sql.push(format!("ALTER TRIGGER {from} ON {on} RENAME TO {to}"));
    }
    Ok(sql)
}

/// The server names the constraint of a NOT NULL column after the table: as it would, had the table had
/// its name from the start.
fn name_not_null(session: &mut Session, job: &Job<'_>, table: &TablePlan) -> Result<()> {
    let query = include_str!("../queries/not_null_names.sql");
    let rows = session.query(query, &[&job.target_schema, &table.name])?;
    let mut taken: Vec<String> = table
        .foreign_keys
        .iter()
        .map(|key| key.name.clone())
        .collect();
    taken.extend(table.checks.iter().map(|check| check.name.clone()));
    taken.extend(relations(table).map(str::to_owned));
    let on = qualified(&job.target_schema, &table.name)?;
    for row in &rows {
        let name = constraint_name(&table.name, row.get("column"), &taken);
        let (from, to) = (identifier(row.get("name"))?, identifier(&name)?);
        session.execute(&format!(
            "ALTER TABLE {on} RENAME CONSTRAINT {from} TO {to}"
        ))?;
        taken.push(name);
    }
    Ok(())
}

/// `TABLE_COLUMN_not_null`, cut and numbered as the server does it.
fn constraint_name(table: &str, column: &str, taken: &[String]) -> String {
    let labels = std::iter::once("_not_null".to_owned());
    let labels = labels.chain((1_u64..).map(|number| format!("_not_null{number}")));
    let mut names = labels.map(|label| {
        let room = MAX_IDENTIFIER_BYTES - label.len() - 1;
        let (mut first, mut second) = (table.len(), column.len());
        while first + second > room {
            if first > second {
                first -= 1;
            } else {
                second -= 1;
            }
        }
        format!("{}_{}{label}", cut(table, first), cut(column, second))
    });
    names
        .find(|name| !taken.contains(name))
        .expect("there are more numbers than names")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worn_name_is_never_cut_by_the_server_and_tells_names_apart() {
        let prefix = prefix("public", "0199f1c2d3e47000a000b000c000d000");
        assert_eq!(prefix.len(), 26);
        assert_eq!(worn(&prefix, "items"), format!("{prefix}items"));
        let long = "ü".repeat(31);
        let (one, other) = (format!("{long}1"), format!("{long}2"));
        assert_ne!(worn(&prefix, &one), worn(&prefix, &other));
        assert!(worn(&prefix, &one).len() <= MAX_IDENTIFIER_BYTES);
    }

    #[test]
    fn a_not_null_constraint_is_named_as_the_server_names_it() {
        assert_eq!(constraint_name("items", "id", &[]), "items_id_not_null");
        let taken = ["items_id_not_null".to_owned()];
        assert_eq!(constraint_name("items", "id", &taken), "items_id_not_null1");
        let (table, column) = ("t".repeat(63), "c".repeat(40));
        let name = constraint_name(&table, &column, &[]);
        assert_eq!(
            name,
            format!("{}_{}_not_null", "t".repeat(27), "c".repeat(26))
        );
    }
}
