//! Whether the new file has the schema that the archive describes.

use crate::fault::{Code, Fault, Mismatch, Result};
use crate::model::schema::{Facts, Schema, Table, TableKind, VirtualContent};
use crate::report::{Finding, Severity};
use std::collections::HashSet;

/// What was not made; each was reported.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// Tables, indexes and views, which share one space of names; in lower case.
    objects: HashSet<String>,
    /// Triggers, in lower case.
    triggers: HashSet<String>,
}

impl LeftOut {
    pub(super) fn object(&mut self, name: &str) {
        self.objects.insert(name.to_ascii_lowercase());
    }

    pub(super) fn trigger(&mut self, name: &str) {
        self.triggers.insert(name.to_ascii_lowercase());
    }

    /// Whether a table, index or view was not made.
    pub(super) fn has_object(&self, name: &str) -> bool {
        self.objects.contains(&name.to_ascii_lowercase())
    }

    fn has_trigger(&self, name: &str) -> bool {
        self.triggers.contains(&name.to_ascii_lowercase())
    }
}

/// Compares the tables, without their indexes, which are not made yet.
pub(super) fn tables(wanted: &Schema, found: &Schema, left_out: &LeftOut) -> Result<()> {
    let mut wanted = made(wanted, left_out);
    for table in &mut wanted {
        table.indexes.clear();
    }
    let found: Vec<Table> = found.tables.iter().map(structure).collect();
    same_tables(&wanted, &found)
}

/// Compares everything, and tells where only the spelling of a statement differs.
pub(super) fn all(wanted: &Schema, found: &Schema, left_out: &LeftOut) -> Result<Vec<Finding>> {
    let structures: Vec<Table> = found.tables.iter().map(structure).collect();
    same_tables(&made(wanted, left_out), &structures)?;
    let views = wanted
        .views
        .iter()
        .filter(|view| !left_out.has_object(&view.name));
    let views: Vec<&str> = views.map(|view| view.name.as_str()).collect();
    same_names(&views, found.views.iter().map(|view| view.name.as_str()))?;
    let triggers = wanted
        .triggers
        .iter()
        .filter(|trigger| !left_out.has_trigger(&trigger.name));
    let triggers: Vec<&str> = triggers.map(|trigger| trigger.name.as_str()).collect();
    same_names(
        &triggers,
        found.triggers.iter().map(|trigger| trigger.name.as_str()),
    )?;
    if wanted.sequences != found.sequences {
        let what = "sequences of the new file are not those of the archive";
        return Err(Fault::new(Code::ContentDiffers, what).in_table("sqlite_sequence"));
    }
    facts(&wanted.facts, &found.facts)?;
    Ok(respelled(wanted, found))
}

/// The tables that should be there, as structures.
fn made(wanted: &Schema, left_out: &LeftOut) -> Vec<Table> {
    wanted
        .tables
        .iter()
        .filter(|table| !left_out.has_object(&table.name))
        .map(|table| {
            let mut table = structure(table);
            table
                .indexes
                .retain(|index| !left_out.has_object(&index.name));
            table
        })
        .collect()
}

/// The table without what is no structure: spelling, and what a module decides by its version.
fn structure(table: &Table) -> Table {
    let mut table = table.clone();
    table.sql.clear();
    for index in &mut table.indexes {
        index.sql.clear();
    }
    if let TableKind::Virtual { module, content } = &mut table.kind {
        module.make_ascii_lowercase();
        if *content == VirtualContent::Unavailable {
            table.columns.clear();
        }
        table.columns.retain(|column| !column.hidden);
    }
    table
}

fn same_tables(wanted: &[Table], found: &[Table]) -> Result<()> {
    let names: Vec<&str> = wanted.iter().map(|table| table.name.as_str()).collect();
    same_names(&names, found.iter().map(|table| table.name.as_str()))?;
    match wanted
        .iter()
        .zip(found)
        .find(|(wanted, found)| wanted != found)
    {
        None => Ok(()),
        Some((wanted, found)) => Err(different(&wanted.name, difference(wanted, found))),
    }
}

