//! A live database held still: one snapshot that several connections read.

use super::relation::Relation;
use super::{CompareOptions, Comparison, Matter, TableDifference, archived, name};
use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::existing;
use crate::engine::postgres::name::qualified;
use crate::engine::postgres::session::Session;
use crate::engine::postgres::target::crew::Worker;
use crate::fault::{Code, Fault, Result};
use crate::mapping::existing::Existing;
use crate::progress::Watch;
use crate::seam::PartBuffers;

/// Oldest server with `transaction_timeout`.
const HAS_TRANSACTION_TIMEOUT: u32 = 170_000;
/// What a cast to text, or a name that it looks for, could depend on; and what could end a long
/// transaction. Row security is to fail rather than to hide rows.
const SETTINGS: &str = "SET LOCAL search_path = pg_catalog, pg_temp; \
     SET LOCAL statement_timeout = 0; \
     SET LOCAL idle_in_transaction_session_timeout = 0; \
     SET LOCAL lock_timeout = '60s'; \
     SET LOCAL row_security = off; \
     SET LOCAL TimeZone = 'UTC'; \
     SET LOCAL DateStyle = 'ISO, YMD'; \
     SET LOCAL IntervalStyle = 'postgres'; \
     SET LOCAL extra_float_digits = 1; \
     SET LOCAL bytea_output = 'hex'; \
     SET LOCAL lc_monetary = 'C'; \
     SET LOCAL synchronize_seqscans = off; \
     SET LOCAL client_min_messages = warning";

/// The tables of one schema as they were at one moment.
pub struct LiveDatabase {
    conninfo: ConnInfo,
    /// In a transaction that keeps the snapshot, and the tables from being dropped.
    leader: Session,
    /// Begins a transaction of the same snapshot.
    begin: String,
    existing: Existing,
}

impl LiveDatabase {
    /// Connects, and holds the tables of `schema` still. Applications read and write on; only what
    /// would rebuild, truncate or drop a table has to wait.
    pub fn open(conninfo: &ConnInfo, schema: &str) -> Result<Self> {
        let opened = Self::begin(conninfo, schema);
        opened.map_err(|fault| fault.at(conninfo.location()))
    }

    fn begin(conninfo: &ConnInfo, schema: &str) -> Result<Self> {
        let there = existing::read(conninfo, schema)?;
        let mut leader = Session::connect(conninfo)?;
        let mut settings = SETTINGS.to_owned();
        if leader.server_version_num() >= HAS_TRANSACTION_TIMEOUT {
            settings.push_str("; SET LOCAL transaction_timeout = 0");
        }
        let read_only = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        leader.execute(&format!("{read_only}; {settings}"))?;
        // Before the snapshot is taken: whoever rebuilt a table after it would leave it empty in it.
        for table in &there.tables {
            if table.unsuited.is_none() && !table.rights_missing.contains(&"SELECT") {
                let name = qualified(schema, &table.name)?;
                leader.execute(&format!("LOCK TABLE {name} IN ACCESS SHARE MODE"))?;
            }
        }
        let rows = leader.query("SELECT pg_export_snapshot() AS snapshot", &[])?;
        let snapshot: &str = rows
            .first()
            .map(|row| row.get("snapshot"))
            .unwrap_or_default();
        if !snapshot
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            let what = "the server's name of a snapshot is not understood";
            return Err(Fault::new(Code::ServerError, what));
        }
        Ok(LiveDatabase {
            begin: format!("{read_only}; SET TRANSACTION SNAPSHOT '{snapshot}'; {settings}"),
            existing: existing::tables(&mut leader, schema)?,
            conninfo: conninfo.clone(),
            leader,
        })
    }

    /// The database as the user named it, without password.
    #[must_use]
    pub fn location(&self) -> String {
        self.conninfo.location()
    }

    /// The server's version as a number, such as 150008 for 15.8.
    #[must_use]
    pub fn server_version(&self) -> u32 {
        self.leader.server_version_num()
    }

    /// The tables.
    #[must_use]
    pub fn existing(&self) -> &Existing {
        &self.existing
    }

    /// Compares them with the archive: for each table, what one side has and the other has not.
    pub fn compare(
        &mut self,
        matter: Matter<'_>,
        options: &CompareOptions,
        watch: &dyn Watch,
    ) -> Result<Vec<TableDifference>> {
        let location = self.location();
        let compared = self.compared(matter, options, watch);
        compared.map_err(|fault| fault.at(location))
    }

    fn compared(
        &mut self,
        matter: Matter<'_>,
        options: &CompareOptions,
        watch: &dyn Watch,
    ) -> Result<Vec<TableDifference>> {
        let relations = Relation::all(&mut self.leader, &self.existing.schema, matter.tables)?;
        let comparison = Comparison::new(matter, relations, self.server_version(), watch);
        let mut workers = self.workers(options.jobs)?;
        let (rows, found) = comparison.run(&mut workers, &archived(matter), options)?;
        let names = name::names(&comparison, &found, &mut self.leader)?;
        let all = rows.into_iter().zip(found).zip(names);
        Ok(all
            .map(|((rows, found), names)| TableDifference { rows, found, names })
            .collect())
    }

    /// As many as asked for, or as the server lets in; at least one.
    fn workers(&self, jobs: usize) -> Result<Vec<Worker>> {
        let mut workers = Vec::new();
        while workers.len() < std::cmp::max(jobs, 1) {
            match Session::connect(&self.conninfo) {
                Ok(mut session) => {
                    session.execute(&self.begin)?;
                    workers.push(Worker {
                        session,
                        buffers: PartBuffers::default(),
                    });
                }
                Err(fault) if fault.code() == Code::ServerBusy && !workers.is_empty() => break,
                Err(fault) => return Err(fault),
            }
        }
        Ok(workers)
    }
}
