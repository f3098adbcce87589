//! Which piece of work may begin: parts, then computed columns that had to go, indexes, keys and foreign keys, without a barrier.
//!
//! Pure: knows no connection and no clock. A table's indexes begin when its last part is in, a
//! foreign key when the keys of both its tables are there. Bigger tables come first.
//!
//! Held back is what would wait for a lock on the server anyway: two changes of one table, and two
//! foreign keys to one parent. Only looking at a child's rows leaves its parent free.

use std::collections::VecDeque;

use crate::mapping::plan::{Plan, TablePlan};
use crate::seam::PartSpan;

use super::crew::Work;

/// A piece of work. Tables are positions in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// Load this part, and then others of the table as long as there are.
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

/// What has become of the computed columns of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Computed {
    /// They are there, as far as the table has any.
    #[default]
    Kept,
    /// The server has no result of one for some row: all are dropped until the rows are in.
    Dropped,
    /// They are being added again.
    Coming,
    /// Those are there of which every row has a result.
    Restored,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Waiting,
    Added,
    Done,
}

#[derive(Debug)]
struct ForeignKey {
    parent: usize,
    validated: bool,
    state: Key,
}

#[derive(Debug, Default)]
struct Table {
    bytes: u64,
    parts: VecDeque<PartSpan>,
    /// Workers that load a part of it now.
    loading: usize,
    computed: Computed,
    /// Workers that are about to drop them.
    dropping: usize,
    indexes: usize,
    begun_indexes: usize,
    built_indexes: usize,
    finished: bool,
    foreign_keys: Vec<ForeignKey>,
    /// A task holds a lock on it that excludes other changes.
    busy: bool,
}

/// The state of all work.
#[derive(Debug)]
pub(super) struct Schedule {
    tables: Vec<Table>,
    /// Positions in `tables`, biggest first.
    order: Vec<usize>,
}

impl Schedule {
    /// All the work of `plan`. `planned` gives the positions in the plan of each table of the
    /// schema: each of them loads all its parts.
    pub(super) fn new(plan: &Plan, planned: &[Vec<usize>], parts: &[PartSpan]) -> Schedule {
        let mut tables: Vec<_> = plan
            .tables
            .iter()
            .map(|table| {
                let foreign_keys = table.foreign_keys.iter().map(|key| ForeignKey {
                    parent: key.parent,
                    validated: key.valid,
                    state: Key::Waiting,
                });
                Table {
                    indexes: indexes(table),
                    foreign_keys: foreign_keys.collect(),
                    ..Table::default()
                }
            })
            .collect();
        for part in parts {
            for position in planned.get(part.table).into_iter().flatten() {
                if let Some(table) = tables.get_mut(*position) {
                    table.bytes += part.bytes;
                    table.parts.push_back(*part);
                }
            }
        }
        let mut order: Vec<_> = (0..tables.len()).collect();
        order.sort_by_key(|table| std::cmp::Reverse(tables[*table].bytes));
        Schedule { tables, order }
    }

    /// The next part of a table for the worker that has just loaded one of it. While another one
    /// waits for the table to itself, there is none.
    pub(super) fn another_part(&mut self, table: usize) -> Option<PartSpan> {
        let table = &mut self.tables[table];
        if table.dropping > 0 {
            return None;
        }
        table.parts.pop_front()
    }

    /// Whether a worker that was refused a row has to drop the computed columns of the table, and
    /// then to call `dropped`; else that has been done.
    pub(super) fn drop_computed(&mut self, table: usize) -> bool {
        let table = &mut self.tables[table];
        let needed = table.computed == Computed::Kept;
        table.dropping += usize::from(needed);
        needed
    }

    /// The computed columns of the table are gone.
    pub(super) fn dropped(&mut self, table: usize) {
        let table = &mut self.tables[table];
        table.dropping -= 1;
        table.computed = Computed::Dropped;
    }

    /// The table has lost computed columns, and with them some of its indexes.
    pub(super) fn amend(&mut self, table: usize, amended: &TablePlan) {
        self.tables[table].indexes = indexes(amended);
    }

    /// Whether all rows are in.
    pub(super) fn rows_are_in(&self) -> bool {
        self.tables.iter().all(Table::is_loaded)
    }

    fn ready(&self, table: usize) -> Option<Task> {
        let state = &self.tables[table];
        if let Some(part) = state.parts.front() {
            let load = Task::Load { table, part: *part };
            return (state.dropping == 0).then_some(load);
        }
        if !state.is_loaded() {
            return None;
        }
        match state.computed {
            Computed::Dropped => return Some(Task::Restore { table }),
            Computed::Coming => return None,
            Computed::Kept | Computed::Restored => {}
        }
        if state.begun_indexes < state.indexes {
            let index = state.begun_indexes;
            return Some(Task::Index { table, index });
        }
        if state.built_indexes < state.indexes || state.busy {
            return None;
        }
        if !state.finished {
            return Some(Task::Finish { table });
        }
        self.ready_foreign_key(table)
    }

    fn ready_foreign_key(&self, table: usize) -> Option<Task> {
        let keys = self.tables[table].foreign_keys.iter().enumerate();
        let mut ready = keys.filter_map(|(key, state)| {
            let parent = self.tables.get(state.parent);
            let parent_is_free = parent.is_none_or(|parent| parent.finished && !parent.busy);
            match state.state {
                Key::Waiting if parent_is_free => Some(Task::AddForeignKey { table, key }),
                Key::Added => Some(Task::Validate { table, key }),
                Key::Waiting | Key::Done => None,
            }
        });
        ready.next()
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

/// How many indexes a table gets, those of its keys included.
fn indexes(table: &TablePlan) -> usize {
    let keys = usize::from(table.primary_key.is_some()) + table.unique.len();
    keys + table.indexes.len() + table.added.indexes.len()
}

impl Table {
    fn is_loaded(&self) -> bool {
        self.parts.is_empty() && self.loading == 0
    }

    fn is_done(&self) -> bool {
        self.finished && self.foreign_keys.iter().all(|key| key.state == Key::Done)
    }
}

impl Work for Schedule {
    type Task = Task;

    fn next(&mut self) -> Option<Task> {
        let task = self.order.iter().find_map(|table| self.ready(*table))?;
        self.hold(task, true);
        match task {
            Task::Load { table, .. } => {
                self.tables[table].parts.pop_front();
                self.tables[table].loading += 1;
            }
            Task::Restore { table } => self.tables[table].computed = Computed::Coming,
            Task::Index { table, .. } => self.tables[table].begun_indexes += 1,
            Task::Finish { .. } | Task::AddForeignKey { .. } | Task::Validate { .. } => {}
        }
        Some(task)
    }

    fn done(&mut self, task: Task) {
        self.hold(task, false);
        match task {
            Task::Load { table, .. } => self.tables[table].loading -= 1,
            Task::Restore { table } => self.tables[table].computed = Computed::Restored,
            Task::Index { table, .. } => self.tables[table].built_indexes += 1,
            Task::Finish { table } => self.tables[table].finished = true,
            Task::AddForeignKey { table, key } => {
                let key = &mut self.tables[table].foreign_keys[key];
                key.state = if key.validated { Key::Added } else { Key::Done };
            }
            Task::Validate { table, key } => {
                self.tables[table].foreign_keys[key].state = Key::Done;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.rows_are_in() && self.tables.iter().all(Table::is_done)
    }
}

#[cfg(test)]
mod tests;
