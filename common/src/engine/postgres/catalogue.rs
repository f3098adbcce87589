//! What the server and its catalogue say before an import: version, rights, names, room.
//!
//! Only reads. The queries stand in `queries/`, and run with `search_path` at `pg_catalog`.

use std::fmt;

use tokio_postgres::types::Oid;

use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::name;
use crate::engine::postgres::relation::Names;
use crate::engine::postgres::rooms;
pub use crate::engine::postgres::rooms::Schemas;
use crate::engine::postgres::session::Session;
use crate::engine::postgres::sessions::{self, User};
use crate::engine::postgres::swap::{self, Survey};
use crate::engine::postgres::wishes;
use crate::fault::{Code, Fault, Result};
use crate::mapping::plan::Plan;
use crate::report::{Finding, Severity};

/// The oldest and the newest major version that Waybill is tested with.
const OLDEST: u32 = 13;
const NEWEST: u32 = 18;
/// Locks of the switch that do not depend on the tables: schemas, catalogue, transaction.
const LOCKS_ASIDE: usize = 20;
/// Locks of a table that is filled: its own, its keys' and indexes', and those of its staged twin with
/// its TOAST, which is dropped in the same transaction (estimated; indexes vary).
const LOCKS_FILLED: usize = 12;
/// Connections that an import needs beside its first worker and the one that asks this.
const GUARD: i64 = 1;
/// Names listed in a message, at the most.
const NAMES_SHOWN: usize = 20;

/// Begins a transaction that reads the catalogue and nothing else.
pub(super) const READING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; \
     SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL statement_timeout = 0; \
     SET LOCAL lock_timeout = '5s'; SET LOCAL idle_in_transaction_session_timeout = '60s'; \
     SELECT set_config('transaction_timeout', '0', true) \
     WHERE current_setting('transaction_timeout', true) IS NOT NULL";

/// What an import is to do with the target schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// New tables come into it.
    Create,
    /// The same, and those of the same names are put aside.
    Replace,
    /// Tables that stand in it get rows.
    Fill,
}

/// What is known of a server that an import may run on.
#[derive(Debug)]
pub(super) struct Facts {
    /// The target schema.
    pub(super) schema: Oid,
    /// Connections that workers may open.
    pub(super) free_connections: usize,
    /// `maintenance_work_mem` in kB.
    pub(super) work_memory: i64,
    /// Bytes of a page.
    pub(super) block_size: usize,
    /// Worth knowing.
    pub(super) notes: Vec<Finding>,
    /// Who uses the tables that are there.
    pub(super) users: Vec<User>,
}

/// Says what would keep an import of `plan` into `target_schema` from running, without changing
/// anything.
pub fn preflight(conninfo: &ConnInfo, schemas: Schemas<'_>, plan: &Plan) -> Result<Vec<Finding>> {
    let mut session = Session::connect(conninfo)?;
    let (findings, _) = look(&mut session, schemas, plan, (Purpose::Create, false))?;
    Ok(findings)
}

/// A table that a replacing import would put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Its name.
    pub table: String,
    /// Its rows; nothing where row security hides some from this role.
    pub rows: Option<u64>,
}

/// What a replacing import finds before it begins.
#[derive(Debug)]
pub struct Replaced {
    /// Errors stand in its way.
    pub findings: Vec<Finding>,
    /// The tables that it would put aside; none where there are errors.
    pub aside: Vec<Aside>,
    /// Who uses them.
    pub users: Vec<User>,
}

/// The same for an import that replaces tables; with `require_idle` nobody may use them.
pub fn preflight_replace(
    conninfo: &ConnInfo,
    schemas: Schemas<'_>,
    plan: &Plan,
    require_idle: bool,
) -> Result<Replaced> {
    let target_schema = schemas.target;
    let mut session = Session::connect(conninfo)?;
    let aim = (Purpose::Replace, require_idle);
    let (findings, users) = look(&mut session, schemas, plan, aim)?;
    let mut aside = Vec::new();
    if findings.iter().any(|one| one.severity == Severity::Error) {
        return Ok(Replaced {
            findings,
            aside,
            users,
        });
    }
    session.execute(READING)?;
    let schema = session.query(include_str!("queries/target_schema.sql"), &[&target_schema])?;
    if let Some(schema) = schema.first() {
        let survey = Survey::read(&mut session, schema.get("oid"), plan)?;
        for object in survey.aside.iter().filter(|one| one.kind == "table") {
            let rows = swap::rows(&mut session, target_schema, &object.name)?;
            aside.push(Aside {
                table: object.name.clone(),
                rows: rows.and_then(|rows| u64::try_from(rows).ok()),
            });
        }
    }
    session.execute("COMMIT")?;
    Ok(Replaced {
        findings,
        aside,
        users,
    })
}

