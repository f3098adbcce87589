//! Makes sure that an exchange of rows and images has done what it was to do: a trigger may have changed
//! rows on their way.

use super::{Kept, Table};
use crate::engine::postgres::images;
use crate::engine::postgres::name::{identifier, literal, qualified};
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Mismatch, Result};

fn number(session: &mut Session, sql: &str) -> Result<i64> {
    let rows = session.query(sql, &[])?;
    rows.first()
        .map(|row| row.get("rows"))
        .ok_or_else(|| Fault::new(Code::ServerError, "the server does not count rows"))
}

/// How many rows the table holds.
pub(super) fn count(session: &mut Session, table: &Table) -> Result<i64> {
    let sql = format!("SELECT count(*) AS rows FROM {}", table.only_target()?);
    number(session, &sql)
}

/// How many images of its rows are in `backup` now.
pub(super) fn kept(session: &mut Session, table: &Table, backup: &str) -> Result<Kept> {
    if !table.is_concerned() {
        return Ok(Kept {
            all: 0,
            removed: 0,
            inserted: 0,
        });
    }
    let (images, action) = (
        qualified(backup, &table.target.name)?,
        identifier(&table.action)?,
    );
    let mut of = |what: &str| {
        let sql = format!(
            "SELECT count(*) AS rows FROM {images} AS i WHERE i.{action} = {}",
            literal(what)?
        );
        number(session, &sql)
    };
    let (removed, inserted) = (of(images::REMOVED)?, of(images::INSERTED)?);
    let updated = of(images::UPDATED)?;
    Ok(Kept {
        all: removed + inserted + updated,
        removed,
        inserted,
    })
}

/// The table must hold what its images say, and no other row may be gone or be new. `held` is how many
/// rows there were. Gives back how many there are.
pub(super) fn arrived(
    session: &mut Session,
    table: &Table,
    (held, kept): (i64, Kept),
) -> Result<i64> {
    let differ = |what: &'static str| {
        Fault::new(Code::ContentDiffers, what)
            .in_table(&table.written.name)
            .hint("a trigger has changed rows: switch it off for the time of the undo")
    };
    let expected = match table.key {
        Some(_) => held - kept.removed + kept.inserted,
        None => table.written.kept,
    };
    let found = count(session, table)?;
    if found != expected {
        let what = "the table has not got as many rows as it must have";
        return Err(differ(what).because(Mismatch::new(expected, found)));
    }
    if table.written.kept == 0 {
        return Ok(found);
    }
    if table.key.is_none() {
        let sums = |from: String, of: &str| {
            Ok::<_, Fault>(format!(
                "(SELECT ROW(count(*), sum(hashtextextended(r, 1)), sum(hashtextextended(r, 2))) \
                 FROM (SELECT {}::text COLLATE \"C\" AS r FROM {from} AS {of}) AS rows)",
                table.whole(of)?
            ))
        };
        let sql = format!(
            "SELECT CASE WHEN {} = {} THEN 0 ELSE 1 END::bigint AS rows",
            sums(table.only_target()?, "t")?,
            sums(table.images()?, "i")?
        );
        return match number(session, &sql)? {
            0 => Ok(found),
            _ => Err(differ("the rows are not those that were there")),
        };
    }
    let sql = format!(
        "SELECT {} AS waybill_row FROM {} AS i LEFT JOIN {} AS t ON {} \
         WHERE CASE WHEN {} THEN t.xmin IS NOT NULL ELSE t.xmin IS NULL OR {} END LIMIT 1",
        table.label()?,
        table.images()?,
        table.only_target()?,
        table.matches("t")?,
        table.was_absent()?,
        table.differs()?
    );
    match session.query(&sql, &[])?.first() {
        None => Ok(found),
        Some(row) => {
            let fault = differ("a row is not as it was");
            Err(fault.in_row(row.get::<_, &str>("waybill_row")))
        }
    }
}
