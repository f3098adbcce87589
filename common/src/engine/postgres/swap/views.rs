//! Whether views can be defined over the tables that come, whose columns must keep their types; and whether
//! the conditions of policies and publications hold there.
//!
//! Asked of the server without making anything: it describes the definition of each view with the new
//! tables in place of the old ones, as queries of the same names in front of it. What cannot be told in
//! this way (a view that needs a key of the table, or columns of the server's own), the switch tells.

use tokio_postgres::Row;
use tokio_postgres::types::Oid;

use super::dependents::Dependent;
use super::{Object, identifiers};
use crate::engine::postgres::name::{identifier, qualified};
use crate::engine::postgres::session::{Described, ServerMessage, Session};
use crate::fault::{Code, Fault, Result};
use crate::mapping::plan::{ColumnPlan, PgType, Plan, TablePlan};
use crate::report::{Finding, Severity};

/// What is in front of each definition: the old tables, and the new ones.
struct Fronts {
    old: String,
    new: String,
    /// Where the definitions find the tables.
    path: String,
}

impl Fronts {
    /// Nothing where there is no table.
    fn new(old: &[String], new: &[String], schema: &str) -> Result<Option<Fronts>> {
        let path = format!("SET LOCAL search_path = {}, pg_temp", identifier(schema)?);
        Ok((!new.is_empty()).then(|| Fronts {
            old: old.join(", "),
            new: new.join(", "),
            path,
        }))
    }
}

/// Every view that the new tables do not suit, within a transaction that stays as it is.
pub(super) fn unsuited(
    session: &mut Session,
    schema: &str,
    (views, aside): (&[Dependent], &[Object]),
    plan: &Plan,
) -> Result<Vec<Finding>> {
    let Some(fronts) = fronts(schema, aside, plan)? else {
        return Ok(Vec::new());
    };
    let mut findings = Vec::new();
    for (view, unfit) in unfit(session, &fronts, views)? {
        let read = changed(session, view.oid, aside, plan)?;
        findings.push(finding(view, &unfit, &read));
    }
    Ok(findings)
}

/// Every policy and publication whose condition the new tables do not suit.
pub(super) fn conditions(
    session: &mut Session,
    schema: &str,
    aside: &[Object],
    plan: &Plan,
) -> Result<Vec<Finding>> {
    let Some(fronts) = fronts(schema, aside, plan)? else {
        return Ok(Vec::new());
    };
    let (relations, _) = identifiers(aside);
    let query = include_str!("../queries/swap_expressions.sql");
    let rows = within_path(session, &fronts.path, |session| {
        session.query(query, &[&relations])
    })?;
    let mut findings = Vec::new();
    for row in rows {
        let (name, described): (&str, &str) = (row.get("name"), row.get("described"));
        let condition: &str = row.get("condition");
        let definition = format!("SELECT 1 FROM {} WHERE {condition}", identifier(name)?);
        if describe(session, (&fronts.old, &fronts.path), &definition)?.is_err() {
            continue;
        }
        if let Err(refused) = describe(session, (&fronts.new, &fronts.path), &definition)? {
            let message = format!(
                "{described} cannot be given to the new table: {}",
                refused.message
            );
            let finding = Finding::new(Code::TargetDependent, Severity::Error, message);
            let hint = format!(
                "ask for the old types in a mapping file, or drop {described} for the import and make it again after it"
            );
            findings.push(finding.in_table(name).hint(hint));
        }
    }
    Ok(findings)
}

/// The type that a column will have, as the server finds it by name.
pub(super) fn spelled_out(column: &ColumnPlan) -> String {
    format!("pg_catalog.{}", spelled(column.target))
}

/// The first view that tables in another schema do not suit, with the reason; within a transaction that
/// stays as it is.
pub(in super::super) fn unsuited_by_others(
    session: &mut Session,
    (schema, other): (&str, &str),
    tables: &[&str],
    views: &[&Dependent],
) -> Result<Option<(String, String)>> {
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for table in tables {
        let name = identifier(table)?;
        for (all, schema) in [(&mut old, schema), (&mut new, other)] {
            let place = qualified(schema, table)?;
            all.push(format!("{name} AS (SELECT * FROM ONLY {place})"));
        }
    }
    let Some(fronts) = Fronts::new(&old, &new, schema)? else {
        return Ok(None);
    };
    let found = unfit(session, &fronts, views.iter().copied())?;
    let first = found.into_iter().next();
    Ok(first.map(|(view, unfit)| (view.described.clone(), unfit.message(view))))
}

