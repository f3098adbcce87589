//! What the operator adds by a mapping file: SQL of his own, run where its names are found, and
//! objects beside the tables, which are staged and moved with them.
//!
//! His SQL runs with the target schema, the schemas of the extensions he lists and `public` in
//! `search_path`; everything else here is written by us and names its schema.

mod script;
mod sql;
#[cfg(test)]
mod tests;

pub(super) use sql::{cluster, create_index, statistics_again};

use crate::engine::postgres::name::identifier;
use crate::engine::postgres::session::Session;
use crate::engine::postgres::wishes::{extension_rows, required};
use crate::fault::{Code, Fault, Result};

use super::checks::server_message;
use super::run::{Job, transaction};

/// The `search_path` of everything that is not the operator's.
const OWN_PATH: &str = "SET LOCAL search_path = pg_catalog, pg_temp";

/// Creates the extensions that are missing, and runs the operator's first file. Both are committed:
/// what follows needs them, on other connections.
pub(super) fn before(session: &mut Session, begin: &str, job: &mut Job<'_>) -> Result<()> {
    let required = required(&job.plan);
    if job.plan.operator.create_extensions {
        transaction(session, begin, |session| {
            session.execute(&path(job)?)?;
            for name in &required {
                let sql = format!("CREATE EXTENSION IF NOT EXISTS {}", identifier(name)?);
                let created = session.execute(&sql);
                created.map_err(|fault| {
                    failed(fault, format!("cannot create the extension `{name}`"))
                })?;
            }
            Ok(())
        })?;
    }
    let rows = transaction(session, begin, |session| extension_rows(session, &required))?;
    job.extensions = rows
        .iter()
        .filter_map(|row| Some((row.get("name"), row.get::<_, Option<_>>("schema")?)))
        .collect();
    let mut there = job.extensions.iter();
    let citext = there.find(|(name, _)| name == "citext");
    job.citext = citext.map(|(_, schema)| schema.clone());
    if let Some(file) = &job.plan.operator.before {
        transaction(session, begin, |session| {
            session.execute(&path(job)?)?;
            script::run(session, file)
        })?;
    }
    Ok(())
}

/// Gives a staged table what the operator says of it: defaults, collations, trigger, statistics.
pub(super) fn complete(session: &mut Session, job: &Job<'_>, table: usize) -> Result<()> {
    let statements = sql::completing(&job.statements(table))?;
    if statements.is_empty() {
        return Ok(());
    }
    session.execute(&path(job)?)?;
    for statement in statements {
        let done = session.execute(&statement.sql);
        done.map_err(|fault| {
            let fault = failed(fault, statement.doing);
            match statement.column {
                Some(column) => fault.in_column(column),
                None => fault,
            }
        })?;
    }
    session.execute(OWN_PATH)
}

/// Runs a statement of the operator's within the transaction that is open.
pub(super) fn run(session: &mut Session, job: &Job<'_>, sql: &str, doing: String) -> Result<()> {
    session.execute(&path(job)?)?;
    session.execute(sql).map_err(|fault| failed(fault, doing))?;
    session.execute(OWN_PATH)
}

/// Moves what belongs to the staged tables, but does not follow them by itself.
pub(super) fn follow(session: &mut Session, job: &Job<'_>) -> Result<()> {
    for sql in sql::moves(job)? {
        session.execute(&sql)?;
    }
    Ok(())
}

/// Gives the moved tables their owner and rights, and runs the operator's last file.
pub(super) fn finish(session: &mut Session, job: &Job<'_>) -> Result<()> {
    for sql in sql::grants(job)?.into_iter().chain(sql::owners(job)?) {
        session.execute(&sql)?;
    }
    let Some(file) = &job.plan.operator.after else {
        return Ok(());
    };
    session.execute("SAVEPOINT after")?;
    session.execute(&path(job)?)?;
    script::run(session, file)?;
    let released = session.execute("RELEASE SAVEPOINT after");
    released.map_err(|_| {
        let what = "the file has ended the transaction of the switch, by COMMIT or ROLLBACK";
        let hint = "take it out of the file, and look whether the tables are in place";
        Fault::new(Code::ScriptFailed, what)
            .at(&file.name)
            .hint(hint)
    })?;
    session.execute(OWN_PATH)
}

/// Where the operator's SQL finds its names. Built-in ones come first, whatever is listed.
fn path(job: &Job<'_>) -> Result<String> {
    let mut schemas = vec![job.target_schema.as_str()];
    schemas.extend(job.extensions.iter().map(|(_, schema)| schema.as_str()));
    schemas.extend(["public", "pg_temp"]);
    let mut listed: Vec<String> = Vec::new();
    for schema in schemas {
        let schema = identifier(schema)?;
        if !listed.contains(&schema) {
            listed.push(schema);
        }
    }
    Ok(format!("SET LOCAL search_path = {}", listed.join(", ")))
}

/// The failure of something that the operator wrote: what the server says is its cause. Where the
/// server is not to blame the SQL for, its own fault stays.
fn failed(fault: Fault, doing: String) -> Fault {
    let Some(message) = server_message(&fault) else {
        return fault;
    };
    let of_the_server = matches!(
        fault.code(),
        Code::ServerBusy | Code::ConnectionLost | Code::LockTimeout | Code::RightMissing
    );
    if of_the_server {
        return fault;
    }
    let failed = Fault::new(Code::ScriptFailed, doing).because(message.clone());
    match &fault.place().location {
        Some(location) => failed.at(location),
        None => failed,
    }
}
