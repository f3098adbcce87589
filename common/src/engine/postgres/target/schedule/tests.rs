use super::*;
use crate::mapping::expression::Expression;
use crate::mapping::operator::{Additions, OperatorPlan};
use crate::mapping::plan::{
    ColumnPlan, ForeignKeyPlan, IndexPlan, KeyPlan, Origin, PgType, TablePlan,
};
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
    let (big, last) = (part(1, 1, 100), part(1, 2, 100));
    let small = part(0, 1, 10);
    let mut schedule = Schedule::new(&plan, &[vec![0], vec![1]], &[small, big, last]);
    let load = |table, part| Task::Load { table, part };
    let first = schedule.next().unwrap();
    assert_eq!(first.task, load(1, big));
    let second = schedule.next().unwrap();
    assert_eq!(second.task, load(1, last));
    schedule.done(first);
    // While the last part of the big table is under way, the small one begins.
    let third = schedule.next().unwrap();
    assert_eq!(third.task, load(0, small));
    assert_eq!(schedule.next(), None);
    schedule.done(second);
    let indexes: Vec<_> = std::iter::from_fn(|| schedule.next()).collect();
    let tasks: Vec<_> = indexes.iter().map(|step| step.task).collect();
    let index = |index| Task::Index { table: 1, index };
    assert_eq!(tasks, [index(0), index(1)]);
    schedule.done(indexes[1]);
    assert_eq!(schedule.next(), None);
    schedule.done(indexes[0]);
    assert_eq!(schedule.next().unwrap().task, Task::Finish { table: 1 });
    assert!(!schedule.rows_are_in());
    schedule.done(third);
    assert!(schedule.rows_are_in());
    assert!(!schedule.is_over());
}

#[test]
fn what_others_do_is_waited_for_and_taken_up_when_they_are_gone() {
    let plan = plan(vec![table(0, 0, &[])]);
    let parts = [part(0, 1, 10), part(0, 2, 10), part(0, 3, 10)];
    let mut schedule = Schedule::new(&plan, &[vec![0]], &parts);
    schedule.begin_at(1);
    let own = schedule.next().unwrap();
    assert_eq!(own.number, 1);
    schedule.learn(0, Standing::Done);
    // What is done here is known better here.
    schedule.learn(1, Standing::Waiting);
    let lost = schedule.next().unwrap();
    assert_eq!(lost.number, 2);
    schedule.is_elsewhere(lost);
    schedule.done(own);
    assert_eq!(schedule.elsewhere(), [2]);
    assert_eq!(schedule.next(), None, "the index waits for all parts");
    schedule.learn(2, Standing::Waiting);
    assert!(schedule.elsewhere().is_empty());
    let again = schedule.next().unwrap();
    assert_eq!(again, lost);
    schedule.done(again);
    for number in 3..schedule.tasks().count() {
        schedule.learn(number, Standing::Done);
    }
    assert!(schedule.is_over());
    schedule.learn(usize::MAX, Standing::Done);
}

/// Runs the schedule with `workers` in a random order, and holds its promises at each step.
fn run(plan: &Plan, parts: &[PartSpan], workers: usize, mut random: u64) -> Vec<Task> {
    let planned: Vec<_> = (0..plan.tables.len()).map(|table| vec![table]).collect();
    let mut schedule = Schedule::new(plan, &planned, parts);
    let (mut under_way, mut all) = (Vec::<Step>::new(), Vec::new());
    while !schedule.is_over() {
        while under_way.len() < workers {
            let Some(step) = schedule.next() else { break };
            hold(plan, &under_way, step.task);
            under_way.push(step);
            all.push(step.task);
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

fn hold(plan: &Plan, under_way: &[Step], task: Task) {
    for Step { task: other, .. } in under_way {
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
    while let Some(step) = schedule.next() {
        if let Task::Load { table, part } = step.task {
            loaded.push((table, part.part));
        }
        schedule.done(step);
    }
    assert_eq!(loaded, [(0, 1), (0, 2), (1, 1), (1, 2)]);
    assert!(schedule.is_over());
}

#[test]
fn dropped_columns_come_back_between_the_last_part_and_the_first_index() {
    let mut with = table(0, 1, &[]);
    with.columns.push(ColumnPlan {
        origin: Origin::Computed(Expression::Column("a".to_owned())),
        ..ColumnPlan::bare("x", 0, PgType::Bigint)
    });
    let plan = plan(vec![with, table(1, 0, &[])]);
    let tasks = run(&plan, &[part(0, 1, 10), part(0, 2, 10)], 3, 1);
    let of_first: Vec<_> = tasks.iter().filter(|task| task.table() == 0).collect();
    assert!(matches!(of_first[1], Task::Load { .. }), "{tasks:?}");
    assert_eq!(*of_first[2], Task::Restore { table: 0 });
    assert!(matches!(of_first[3], Task::Index { .. }), "{tasks:?}");
    let restored = |task: &&Task| matches!(task, Task::Restore { .. });
    assert_eq!(tasks.iter().filter(restored).count(), 1);
}
