//! A new SQLite file as a target: made beside its final place, renamed into it.
//!
//! Exact: storage classes, rowids, schema objects and settings are those of the archive, or the
//! import is refused, or a finding says what was left out. Nobody sees the file before it is whole.

mod affinity;
mod authorizer;
mod batch;
mod build;
mod check;
mod compare;
mod failure;
mod limits;
mod load;
mod objects;
mod place;
mod settings;

use crate::digest::Multiset;
use crate::engine::sqlite::interrupt::while_watched_or;
use crate::engine::sqlite::runs::{NewRun, Placing};
use crate::engine::sqlite::schema;
use crate::engine::sqlite::target::authorizer::Guard;
use crate::engine::sqlite::target::check::Sent;
use crate::engine::sqlite::target::compare::LeftOut;
use crate::engine::sqlite::target::failure::fault;
use crate::engine::sqlite::target::objects::Maker;
use crate::engine::sqlite::target::place::Place;
use crate::engine::sqlite::target::settings::run;
use crate::fault::{Code, Fault, Result};
use crate::model::schema::{Schema, Table};
use crate::progress::{Extent, Unwatched, Watch};
use crate::report::Finding;
use crate::seam::{Begun, PartReader, Target};
use rusqlite::{Connection, InterruptHandle};
use std::path::PathBuf;

/// What an import into a file may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqliteOptions {
    /// Make the views.
    pub views: bool,
    /// Make the triggers.
    pub triggers: bool,
    /// Threads that may work at once; at least 1.
    pub jobs: usize,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        SqliteOptions {
            views: true,
            triggers: true,
            jobs: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }
}

/// A new SQLite file.
#[derive(Debug)]
pub struct SqliteTarget {
    path: PathBuf,
    schema: Schema,
    options: SqliteOptions,
    left_out: LeftOut,
    findings: Vec<Finding>,
    /// The schema of the new file, from `build` on.
    made: Schema,
    /// What was sent to each table.
    sums: Vec<Multiset>,
    /// The run that the history of the file shall know.
    run: Option<NewRun>,
    /// From `begin` to `switch`, where there is such a run.
    placing: Option<Placing>,
    /// From `begin` to `settle`.
    staged: Option<Staged>,
    /// The new file, closed, from `settle` to `switch`.
    finished: Option<Place>,
}

/// The file while it grows; the connection is dropped before its folder.
#[derive(Debug)]
struct Staged {
    connection: Connection,
    maker: Maker,
    place: Place,
}

impl Staged {
    fn breaker(&self) -> Breaker {
        Breaker {
            handle: self.connection.get_interrupt_handle(),
            database: self.place.database(),
        }
    }
}

/// What ends a step when a signal asks for it.
struct Breaker {
    handle: InterruptHandle,
    database: PathBuf,
}

impl Breaker {
    /// Runs `job`; where SQLite does not notice that it was interrupted, the new file goes first.
    fn while_watched<T>(self, watch: &dyn Watch, job: impl FnOnce() -> Result<T>) -> Result<T> {
        let database = self.database;
        let stuck = move || {
            place::remove(&database);
            watch.give_up();
        };
        while_watched_or(self.handle, watch, stuck, job)
    }
}

impl SqliteTarget {
    /// A target at `path`, where nothing may be, for what `schema` describes.
    #[must_use]
    pub fn new(path: PathBuf, schema: &Schema, options: SqliteOptions) -> Self {
        SqliteTarget {
            path,
            schema: schema.clone(),
            options,
            left_out: LeftOut::default(),
            findings: Vec::new(),
            made: Schema::default(),
            sums: vec![Multiset::default(); schema.tables.len()],
            run: None,
            placing: None,
            staged: None,
            finished: None,
        }
    }

    /// The same, as a run that the history of the file knows: it may replace what is there, and can
    /// be undone.
    #[must_use]
    pub fn recorded(mut self, run: NewRun) -> Self {
        self.run = Some(run);
        self
    }

