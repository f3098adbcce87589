//! Taking back rows: what a merge or a fill has written into tables that stay where they are, and what an
//! undo of one has. The images of rows in a backup schema are exchanged with the rows of the tables.
//!
//! Rows of a merge are found again by the key that it has found them by; a table that was filled is
//! exchanged whole, as it was empty before.

mod changes;
mod references;
mod rights;
mod sequences;
mod statements;
mod verify;

use std::collections::BTreeMap;

use tokio_postgres::types::Oid;

use crate::engine::postgres::existing;
use crate::engine::postgres::images;
use crate::engine::postgres::ledger::{
    self, Ledger, MovedSequence, Past, Written, WrittenTable, mark_own, write_down,
};
use crate::engine::postgres::name::{identifier, qualified};
use crate::engine::postgres::session::Session;
use crate::engine::postgres::swap::{self, Statement};
use crate::engine::postgres::target::as_refusal;
use crate::fault::{Code, Fault, Result};
use crate::mapping::existing::{Existing, ExistingKey, ExistingTable};
use crate::report::Finding;

use statements::exchange;

/// What is set for the transaction that writes.
const SETTINGS: &str = "SET LOCAL row_security = off; SET LOCAL extra_float_digits = 1";
/// What holds of it again after the rows are written.
const PLAIN_PATH: &str = "SET LOCAL search_path = pg_catalog, pg_temp";

/// What is written down of rows that stand in tables.
#[derive(Debug)]
pub(super) struct Rows {
    schema: String,
    /// The run whose transaction has written them: the newest that did or brought back.
    keeper: String,
    /// Where the images are.
    backup: String,
    has_backup: bool,
    written: Written,
}

/// A table with rows to be taken back, as it is now.
#[derive(Debug)]
struct Table {
    written: WrittenTable,
    schema: String,
    target: ExistingTable,
    key: Option<ExistingKey>,
    /// The schema of its images, and the column there that tells what was done.
    backup: String,
    action: String,
}

/// How many images of the rows as they are now were kept, by what happens to the rows.
#[derive(Debug, Clone, Copy)]
struct Kept {
    all: i64,
    removed: i64,
    inserted: i64,
}

/// What an exchange has done, as the ledger will have it.
#[derive(Debug)]
pub(super) struct Exchanged(Written);

/// The run that has written the rows which `past` stands for: itself, or the undo that has brought
/// them back.
fn keeper(past: &Past) -> &str {
    let backup = past.backup.as_deref();
    let run = backup.and_then(|schema| schema.rsplit('_').next());
    run.unwrap_or(&past.run)
}

impl Rows {
    /// What a run has written into tables that stay; nothing when it is a run that moves tables.
    pub(super) fn read(
        session: &mut Session,
        ledger: &Ledger,
        past: &Past,
    ) -> Result<Option<Rows>> {
        let keeper = keeper(past).to_owned();
        let written = ledger::written(session, ledger, &keeper)?;
        Ok((!written.tables.is_empty()).then(|| Rows {
            schema: past.target_schema.clone(),
            backup: past.backup.clone().unwrap_or_default(),
            has_backup: past.backup.is_some(),
            keeper,
            written,
        }))
    }

    /// Whether what it needs is there.
    pub(super) fn can_come_back(&self) -> bool {
        self.has_backup || !self.written.has_images()
    }

    /// Whether the tables are where the run has found them; nothing when all are gone.
    pub(super) fn stand(&self, session: &mut Session) -> Result<Option<bool>> {
        let places = self.places(session)?;
        let in_place = |table: &WrittenTable| {
            let place = places.get(&table.oid);
            place.is_none_or(|(home, name)| *home == self.schema && *name == table.name)
        };
        let stand = self.written.tables.iter().all(in_place);
        Ok((!places.is_empty()).then_some(stand))
    }

    fn places(&self, session: &mut Session) -> Result<BTreeMap<Oid, (String, String)>> {
        let oids: Vec<_> = self.written.tables.iter().map(|one| one.oid).collect();
        let query = include_str!("../../queries/undo_tables.sql");
        let rows = session.query(query, &[&oids])?;
        let place =
            |row: &tokio_postgres::Row| (row.get("oid"), (row.get("home"), row.get("name")));
        Ok(rows.iter().map(place).collect())
    }

    /// The tables as they are now; refused is what cannot be exchanged any more.
    fn survey(&self, session: &mut Session) -> Result<Vec<Table>> {
        let places = self.places(session)?;
        let target = existing::tables(session, &self.schema)?;
        if target.replica {
            let what = "`session_replication_role` is `replica`: foreign keys and triggers would be passed over";
            return Err(Fault::new(Code::TargetInterferes, what));
        }
        let backup = if self.written.has_images() {
            existing::tables(session, &self.backup)?
        } else {
            Existing::default()
        };
        let mut tables = Vec::with_capacity(self.written.tables.len());
        for written in &self.written.tables {
            let found = self.table(written, places.get(&written.oid), (&target, &backup));
            tables.push(found.map_err(|fault| fault.in_table(&written.name))?);
        }
        Ok(tables)
    }

