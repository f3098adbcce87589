//! Foreign keys that refer to rows which an undo would remove. It refuses rather than take with them, or
//! change, rows that no import has written.

use tokio_postgres::Row;
use tokio_postgres::types::Oid;

use super::Table;
use crate::engine::postgres::name::qualified;
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};
use crate::report::SAMPLES;

fn keys(session: &mut Session, tables: &[Table]) -> Result<Vec<Row>> {
    let oids: Vec<_> = tables.iter().map(|table| table.written.oid).collect();
    session.query(include_str!("../../queries/undo_references.sql"), &[&oids])
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

/// Refuses when rows that stay refer to rows that go.
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
        let rows = session.query(&referring(&key, parent, own)?, &[])?;
        if let Some(first) = rows.first() {
            let all: i64 = first.get("all_rows");
            let samples: Vec<&str> = rows.iter().map(|row| row.get("waybill_row")).collect();
            return Err(refusal(&key, parent, (all, &samples)));
        }
    }
    Ok(())
}

/// The rows that go and are referred to by rows that stay.
fn referring(key: &Row, parent: &Table, own: Option<&Table>) -> Result<String> {
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
    let is_referred = format!("EXISTS (SELECT FROM {child} AS c WHERE {refers}{stays})");
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
    Ok(format!(
        "SELECT waybill_row, count(*) OVER () AS all_rows FROM ({found}) AS found \
         ORDER BY waybill_row LIMIT {SAMPLES}"
    ))
}

fn refusal(key: &Row, parent: &Table, (all, samples): (i64, &[&str])) -> Fault {
    let (name, home, child): (&str, &str, &str) = (
        key.get("name"),
        key.get("child_home"),
        key.get("child_name"),
    );
    let what = format!(
        "rows of {home}.{child} refer by the foreign key `{name}` to rows that would be removed"
    );
    let fault = Fault::new(Code::TargetDependent, what)
        .in_table(&parent.written.name)
        .because(format!("{all} in all, such as {}", samples.join("; ")));
    fault.hint("remove those rows or let them refer to others, then run the same command again")
}
