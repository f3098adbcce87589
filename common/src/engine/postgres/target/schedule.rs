//! Which step of a run may begin: parts, then computed columns that had to go, indexes, keys and
//! foreign keys, without a barrier.
//!
//! Pure: knows no connection and no clock. Steps have numbers, which are the same for every process
//! that works on the run. A table's indexes begin when its last part is in, a foreign key when the
//! keys of both its tables are there. Bigger tables come first.
//!
//! Held back is what would wait for a lock on the server anyway: two changes of one table, and two
//! foreign keys to one parent. Only looking at a child's rows leaves its parent free.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::mapping::plan::{Plan, TablePlan};
use crate::seam::PartSpan;

use super::crew::Work;

/// A piece of work. Tables are positions in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// Load this part.
    Load { table: usize, part: PartSpan },
    /// Add the computed columns again that were dropped because of some row.
    Restore { table: usize },
    /// Build an index: first those of the keys, primary key in front, then the others.
    Index { table: usize, index: usize },
    /// Make keys of the indexes, set the sequences, gather statistics.
    Finish { table: usize },
    /// Add a foreign key without looking at the rows.
    AddForeignKey { table: usize, key: usize },
    /// Look at the rows.
    Validate { table: usize, key: usize },
}

impl Task {
    /// What kind of work it is, as people read it in the ledger.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Task::Load { .. } => "part",
            Task::Restore { .. } => "computed",
            Task::Index { .. } => "index",
            Task::Finish { .. } => "keys",
            Task::AddForeignKey { .. } => "foreign key",
            Task::Validate { .. } => "validation",
        }
    }

    /// The table that it works on.
    pub(super) fn table(self) -> usize {
        let (Task::Load { table, .. }
        | Task::Restore { table }
        | Task::Index { table, .. }
        | Task::Finish { table }
        | Task::AddForeignKey { table, .. }
        | Task::Validate { table, .. }) = self;
        table
    }
}

/// A step that a worker of this process is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// Its number among the steps of the schedule.
    pub(super) number: usize,
    /// What is to be done.
    pub(super) task: Task,
}

/// Who has a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody.
    Waiting,
    /// A worker of this process.
    Here,
    /// A worker of another process.
    Elsewhere,
    /// It is done.
    Done,
}

/// Steps of one kind of a table: consecutive numbers.
#[derive(Debug, Default)]
struct Steps {
    numbers: Range<usize>,
    /// Where to look for the next one first.
    next: usize,
    /// Those that are not done.
    left: usize,
}

#[derive(Debug, Default)]
struct Table {
    bytes: u64,
    parts: Steps,
    /// One where the table has computed columns.
    restore: Steps,
    indexes: Steps,
    finish: Steps,
    foreign_keys: Vec<ForeignKey>,
    /// Tasks of this process that hold a lock on it which excludes other changes.
    busy: bool,
}

#[derive(Debug)]
struct ForeignKey {
    parent: usize,
    add: usize,
    validate: Option<usize>,
}

/// The state of all work.
#[derive(Debug)]
pub(super) struct Schedule {
    steps: Vec<(Task, Standing)>,
    tables: Vec<Table>,
    /// Positions in `tables`, biggest first.
    order: Vec<usize>,
    /// Steps that are not done.
    left: usize,
    /// Steps that other processes have.
    elsewhere: BTreeSet<usize>,
}

impl Schedule {
    /// All the work of `plan`. `planned` gives the positions in the plan of each table of the
    /// schema: each of them loads all its parts.
    pub(super) fn new(plan: &Plan, planned: &[Vec<usize>], parts: &[PartSpan]) -> Schedule {
        let mut loads = vec![Vec::new(); plan.tables.len()];
        for part in parts {
            for position in planned.get(part.table).into_iter().flatten() {
                if let Some(loads) = loads.get_mut(*position) {
                    loads.push(*part);
                }
            }
        }
        let mut schedule = Schedule {
            steps: Vec::new(),
            tables: Vec::with_capacity(plan.tables.len()),
            order: (0..plan.tables.len()).collect(),
            left: 0,
            elsewhere: BTreeSet::new(),
        };
        for (position, (planned, parts)) in plan.tables.iter().zip(loads).enumerate() {
            let table = schedule.table(position, planned, &parts);
            schedule.tables.push(table);
        }
        schedule.left = schedule.steps.len();
        let tables = &schedule.tables;
        schedule
            .order
            .sort_by_key(|table| std::cmp::Reverse(tables[*table].bytes));
        schedule
    }

    /// Gives the steps of a table their numbers.
    fn table(&mut self, table: usize, planned: &TablePlan, parts: &[PartSpan]) -> Table {
        let keys = usize::from(planned.primary_key.is_some()) + planned.unique.len();
        let indexes = keys + planned.indexes.len() + planned.added.indexes.len();
        let parts_of = parts.iter().map(|part| Task::Load { table, part: *part });
        Table {
            bytes: parts.iter().map(|part| part.bytes).sum(),
            parts: self.push(parts_of),
            restore: self.push(planned.computed().take(1).map(|_| Task::Restore { table })),
            indexes: self.push((0..indexes).map(|index| Task::Index { table, index })),
            finish: self.push([Task::Finish { table }]),
            foreign_keys: (planned.foreign_keys.iter().enumerate())
                .map(|(key, foreign)| ForeignKey {
                    parent: foreign.parent,
                    add: self.push([Task::AddForeignKey { table, key }]).next,
                    validate: foreign
                        .valid
                        .then(|| self.push([Task::Validate { table, key }]).next),
                })
                .collect(),
            busy: false,
        }
    }