    fn table(
        &self,
        written: &WrittenTable,
        place: Option<&(String, String)>,
        (target, backup): (&Existing, &Existing),
    ) -> Result<Table> {
        let missing = |what: String, hint: &str| Fault::new(Code::RunMissing, what).hint(hint);
        let Some((home, name)) = place else {
            let what = "the table into which the run has written is gone".to_owned();
            return Err(missing(what, "there is nothing to undo in it"));
        };
        if *home != self.schema || *name != written.name {
            let what = format!(
                "the table is no longer where the run has found it: it is {home}.{name} now"
            );
            let hint = "undo the runs after it first; `waybill-import status TARGET` lists them";
            return Err(missing(what, hint));
        }
        let find = |all: &Existing| all.tables.iter().find(|one| one.name == *name).cloned();
        let Some(found) = find(target).filter(|found| found.unsuited.is_none()) else {
            let what = "the table can hold no rows any more".to_owned();
            return Err(missing(what, "make it a plain table again"));
        };
        let key = match &written.key {
            None => None,
            Some(key) => {
                let mut keys = found.keys.iter();
                let there = keys.find(|one| one.name == *key && one.unsuited.is_none());
                Some(there.cloned().ok_or_else(|| {
                    let what = format!("the key `{key}`, by which its rows are found, is gone");
                    missing(what, "add the key again, under this name")
                })?)
            }
        };
        let action = images::action_column(&found.columns);
        if written.kept > 0 {
            let Some(images) = find(backup) else {
                let what = format!(
                    "its rows are no longer in the backup schema `{}`",
                    self.backup
                );
                return Err(missing(
                    what,
                    "somebody has dropped or moved the table there",
                ));
            };
            same_columns(&found, &images, &action)?;
        }
        Ok(Table {
            written: written.clone(),
            schema: self.schema.clone(),
            target: found,
            key,
            backup: self.backup.clone(),
            action,
        })
    }

    /// What speaks against it, beside changes: nothing, or a refusal. Gives back what is worth knowing of
    /// sequences.
    pub(super) fn notes(&self, session: &mut Session) -> Result<Vec<Finding>> {
        let tables = self.survey(session)?;
        rights::refuse(session, &tables)?;
        references::refuse(session, &tables)?;
        let (_, _, notes) = sequences::plan(session, &self.written.sequences)?;
        Ok(notes)
    }

    /// What has changed since the run.
    pub(super) fn changes(&self, session: &mut Session, ledger: &Ledger) -> Result<Vec<Finding>> {
        let tables = self.survey(session)?;
        changes::all(session, (ledger, &self.keeper), &tables)
    }

    /// What is locked against other writers: the tables, and those whose rows could follow.
    pub(super) fn locked(&self, session: &mut Session) -> Result<Vec<String>> {
        let tables = self.survey(session)?;
        let mut locked = references::followers(session, &tables)?;
        for table in &tables {
            locked.push(table.only_target()?);
        }
        locked.sort_unstable();
        locked.dedup();
        Ok(locked)
    }

    /// Keeps others from taking numbers, within the transaction.
    pub(super) fn hold_sequences(&self, session: &mut Session) -> Result<()> {
        sequences::hold(session, &self.written.sequences)
    }

    /// All that is done but the ledger's part, in order; `backup` gets what is taken away.
    pub(super) fn statements(
        &self,
        session: &mut Session,
        (backup, run): (&str, &str),
    ) -> Result<Vec<Statement>> {
        let tables = self.survey(session)?;
        let mut statements = Self::before(&tables, (backup, run))?;
        statements.extend(self.exchange(&tables)?);
        let (_, moves, _) = sequences::plan(session, &self.written.sequences)?;
        statements.extend(moves);
        statements.extend(self.after(&tables)?);
        Ok(statements)
    }

    /// Keeps the rows as they are now.
    fn before(tables: &[Table], (backup, run): (&str, &str)) -> Result<Vec<Statement>> {
        let mut statements = vec![plain(SETTINGS), swap::create_backup(backup, run)?];
        for table in tables.iter().filter(|table| table.is_concerned()) {
            statements.push(Statement {
                object: format!("table `{}`", table.written.name),
                table: Some(table.written.name.clone()),
                sql: table.keep_in(backup)?,
            });
        }
        Ok(statements)
    }