    /// Where the new file grows.
    fn place(&mut self, watch: &dyn Watch) -> Result<Place> {
        let Some(run) = &self.run else {
            return Place::make(&self.path);
        };
        if !run.replace {
            Place::refuse(&self.path)?;
        }
        let placing = self
            .placing
            .insert(Placing::begin(run.clone(), &self.path, watch)?);
        let database = placing.names().database();
        if placing.replaces() {
            Place::beside(database)
        } else {
            Place::make(database)
        }
    }

    fn try_begin(&mut self, watch: &dyn Watch) -> Result<()> {
        let place = self.place(watch)?;
        let mut connection = settings::open(&place.database())?;
        settings::configure(&connection, &self.schema.facts, self.options.jobs)?;
        limits::for_objects(&connection, &self.schema)?;
        let maker = Maker::new(Guard::install(&mut connection)?);
        let staged = self.staged.insert(Staged {
            connection,
            maker,
            place,
        });
        // The transaction ends with the rows: pages that are new in it need no journal.
        run(&staged.connection, "BEGIN", "cannot begin")?;
        for table in &self.schema.tables {
            go_on(watch)?;
            build::make_table(staged, table, &mut self.left_out, &mut self.findings)?;
        }
        let found = found(&staged.connection)?;
        compare::tables(&self.schema, &found, &self.left_out)
    }

    /// Closes the new file: nothing is written to it any more.
    fn finish(&mut self) -> Result<()> {
        let Some(staged) = self.staged.take() else {
            return Err(out_of_order());
        };
        let Staged {
            connection,
            maker,
            place,
        } = staged;
        drop(maker);
        let what = "cannot finish the new file";
        if self.schema.facts.wal {
            settings::write_ahead(&connection)?;
        }
        connection
            .close()
            .map_err(|(_, error)| fault(error, what))?;
        self.finished = Some(place);
        Ok(())
    }

    /// Notes what the new file is, then takes what it replaces: others are kept out shortly.
    fn try_settle(&mut self, watch: &dyn Watch) -> Result<()> {
        if self.placing.is_none() {
            return Ok(());
        }
        let sums = self.recorded_sums();
        let made = std::mem::take(&mut self.made);
        self.finish()?;
        let (Some(placing), Some(place)) = (&mut self.placing, &self.finished) else {
            return Err(out_of_order());
        };
        if placing.replaces() {
            place.take_after(placing.names().database())?;
        }
        place.sync()?;
        placing.note(&place.database(), &made, &sums, watch)?;
        placing.hold(watch)
    }

    /// The rows of each table that is in the new file.
    fn recorded_sums(&self) -> Vec<(String, Multiset)> {
        let tables = self.schema.tables.iter().zip(&self.sums);
        let made =
            tables.filter(|(table, _)| table.has_rows() && !self.left_out.has_object(&table.name));
        made.map(|(table, sum)| (table.name.clone(), *sum))
            .collect()
    }

    fn try_switch(&mut self) -> Result<()> {
        if self.finished.is_none() {
            self.finish()?;
        }
        let Some(place) = self.finished.take() else {
            return Err(out_of_order());
        };
        let Some(placing) = self.placing.take() else {
            return place.publish();
        };
        if !placing.holds() {
            Place::refuse(placing.names().database())?;
        }
        // From here on it is either made or not, and takes no time.
        placing.publish(&place.database(), &Unwatched)
    }

    /// Positions of the tables that hold rows, those with most rows first.
    fn filled(&self) -> Vec<usize> {
        let mut tables: Vec<usize> = (0..self.schema.tables.len())
            .filter(|index| {
                let table = &self.schema.tables[*index];
                table.has_rows() && !self.left_out.has_object(&table.name)
            })
            .collect();
        tables.sort_by_key(|index| std::cmp::Reverse(self.sums[*index].rows));
        tables
    }
}

impl Target for SqliteTarget {
    fn location(&self) -> String {
        self.path.display().to_string()
    }

