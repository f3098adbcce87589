//! Where a server on this machine keeps new tables, as far as the role may know: PostgreSQL has no function
//! that tells the free space of its disk.

use std::path::PathBuf;

use crate::engine::postgres::catalogue::READING;
use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::session::Session;
use crate::engine::postgres::target::transaction;
use crate::fault::Result;

/// The folder that new tables go to; nothing where the server is not reached by a Unix socket, or the role
/// may not see it: that takes `pg_read_all_settings`, or a tablespace other than the default one.
pub fn folder(conninfo: &ConnInfo) -> Result<Option<PathBuf>> {
    let mut session = Session::connect(conninfo)?;
    let rows = transaction(&mut session, READING, |session| {
        session.query(include_str!("queries/space.sql"), &[])
    })?;
    let folder: Option<String> = rows.first().and_then(|row| row.get("folder"));
    Ok(folder.map(PathBuf::from))
}