    /// Puts the images in the place of the rows. Functions of the application's that this sets off find
    /// what they name.
    fn exchange(&self, tables: &[Table]) -> Result<Vec<Statement>> {
        let path = identifier(&self.schema)?;
        let path = format!("SET LOCAL search_path = pg_catalog, {path}, pg_temp");
        let mut statements = vec![plain(&path)];
        for sql in exchange(tables)? {
            statements.push(plain(&sql));
        }
        statements.push(plain("SET CONSTRAINTS ALL IMMEDIATE"));
        statements.push(plain(PLAIN_PATH));
        Ok(statements)
    }

    /// Drops the images: the tables hold what they held.
    fn after(&self, tables: &[Table]) -> Result<Vec<Statement>> {
        if !self.has_backup {
            return Ok(Vec::new());
        }
        let mut statements = Vec::new();
        for table in tables.iter().filter(|table| table.written.kept > 0) {
            let images = qualified(&self.backup, &table.written.name)?;
            statements.push(plain(&format!("DROP TABLE {images}")));
        }
        // Such as an undo makes of tables without rows.
        for table in tables.iter().filter(|table| table.written.kept == 0) {
            let images = qualified(&self.backup, &table.written.name)?;
            statements.push(plain(&format!("DROP TABLE IF EXISTS {images}")));
        }
        let schema = identifier(&self.backup)?;
        statements.push(plain(&format!("DROP SCHEMA {schema}")));
        Ok(statements)
    }

    /// Exchanges rows and images, makes sure of it, and moves the sequences back; all is locked.
    pub(super) fn perform(
        &self,
        session: &mut Session,
        (backup, run): (&str, &str),
    ) -> Result<Exchanged> {
        let tables = self.survey(session)?;
        references::refuse(session, &tables)?;
        let mut held = Vec::with_capacity(tables.len());
        for table in &tables {
            held.push(verify::count(session, table)?);
        }
        execute(session, Self::before(&tables, (backup, run))?)?;
        let mut kept = Vec::with_capacity(tables.len());
        for table in &tables {
            kept.push(verify::kept(session, table, backup)?);
        }
        execute(session, self.exchange(&tables)?)?;
        let mut written = Vec::with_capacity(tables.len());
        for ((table, held), kept) in tables.iter().zip(held).zip(kept) {
            let left = verify::arrived(session, table, (held, kept))?;
            written.push(WrittenTable {
                oid: table.written.oid,
                name: table.written.name.clone(),
                key: table.written.key.clone(),
                rows: table.key.is_none().then_some(left),
                kept: kept.all,
            });
        }
        let (moved, back, _) = sequences::plan(session, &self.written.sequences)?;
        execute(session, self.after(&tables)?)?;
        // One that is not ours is moved for good, so this comes last.
        execute(session, back)?;
        Ok(Exchanged(Written {
            tables: written,
            sequences: moved,
        }))
    }

    /// Writes the exchange into the ledger as what `run` has written.
    pub(super) fn record(
        &self,
        session: &mut Session,
        ledger: &Ledger,
        (run, done): (&str, &Exchanged),
    ) -> Result<()> {
        mark_own(session, ledger, run)?;
        write_down(session, ledger, run, (&self.schema, &done.0))
    }
}

/// A statement that needs no name in messages.
fn plain(sql: &str) -> Statement {
    Statement {
        object: String::new(),
        table: None,
        sql: sql.to_owned(),
    }
}

fn execute(session: &mut Session, statements: Vec<Statement>) -> Result<()> {
    for statement in statements {
        let done = session.execute(&statement.sql).map_err(as_refusal);
        done.map_err(|fault| match (&statement.table, &fault.place().table) {
            (Some(table), None) => fault.in_table(table),
            _ => fault,
        })?;
    }
    Ok(())
}

/// Images have the columns that the table has.
fn same_columns(target: &ExistingTable, images: &ExistingTable, action: &str) -> Result<()> {
    let differs = |column: &str| {
        let what =
            "the table has got other columns since: its rows of that time do not fit into it";
        let fault = Fault::new(Code::RunMissing, what).in_column(column);
        fault.hint("give it back the columns it had, undo the run, and change it again")
    };
    let kept = || images.columns.iter().filter(|column| column.name != action);
    for column in &target.columns {
        let image = kept().find(|image| image.name == column.name);
        if image.is_none_or(|image| image.cast_name != column.cast_name) {
            return Err(differs(&column.name));
        }
    }
    match kept().find(|image| !target.columns.iter().any(|one| one.name == image.name)) {
        Some(gone) => Err(differs(&gone.name)),
        None => Ok(()),
    }
}

/// The sequences that are moved, what moves them, and what is worth knowing of the others.
type Moves = (Vec<MovedSequence>, Vec<Statement>, Vec<Finding>);
