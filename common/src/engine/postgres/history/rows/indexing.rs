//! Indexes for the time of an undo. The server looks for rows that refer to each row which is removed; where the
//! columns of a foreign key have no index, it reads the whole table for each of them.

use super::Table;
use crate::engine::postgres::images;
use crate::engine::postgres::name::{identifier, literal, qualified};
use crate::engine::postgres::session::Session;
use crate::fault::Result;

/// Pages that may be read in vain before an index is worth its while: about a second.
const MOST_PAGES: i64 = 20_000;

/// An index that is made, and dropped when the rows are gone.
#[derive(Debug)]
pub(super) struct Support {
    /// The table, as SQL names it in LOCK.
    pub(super) table: String,
    pub(super) create: String,
    pub(super) drop: String,
}

/// The indexes that the undo with the number `run` needs.
pub(super) fn wanted(session: &mut Session, tables: &[Table], run: &str) -> Result<Vec<Support>> {
    let query = include_str!("../../queries/undo_unindexed.sql");
    let mut all: Vec<Support> = Vec::new();
    for parent in tables.iter().filter(|table| table.is_concerned()) {
        let keys = session.query(query, &[&parent.written.oid])?;
        if keys.is_empty() {
            continue;
        }
        let removed = removed(session, parent)?;
        for key in &keys {
            if removed.saturating_mul(key.get("pages")) < MOST_PAGES {
                continue;
            }
            let (home, child): (&str, &str) = (key.get("child_home"), key.get("child_name"));
            let columns: Vec<String> = key.get("child_columns");
            let columns = columns.iter().map(|name| identifier(name));
            let columns = columns.collect::<Result<Vec<_>>>()?.join(", ");
            let name = format!("waybill_undo_{run}_{}", all.len());
            let place = qualified(home, child)?;
            let only = if key.get("child_partitioned") {
                ""
            } else {
                "ONLY "
            };
            all.push(Support {
                table: format!("{only}{place}"),
                create: format!("CREATE INDEX {} ON {place} ({columns})", identifier(&name)?),
                drop: format!("DROP INDEX {}", qualified(home, &name)?),
            });
        }
    }
    Ok(all)
}

/// How many rows go.
fn removed(session: &mut Session, table: &Table) -> Result<i64> {
    if table.key.is_none() {
        return Ok(table.written.rows.unwrap_or(0));
    }
    if table.written.kept == 0 {
        return Ok(0);
    }
    let sql = format!(
        "SELECT count(*) AS rows FROM {} AS i WHERE i.{} = {}",
        table.images()?,
        identifier(&table.action)?,
        literal(images::INSERTED)?
    );
    let rows = session.query(&sql, &[])?;
    Ok(rows.first().map_or(0, |row| row.get("rows")))
}
