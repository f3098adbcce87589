//! Tables of a backup schema that keep rows of a table which stays where it is: what a merge has
//! changed, and what an undo takes away (`docs/ledger.md`).
//!
//! Pure. Names are quoted; no word comes from an archive.

use crate::engine::postgres::name::identifier;
use crate::fault::Result;
use crate::mapping::existing::ExistingColumn;

/// The row was there, and looked so; now it looks otherwise.
pub(super) const UPDATED: &str = "updated";
/// There was no row; only its key is kept.
pub(super) const INSERTED: &str = "inserted";
/// The row was there, and is gone.
pub(super) const REMOVED: &str = "removed";

/// How the names of backup schemas of imports begin; the run's number follows.
pub(super) const BACKUP: &str = "waybill_backup_";
/// The same of undos.
pub(super) const UNDONE: &str = "waybill_undone_";

/// The column that tells what was done to the row: one that the table itself does not have.
pub(super) fn action_column(columns: &[ExistingColumn]) -> String {
    let mut action = "waybill_action".to_owned();
    while columns.iter().any(|column| column.name == action) {
        action.push('_');
    }
    action
}

/// All columns of the row `t` as an image keeps them.
pub(super) fn of_row(columns: &[ExistingColumn]) -> Result<String> {
    let mut images = Vec::with_capacity(columns.len());
    for column in columns {
        let name = identifier(&column.name)?;
        // A domain may be NOT NULL, which the columns beside a key are here.
        images.push(if column.of_domain {
            format!("t.{name}::{} AS {name}", column.cast_name)
        } else {
            format!("t.{name}")
        });
    }
    Ok(images.join(", "))
}
