//! The rights without which an undo of rows would fail half-way; it names them before anything is locked.

use super::Table;
use crate::engine::postgres::name::{identifier, qualified};
use crate::engine::postgres::session::Session;
use crate::engine::postgres::swap;
use crate::fault::{Code, Fault, Result};

/// Refuses where the role may not write what the undo has to, or not keep what it takes away.
pub(super) fn refuse(session: &mut Session, tables: &[Table]) -> Result<()> {
    swap::refuse_without_backup(session)?;
    let query = "SELECT current_user::text AS role, \
                 ARRAY(SELECT one FROM unnest($2::text[]) AS one WHERE NOT has_table_privilege($1::oid, one)) AS missing";
    for table in tables.iter().filter(|table| table.is_concerned()) {
        let mut needed = vec!["SELECT", "DELETE"];
        if table.written.kept > 0 {
            needed.push("INSERT");
            if table.key.is_some() {
                needed.push("UPDATE");
            }
        }
        let rows = session.query(query, &[&table.written.oid, &needed])?;
        let Some(row) = rows.first() else { continue };
        let missing: Vec<&str> = row.get("missing");
        if missing.is_empty() {
            continue;
        }
        let rights = missing.join(", ");
        let name = qualified(&table.schema, &table.target.name)?;
        let hint = format!(
            "GRANT {rights} ON {name} TO {}",
            identifier(row.get("role"))?
        );
        let what = format!("the role lacks rights on the table: {rights}");
        let fault = Fault::new(Code::RightMissing, what).in_table(&table.written.name);
        return Err(fault.hint(hint));
    }
    Ok(())
}
