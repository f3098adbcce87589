//! The schemas that an import works in beside the target's: where it stages, and where the ledger is. What
//! the role may do there. Only reads.

use crate::engine::postgres::catalogue::right_missing;
use crate::engine::postgres::ledger::{Ledger, SCHEMA};
use crate::engine::postgres::name::identifier;
use crate::engine::postgres::relation::Names;
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};
use crate::mapping::plan::Plan;

/// The schemas of an import.
#[derive(Debug, Clone, Copy)]
pub struct Schemas<'a> {
    /// Where the tables end up.
    pub target: &'a str,
    /// Where they are staged; in a schema of the run's own unless given.
    pub staging: Option<&'a str>,
    /// Where the ledger is.
    pub ledger: &'a str,
}

impl<'a> Schemas<'a> {
    /// This target schema; the others as they are unless given.
    #[must_use]
    pub fn of(target: &'a str) -> Self {
        Schemas {
            target,
            staging: None,
            ledger: SCHEMA,
        }
    }
}

/// Adds to `faults` which rights `role` lacks in `database` for staging and for the ledger.
pub(super) fn judge(
    session: &mut Session,
    schemas: Schemas<'_>,
    plan: &Plan,
    (database, role, may_create_schemas): (&str, &str, bool),
    faults: &mut Vec<Fault>,
) -> Result<()> {
    let lacking = |what| {
        let fault = right_missing(what, "CREATE ON DATABASE", (database, role));
        fault.on(format!("database {database}"))
    };
    if schemas.staging.is_none() && !may_create_schemas {
        let what = "the role may not create a schema in the database, and rows are staged in one";
        faults.push(lacking(what));
        // The ledger would ask for the same right.
        return Ok(());
    }
    let ledger = Ledger::new(schemas.ledger)?;
    faults.extend(taken_by_ledger(&ledger, schemas, plan));
    match ledger.is_there(session) {
        Ok(true) => {}
        Ok(false) => {
            let may_create = may_create(session, schemas.ledger)?;
            if may_create.is_none() && !may_create_schemas {
                let what = "the role may not create the schema of the ledger in the database";
                faults.push(lacking(what));
            }
            if may_create == Some(false) {
                let what = "the role may not create the ledger in this schema";
                faults.push(closed(what, schemas.ledger, role));
            }
        }
        Err(fault) if fault.code() == Code::ServerUnfit || fault.code() == Code::RightMissing => {
            faults.push(fault);
        }
        Err(fault) => return Err(fault),
    }
    let Some(staging) = schemas.staging else {
        return Ok(());
    };
    match may_create(session, staging)? {
        Some(true) => {}
        Some(false) => {
            let what = "the role may not create tables in the schema to stage in";
            faults.push(closed(what, staging, role));
        }
        None => {
            let what = "the schema to stage in does not exist";
            let fault = Fault::new(Code::TargetSchemaMissing, what).in_table(staging);
            faults.push(fault.hint(format!("CREATE SCHEMA {}", identifier(staging)?)));
        }
    }
    Ok(())
}

/// The refusal of tables with names of the ledger's, where both are to lie in one schema.
fn taken_by_ledger(ledger: &Ledger, schemas: Schemas<'_>, plan: &Plan) -> Option<Fault> {
    let mut names = Names::of(plan).relations.into_iter();
    let taken = names.find(|name| ledger.tables().contains(name));
    let taken = taken.filter(|_| schemas.ledger == schemas.target)?;
    let what = "the ledger of imports would lie in the target schema, and has a table of this name";
    let fault = Fault::new(Code::NameRefused, what).in_table(taken);
    Some(fault.hint("keep the ledger in another schema with --ledger-schema, or rename the table in a mapping file"))
}

/// Whether the role may create in a schema; nothing when it is not there.
fn may_create(session: &mut Session, schema: &str) -> Result<Option<bool>> {
    let rows = session.query(include_str!("queries/target_schema.sql"), &[&schema])?;
    Ok(rows.first().map(|row| row.get("may_create")))
}

fn closed(what: &'static str, schema: &str, role: &str) -> Fault {
    right_missing(what, "USAGE, CREATE ON SCHEMA", (schema, role)).in_table(schema)
}
