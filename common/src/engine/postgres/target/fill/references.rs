//! Foreign keys that refer to values which a merge would change, and by which other rows would follow: ON
//! UPDATE CASCADE, SET NULL, SET DEFAULT. A row that the archive says nothing of is not changed.

use tokio_postgres::Row;
use tokio_postgres::types::Oid;

use crate::engine::postgres::name::{identifier, qualified};
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Result};
use crate::mapping::existing::{ExistingColumn, Kind};
use crate::mapping::fill::{MergeBy, OnConflict};
use crate::report::{Finding, SAMPLES, Severity};

use super::Tables;
use super::statements::Filled;
use super::survey::counted;

/// The rows of a table that an update would change, and with them rows that refer to them.
pub(super) fn survey(
    session: &mut Session,
    tables: Tables<'_>,
    filled: Filled<'_>,
) -> Result<Vec<Finding>> {
    let by = filled.table.merge.as_ref();
    let Some(by) = by.filter(|by| by.on_conflict == OnConflict::Update) else {
        return Ok(Vec::new());
    };
    let place = session.query("SELECT to_regclass($1)::oid AS oid", &[&filled.target()?])?;
    let oids: Vec<Oid> = place.iter().filter_map(|row| row.get("oid")).collect();
    let query = include_str!("../../queries/references.sql");
    let mut findings = Vec::new();
    for key in session.query(query, &[&oids])? {
        if key.get("follows_update") {
            findings.extend(followers(session, tables, (filled, by), &key)?);
        }
    }
    let place = |finding: Finding| finding.in_table(&filled.table.target.name);
    Ok(findings.into_iter().map(place).collect())
}

/// The rows whose values change that others refer to by this foreign key.
fn followers(
    session: &mut Session,
    tables: Tables<'_>,
    (filled, by): (Filled<'_>, &MergeBy),
    key: &Row,
) -> Result<Option<Finding>> {
    let parents: Vec<String> = key.get("parent_columns");
    let changed = changed(filled, by, &parents)?;
    if changed.is_empty() {
        return Ok(None);
    }
    let (name, home, child): (&str, &str, &str) = (
        key.get("name"),
        key.get("child_home"),
        key.get("child_name"),
    );
    let may_read: bool = key.get("may_read");
    let refers = if may_read {
        format!(" AND {}", is_referred(tables, key)?)
    } else {
        String::new()
    };
    let sql = format!(
        "SELECT {} AS waybill_row, count(*) OVER () AS all_rows FROM {} AS s JOIN {} AS t ON {} \
         WHERE ({}){refers} ORDER BY {} LIMIT {SAMPLES}",
        filled.row_key()?,
        filled.staged()?,
        filled.only_target()?,
        filled.matches(by)?,
        changed.join(" OR "),
        filled.row_order()?
    );
    let rows = session.query(&sql, &[])?;
    if rows.is_empty() {
        return Ok(None);
    }
    let finding = if may_read {
        let message = format!(
            "rows of {home}.{child} refer by the foreign key `{name}` to values that would be changed, and would be changed with them"
        );
        let hint = "let those rows refer to others, or merge their table as well";
        Finding::new(Code::TargetDependent, Severity::Error, message).hint(hint)
    } else {
        let message = format!(
            "rows of {home}.{child} may be changed by the foreign key `{name}`, and the role may not read them"
        );
        let hint = format!("GRANT SELECT ON {} TO the role", qualified(home, child)?);
        Finding::new(Code::RightMissing, Severity::Error, message).hint(hint)
    };
    Ok(Some(counted(finding, &rows)))
}

/// What tells of each column that the row `t` has another value in it than it gets of `s`; the server
/// looks at the bytes, too.
fn changed(filled: Filled<'_>, by: &MergeBy, columns: &[String]) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for (staged, column) in filled.table.filled() {
        let is_key = by.columns.iter().any(|one| one.by.name == column.name);
        if !columns.contains(&column.name) || is_key && is_one_of_a_kind(column) {
            continue;
        }
        let (name, value) = (identifier(&column.name)?, filled.staged_column(staged)?);
        all.push(format!(
            "t.{name}::text COLLATE \"C\" IS DISTINCT FROM ({value}::{})::{}::text COLLATE \"C\"",
            column.cast_name, column.type_name
        ));
    }
    Ok(all)
}

/// Whether values that are equal cannot look otherwise.
fn is_one_of_a_kind(column: &ExistingColumn) -> bool {
    matches!(
        column.kind,
        Kind::Integer(_)
            | Kind::Uuid
            | Kind::Boolean
            | Kind::Enum(_)
            | Kind::Date
            | Kind::Time(_)
            | Kind::Timestamp(_)
            | Kind::Timestamptz(_)
            | Kind::Bytea
    )
}

/// Whether a row refers to the row `t` that the merge does not write itself.
fn is_referred(tables: Tables<'_>, key: &Row) -> Result<String> {
    let (home, child): (&str, &str) = (key.get("child_home"), key.get("child_name"));
    let (refers, columns): (&str, Vec<String>) = (key.get("refers"), key.get("child_columns"));
    let only = if key.get("child_partitioned") {
        ""
    } else {
        "ONLY "
    };
    let own = tables.staged(home, child);
    let own = own.filter(|filled| is_written(*filled, &columns));
    let stays = match own.and_then(|filled| Some((filled, filled.table.merge.as_ref()?))) {
        Some((filled, by)) => format!(
            " AND NOT EXISTS (SELECT FROM {} AS s JOIN {} AS t ON {} \
             WHERE t.tableoid = c.tableoid AND t.ctid = c.ctid AND {})",
            filled.staged()?,
            filled.only_target()?,
            filled.matches(by)?,
            filled.differs()?
        ),
        None => String::new(),
    };
    let child = qualified(home, child)?;
    Ok(format!(
        "EXISTS (SELECT FROM {only}{child} AS c WHERE {refers}{stays})"
    ))
}

/// Whether an update of the rows of a table gives these columns their values, and finds the rows by others.
fn is_written(filled: Filled<'_>, columns: &[String]) -> bool {
    let Some(by) = &filled.table.merge else {
        return false;
    };
    let is_key = |name: &String| by.columns.iter().any(|one| one.by.name == *name);
    let is_filled = |name: &String| filled.table.filled().any(|(_, one)| one.name == *name);
    columns.iter().all(|name| is_filled(name) && !is_key(name))
}
