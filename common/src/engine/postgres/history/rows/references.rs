//! Foreign keys that refer to rows which an undo would remove or change. It refuses rather than take with them, or
//! change, rows that no import has written.

use tokio_postgres::Row;
use tokio_postgres::types::Oid;

use super::Table;
use crate::engine::postgres::name::{identifier, qualified};
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};
use crate::report::SAMPLES;

/// What is said of rows that ON UPDATE CASCADE, SET NULL or SET DEFAULT would change.
const FOLLOW: &str = "to values that would be changed, and would be changed with them";

fn keys(session: &mut Session, tables: &[Table]) -> Result<Vec<Row>> {
    let oids: Vec<_> = tables.iter().map(|table| table.written.oid).collect();
    session.query(include_str!("../../queries/references.sql"), &[&oids])
}

/// Tables whose rows would follow those that they refer to.
pub(super) fn followers(session: &mut Session, tables: &[Table]) -> Result<Vec<String>> {
    let keys = keys(session, tables)?;
    let follow = keys.iter().filter(|key| key.get("follows"));
    follow.map(child).collect()
}

/// The table with a foreign key, as SQL names it.
fn child(key: &Row) -> Result<String> {
    let only = if key.get("child_partitioned") {
        ""
    } else {
        "ONLY "
    };
    let name = qualified(key.get("child_home"), key.get("child_name"))?;
    Ok(format!("{only}{name}"))
}

/// Refuses when rows that stay refer to rows that go, or follow rows that get other values.
pub(super) fn refuse(session: &mut Session, tables: &[Table]) -> Result<()> {
    for key in keys(session, tables)? {
        let find = |oid: Oid| tables.iter().find(|table| table.written.oid == oid);
        let Some(parent) = find(key.get("parent")).filter(|table| table.is_concerned()) else {
            continue;
        };
        let own = find(key.get("child")).filter(|table| table.is_concerned());
        // All rows of it go, too. What the role may not read, the server itself refuses.
        let is_exchanged = own.is_some_and(|table| table.key.is_none());
        if is_exchanged || !key.get::<_, bool>("may_read") {
            continue;
        }
        let found = [
            Some((
                referring(&key, parent, own)?,
                "to rows that would be removed",
            )),
            following(&key, parent, own)?.map(|sql| (sql, FOLLOW)),
        ];
        for (sql, what) in found.into_iter().flatten() {
            let rows = session.query(&sql, &[])?;
            if let Some(first) = rows.first() {
                let all: i64 = first.get("all_rows");
                let samples: Vec<&str> = rows.iter().map(|row| row.get("waybill_row")).collect();
                return Err(refusal(&key, parent, what, (all, &samples)));
            }
        }
    }
    Ok(())
}

/// Whether rows that stay refer to the row `t`.
fn is_referred(key: &Row, own: Option<&Table>) -> Result<String> {
    let refers: &str = key.get("refers");
    // Rows of a table that is exchanged itself get other values, and the server checks those.
    let stays = match own {
        Some(table) => format!(
            " AND NOT EXISTS (SELECT FROM {} AS i WHERE {})",
            table.images()?,
            table.matches("c")?
        ),
        None => String::new(),
    };
    let child = child(key)?;
    Ok(format!(
        "EXISTS (SELECT FROM {child} AS c WHERE {refers}{stays})"
    ))
}

/// The rows that go and are referred to by rows that stay.
fn referring(key: &Row, parent: &Table, own: Option<&Table>) -> Result<String> {
    let is_referred = is_referred(key, own)?;
    let found = if parent.key.is_none() {
        let label = format!("{}::text", parent.whole("t")?);
        format!(
            "SELECT left({label}, 80) AS waybill_row FROM {} AS t WHERE {is_referred}",
            parent.only_target()?
        )
    } else {
        format!(
            "SELECT {} AS waybill_row FROM {} AS i JOIN {} AS t ON {} WHERE {} AND {is_referred}",
            parent.label()?,
            parent.images()?,
            parent.only_target()?,
            parent.matches("t")?,
            parent.was_absent()?
        )
    };
    Ok(counted(&found))
}

/// The rows that get other values which rows that stay refer to, and follow; nothing where none does.
fn following(key: &Row, parent: &Table, own: Option<&Table>) -> Result<Option<String>> {
    if parent.key.is_none() || !key.get::<_, bool>("follows_update") {
        return Ok(None);
    }
    let columns: Vec<String> = key.get("parent_columns");
    let changed = columns.iter().map(|column| {
        let column = identifier(column)?;
        Ok(format!(
            "t.{column}::text COLLATE \"C\" IS DISTINCT FROM i.{column}::text COLLATE \"C\""
        ))
    });
    let changed = changed.collect::<Result<Vec<_>>>()?;
    Ok(Some(counted(&format!(
        "SELECT {} AS waybill_row FROM {} AS i JOIN {} AS t ON {} WHERE NOT ({}) AND ({}) AND {}",
        parent.label()?,
        parent.images()?,
        parent.only_target()?,
        parent.matches("t")?,
        parent.was_absent()?,
        changed.join(" OR "),
        is_referred(key, own)?
    ))))
}

/// The first of the rows that are found, and how many there are.
fn counted(found: &str) -> String {
    format!(
        "SELECT waybill_row, count(*) OVER () AS all_rows FROM ({found}) AS found \
         ORDER BY waybill_row LIMIT {SAMPLES}"
    )
}

fn refusal(key: &Row, parent: &Table, what: &str, (all, samples): (i64, &[&str])) -> Fault {
    let (name, home, child): (&str, &str, &str) = (
        key.get("name"),
        key.get("child_home"),
        key.get("child_name"),
    );
    let what = format!("rows of {home}.{child} refer by the foreign key `{name}` {what}");
    let fault = Fault::new(Code::TargetDependent, what)
        .in_table(&parent.written.name)
        .because(format!("{all} in all, such as {}", samples.join("; ")));
    fault.hint("remove those rows or let them refer to others, then run the same command again")
}
