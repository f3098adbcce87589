//! What is said in SQL of a table whose rows are taken back: how an image `i` finds its row `t`, and what
//! makes of the one the other.
//!
//! Pure. Identifiers are quoted, type names come from the server's own `format_type`.

use crate::engine::postgres::images;
use crate::engine::postgres::name::{identifier, literal, qualified};
use crate::fault::Result;
use crate::mapping::existing::{ExistingColumn, Kind};

use super::Table;

/// Characters of a value that the key of a row shows.
const SHOWN: usize = 40;

impl Table {
    /// Whether anything is done to it.
    pub(super) fn is_concerned(&self) -> bool {
        self.key.is_none() || self.written.kept > 0
    }

    /// The table's name, without tables that inherit from it.
    pub(super) fn only_target(&self) -> Result<String> {
        let only = if self.target.partitioned { "" } else { "ONLY " };
        Ok(format!(
            "{only}{}",
            qualified(&self.schema, &self.target.name)?
        ))
    }

    pub(super) fn images(&self) -> Result<String> {
        qualified(&self.backup, &self.target.name)
    }

    /// Whether the image `i` is of the row that `row` stands for; without a key, none is.
    pub(super) fn matches(&self, row: &str) -> Result<String> {
        let Some(key) = &self.key else {
            return Ok("false".to_owned());
        };
        let mut all = Vec::with_capacity(key.columns.len());
        for column in &key.columns {
            let name = identifier(&column.name)?;
            let operators = identifier(&column.operators)?;
            let collate = match &column.collation {
                Some((schema, name)) => format!(" COLLATE {}", qualified(schema, name)?),
                None => String::new(),
            };
            let equal = format!("{row}.{name} OPERATOR({operators}.=) (i.{name}{collate})");
            let mut columns = self.target.columns.iter();
            let not_null = columns.any(|one| one.name == column.name && one.not_null);
            all.push(if key.nulls_are_equal && !not_null {
                format!("({equal} OR {row}.{name} IS NULL AND i.{name} IS NULL)")
            } else {
                equal
            });
        }
        Ok(all.join(" AND "))
    }

    /// Whether there was no row where the image `i` is, but one that came with the run.
    pub(super) fn was_absent(&self) -> Result<String> {
        let (action, inserted) = (identifier(&self.action)?, literal(images::INSERTED)?);
        Ok(format!("i.{action} = {inserted}"))
    }

    /// The columns that are written; the server computes the others.
    fn stored(&self) -> impl Iterator<Item = &ExistingColumn> {
        self.target
            .columns
            .iter()
            .filter(|column| !column.generated)
    }

    /// Keeps in `backup` the rows that go or change, and the keys of those that come.
    pub(super) fn keep_in(&self, backup: &str) -> Result<String> {
        let place = qualified(backup, &self.target.name)?;
        let (target, action) = (self.only_target()?, identifier(&self.action)?);
        let (removed, updated) = (literal(images::REMOVED)?, literal(images::UPDATED)?);
        let rows = images::of_row(&self.target.columns)?;
        let Some(key) = &self.key else {
            return Ok(format!(
                "CREATE TABLE {place} AS SELECT {removed}::text AS {action}, {rows} FROM {target} AS t"
            ));
        };
        let (images, matches, absent) = (self.images()?, self.matches("t")?, self.was_absent()?);
        let columns = key.columns.iter().map(|column| identifier(&column.name));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let values: Vec<_> = columns.iter().map(|name| format!("i.{name}")).collect();
        Ok(format!(
            "CREATE TABLE {place} AS SELECT CASE WHEN {absent} THEN {removed} ELSE {updated} END::text AS {action}, {rows} \
             FROM {images} AS i JOIN {target} AS t ON {matches}; \
             INSERT INTO {place} ({action}, {}) SELECT {}, {} FROM {images} AS i \
             WHERE NOT ({absent}) AND NOT EXISTS (SELECT FROM {target} AS t WHERE {matches})",
            columns.join(", "),
            literal(images::INSERTED)?,
            values.join(", ")
        ))
    }

    /// DELETE of the rows that were not there.
    fn delete(&self) -> Result<String> {
        let target = self.only_target()?;
        if self.key.is_none() {
            return Ok(format!("DELETE FROM {target} AS t RETURNING 1"));
        }
        Ok(format!(
            "DELETE FROM {target} AS t USING {} AS i WHERE {} AND {} RETURNING 1",
            self.images()?,
            self.was_absent()?,
            self.matches("t")?
        ))
    }

    /// UPDATE of the rows that looked otherwise.
    fn update(&self, deleted: &str) -> Result<Option<String>> {
        if self.key.is_none() {
            return Ok(None);
        }
        // What takes no update is part of the key, and so equal.
        let columns = self.stored().filter(|column| !column.identity_always);
        let set = columns.map(|column| {
            let name = identifier(&column.name)?;
            Ok(format!("{name} = i.{name}"))
        });
        let set = set.collect::<Result<Vec<_>>>()?;
        if set.is_empty() {
            return Ok(None);
        }
        Ok(Some(format!(
            "UPDATE {} AS t SET {} FROM {} AS i WHERE {deleted} AND NOT ({}) AND {} RETURNING 1",
            self.only_target()?,
            set.join(", "),
            self.images()?,
            self.was_absent()?,
            self.matches("t")?
        )))
    }