fn look(
    session: &mut Session,
    schemas: Schemas<'_>,
    plan: &Plan,
    aim: (Purpose, bool),
) -> Result<(Vec<Finding>, Vec<User>)> {
    let mut faults = Vec::new();
    let facts = examine(session, schemas, plan, aim, &mut faults)?;
    let mut findings: Vec<_> = faults.iter().map(finding).collect();
    let (notes, users) = facts.map_or_else(Default::default, |facts| (facts.notes, facts.users));
    findings.extend(notes);
    Ok((findings, users))
}

/// The fault as a finding; names that are taken are its samples.
fn finding(fault: &Fault) -> Finding {
    let cause = std::error::Error::source(fault);
    let Some(Taken(names)) = cause.and_then(|cause| cause.downcast_ref()) else {
        return Finding::from_fault(fault);
    };
    let samples = names.iter().take(NAMES_SHOWN).cloned().collect();
    let mut finding = Finding::new(fault.code(), Severity::Error, fault.what().to_owned())
        .counted(names.len() as u64, samples);
    finding.place = fault.place().clone();
    finding
}

/// Reads the catalogue in a read-only transaction. Every reason against the import goes to
/// `faults`; facts are there when there is none. Beside the purpose it is said whether nobody may use
/// the tables that are there.
pub(super) fn examine(
    session: &mut Session,
    schemas: Schemas<'_>,
    plan: &Plan,
    (purpose, require_idle): (Purpose, bool),
    faults: &mut Vec<Fault>,
) -> Result<Option<Facts>> {
    session.execute(READING)?;
    let server = server(session)?;
    let target_schema = schemas.target;
    server.judge(plan, (schemas, purpose), faults);
    rooms::judge(
        session,
        schemas,
        plan,
        (&server.database, &server.role, server.may_create_schemas),
        faults,
    )?;
    let schema = target(session, &server, target_schema, purpose, faults)?;
    let mut notes = server.notes();
    let mut aside = Vec::new();
    if let Some(schema) = schema.filter(|_| purpose == Purpose::Replace) {
        let mut survey = Survey::read(session, schema, plan)?;
        survey.try_views(session, target_schema, plan)?;
        faults.extend(survey.faults());
        notes.extend(survey.notes().cloned());
        aside = survey.aside;
    }
    if let Some(schema) = schema.filter(|_| purpose != Purpose::Fill) {
        faults.extend(clashes(session, (schema, target_schema), plan, &aside)?);
    }
    let taken = wishes::preflight(session, plan, (schema, target_schema), faults)?;
    faults.extend(clash_fault(&taken, target_schema));
    let users = match schema {
        Some(schema) => users(session, schema, plan, purpose)?,
        None => Vec::new(),
    };
    if require_idle {
        faults.extend(sessions::refusal(&users));
    }
    notes.extend(sessions::warnings(&users));
    session.execute("COMMIT")?;
    let Some(schema) = schema.filter(|_| faults.is_empty()) else {
        return Ok(None);
    };
    Ok(Some(Facts {
        schema,
        free_connections: usize::try_from(server.free_connections - GUARD).unwrap_or(0),
        work_memory: server.work_memory,
        block_size: usize::try_from(server.block_size).unwrap_or(usize::MAX),
        notes,
        users,
    }))
}

/// Who uses the tables of the plan's names.
fn users(session: &mut Session, schema: Oid, plan: &Plan, purpose: Purpose) -> Result<Vec<User>> {
    if purpose == Purpose::Create {
        return Ok(Vec::new());
    }
    let names: Vec<_> = plan.tables.iter().map(|one| one.name.as_str()).collect();
    let query = "SELECT oid FROM pg_class WHERE relnamespace = $1 AND relkind IN ('r', 'p') \
                 AND relname::text = ANY ($2::text[])";
    let rows = session.query(query, &[&schema, &names])?;
    let tables: Vec<Oid> = rows.iter().map(|row| row.get("oid")).collect();
    sessions::users(session, &tables, purpose == Purpose::Replace)
}