    fn begin(&mut self, _: &dyn PartReader, watch: &dyn Watch) -> Result<Begun> {
        watch.phase("preparing", Extent::default());
        let begun = self.try_begin(watch);
        begun.map_err(|fault| fault.at(self.path.display()))?;
        Ok(Begun::Ready)
    }

    fn load(&mut self, parts: &dyn PartReader, watch: &dyn Watch) -> Result<()> {
        let spans = parts.parts();
        let extent = Extent {
            rows: Some(spans.iter().map(|span| span.rows).sum()),
            bytes: Some(spans.iter().map(|span| span.bytes).sum()),
        };
        watch.phase("loading", extent);
        let staged = staged_ref(self.staged.as_ref())?;
        limits::for_rows(&staged.connection, &self.schema, spans)?;
        let before = |table: &Table| staged.maker.for_rows_of(table);
        self.sums = staged.breaker().while_watched(watch, || {
            let sums = load::load(&staged.connection, &self.schema, parts, watch, &before)?;
            staged.maker.rows_are_in();
            run(&staged.connection, "COMMIT", "cannot keep the rows")?;
            run(&staged.connection, "BEGIN", "cannot begin")?;
            Ok(sums)
        })?;
        Ok(())
    }

    fn build(&mut self, watch: &dyn Watch) -> Result<()> {
        watch.phase("building", Extent::default());
        let breaker = staged_ref(self.staged.as_ref())?.breaker();
        breaker.while_watched(watch, || self.try_build(watch))
    }

    fn check(&mut self, watch: &dyn Watch) -> Result<()> {
        let rows = Some(self.sums.iter().map(|sum| sum.rows).sum());
        watch.phase("checking", Extent { rows, bytes: None });
        let tables = self.filled();
        let staged = staged_ref(self.staged.as_ref())?;
        let sent = Sent {
            schema: &self.schema,
            tables: &tables,
            sums: &self.sums,
        };
        let structure = || {
            // Computed columns may call what only the application has.
            if staged.maker.has_stand_ins() {
                return Ok(());
            }
            check::structure(&staged.connection)
        };
        let database = staged.place.database();
        staged.breaker().while_watched(watch, || {
            check::contents(&database, sent, self.options.jobs, watch, structure)
        })
    }

    fn settle(&mut self, watch: &dyn Watch) -> Result<()> {
        watch.phase("switching", Extent::default());
        self.try_settle(watch)
            .map_err(|fault| fault.at(self.path.display()))
    }

    fn switch(&mut self, _watch: &dyn Watch) -> Result<()> {
        self.try_switch()
            .map_err(|fault| fault.at(self.path.display()))
    }

    /// The new file is whole and has been checked; nobody has seen it.
    fn discard(&mut self, _watch: &dyn Watch) -> Result<()> {
        if self.finished.is_none() {
            self.finish()?;
        }
        drop(self.finished.take());
        drop(self.placing.take());
        Ok(())
    }

    fn findings(&self) -> Vec<Finding> {
        self.findings.clone()
    }
}

/// The schema of the new file; its reader would blame a source.
fn found(connection: &Connection) -> Result<Schema> {
    match schema::read(connection) {
        Ok((found, _)) => Ok(found),
        Err(fault) if fault.code() == Code::Interrupted => Err(fault),
        Err(fault) => {
            let what = "cannot read the schema of the new file";
            Err(Fault::new(Code::TargetUnwritable, what).because(fault))
        }
    }
}

/// Between statements, where an interruption finds nothing to interrupt.
fn go_on(watch: &dyn Watch) -> Result<()> {
    if watch.stopped() {
        return Err(Fault::interrupted());
    }
    Ok(())
}

fn out_of_order() -> Fault {
    Fault::new(Code::Bug, "a step of the import was called out of order")
}

fn staged(staged: &mut Option<Staged>) -> Result<&mut Staged> {
    staged.as_mut().ok_or_else(out_of_order)
}

fn staged_ref(staged: Option<&Staged>) -> Result<&Staged> {
    staged.ok_or_else(out_of_order)
}

#[cfg(test)]
mod tests;
