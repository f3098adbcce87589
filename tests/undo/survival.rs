//! Killed at any moment: an undo is one transaction, so the rows are as they were, or all taken back.

use super::{history, runs, state, undo};
use crate::fill::desk::Desk;
use crate::support::postgres::server;
use std::time::Instant;

const KILLS: u32 = 10;
const TARGET: &str =
    "CREATE TABLE t (id serial PRIMARY KEY, a text, at timestamptz DEFAULT '2020-01-01');
    INSERT INTO t (a) SELECT 'old' FROM generate_series(1, 10000);";
const SOURCE: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);
    WITH RECURSIVE n(i) AS (SELECT 5001 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
    INSERT INTO t SELECT i, 'new' FROM n;";

#[test]
fn a_killed_undo_has_done_all_or_nothing() {
    let mut desk = Desk::of_sql(server(), TARGET, SOURCE);
    let before = state(server(), &mut desk);
    desk.merge(&["--on-conflict", "update"]).exits(0);
    let merged = state(server(), &mut desk);
    let begin = Instant::now();
    undo(&desk, &[]).exits(0);
    let whole = begin.elapsed();
    undo(&desk, &[]).exits(0);
    let mut nothing = 0;
    for kill in 1..=KILLS {
        let moment = whole.mul_f64((f64::from(kill) * 0.618_033_988_75).fract());
        let program = history(&desk, "undo", &[]);
        desk.kill_after(program, moment);
        if state(server(), &mut desk) == merged {
            nothing += 1;
        } else {
            assert_eq!(
                state(server(), &mut desk),
                before,
                "killed after {moment:?}"
            );
            undo(&desk, &[]).exits(0);
            assert_eq!(state(server(), &mut desk), merged);
        }
    }
    assert!(nothing > 0, "no moment was early enough");
    undo(&desk, &[]).exits(0);
    assert_eq!(state(server(), &mut desk), before);
    let last = runs(&desk);
    assert!(last.ends_with("undo current true"), "{last}");
}
