//! One import run: its names, its settings, and what it is to do.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::time::Duration;

use crate::digest::{Digest, Hasher};
use crate::engine::postgres::ledger::{Run, StepName};
use crate::engine::postgres::name::{identifier, literal};
use crate::engine::postgres::relation::Names;
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};
use crate::mapping::fill::MergeBy;
use crate::mapping::lost;
use crate::mapping::plan::{ColumnPlan, Origin, Plan, TablePlan};
use crate::model::schema::{Schema, Table};
use crate::report::Finding;
use crate::seam::{Check, PartSpan};

use super::disguise::{self, Disguise};
use super::encode::Setting;
use super::sql::Statements;

/// How the connections of a run are called, before its number.
const APPLICATION: &str = "waybill-import ";
/// How many digits of a process's number are in that name.
const RANDOM: usize = 12;
/// Memory for building indexes, in kB, shared by the workers, where the server gives less.
const INDEX_MEMORY: i64 = 512 * 1024;
/// Oldest server with `transaction_timeout`.
const HAS_TRANSACTION_TIMEOUT: u32 = 170_000;

/// What all steps of an import share, and none changes.
#[derive(Debug)]
pub(super) struct Job<'a> {
    /// The source's schema.
    pub(super) schema: &'a Schema,
    /// What to make of it.
    pub(super) plan: Cow<'a, Plan>,
    /// Where it ends up.
    pub(super) target_schema: String,
    /// The names of relations that the plan does not give.
    pub(super) names: Names,
    /// The schema of the extension citext, once the catalogue has told it.
    pub(super) citext: Option<String>,
    /// The run's number: a UUID of version 7 without hyphens.
    pub(super) id: String,
    /// The schema that the run fills.
    pub(super) staging: String,
    /// The names that are worn there, where it is not the run's own.
    pub(super) disguise: Option<Disguise>,
    /// What is to be made, whatever it is called meanwhile.
    asked: &'a Plan,
    /// Tables have lost computed columns.
    pub(super) is_amended: bool,
    /// Extensions that the plan needs, with their schemas; known once the import has begun.
    pub(super) extensions: Vec<(String, String)>,
}

