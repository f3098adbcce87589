//! Whether a mapping file fits a schema: every table, column and type that it names must be there.
//!
//! Done before anything else is looked at, so the mistakes are those of a command line: exit code 2,
//! with the place in the file.

use crate::fault::{Fault, Result};
use crate::mapping::file::{ColumnRule, MappingFile, Placed, ReadAs, TableRule};
use crate::mapping::plan::PgType;
use crate::mapping::typename;
use crate::model::schema::{Schema, Table};
use std::collections::BTreeSet;

/// Names shown in an advice, at the most.
const SHOWN: usize = 12;
/// The newest server that types are checked against here; the plan knows the real one.
pub(super) const NEWEST_SERVER: u32 = 180_000;
/// Longest label of an enumerated type, in bytes (`NAMEDATALEN` - 1).
const LONGEST_LABEL: usize = 63;

/// Fails at the first rule of `file` that does not fit `schema`, which is all of the source.
pub fn check(file: &MappingFile, schema: &Schema) -> Result<()> {
    let document = &file.document;
    for label in document.enums.values().flatten() {
        if label.get_ref().len() > LONGEST_LABEL {
            return Err(file.fault(label, "the label is longer than 63 bytes"));
        }
    }
    for (name, rule) in &document.tables {
        table(file, table_of(file, name, schema)?, rule)?;
    }
    let granted = document
        .grants
        .iter()
        .filter_map(|grant| grant.tables.as_ref());
    for name in granted.flatten() {
        table_of(file, name, schema)?;
        if file.table(name.get_ref()).is_some_and(|rule| rule.skip) {
            let what = format!("the table `{}` is skipped", name.get_ref());
            return Err(file.fault(name, what));
        }
    }
    Ok(())
}

fn table_of<'s>(file: &MappingFile, name: &Placed, schema: &'s Schema) -> Result<&'s Table> {
    let tables = schema.tables.iter();
    let found = tables.clone().find(|table| table.name == *name.get_ref());
    found.ok_or_else(|| {
        let fault = file.fault(
            name,
            format!("the source has no table `{}`", name.get_ref()),
        );
        advise(
            fault,
            "tables",
            name.get_ref(),
            tables.map(|table| table.name.as_str()),
        )
    })
}

/// Says which name may have been meant, or which names there are.
fn advise<'n>(fault: Fault, noun: &str, name: &str, there: impl Iterator<Item = &'n str>) -> Fault {
    let there: Vec<&str> = there.collect();
    if let Some(meant) = there.iter().find(|other| other.eq_ignore_ascii_case(name)) {
        return fault.hint(format!("names are written as in the source: `{meant}`"));
    }
    let listed: Vec<String> = there
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = match there.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    if listed.is_empty() {
        return fault.hint(format!("it has no {noun}"));
    }
    fault.hint(format!("its {noun} are {}{more}", listed.join(", ")))
}

fn table(file: &MappingFile, table: &Table, rule: &TableRule) -> Result<()> {
    for (name, column) in &rule.columns {
        let Some(declared) = table.columns.iter().find(|c| c.name == *name.get_ref()) else {
            let what = format!(
                "the table `{}` has no column `{}`",
                table.name,
                name.get_ref()
            );
            let names = table.columns.iter().map(|column| column.name.as_str());
            return Err(advise(
                file.fault(name, what),
                "columns",
                name.get_ref(),
                names,
            ));
        };
        if declared.generated.is_some() && *column != changed_name_or_dropped(column) {
            let what = format!(
                "the column `{}` is computed, so only `name` and `drop` can be said of it",
                name.get_ref()
            );
            return Err(file.fault(name, what));
        }
        self::column(file, name, column)?;
    }
    let kept = kept(table, rule);
    if kept.is_empty() && !table.columns.is_empty() {
        let at = rule.columns.keys().next();
        let what = format!("every column of the table `{}` is dropped", table.name);
        let hint = "leave out the table instead: skip = true";
        return at.map_or(Ok(()), |at| Err(file.fault(at, what).hint(hint)));
    }
    added(file, table, rule, &kept)?;
    let there = |name: &Placed| named(file, table, rule, &kept, name);
    rule.order_by.iter().try_for_each(there)?;
    rule.updated_at.iter().try_for_each(there)?;
    let indexed = rule.indexes.iter().flat_map(|index| &index.columns);
    indexed.into_iter().try_for_each(there)?;
    let counted = rule.statistics.iter().flat_map(|one| &one.columns);
    counted.into_iter().try_for_each(there)
}

/// The rule without everything that cannot be said of a computed column.
fn changed_name_or_dropped(rule: &ColumnRule) -> ColumnRule {
    ColumnRule {
        name: rule.name.clone(),
        drop: rule.drop,
        ..ColumnRule::default()
    }
}

/// The columns that are not dropped.
fn kept<'t>(table: &'t Table, rule: &TableRule) -> BTreeSet<&'t str> {
    let names = table.columns.iter().map(|column| column.name.as_str());
    names
        .filter(|name| !rule.columns.get(*name).is_some_and(|rule| rule.drop))
        .collect()
}

/// A column that a rule refers to: one that is kept, or added.
fn named(
    file: &MappingFile,
    table: &Table,
    rule: &TableRule,
    kept: &BTreeSet<&str>,
    name: &Placed,
) -> Result<()> {
    let added = rule.add_columns.iter().map(|added| added.name.get_ref());
    let mut all = kept.iter().copied().chain(added.map(String::as_str));
    if all.clone().any(|other| other == name.get_ref()) {
        return Ok(());
    }
    let dropped = table
        .columns
        .iter()
        .any(|column| column.name == *name.get_ref());
    let what = if dropped {
        format!("the column `{}` is dropped", name.get_ref())
    } else {
        format!(
            "the table `{}` has no column `{}`",
            table.name,
            name.get_ref()
        )
    };
    Err(advise(
        file.fault(name, what),
        "columns",
        name.get_ref(),
        &mut all,
    ))
}