    fn push(&mut self, tasks: impl IntoIterator<Item = Task>) -> Steps {
        let first = self.steps.len();
        let tasks = tasks.into_iter().map(|task| (task, Standing::Waiting));
        self.steps.extend(tasks);
        Steps {
            numbers: first..self.steps.len(),
            next: first,
            left: self.steps.len() - first,
        }
    }

    /// The tasks of all steps, by their numbers.
    pub(super) fn tasks(&self) -> impl Iterator<Item = Task> + '_ {
        self.steps.iter().map(|(task, _)| *task)
    }

    /// Has this process begin in another place than others do, so that they seldom want the same
    /// part at the same time. `place` is any number.
    pub(super) fn begin_at(&mut self, place: usize) {
        for table in &mut self.tables {
            let numbers = &table.parts.numbers;
            table.parts.next = numbers.start + place % std::cmp::max(1, numbers.len());
        }
    }

    /// Learns what another process does or has done.
    pub(super) fn learn(&mut self, number: usize, standing: Standing) {
        let Some((_, old)) = self.steps.get(number) else {
            return;
        };
        if !matches!(old, Standing::Here | Standing::Done) {
            self.set(number, standing);
        }
    }

    /// Learns that others have done everything.
    pub(super) fn finish(&mut self) {
        for number in 0..self.steps.len() {
            self.learn(number, Standing::Done);
        }
    }

    /// The steps that other processes have: one must look when they are done.
    pub(super) fn elsewhere(&self) -> Vec<usize> {
        self.elsewhere.iter().copied().collect()
    }

    /// Whether all rows are in.
    pub(super) fn rows_are_in(&self) -> bool {
        self.tables.iter().all(|table| table.parts.left == 0)
    }

    fn set(&mut self, number: usize, standing: Standing) {
        let (task, old) = &mut self.steps[number];
        let old = std::mem::replace(old, standing);
        if standing == Standing::Elsewhere {
            self.elsewhere.insert(number);
        } else if old == Standing::Elsewhere {
            self.elsewhere.remove(&number);
        }
        if old == Standing::Done || standing != Standing::Done {
            return;
        }
        self.left -= 1;
        let table = &mut self.tables[task.table()];
        match task {
            Task::Load { .. } => table.parts.left -= 1,
            Task::Restore { .. } => table.restore.left -= 1,
            Task::Index { .. } => table.indexes.left -= 1,
            Task::Finish { .. } => table.finish.left -= 1,
            Task::AddForeignKey { .. } | Task::Validate { .. } => {}
        }
    }

    fn stands(&self, number: usize, standing: Standing) -> bool {
        self.steps[number].1 == standing
    }

    /// The next of these steps that nobody has, from where the last one was found.
    fn waiting(&self, steps: &Steps) -> Option<usize> {
        if steps.left == 0 {
            return None;
        }
        let from_there = steps.next..steps.numbers.end;
        let mut all = from_there.chain(steps.numbers.start..steps.next);
        all.find(|number| self.stands(*number, Standing::Waiting))
    }

    fn ready(&self, table: usize) -> Option<usize> {
        let state = &self.tables[table];
        if state.parts.left > 0 {
            return self.waiting(&state.parts);
        }
        if state.restore.left > 0 {
            return self.waiting(&state.restore);
        }
        if state.indexes.left > 0 {
            return self.waiting(&state.indexes);
        }
        if state.busy {
            return None;
        }
        if state.finish.left > 0 {
            return self.waiting(&state.finish);
        }
        self.ready_foreign_key(state)
    }

    fn ready_foreign_key(&self, table: &Table) -> Option<usize> {
        table.foreign_keys.iter().find_map(|key| {
            if self.stands(key.add, Standing::Done) {
                let validate = key.validate?;
                return self.stands(validate, Standing::Waiting).then_some(validate);
            }
            let parent = self.tables.get(key.parent);
            let is_free = parent.is_none_or(|parent| parent.finish.left == 0 && !parent.busy);
            (is_free && self.stands(key.add, Standing::Waiting)).then_some(key.add)
        })
    }

    /// The tables that a task changes.
    fn hold(&mut self, task: Task, busy: bool) {
        match task {
            Task::Load { .. } | Task::Restore { .. } | Task::Index { .. } => {}
            Task::Finish { table } | Task::Validate { table, .. } => self.tables[table].busy = busy,
            Task::AddForeignKey { table, key } => {
                let parent = self.tables[table].foreign_keys[key].parent;
                self.tables[table].busy = busy;
                if let Some(parent) = self.tables.get_mut(parent) {
                    parent.busy = busy;
                }
            }
        }
    }
}

impl Work for Schedule {
    type Task = Step;

    fn next(&mut self) -> Option<Step> {
        let number = self.order.iter().find_map(|table| self.ready(*table))?;
        let (task, _) = self.steps[number];
        self.set(number, Standing::Here);
        self.hold(task, true);
        let table = &mut self.tables[task.table()];
        match task {
            Task::Load { .. } => table.parts.next = number + 1,
            Task::Index { .. } => table.indexes.next = number + 1,
            Task::Restore { .. }
            | Task::Finish { .. }
            | Task::AddForeignKey { .. }
            | Task::Validate { .. } => {}
        }
        Some(Step { number, task })
    }

    fn done(&mut self, step: Step) {
        self.hold(step.task, false);
        self.set(step.number, Standing::Done);
    }

    fn is_elsewhere(&mut self, step: Step) {
        self.hold(step.task, false);
        self.set(step.number, Standing::Elsewhere);
    }

    fn is_over(&self) -> bool {
        self.left == 0
    }
}

#[cfg(test)]
mod tests;