impl<'a> Job<'a> {
    /// A new run.
    pub(super) fn new(schema: &'a Schema, plan: &'a Plan, target_schema: String) -> Job<'a> {
        let id = uuid::Uuid::now_v7().simple().to_string();
        let staging = staging_name(&target_schema, &id);
        Job {
            names: Names::of(plan),
            citext: None,
            schema,
            plan: Cow::Borrowed(plan),
            target_schema,
            id,
            staging,
            disguise: None,
            asked: plan,
            is_amended: false,
            extensions: Vec::new(),
        }
    }

    /// Stages in this schema, which must be there, in place of one of its own.
    pub(super) fn stage_in(&mut self, schema: Option<&str>) {
        if let Some(schema) = schema {
            schema.clone_into(&mut self.staging);
        }
    }

    /// Whether it stages in a schema that it has made.
    pub(super) fn has_own_staging(&self) -> bool {
        self.staging == staging_name(&self.target_schema, &self.id)
    }

    /// From now on everything is called as it is in the staging schema.
    pub(super) fn dress(&mut self) {
        if self.has_own_staging() || self.disguise.is_some() {
            return;
        }
        let prefix = disguise::prefix(&self.target_schema, &self.id);
        let plan = self.plan.to_mut();
        self.disguise = Some(Disguise::put_on(prefix, plan, &mut self.names));
    }

    /// The same job with the names that things get in the target; nothing when they have them already.
    pub(super) fn undressed(&self) -> Option<Job<'a>> {
        let disguise = self.disguise.as_ref()?;
        let mut plan = (*self.plan).clone();
        let mut names = self.names.clone();
        disguise.take_off(&mut plan, &mut names);
        Some(Job {
            schema: self.schema,
            plan: Cow::Owned(plan),
            target_schema: self.target_schema.clone(),
            names,
            citext: self.citext.clone(),
            id: self.id.clone(),
            staging: self.staging.clone(),
            disguise: None,
            asked: self.asked,
            is_amended: self.is_amended,
            extensions: self.extensions.clone(),
        })
    }

    /// The name in the target of something that is staged under this one.
    pub(super) fn truth(&self, name: &str) -> String {
        let disguise = self.disguise.as_ref();
        disguise.map_or_else(|| name.to_owned(), |disguise| disguise.truth(name))
    }

    /// Goes on with a run that others have begun.
    pub(super) fn join(&mut self, run: &Run) {
        self.id.clone_from(&run.id);
        self.staging.clone_from(&run.staging);
    }

    /// The digest of all that is to be made of these parts: tables, keys, views, and how they are
    /// checked, and how rows are merged. Words for people do not count. `steps` are those of a run of
    /// it: another release of this program may number them otherwise.
    pub(super) fn plan_digest<'s>(
        &self,
        (parts, check, merges): (&[PartSpan], Check, &[&MergeBy]),
        steps: impl Iterator<Item = &'s StepName>,
    ) -> Digest {
        let Plan {
            tables,
            enums,
            views,
            operator,
            findings: _,
        } = self.asked;
        let mut hasher = Writer(Hasher::default());
        let written = write!(
            hasher,
            "{tables:?}{enums:?}{views:?}{operator:?}{check:?}{parts:?}{merges:?}"
        );
        written.expect("a digest takes everything");
        for step in steps {
            write!(hasher, "{step:?}").expect("a digest takes everything");
        }
        hasher.0.finish()
    }

    /// Takes the place of tables of the plan those that have lost computed columns; gives back what
    /// there is to say of views that read them.
    pub(super) fn amend(&mut self, tables: BTreeMap<usize, TablePlan>) -> Vec<Finding> {
        if tables.is_empty() {
            return Vec::new();
        }
        self.is_amended = true;
        let disguise = self.disguise.clone();
        let plan = self.plan.to_mut();
        let mut lost = BTreeMap::new();
        for (position, table) in tables {
            let before = std::mem::replace(&mut plan.tables[position], table);
            let table = &plan.tables[position];
            let is_lost =
                |column: &&ColumnPlan| !table.columns.iter().any(|c| c.name == column.name);
            let columns = before.columns.iter();
            let sequences = columns.clone().zip(&self.names.sequences[position]);
            let kept = sequences.filter(|(column, _)| !is_lost(column));
            self.names.sequences[position] = kept.map(|(_, name)| name.clone()).collect();
            let columns: BTreeSet<_> = columns.filter(is_lost).map(|c| c.name.clone()).collect();
            let name = disguise.as_ref().map(|worn| worn.truth(&table.name));
            lost.insert(name.unwrap_or_else(|| table.name.clone()), columns);
        }
        lost::views(self.schema, plan, &lost)
    }

    /// The table at a position of the plan, with what can be said about it in SQL.
    pub(super) fn statements(&self, table: usize) -> Statements<'_> {
        Statements {
            schema: &self.staging,
            plan: &self.plan,
            citext: self.citext.as_deref(),
            table: &self.plan.tables[table],
        }
    }

    /// What encoders must know.
    pub(super) fn setting(&self) -> Setting<'_> {
        Setting {
            enums: &self.plan.enums,
            encoding: self.schema.facts.encoding,
        }
    }

    /// The table of the plan at this position, and the source's.
    pub(super) fn table(&self, table: usize) -> Result<(&TablePlan, &Table)> {
        let planned = &self.plan.tables[table];
        let source = self.schema.tables.get(planned.source).ok_or_else(|| {
            Fault::new(
                Code::Bug,
                "the plan names a table that the schema does not have",
            )
            .in_table(&planned.name)
        })?;
        Ok((planned, source))
    }

    /// The names in the source of the columns that COPY fills: rows are told by them.
    pub(super) fn source_names(&self, table: usize) -> Result<Vec<String>> {
        let (planned, source) = self.table(table)?;
        let names = planned.copied().map(|column| match column.origin {
            Origin::Cell(cell) => source.cell_name(cell).to_owned(),
            Origin::Computed(_) | Origin::Added => column.name.clone(),
        });
        Ok(names.collect())
    }

    /// For each table of the schema, the positions in the plan of what it becomes: of one table, of
    /// none, or of several pieces.
    pub(super) fn planned_by_source(&self) -> Vec<Vec<usize>> {
        let mut planned = vec![Vec::new(); self.schema.tables.len()];
        for (position, table) in self.plan.tables.iter().enumerate() {
            if let Some(pieces) = planned.get_mut(table.source) {
                pieces.push(position);
            }
        }
        planned
    }

    /// BEGIN with settings that hold for one transaction, so that nothing leaks through a pooler
    /// and no setting of role or database has a say: texts of values are those that a check reads.
    /// Where the client or its machine is gone, the server notices within minutes, and lets go of the
    /// locks.
    pub(super) fn begin(
        &self,
        worker: &str,
        server: u32,
        (lock_wait, work_memory): (Duration, i64),
    ) -> String {
        let lock_wait = std::cmp::max(1, lock_wait.as_millis());
        let application = application_name(&self.id, worker);
        let mut sql = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
             SET LOCAL search_path = pg_catalog, pg_temp; \
             SET LOCAL application_name = '{application}'; \
             SET LOCAL lock_timeout = '{lock_wait}ms'; \
             SET LOCAL statement_timeout = 0; \
             SET LOCAL idle_in_transaction_session_timeout = '60s'; \
             SET LOCAL tcp_keepalives_idle = 60; \
             SET LOCAL tcp_keepalives_interval = 10; \
             SET LOCAL tcp_keepalives_count = 6; \
             SELECT set_config('client_connection_check_interval', '10s', true) \
             WHERE current_setting('client_connection_check_interval', true) IS NOT NULL \
               AND version() ~ 'linux'; \
             SET LOCAL maintenance_work_mem = '{work_memory}kB'; \
             SET LOCAL TimeZone = 'UTC'; \
             SET LOCAL DateStyle = 'ISO, YMD'; \
             SET LOCAL IntervalStyle = 'postgres'; \
             SET LOCAL extra_float_digits = 1; \
             SET LOCAL bytea_output = 'hex'; \
             SET LOCAL lc_monetary = 'C'; \
             SET LOCAL xmloption = content; \
             SET LOCAL client_min_messages = warning"
        );
        if server >= HAS_TRANSACTION_TIMEOUT {
            sql.push_str("; SET LOCAL transaction_timeout = 0");
        }
        sql
    }
}

