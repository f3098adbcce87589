use super::*;
use crate::mapping::operator::{Additions, OperatorPlan};
use crate::mapping::plan::{ForeignKeyPlan, IndexPlan, KeyPlan, TablePlan};
use crate::model::schema::{Action, Deferrable};

fn table(source: usize, indexes: usize, parents: &[usize]) -> TablePlan {
    let key = |parent: &usize| ForeignKeyPlan {
        name: format!("f{parent}"),
        columns: Vec::new(),
        parent: *parent,
        parent_columns: Vec::new(),
        on_delete: Action::NoAction,
        on_update: Action::NoAction,
        deferrable: Deferrable::No,
        valid: true,
    };
    let index = IndexPlan {
        name: String::new(),
        unique: false,
        terms: Vec::new(),
        predicate: None,
    };
    TablePlan {
        source,
        name: format!("t{source}"),
        columns: Vec::new(),
        primary_key: Some(KeyPlan {
            name: String::new(),
            columns: Vec::new(),
        }),
        unique: Vec::new(),
        indexes: vec![index; indexes],
        foreign_keys: parents.iter().map(key).collect(),
        checks: Vec::new(),
        added: Additions::default(),
    }
}

fn plan(tables: Vec<TablePlan>) -> Plan {
    Plan {
        tables,
        enums: Vec::new(),
        views: Vec::new(),
        operator: OperatorPlan::default(),
        findings: Vec::new(),
    }
}

fn part(table: usize, part: u32, bytes: u64) -> PartSpan {
    PartSpan {
        table,
        part,
        rows: 1,
        first_row: 1,
        bytes,
    }
}

#[test]
fn the_biggest_table_comes_first_and_its_indexes_before_smaller_tables() {
    let plan = plan(vec![table(0, 0, &[]), table(1, 1, &[])]);
    let big = part(1, 1, 100);
    let small = part(0, 1, 10);
    let mut schedule = Schedule::new(&plan, &[vec![0], vec![1]], &[small, big, part(1, 2, 100)]);
    let first = schedule.next().unwrap();
    assert_eq!(
        first,
        Task::Load {
            table: 1,
            part: big
        }
    );
    assert_eq!(schedule.another_part(1), Some(part(1, 2, 100)));
    assert_eq!(schedule.another_part(1), None);
    // While the last part of the big table is under way, the small one begins.
    let second = schedule.next().unwrap();
    assert_eq!(
        second,
        Task::Load {
            table: 0,
            part: small
        }
    );
    assert_eq!(schedule.next(), None);
    schedule.done(first);
    assert_eq!(schedule.next(), Some(Task::Index { table: 1, index: 0 }));
    assert_eq!(schedule.next(), Some(Task::Index { table: 1, index: 1 }));
    assert_eq!(schedule.next(), None);
    schedule.done(Task::Index { table: 1, index: 1 });
    assert_eq!(schedule.next(), None);
    schedule.done(Task::Index { table: 1, index: 0 });
    assert_eq!(schedule.next(), Some(Task::Finish { table: 1 }));
    assert!(!schedule.rows_are_in());
    schedule.done(second);
    assert!(schedule.rows_are_in());
    assert!(!schedule.is_over());
}

/// Runs the schedule with `workers` in a random order, and holds its promises at each step.
fn run(plan: &Plan, parts: &[PartSpan], workers: usize, mut random: u64) -> Vec<Task> {
    let planned: Vec<_> = (0..plan.tables.len()).map(|table| vec![table]).collect();
    let mut schedule = Schedule::new(plan, &planned, parts);
    let (mut under_way, mut all) = (Vec::<Task>::new(), Vec::new());
    while !schedule.is_over() {
        while under_way.len() < workers {
            let Some(task) = schedule.next() else { break };
            hold(plan, &under_way, task);
            under_way.push(task);
            all.push(task);
        }
        assert!(
            !under_way.is_empty(),
            "nothing can begin, and it is not over: {all:?}"
        );
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let chosen = usize::try_from(random >> 33).unwrap() % under_way.len();
        schedule.done(under_way.swap_remove(chosen));
    }
    assert!(under_way.is_empty());
    assert_eq!(schedule.next(), None);
    all
}

/// What a task locks against other changes: child and parent while a key is added, else its table.
fn locked(plan: &Plan, task: Task) -> Vec<usize> {
    match task {
        Task::Load { .. } | Task::Restore { .. } | Task::Index { .. } => Vec::new(),
        Task::Finish { table } | Task::Validate { table, .. } => vec![table],
        Task::AddForeignKey { table, key } => {
            vec![table, plan.tables[table].foreign_keys[key].parent]
        }
    }
}

fn hold(plan: &Plan, under_way: &[Task], task: Task) {
    for other in under_way {
        let (mine, theirs) = (locked(plan, task), locked(plan, *other));
        let shared = mine.iter().any(|table| theirs.contains(table));
        assert!(!shared, "{task:?} waits for {other:?}");
    }
}