fn added(file: &MappingFile, table: &Table, rule: &TableRule, kept: &BTreeSet<&str>) -> Result<()> {
    let mut names = kept.clone();
    let mut key = table.primary_key.as_ref().is_some_and(|key| {
        let mut columns = key.columns.iter();
        columns.all(|column| {
            kept.iter()
                .any(|name| name.eq_ignore_ascii_case(&column.column))
        })
    });
    for column in &rule.add_columns {
        let name = column.name.get_ref();
        if !names.insert(name) {
            let what = format!("the table `{}` has a column `{name}` already", table.name);
            return Err(file.fault(&column.name, what));
        }
        if column.primary_key && key {
            let what = format!("the table `{}` has a primary key already", table.name);
            return Err(file.fault(&column.name, what));
        }
        key |= column.primary_key;
        let target = column.type_name.as_ref();
        let target = target.map_or(Ok(PgType::Bigint), |name| type_of(file, name))?;
        let counts = matches!(target, PgType::Smallint | PgType::Integer | PgType::Bigint);
        if column.identity && !counts {
            let what = "an identity is a smallint, integer or bigint";
            return Err(file.fault(&column.name, what));
        }
    }
    Ok(())
}

fn type_of(file: &MappingFile, name: &Placed) -> Result<PgType> {
    typename::parse(name.get_ref(), enums(file), NEWEST_SERVER).map_err(|why| file.fault(name, why))
}

/// The names of the file's enumerated types, in the plan's order.
pub(super) fn enums(file: &MappingFile) -> impl Iterator<Item = &str> {
    file.document
        .enums
        .keys()
        .map(|name| name.get_ref().as_str())
}

fn column(file: &MappingFile, name: &Placed, rule: &ColumnRule) -> Result<()> {
    let asked = rule
        .type_name
        .as_ref()
        .map(|name| type_of(file, name))
        .transpose()?;
    let at = rule.type_name.as_ref().unwrap_or(name);
    let target = asked.or_else(|| implied(rule));
    if let Some(target) = target {
        suits(file, at, rule, (target, &target.name()))?;
    }
    let is_text = |target: PgType| target.is_bytewise_text() || target == PgType::Citext;
    if let (Some(collation), Some(target)) = (&rule.collation, target)
        && !is_text(target)
    {
        let what = format!("a column of type {} has no collation", target.name());
        return Err(file.fault(collation, what));
    }
    Ok(())
}

/// Fails when what the rule takes the values for gives none of the type that the column has.
pub(super) fn suits(
    file: &MappingFile,
    at: &Placed,
    rule: &ColumnRule,
    (target, name): (PgType, &str),
) -> Result<()> {
    match takes(rule) {
        Some((key, takes)) if !takes(target) => {
            Err(file.fault(at, format!("`{key}` gives no value of type {name}")))
        }
        _ => Ok(()),
    }
}

type Takes = fn(PgType) -> bool;

/// The key that says what the values are taken for, and the types it can give.
fn takes(rule: &ColumnRule) -> Option<(&'static str, Takes)> {
    let plain_text: Takes = |target| target.is_bytewise_text() || target == PgType::Citext;
    if let Some(read) = &rule.read {
        Some(match read.get_ref() {
            ReadAs::Cell => ("read = \"cell\"", |t| {
                matches!(t, PgType::Text | PgType::Json)
            }),
            ReadAs::Bytes => ("read = \"bytes\"", |t| t == PgType::Bytea),
            ReadAs::Uuid => ("read = \"uuid\"", |t| t == PgType::Uuid),
        })
    } else if rule.epoch.is_some() {
        Some(("epoch", |t| {
            matches!(t, PgType::Timestamptz | PgType::Timestamp | PgType::Date)
        }))
    } else if rule.zone.is_some() {
        Some(("zone", |t| t == PgType::Timestamptz))
    } else if rule.yes.is_some() || rule.no.is_some() {
        Some(("true", |t| t == PgType::Boolean))
    } else if rule.values.is_some() {
        Some(("values", PgType::is_text))
    } else if rule.invalid_json.is_some() {
        Some(("invalid-json", |t| {
            matches!(t, PgType::Json | PgType::Jsonb)
        }))
    } else if rule.nul.is_some() || rule.invalid_text.is_some() {
        Some(("nul", plain_text))
    } else {
        None
    }
}

/// The type that the other keys of a column stand for, where `type` is left out.
pub(super) fn implied(rule: &ColumnRule) -> Option<PgType> {
    if let Some(read) = &rule.read {
        Some(match read.get_ref() {
            ReadAs::Cell => PgType::Text,
            ReadAs::Bytes => PgType::Bytea,
            ReadAs::Uuid => PgType::Uuid,
        })
    } else if rule.epoch.is_some() || rule.zone.is_some() {
        Some(PgType::Timestamptz)
    } else if rule.yes.is_some() || rule.no.is_some() {
        Some(PgType::Boolean)
    } else if rule.invalid_json.is_some() {
        Some(PgType::Jsonb)
    } else if rule.values.is_some() || rule.nul.is_some() || rule.invalid_text.is_some() {
        Some(PgType::Text)
    } else {
        None
    }
}