    /// INSERT of the rows that are gone.
    fn insert(&self, updated: &str) -> Result<Option<String>> {
        if self.written.kept == 0 {
            return Ok(None);
        }
        let columns = self.stored().map(|column| identifier(&column.name));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let values: Vec<_> = columns.iter().map(|name| format!("i.{name}")).collect();
        let identity = self.target.columns.iter().any(|one| one.identity_always);
        let overriding = if identity {
            " OVERRIDING SYSTEM VALUE"
        } else {
            ""
        };
        let rest = if self.key.is_some() {
            format!(
                " AND NOT ({}) AND NOT EXISTS (SELECT FROM {} AS t WHERE {})",
                self.was_absent()?,
                self.only_target()?,
                self.matches("t")?
            )
        } else {
            String::new()
        };
        Ok(Some(format!(
            "INSERT INTO {} ({}){overriding} SELECT {} FROM {} AS i WHERE {updated}{rest} RETURNING 1",
            qualified(&self.schema, &self.target.name)?,
            columns.join(", "),
            values.join(", "),
            self.images()?
        )))
    }

    /// Whether the row `t` differs from the image `i`, in any column: by their texts.
    pub(super) fn differs(&self) -> Result<String> {
        Ok(format!(
            "({})::text COLLATE \"C\" IS DISTINCT FROM ({})::text COLLATE \"C\"",
            self.whole("t")?,
            self.whole("i")?
        ))
    }

    /// All columns as one row.
    pub(super) fn whole(&self, of: &str) -> Result<String> {
        let columns = self.target.columns.iter();
        let columns = columns.map(|column| Ok(format!("{of}.{}", identifier(&column.name)?)));
        Ok(format!(
            "ROW({})",
            columns.collect::<Result<Vec<_>>>()?.join(", ")
        ))
    }

    /// An expression that names the row of the image `i`: `id=7`, `a='x', b=1`.
    pub(super) fn label(&self) -> Result<String> {
        let mut parts = Vec::new();
        for column in self.key.iter().flat_map(|key| &key.columns) {
            let value = format!("i.{}", identifier(&column.name)?);
            let mut columns = self.target.columns.iter();
            let found = columns.find(|one| one.name == column.name);
            let shown = match found.map(|column| &column.kind) {
                Some(Kind::Integer(_) | Kind::Numeric(_) | Kind::Double | Kind::Real) => {
                    format!("{value}::text")
                }
                _ => format!("quote_literal(left({value}::text, {SHOWN}))"),
            };
            let label = literal(&format!("{}=", column.name))?;
            parts.push(format!("{label} || coalesce({shown}, 'NULL')"));
        }
        if parts.is_empty() {
            return Ok("'a row without key'::text".to_owned());
        }
        Ok(format!("({})", parts.join(" || ', ' || ")))
    }
}

/// What puts the images in the place of the rows: one statement for tables that refer to one another, so
/// that foreign keys are checked when all is in its place, whichever way round they go.
pub(super) fn exchange(tables: &[Table]) -> Result<Vec<String>> {
    let concerned: Vec<_> = tables.iter().filter(|table| table.is_concerned()).collect();
    let mut statements = Vec::new();
    for group in groups(&concerned) {
        statements.push(at_once(&group)?);
    }
    Ok(statements)
}

/// Removes, then changes, then inserts: a value of a unique key is free before it is taken again. A part
/// of a statement runs before another only where that one asks for its outcome.
fn at_once(group: &[&Table]) -> Result<String> {
    let (mut parts, mut deleted, mut updated, mut inserted) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (n, table) in group.iter().enumerate() {
        parts.push(format!("deleted_{n} AS ({})", table.delete()?));
        deleted.push(format!("(SELECT count(*) FROM deleted_{n})"));
    }
    parts.push(format!("deleted AS (SELECT {} AS n)", sum(&deleted)));
    for (n, table) in group.iter().enumerate() {
        if let Some(update) = table.update("(SELECT n FROM deleted) >= 0")? {
            parts.push(format!("updated_{n} AS ({update})"));
            updated.push(format!("(SELECT count(*) FROM updated_{n})"));
        }
    }
    updated.push("(SELECT n FROM deleted)".to_owned());
    parts.push(format!("updated AS (SELECT {} AS n)", sum(&updated)));
    for (n, table) in group.iter().enumerate() {
        if let Some(insert) = table.insert("(SELECT n FROM updated) >= 0")? {
            parts.push(format!("inserted_{n} AS ({insert})"));
            inserted.push(format!("(SELECT count(*) FROM inserted_{n})"));
        }
    }
    inserted.push("(SELECT n FROM updated)".to_owned());
    Ok(format!(
        "WITH {} SELECT {} AS n",
        parts.join(", "),
        sum(&inserted)
    ))
}

fn sum(terms: &[String]) -> String {
    terms.join(" + ")
}

/// Tables that foreign keys connect, by groups.
fn groups<'a>(tables: &[&'a Table]) -> Vec<Vec<&'a Table>> {
    let mut group: Vec<usize> = (0..tables.len()).collect();
    for (child, table) in tables.iter().enumerate() {
        for key in &table.target.foreign_keys {
            let is_parent =
                |one: &&Table| (&one.schema, &one.target.name) == (&key.parent.0, &key.parent.1);
            let Some(parent) = tables.iter().position(is_parent) else {
                continue;
            };
            let (from, to) = (group[child], group[parent]);
            for one in &mut group {
                if *one == from {
                    *one = to;
                }
            }
        }
    }
    let numbers: std::collections::BTreeSet<_> = group.iter().copied().collect();
    let members = |number: usize| {
        let all = tables.iter().zip(&group);
        let members = all.filter(|(_, group)| **group == number);
        members.map(|(table, _)| *table).collect()
    };
    numbers.into_iter().map(members).collect()
}