#[test]
fn everything_is_done_once_in_a_lawful_order_whoever_is_faster() {
    // Cycles, a reference to itself, several keys to one parent.
    let plan = plan(vec![
        table(0, 2, &[1, 0]),
        table(1, 0, &[0, 2]),
        table(2, 1, &[]),
        table(3, 0, &[2, 2, 0]),
    ]);
    let parts = [part(0, 1, 5), part(0, 2, 5), part(3, 1, 50), part(1, 1, 7)];
    for seed in 0..200 {
        for workers in 1..5 {
            let tasks = run(&plan, &parts, workers, seed);
            assert_eq!(tasks.len(), 4 + 7 + 4 + 7 + 7, "seed {seed}");
            let at = |wanted: Task| tasks.iter().position(|task| *task == wanted).unwrap();
            for (child, state) in plan.tables.iter().enumerate() {
                for (key, foreign) in state.foreign_keys.iter().enumerate() {
                    let added = at(Task::AddForeignKey { table: child, key });
                    assert!(at(Task::Finish { table: child }) < added);
                    assert!(
                        at(Task::Finish {
                            table: foreign.parent
                        }) < added
                    );
                    assert!(added < at(Task::Validate { table: child, key }));
                }
            }
        }
    }
}

#[test]
fn a_key_that_rows_break_is_not_validated() {
    let mut child = table(0, 0, &[0]);
    child.foreign_keys[0].valid = false;
    let tasks = run(&plan(vec![child]), &[], 1, 0);
    assert_eq!(
        tasks.last(),
        Some(&Task::AddForeignKey { table: 0, key: 0 })
    );
    assert_eq!(tasks.len(), 3);
}

#[test]
fn each_piece_of_a_table_loads_all_parts_of_it() {
    let plan = plan(vec![table(0, 0, &[]), table(0, 0, &[0])]);
    let parts = [part(0, 1, 10), part(0, 2, 10)];
    let mut schedule = Schedule::new(&plan, &[vec![0, 1]], &parts);
    let mut loaded = Vec::new();
    while let Some(task) = schedule.next() {
        if let Task::Load { table, part } = task {
            loaded.push((table, part.part));
        }
        schedule.done(task);
    }
    assert_eq!(loaded, [(0, 1), (0, 2), (1, 1), (1, 2)]);
    assert!(schedule.is_over());
}

#[test]
fn dropped_columns_come_back_between_the_last_part_and_the_first_index() {
    let plan = plan(vec![table(0, 2, &[])]);
    let parts = [1, 2, 3, 4].map(|number| part(0, number, 10));
    let mut schedule = Schedule::new(&plan, &[vec![0]], &parts);
    let first = schedule.next().unwrap();
    let second = schedule.next().unwrap();
    // Both are refused a row, at the same time.
    assert!(schedule.drop_computed(0));
    assert!(schedule.drop_computed(0));
    // While a worker waits for the table to itself, nobody takes more of it, nor begins anew.
    assert_eq!(schedule.another_part(0), None);
    assert_eq!(schedule.next(), None);
    schedule.dropped(0);
    assert_eq!(schedule.another_part(0), None);
    schedule.dropped(0);
    assert_eq!(schedule.another_part(0), Some(parts[2]));
    // Whoever is refused a row later finds them gone.
    assert!(!schedule.drop_computed(0));
    let third = schedule.next().unwrap();
    assert!(matches!(third, Task::Load { part, .. } if part == parts[3]));
    for task in [first, second, third] {
        assert_eq!(schedule.next(), None, "rows are under way");
        schedule.done(task);
    }
    assert!(schedule.rows_are_in());
    let restore = Task::Restore { table: 0 };
    assert_eq!(schedule.next(), Some(restore));
    assert_eq!(schedule.next(), None, "no index before they are back");
    assert!(!schedule.is_over());
    // One index has gone with a column that stays left out.
    schedule.amend(0, &table(0, 1, &[]));
    schedule.done(restore);
    for index in 0..2 {
        let task = Task::Index { table: 0, index };
        assert_eq!(schedule.next(), Some(task));
        schedule.done(task);
    }
    let finish = Task::Finish { table: 0 };
    assert_eq!(schedule.next(), Some(finish));
    schedule.done(finish);
    assert!(schedule.is_over());
}

#[test]
fn a_table_that_keeps_its_columns_is_not_restored() {
    let plan = plan(vec![table(0, 1, &[]), table(1, 0, &[0])]);
    let parts = [part(0, 1, 5), part(1, 1, 7)];
    let tasks = run(&plan, &parts, 2, 1);
    let restored = tasks
        .iter()
        .any(|task| matches!(task, Task::Restore { .. }));
    assert!(!restored, "{tasks:?}");
}
