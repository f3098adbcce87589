//! The plan of a merge: what of filling holds for it too, and the key by which rows of the archive
//! are found again in the target.

use super::matching::Names;
use super::{FillTable, Filling, fill};
use crate::fault::{Code, Fault, Result};
use crate::mapping::Request;
use crate::mapping::existing::{Existing, ExistingKey, ExistingKeyColumn, ExistingTable};
use crate::model::schema::Schema;
use crate::profile::evidence::TableEvidence;
use crate::report::{Finding, Severity};

/// What becomes of a row of the archive whose key is in the target, with other values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnConflict {
    /// Nothing is merged.
    #[default]
    Fail,
    /// The target keeps its row.
    Skip,
    /// The target's row gets the values of the archive.
    Update,
}

/// A key that the operator names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnKey {
    /// The table, as the target or the source calls it; `None` for the only one.
    pub table: Option<String>,
    /// Its columns in the target, in any order.
    pub columns: Vec<String>,
}

/// How rows are merged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Merging {
    /// What becomes of rows that differ.
    pub on_conflict: OnConflict,
    /// Keys to take instead of primary keys.
    pub keys: Vec<OnKey>,
}

/// How the rows of one table are found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeBy {
    /// Name of the key's index.
    pub key: String,
    /// Its columns.
    pub columns: Vec<MatchColumn>,
    /// NULL equals NULL in it.
    pub nulls_are_equal: bool,
    /// What becomes of rows that differ.
    pub on_conflict: OnConflict,
}

/// A column of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchColumn {
    /// The staged column, by position.
    pub staged: usize,
    /// The target's column, by position.
    pub place: usize,
    /// How the key compares it.
    pub by: ExistingKeyColumn,
}

/// How the rows of `schema` are merged into the tables of `existing`.
///
/// A plan with a finding of severity error must not be carried out. Fails as `fill` does, and when a
/// key is named for a table that is not merged.
pub fn merge(
    (schema, evidence): (&Schema, &[TableEvidence]),
    existing: &Existing,
    request: &Request,
    merging: &Merging,
) -> Result<Filling> {
    let mut filling = fill(schema, evidence, existing, request)?;
    let findings = &mut filling.plan.findings;
    findings.retain(|finding| finding.code != Code::TargetNotEmpty);
    let mut wanted = vec![None; filling.tables.len()];
    for key in &merging.keys {
        let table = table_of(key, &filling, schema)?;
        if wanted[table].replace(key.columns.as_slice()).is_some() {
            let what = "--on-key names two keys for one table";
            let fault = Fault::new(Code::Usage, what).in_table(&filling.tables[table].target.name);
            return Err(fault.hint("name one: rows are found by one key"));
        }
    }
    let findings = &mut filling.plan.findings;
    for (table, wanted) in filling.tables.iter_mut().zip(wanted) {
        if table.target.unsuited.is_some() {
            continue;
        }
        match by(table, wanted, merging.on_conflict) {
            Ok(by) => table.merge = Some(by),
            Err(finding) => findings.push(finding.in_table(&table.target.name)),
        }
        if merging.on_conflict == OnConflict::Update {
            guards(table, existing, findings);
        }
    }
    crate::mapping::sort(findings);
    filling.on_conflict = Some(merging.on_conflict);
    Ok(filling)
}

/// The table that a key is named for.
fn table_of(key: &OnKey, filling: &Filling, schema: &Schema) -> Result<usize> {
    let unknown = |what: String| Fault::new(Code::Usage, what);
    let Some(name) = &key.table else {
        return match filling.tables.len() {
            1 => Ok(0),
            _ => Err(
                unknown("--on-key names no table, and several are merged".to_owned())
                    .hint("write --on-key TABLE=COLUMN,COLUMN, once for each table"),
            ),
        };
    };
    let target = |table: &FillTable| table.target.name == *name;
    let found = filling.tables.iter().position(target);
    let source = |source: usize| schema.tables.get(source).is_some_and(|it| it.name == *name);
    let mut plans = filling.plan.tables.iter();
    found
        .or_else(|| plans.position(|plan| source(plan.source)))
        .ok_or_else(|| {
            unknown(format!(
                "--on-key names `{name}`, which is no table that is merged"
            ))
            .hint("name a table as the archive or the target calls it")
        })
}