/// The views that cannot be defined over the new tables.
fn unfit<'a>(
    session: &mut Session,
    fronts: &Fronts,
    views: impl IntoIterator<Item = &'a Dependent>,
) -> Result<Vec<(&'a Dependent, Unfit)>> {
    let views: Vec<_> = views.into_iter().filter(|view| view.owned).collect();
    if views.is_empty() {
        return Ok(Vec::new());
    }
    let oids: Vec<Oid> = views.iter().map(|view| view.oid).collect();
    let query = include_str!("../queries/swap_views.sql");
    let rows = within_path(session, &fronts.path, |session| {
        session.query(query, &[&oids])
    })?;
    let mut found = Vec::new();
    for row in rows {
        let oid: Oid = row.get("oid");
        let Some(view) = views.iter().find(|view| view.oid == oid) else {
            continue;
        };
        found.extend(look(session, fronts, &row)?.map(|unfit| (*view, unfit)));
    }
    Ok(found)
}

/// Does something with this `search_path`, and takes back all of it, also what has failed.
fn within_path<T>(
    session: &mut Session,
    path: &str,
    act: impl FnOnce(&mut Session) -> Result<T>,
) -> Result<T> {
    session.aside(|session| {
        session.execute(path)?;
        act(session)
    })
}

/// The tables that come and those that go, as queries; nothing where a type of the plan is not there yet.
fn fronts(schema: &str, aside: &[Object], plan: &Plan) -> Result<Option<Fronts>> {
    let (mut old, mut new) = (Vec::new(), Vec::new());
    let tables = aside.iter().filter(|object| object.kind == "table");
    for object in tables {
        let planned = plan.tables.iter().find(|table| table.name == object.name);
        let Some(table) = planned else { continue };
        let is_made = |target: &PgType| matches!(target, PgType::Enum(_) | PgType::Citext);
        if table.columns.iter().any(|column| is_made(&column.target)) {
            return Ok(None);
        }
        let name = identifier(&table.name)?;
        let place = qualified(schema, &table.name)?;
        old.push(format!("{name} AS (SELECT * FROM ONLY {place})"));
        new.push(format!("{name} AS (SELECT {})", columns(table)?));
    }
    Fronts::new(&old, &new, schema)
}

fn columns(table: &TablePlan) -> Result<String> {
    let columns = table.columns.iter().map(|column| {
        let name = identifier(&column.name)?;
        Ok(format!(
            "NULL::pg_catalog.{} AS {name}",
            spelled(column.target)
        ))
    });
    Ok(columns.collect::<Result<Vec<_>>>()?.join(", "))
}

/// A type in one word behind its schema: those of several words are part of the language.
fn spelled(target: PgType) -> String {
    match target {
        PgType::Smallint => "int2".to_owned(),
        PgType::Integer => "int4".to_owned(),
        PgType::Bigint => "int8".to_owned(),
        PgType::Real => "float4".to_owned(),
        PgType::Double => "float8".to_owned(),
        PgType::Boolean => "bool".to_owned(),
        PgType::Timestamptz => "timestamptz".to_owned(),
        PgType::Timestamp => "\"timestamp\"".to_owned(),
        PgType::Time => "\"time\"".to_owned(),
        PgType::Varchar(length) => format!("varchar({length})"),
        PgType::Char(length) => format!("bpchar({length})"),
        other => other.name().into_owned(),
    }
}

/// Why a view cannot be defined over the new tables.
enum Unfit {
    /// A column gets another type.
    Column {
        name: String,
        before: String,
        after: String,
    },
    /// The server does not take the definition.
    Refused(ServerMessage),
}