/// A row of `queries/server.sql`.
struct Server {
    version: String,
    version_num: i32,
    encoding: String,
    standby: bool,
    database: String,
    role: String,
    may_create_schemas: bool,
    locks_per_transaction: i64,
    transactions: i64,
    free_connections: i64,
    work_memory: i64,
    block_size: i64,
}

fn server(session: &mut Session) -> Result<Server> {
    let rows = session.query(include_str!("queries/server.sql"), &[])?;
    let row = rows
        .first()
        .ok_or_else(|| Fault::new(Code::ServerError, "the server does not know its own role"))?;
    Ok(Server {
        version: row.get("version"),
        version_num: row.get("version_num"),
        encoding: row.get("encoding"),
        standby: row.get("standby"),
        database: row.get("database"),
        role: row.get("role"),
        may_create_schemas: row.get("may_create_schemas"),
        locks_per_transaction: row.get("locks_per_transaction"),
        transactions: row.get("transactions"),
        free_connections: row.get("free_connections"),
        work_memory: row.get("work_memory"),
        block_size: row.get("block_size"),
    })
}

impl Server {
    fn major(&self) -> u32 {
        u32::try_from(self.version_num).unwrap_or(0) / 10_000
    }

    fn notes(&self) -> Vec<Finding> {
        if self.major() <= NEWEST {
            return Vec::new();
        }
        let message = format!(
            "the server is PostgreSQL {}; versions {OLDEST} to {NEWEST} are tested",
            self.version
        );
        vec![Finding::new(Code::ServerUnfit, Severity::Note, message).on("server")]
    }