/// The key of a table, or why there is none to take.
fn by(
    table: &FillTable,
    wanted: Option<&[String]>,
    on_conflict: OnConflict,
) -> Result<MergeBy, Box<Finding>> {
    let target = &table.target;
    let refused = |message: String| {
        Box::new(Finding::new(
            Code::MergeKeyMissing,
            Severity::Error,
            message,
        ))
    };
    let primary = || {
        let why = "the table of the target has no primary key to find rows by";
        let mut keys = target.keys.iter();
        keys.find(|key| key.primary).ok_or(why.to_owned())
    };
    let key = wanted.map_or_else(primary, |wanted| named(target, wanted));
    let key = key.map_err(refused)?;
    if let Some(why) = key.unsuited {
        return Err(refused(format!(
            "rows cannot be found by the key `{}`: it is {why}",
            key.name
        )));
    }
    let columns = key.columns.iter().map(|by| {
        let mut filled = table.columns.iter().enumerate();
        let found = filled.find_map(|(staged, place)| {
            let place = (*place)?;
            (target.columns[place].name == by.name).then_some((staged, place))
        });
        let (staged, place) = found.ok_or_else(|| {
            let name = &key.name;
            let why = format!("nothing of the archive fills a column of the key `{name}`");
            Box::new(refused(why).in_column(&by.name))
        })?;
        Ok(MatchColumn {
            staged,
            place,
            by: by.clone(),
        })
    });
    Ok(MergeBy {
        key: key.name.clone(),
        columns: columns.collect::<Result<_, Box<Finding>>>()?,
        nulls_are_equal: key.nulls_are_equal,
        on_conflict,
    })
}

/// The key with just these columns; one that rows can be found by, where there are several.
fn named<'t>(target: &'t ExistingTable, wanted: &[String]) -> Result<&'t ExistingKey, String> {
    let names = Names::new(target.columns.iter().map(|column| column.name.as_str()));
    let mut columns = Vec::with_capacity(wanted.len());
    for name in wanted {
        let place = names
            .find(name)
            .map_err(|_| format!("the table of the target has no column `{name}`"))?;
        columns.push(target.columns[place].name.as_str());
    }
    columns.sort_unstable();
    let is_meant = |key: &&ExistingKey| {
        let mut own: Vec<_> = key.columns.iter().map(|by| by.name.as_str()).collect();
        own.sort_unstable();
        own == columns
    };
    let mut keys: Vec<_> = target.keys.iter().filter(is_meant).collect();
    keys.sort_by_key(|key| key.unsuited.is_some());
    keys.first().copied().ok_or_else(|| {
        format!(
            "the table of the target has no unique key of just these columns: {}",
            wanted.join(", ")
        )
    })
}

/// What would change rows that are updated, or keep the update out.
fn guards(table: &FillTable, existing: &Existing, findings: &mut Vec<Finding>) {
    let target = &table.target;
    let mut refused = |code, message: String, hint: String| {
        let finding = Finding::new(code, Severity::Error, message);
        findings.push(finding.hint(hint).in_table(&target.name));
    };
    if !target.may_update {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let hint = format!(
            "GRANT UPDATE ON {}.{} TO {}",
            quoted(&existing.schema),
            quoted(&target.name),
            quoted(&existing.role)
        );
        let message = "the role lacks rights on the table: UPDATE";
        refused(Code::RightMissing, message.to_owned(), hint);
    }
    for rule in &target.update_rules {
        let message = format!("the rule `{rule}` rewrites UPDATE");
        let hint = "drop the rule for the time of the import";
        refused(Code::TargetInterferes, message, hint.to_owned());
    }
    let is_new = |name: &str| {
        let mut known = target.triggers.iter();
        !known.any(|trigger| trigger.changes_rows && trigger.name == name)
    };
    for trigger in &target.update_triggers {
        if trigger.changes_rows && is_new(&trigger.name) {
            let message = format!(
                "the trigger `{}` runs before each row is updated, and may change or drop it",
                trigger.name
            );
            let hint = "switch the trigger off for the time of the import: ALTER TABLE … DISABLE TRIGGER …; nothing does that by itself";
            refused(Code::TargetInterferes, message, hint.to_owned());
        }
    }
    let is_key = |name: &str| {
        let by = table.merge.iter().flat_map(|by| &by.columns);
        by.into_iter().any(|column| column.by.name == name)
    };
    for (_, column) in table.filled() {
        if column.identity_always && !is_key(&column.name) {
            let message = format!(
                "the column `{}` is GENERATED ALWAYS AS IDENTITY, which takes no update, and is not part of the key",
                column.name
            );
            let hint = "take it for the key with --on-key, or ALTER TABLE … ALTER COLUMN … SET GENERATED BY DEFAULT";
            refused(Code::TargetInterferes, message, hint.to_owned());
        }
    }
}
