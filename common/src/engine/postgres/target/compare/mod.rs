//! Compares the tables of a live database with an archive.
//!
//! Only reads: every connection is in a READ ONLY transaction of one snapshot, so what an
//! application does meanwhile is not seen. Rows of both sides are brought into the form that binary
//! COPY gives them in the type they are compared in, which no setting of server, database or role
//! has a say in. Which columns are compared, and in what type, `mapping::compared` has decided.

mod name;
mod relation;
mod row;
mod snapshot;

pub use snapshot::LiveDatabase;

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::difference::{BUDGET, Entry, Found, Reading, Secret, Side, Sums};
use crate::engine::postgres::target::crew::{self, Shared, Work, Worker};
use crate::engine::postgres::target::encode::Setting;
use crate::fault::{Code, Fault, Result};
use crate::mapping::compared::ComparedTable;
use crate::mapping::plan::EnumPlan;
use crate::model::schema::Schema;
use crate::progress::{Extent, Watch};
use crate::seam::PartReader;

use relation::Relation;
use row::{ArchiveRows, LiveRows};

/// How a comparison is done.
#[derive(Debug, Clone)]
pub struct CompareOptions {
    /// Connections, at the most.
    pub jobs: usize,
    /// Rows of a table that are named, at the most.
    pub limit: usize,
    /// Folder for what does not fit into memory.
    pub folder: PathBuf,
}

/// What there is to compare.
#[derive(Clone, Copy)]
pub struct Matter<'a> {
    /// The archive's schema.
    pub schema: &'a Schema,
    /// The enumerated types of the plan.
    pub enums: &'a [EnumPlan],
    /// The tables, with their columns.
    pub tables: &'a [ComparedTable],
    /// The archive's rows.
    pub parts: &'a dyn PartReader,
}

/// What was found of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDifference {
    /// Rows of the target.
    pub rows: u64,
    /// How many rows differ.
    pub found: Found,
    /// The first of them, in the same order as in `found`: their keys, and the columns that differ.
    pub names: Vec<String>,
}

/// A piece of reading.
#[derive(Debug, Clone, Copy)]
enum Task {
    /// A part of the archive, by its position.
    Part(usize),
    /// Some blocks of a relation, by its position.
    Blocks(usize, (u32, Option<u32>)),
}

/// What is still to be read.
struct Tasks {
    queue: VecDeque<Task>,
    under_way: usize,
}

impl Work for Tasks {
    type Task = Task;

    fn next(&mut self) -> Option<Task> {
        let task = self.queue.pop_front()?;
        self.under_way += 1;
        Some(task)
    }

    fn done(&mut self, _: Task) {
        self.under_way -= 1;
    }

    fn is_over(&self) -> bool {
        self.queue.is_empty() && self.under_way == 0
    }
}

/// One comparison, ready to read.
struct Comparison<'a> {
    matter: Matter<'a>,
    /// For each table of the schema, the tables that are compared with it.
    compared: Vec<Vec<usize>>,
    relations: Vec<Relation>,
    secret: Secret,
    server: u32,
    watch: &'a dyn Watch,
}

impl<'a> Comparison<'a> {
    fn new(
        matter: Matter<'a>,
        relations: Vec<Relation>,
        server: u32,
        watch: &'a dyn Watch,
    ) -> Self {
        let mut compared = vec![Vec::new(); matter.schema.tables.len()];
        for (position, table) in matter.tables.iter().enumerate() {
            compared[table.source].push(position);
        }
        Comparison {
            matter,
            compared,
            relations,
            secret: Secret::random(),
            server,
            watch,
        }
    }