/// Text that becomes a digest.
struct Writer(Hasher);

impl fmt::Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

/// The staging schema of a run.
pub(super) fn staging_name(target_schema: &str, run: &str) -> String {
    format!("{}{run}", staging_prefix(target_schema))
}

/// How the names of all staging schemas begin that belong to one target schema.
pub(super) fn staging_prefix(target_schema: &str) -> String {
    let digest = Digest::of(target_schema.as_bytes()).to_string();
    format!("waybill_staging_{}_", &digest[..8])
}

/// How the names of the connections of a run begin, within its transactions.
pub(super) fn application_prefix(run: &str) -> String {
    format!("{APPLICATION}{run}")
}

/// What the connections of one process of a run are called: by this others find them when it shows no life
/// any more. The end of its number is told, which is the random part.
fn application_name(run: &str, worker: &str) -> String {
    let random = worker.get(worker.len().saturating_sub(RANDOM)..);
    format!("{} {}", application_prefix(run), random.unwrap_or(worker))
}

/// The comment on a staging schema, by which a later run knows it as Waybill's own.
pub(super) fn mark(target_schema: &str, run: &str) -> Result<String> {
    let target = identifier(target_schema)?;
    Ok(format!(
        "Waybill is importing into schema {target}, run {run}; the same command goes on with it"
    ))
}

/// The statement that marks a staging schema.
pub(super) fn comment(job: &Job<'_>) -> Result<String> {
    let mark = literal(&mark(&job.target_schema, &job.id)?)?;
    Ok(format!(
        "COMMENT ON SCHEMA {} IS {mark}",
        identifier(&job.staging)?
    ))
}

/// Memory for one of `workers` index builds, in kB: never less than the server's own setting.
pub(super) fn index_memory(server: i64, workers: usize) -> i64 {
    let workers = i64::try_from(workers).unwrap_or(i64::MAX);
    std::cmp::max(server, INDEX_MEMORY / std::cmp::max(1, workers))
}

/// Runs `act` between `begin` and COMMIT, or ROLLBACK when it fails.
pub(in super::super) fn transaction<T>(
    session: &mut Session,
    begin: &str,
    act: impl FnOnce(&mut Session) -> Result<T>,
) -> Result<T> {
    let done = session.execute(begin).and_then(|()| act(session));
    match done {
        Ok(value) => session.execute("COMMIT").map(|()| value),
        Err(fault) => {
            // Where the connection is lost, the server rolls back by itself.
            drop(session.execute("ROLLBACK"));
            Err(fault)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::operator::OperatorPlan;

    #[test]
    fn the_names_of_a_run_are_never_cut_by_the_server() {
        let plan = Plan {
            tables: Vec::new(),
            enums: Vec::new(),
            views: Vec::new(),
            operator: OperatorPlan::default(),
            findings: Vec::new(),
        };
        let schema = Schema::default();
        let job = Job::new(&schema, &plan, "x".repeat(63));
        assert!(job.staging.len() <= 63, "{}", job.staging);
        let worker = uuid::Uuid::now_v7().simple().to_string();
        assert!(application_name(&job.id, &worker).len() <= 63);
        assert!(job.staging.starts_with(&staging_prefix(&job.target_schema)));
        assert_ne!(staging_prefix("a"), staging_prefix("b"));
    }

    #[test]
    fn workers_share_the_memory_for_indexes_and_get_no_less_than_the_server_gives() {
        assert_eq!(index_memory(65_536, 2), 262_144);
        assert_eq!(index_memory(65_536, 64), 65_536);
        assert_eq!(index_memory(2_000_000, 1), 2_000_000);
    }
}