    fn judge(
        &self,
        plan: &Plan,
        (schemas, purpose): (Schemas<'_>, Purpose),
        faults: &mut Vec<Fault>,
    ) {
        let database = format!("database {}", self.database);
        if self.major() < OLDEST {
            let what = format!("the server is PostgreSQL {}", self.version);
            let hint = format!("PostgreSQL {OLDEST} or newer is needed");
            faults.push(Fault::new(Code::ServerUnfit, what).on("server").hint(hint));
        }
        if self.encoding != "UTF8" {
            let what = format!("the database's encoding is {}", self.encoding);
            let hint = "create the database with ENCODING 'UTF8' TEMPLATE template0";
            let fault = Fault::new(Code::ServerUnfit, what).on(&database);
            faults.push(fault.hint(hint));
        }
        if self.standby {
            let what = "the server is a standby, which cannot be written to";
            let fault = Fault::new(Code::ServerUnfit, what).on("server");
            faults.push(fault.hint("connect to the primary"));
        }
        if self.free_connections - GUARD < 1 {
            let what = "too few connections are free for an import";
            let why = format!("{} free, 2 needed", std::cmp::max(0, self.free_connections));
            faults.push(Fault::new(Code::ServerBusy, what).on("server").because(why));
        }
        faults.extend(self.too_few_locks(plan, (schemas, purpose)));
    }

    /// The whole switch holds its locks at once: one for a table and one for each sequence of its
    /// own, none for indexes and types (measured). All else is done in batches.
    fn too_few_locks(
        &self,
        plan: &Plan,
        (schemas, purpose): (Schemas<'_>, Purpose),
    ) -> Option<Fault> {
        let tables = plan.tables.len();
        let columns = plan.tables.iter().flat_map(|table| &table.columns);
        let sequences = columns.filter(|column| column.identity.is_some()).count();
        let each = match purpose {
            // Whatever gets another name is locked, with its indexes.
            Purpose::Create if schemas.staging.is_some() => LOCKS_FILLED,
            Purpose::Create => 1,
            // The old one beside it.
            Purpose::Replace => 2,
            Purpose::Fill => LOCKS_FILLED,
        };
        let added = plan.tables.iter().map(|table| &table.added);
        let added: usize = added
            .map(|added| added.statistics.len() + added.updated_at.iter().len())
            .sum();
        let sequences = sequences * if purpose == Purpose::Replace { 2 } else { 1 };
        let objects = tables * each + sequences + added + plan.enums.len();
        let needed = i64::try_from(objects + LOCKS_ASIDE).unwrap_or(i64::MAX);
        let there = room(self.locks_per_transaction.saturating_mul(self.transactions));
        if needed <= there || self.transactions < 1 {
            return None;
        }
        let for_each = std::cmp::max(1, room(self.transactions));
        let setting = needed / for_each + 1;
        let what = format!("{tables} tables need about {needed} locks at once");
        let why = format!("the server has room for {there}");
        let hint = format!(
            "set max_locks_per_transaction to at least {setting} and restart the server, or import fewer tables at a time with -t"
        );
        let fault = Fault::new(Code::ServerUnfit, what).on("server");
        Some(fault.because(why).hint(hint))
    }
}

/// How many locks a server holds that is set to have room for so many. It plans with two holders of each,
/// and adds a tenth (`LockManagerShmemSize`), so that 1.6 to 1.8 times as many were taken by one session
/// before it ran out, on 15 and 18 with 20, 100 and 300 connections. Some are left to others.
fn room(planned: i64) -> i64 {
    planned.saturating_mul(4) / 3
}

/// A fault that tells which GRANT the owner has to give.
pub(super) fn right_missing(
    what: &'static str,
    right: &str,
    (object, role): (&str, &str),
) -> Fault {
    let fault = Fault::new(Code::RightMissing, what);
    match (name::identifier(object), name::identifier(role)) {
        (Ok(object), Ok(role)) => fault.hint(format!("GRANT {right} {object} TO {role}")),
        _ => fault,
    }
}

/// The target schema, when it is there and may be used.
fn target(
    session: &mut Session,
    server: &Server,
    schema: &str,
    purpose: Purpose,
    faults: &mut Vec<Fault>,
) -> Result<Option<Oid>> {
    let quoted = name::identifier(schema)?;
    let rows = session.query(include_str!("queries/target_schema.sql"), &[&schema])?;
    let Some(row) = rows.first() else {
        let fault = Fault::new(
            Code::TargetSchemaMissing,
            "the target schema does not exist",
        );
        let hint = format!("CREATE SCHEMA {quoted}");
        faults.push(fault.in_table(schema).hint(hint));
        return Ok(None);
    };
    if purpose == Purpose::Fill && !row.get::<_, bool>("may_use") {
        let what = "the role may not use the target schema";
        let fault = right_missing(what, "USAGE ON SCHEMA", (schema, &server.role));
        faults.push(fault.in_table(schema));
    }
    if purpose != Purpose::Fill && !row.get::<_, bool>("may_create") {
        let what = "the role may not create tables in the target schema";
        let fault = right_missing(what, "USAGE, CREATE ON SCHEMA", (schema, &server.role));
        faults.push(fault.in_table(schema));
    }
    Ok(Some(row.get("oid")))
}

/// A fault that names everything in the target schema that has a name of the plan.
fn clashes(
    session: &mut Session,
    (schema, target_schema): (Oid, &str),
    plan: &Plan,
    aside: &[swap::Object],
) -> Result<Option<Fault>> {
    let names = Names::of(plan);
    let (relations, types) = swap::identifiers(aside);
    let query = include_str!("queries/clashes.sql");
    let rows = session.query(
        query,
        &[&schema, &names.relations, &names.types, &relations, &types],
    )?;
    Ok(clash_fault(&rows, target_schema))
}

/// Names that are taken, with their kinds, as the cause of a fault.
#[derive(Debug)]
struct Taken(Vec<String>);

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Taken(names) = self;
        f.write_str(&names[..std::cmp::min(NAMES_SHOWN, names.len())].join(", "))?;
        match names.len().saturating_sub(NAMES_SHOWN) {
            0 => Ok(()),
            more => write!(f, ", and {more} more"),
        }
    }
}

impl std::error::Error for Taken {}

/// The fault that rows of (kind, name) amount to.
pub(super) fn clash_fault(rows: &[tokio_postgres::Row], target_schema: &str) -> Option<Fault> {
    if rows.is_empty() {
        return None;
    }
    let named = |row: &tokio_postgres::Row| {
        format!(
            "{} `{}`",
            row.get::<_, &str>("kind"),
            row.get::<_, &str>("name")
        )
    };
    let what = "the target schema has objects with names that the import needs";
    let mut fault = Fault::new(Code::TargetExists, what).in_table(target_schema);
    if rows.iter().any(|row| row.get::<_, &str>("kind") == "table") {
        fault = fault.hint("--mode replace puts tables of these names aside, --mode fill and merge bring rows into them; or drop or rename the object, or import into another schema with --into-schema");
    }
    Some(fault.because(Taken(rows.iter().map(named).collect())))
}