    fn setting(&self) -> Setting<'a> {
        Setting {
            enums: self.matter.enums,
            encoding: self.matter.schema.facts.encoding,
        }
    }

    /// What is read of the tables that `wanted` names: archive and target in turn.
    fn tasks(&self, wanted: impl Fn(usize) -> bool) -> Tasks {
        let parts = self.matter.parts.parts().iter().enumerate();
        let parts =
            parts.filter(|(_, part)| self.compared[part.table].iter().any(|table| wanted(*table)));
        let relations = self.relations.iter().enumerate();
        let relations = relations.filter(|(_, relation)| wanted(relation.table));
        let mut blocks = relations.flat_map(|(position, relation)| {
            relation
                .spans(self.server)
                .map(move |span| Task::Blocks(position, span))
        });
        let mut queue = VecDeque::new();
        for (position, _) in parts {
            queue.push_back(Task::Part(position));
            queue.extend(blocks.next());
        }
        queue.extend(blocks);
        Tasks {
            queue,
            under_way: 0,
        }
    }

    /// Reads both sides.
    fn read(&self, workers: &mut [Worker], reading: &dyn Reading) -> Result<()> {
        let act = |worker: &mut Worker, shared: &Shared<Tasks>, task| {
            let mut held = Vec::new();
            match task {
                Task::Part(part) => self.part(worker, shared, part, (reading, &mut held))?,
                Task::Blocks(relation, span) => {
                    self.blocks(worker, shared, (relation, span), (reading, &mut held))?;
                }
            }
            reading.end(held)
        };
        let tasks = self.tasks(|table| reading.concerns(table));
        crew::run(tasks, workers, self.watch, &act)?;
        Ok(())
    }

    fn part(
        &self,
        worker: &mut Worker,
        shared: &Shared<Tasks>,
        part: usize,
        (reading, held): (&dyn Reading, &mut Vec<Entry>),
    ) -> Result<()> {
        let span = &self.matter.parts.parts()[part];
        let tables = self.compared[span.table].iter();
        for position in tables.filter(|table| reading.concerns(**table)) {
            let table = &self.matter.tables[*position];
            let mut rows = ArchiveRows::new(table, self.setting(), &self.secret, span.first_row)?;
            let mut take = |hash, at| {
                shared.go_on()?;
                reading.take(held, *position, Side::Archive, (hash, at))
            };
            let mut sink = rows.sink(&mut take);
            let read = self.matter.parts.read(span, &mut worker.buffers, &mut sink);
            read.map_err(|fault| fault.in_table(&table.source_name))?;
        }
        self.watch.advance(span.rows, span.bytes);
        Ok(())
    }

    fn blocks(
        &self,
        worker: &mut Worker,
        shared: &Shared<Tasks>,
        (relation, span): (usize, (u32, Option<u32>)),
        (reading, held): (&dyn Reading, &mut Vec<Entry>),
    ) -> Result<()> {
        let relation = &self.relations[relation];
        let table = &self.matter.tables[relation.table];
        let sql = relation.copy_out(table, span)?;
        let mut rows = LiveRows::new(table, &self.secret);
        let mut count = 0;
        let read = rows.read(&mut worker.session, &sql, &mut |row| {
            if row.number.is_multiple_of(1024) {
                shared.go_on()?;
            }
            count += 1;
            let row = (row.hash, relation.place(row.tid));
            reading.take(held, relation.table, Side::Target, row)
        });
        read.map_err(|fault| fault.in_table(&table.name))?;
        self.watch.advance(count, 0);
        Ok(())
    }

    /// Both readings. The rows of the target are counted by the first.
    fn run(
        &self,
        workers: &mut [Worker],
        rows: &[u64],
        options: &CompareOptions,
    ) -> Result<(Vec<u64>, Vec<Found>)> {
        let sums = Sums::new(rows);
        self.watch.phase("comparing", self.extent(&sums));
        self.read(workers, &sums)?;
        let there = (0..rows.len()).map(|table| sums.rows(table, Side::Target));
        let there = there.collect();
        let suspects = sums.suspects(BUDGET, options.folder.clone());
        if !suspects.is_empty() {
            let extent = self.extent(&suspects);
            self.watch.phase("looking for rows that differ", extent);
            self.read(workers, &suspects)?;
        }
        let keyed = self.matter.tables.iter().map(|table| !table.key.is_empty());
        let keyed: Vec<bool> = keyed.collect();
        Ok((there, suspects.finish(&keyed, options.limit)?))
    }

    /// The rows of the archive that are read; those of the target come on top, uncounted.
    fn extent(&self, reading: &dyn Reading) -> Extent {
        let parts = self.matter.parts.parts().iter();
        let parts = parts.filter(|part| {
            let mut tables = self.compared[part.table].iter();
            tables.any(|table| reading.concerns(*table))
        });
        Extent {
            rows: None,
            bytes: Some(parts.map(|part| part.bytes).sum()),
        }
    }
}

/// The rows that the archive has of each table.
fn archived(matter: Matter<'_>) -> Vec<u64> {
    let mut rows = vec![0_u64; matter.schema.tables.len()];
    for part in matter.parts.parts() {
        rows[part.table] += part.rows;
    }
    let tables = matter.tables.iter();
    tables.map(|table| rows[table.source]).collect()
}

/// A failure to read what the server sends.
fn unreadable(why: impl std::error::Error + Send + Sync + 'static) -> Fault {
    let what = "the rows that were read are not in PostgreSQL's binary format";
    Fault::new(Code::ServerError, what).because(why)
}