fn look(session: &mut Session, fronts: &Fronts, view: &Row) -> Result<Option<Unfit>> {
    let definition: &str = view.get("definition");
    let definition = definition.trim_end().trim_end_matches(';');
    let types: Vec<Oid> = view.get("types");
    let modifiers: Vec<i32> = view.get("modifiers");
    let is_same = |found: &[Described]| {
        let found = found
            .iter()
            .map(|column| (column.type_oid, column.modifier));
        found.eq(types.iter().copied().zip(modifiers.iter().copied()))
    };
    let Ok(old) = describe(session, (&fronts.old, &fronts.path), definition)? else {
        return Ok(None);
    };
    if !is_same(&old) {
        return Ok(None);
    }
    let new = match describe(session, (&fronts.new, &fronts.path), definition)? {
        Ok(new) => new,
        Err(message) => return Ok(Some(Unfit::Refused(message))),
    };
    let mut pairs = old.iter().zip(&new);
    let other =
        pairs.find(|(old, new)| (old.type_oid, old.modifier) != (new.type_oid, new.modifier));
    let Some((before, after)) = other else {
        return Ok(None);
    };
    let query = "SELECT format_type($1, $2) AS before, format_type($3, $4) AS after";
    let rows = session.query(
        query,
        &[
            &before.type_oid,
            &before.modifier,
            &after.type_oid,
            &after.modifier,
        ],
    )?;
    let row = rows
        .first()
        .ok_or_else(|| Fault::new(Code::ServerError, "the server does not name types"))?;
    Ok(Some(Unfit::Column {
        name: before.name.clone(),
        before: row.get("before"),
        after: row.get("after"),
    }))
}

/// What the server makes of a definition behind these queries; its refusal where it is one of the
/// definition.
fn describe(
    session: &mut Session,
    (front, path): (&str, &str),
    definition: &str,
) -> Result<Result<Vec<Described>, ServerMessage>> {
    let sql = format!("WITH {front} SELECT * FROM ({definition}) AS waybill_view");
    let fault = match within_path(session, path, |session| session.describe(&sql)) {
        Ok(columns) => return Ok(Ok(columns)),
        Err(fault) => fault,
    };
    let message = std::error::Error::source(&fault).and_then(|cause| cause.downcast_ref());
    let message: Option<&ServerMessage> = message;
    let own = |message: &&ServerMessage| {
        matches!(message.sqlstate.get(..2), Some("0A" | "42")) && message.sqlstate != "42501"
    };
    match message.filter(own) {
        Some(message) => Ok(Err(message.clone())),
        None => Err(fault),
    }
}

/// The columns that a view reads and that get other types: `items.id`, with the types they had.
fn changed(
    session: &mut Session,
    view: Oid,
    aside: &[Object],
    plan: &Plan,
) -> Result<Vec<(String, String)>> {
    let (relations, _) = identifiers(aside);
    let query = include_str!("../queries/swap_read.sql");
    let rows = session.query(query, &[&view, &relations])?;
    let changed = rows.iter().filter_map(|row| {
        let (name, column): (&str, &str) = (row.get("name"), row.get("column"));
        let was: String = row.get("type");
        let table = plan.tables.iter().find(|table| table.name == name)?;
        let new = table
            .columns
            .iter()
            .find(|planned| planned.name == column)?;
        (new.target.name() != was.as_str()).then(|| (format!("`{name}`.`{column}`"), was))
    });
    Ok(changed.collect())
}

impl Unfit {
    fn message(&self, view: &Dependent) -> String {
        match self {
            Unfit::Column {
                name,
                before,
                after,
            } => format!(
                "{} would get another type: its column `{name}` is {before}, and would be {after}",
                view.described
            ),
            Unfit::Refused(message) => format!(
                "{} cannot be defined over the new tables: {}",
                view.described, message.message
            ),
        }
    }
}

fn finding(view: &Dependent, unfit: &Unfit, read: &[(String, String)]) -> Finding {
    let message = unfit.message(view);
    let asked = read
        .iter()
        .map(|(column, was)| format!("type = \"{was}\" for {column}"));
    let asked: Vec<_> = asked.collect();
    let hint = if asked.is_empty() {
        "drop the view for the import, and make it again after it".to_owned()
    } else {
        format!(
            "ask for the old type in a mapping file ({}), or drop the view for the import and make it again after it",
            asked.join(", ")
        )
    };
    Finding::new(Code::TargetDependent, Severity::Error, message)
        .on(&view.described)
        .hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_is_one_word_of_the_catalogue() {
        for target in PgType::ALL {
            let word = spelled(target);
            assert!(!word.contains(' '), "{word}");
        }
        assert_eq!(spelled(PgType::Char(3)), "bpchar(3)");
        let decimal = PgType::Decimal {
            precision: 10,
            scale: 2,
        };
        assert_eq!(spelled(decimal), "numeric(10,2)");
    }
}