fn same_names<'a>(wanted: &[&str], found: impl Iterator<Item = &'a str>) -> Result<()> {
    let found: Vec<&str> = found.collect();
    if wanted == found {
        return Ok(());
    }
    let odd = wanted
        .iter()
        .zip(&found)
        .find(|(wanted, found)| wanted != found)
        .map(|(wanted, _)| *wanted);
    let rest = || wanted.get(found.len()).or(found.get(wanted.len())).copied();
    let name = odd.or_else(rest).unwrap_or_default();
    Err(different(name, "name or place in the order"))
}

/// Which side of the table differs, in words.
fn difference(wanted: &Table, found: &Table) -> &'static str {
    let sides = [
        (
            "kind",
            wanted.kind == found.kind && wanted.strict == found.strict,
        ),
        (
            "rowid",
            wanted.rowid == found.rowid && wanted.autoincrement == found.autoincrement,
        ),
        ("columns", wanted.columns == found.columns),
        ("primary key", wanted.primary_key == found.primary_key),
        ("UNIQUE constraints", wanted.unique == found.unique),
        ("foreign keys", wanted.foreign_keys == found.foreign_keys),
        ("CHECK constraints", wanted.checks == found.checks),
    ];
    sides
        .into_iter()
        .find_map(|(side, same)| (!same).then_some(side))
        .unwrap_or("indexes")
}

fn different(name: &str, side: &str) -> Fault {
    let what = format!("SQL statement and schema describe different objects: {side}");
    Fault::new(Code::ObjectMismatch, what).in_table(name)
}

fn facts(wanted: &Facts, found: &Facts) -> Result<()> {
    let pairs = [
        (
            "encoding",
            format!("{:?}", wanted.encoding),
            format!("{:?}", found.encoding),
        ),
        (
            "user_version",
            wanted.user_version.to_string(),
            found.user_version.to_string(),
        ),
        (
            "application_id",
            wanted.application_id.to_string(),
            found.application_id.to_string(),
        ),
        (
            "page_size",
            wanted.page_size.to_string(),
            found.page_size.to_string(),
        ),
        (
            "auto_vacuum",
            wanted.auto_vacuum.to_string(),
            found.auto_vacuum.to_string(),
        ),
        (
            "ANALYZE",
            wanted.analyzed.to_string(),
            found.analyzed.to_string(),
        ),
    ];
    for (setting, wanted, found) in pairs {
        if wanted != found {
            let what = format!("SQLite does not take the setting {setting} of the archive");
            return Err(
                Fault::new(Code::ObjectMismatch, what).because(Mismatch::new(wanted, found))
            );
        }
    }
    Ok(())
}

/// Objects whose statement SQLite keeps in another spelling than the source did.
fn respelled(wanted: &Schema, found: &Schema) -> Vec<Finding> {
    let statements = |schema: &Schema| -> HashSet<(String, String)> {
        let tables = schema
            .tables
            .iter()
            .map(|table| (table.name.clone(), table.sql.clone()));
        let indexes = schema.tables.iter().flat_map(|table| &table.indexes);
        let indexes = indexes.map(|index| (index.name.clone(), index.sql.clone()));
        let views = schema
            .views
            .iter()
            .map(|view| (view.name.clone(), view.sql.clone()));
        let triggers = schema.triggers.iter();
        let triggers = triggers.map(|trigger| (trigger.name.clone(), trigger.sql.clone()));
        tables.chain(indexes).chain(views).chain(triggers).collect()
    };
    let wanted = statements(wanted);
    let mut names: Vec<String> = statements(found)
        .into_iter()
        .filter(|statement| !wanted.contains(statement))
        .map(|(name, _)| name)
        .collect();
    names.sort_unstable();
    let finding = |name| {
        let message = "SQLite keeps the statement in another spelling; it means the same";
        Finding::new(Code::SpellingLost, Severity::Note, message).in_table(name)
    };
    names.into_iter().map(finding).collect()
}
