//! Several processes that merge together: one of them writes, and all of them can tell what came of it.

use super::counts;
use crate::fill::desk::{Desk, findings};
use crate::support::postgres::servers;
use serde_json::Value;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn a_process_whose_run_another_finishes_tells_what_became_of_the_rows() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TABLE t(id bigint PRIMARY KEY, note text);
             INSERT INTO t VALUES (1, 'same'), (2, 'kept')",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, note TEXT);
             INSERT INTO t VALUES (1, 'same'), (2, 'other'), (3, 'new'), (4, 'new')",
        );
        // Rows cannot be written until both are there.
        desk.client
            .batch_execute("BEGIN; LOCK TABLE t IN ROW EXCLUSIVE MODE")
            .unwrap();
        let start = || {
            let mut merge = desk.merging(&["--on-conflict", "skip", "-j", "1"]);
            merge.stdin(Stdio::null());
            merge.stdout(Stdio::piped()).stderr(Stdio::piped());
            merge.spawn().unwrap()
        };
        let children = [start(), start()];
        let mut client = postgres::Client::connect(&desk.uri, postgres::NoTls).unwrap();
        let begin = Instant::now();
        // Two processes, and nothing left to do but the last step.
        let ready = "SELECT (SELECT count(*) FROM waybill.workers) = 2
                        AND (SELECT array_agg(kind) = ARRAY['switch'] FROM waybill.steps WHERE NOT done)";
        let is_ready = |client: &mut postgres::Client| {
            let row = client.query_one(ready, &[]).ok();
            row.and_then(|row| row.get::<_, Option<bool>>(0)) == Some(true)
        };
        while !is_ready(&mut client) {
            assert!(begin.elapsed() < Duration::from_mins(1), "they do not meet");
            std::thread::sleep(Duration::from_millis(10));
        }
        desk.client.batch_execute("COMMIT").unwrap();
        let results = children.map(|child| {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
            serde_json::from_slice::<Value>(&output.stdout).unwrap()
        });
        for result in &results {
            assert_eq!(counts(result, None), "2 0 1 1");
            assert_eq!(counts(result, Some("t")), "2 0 1 1");
            let told = findings(result, "warning");
            assert_eq!(told, findings(&results[0], "warning"));
            let conflict = |one: &String| one.starts_with("merge-conflict t 1: ");
            assert!(told.iter().any(conflict), "{told:?}");
        }
        assert_eq!(desk.ask("SELECT count(*) FROM waybill.runs"), "1");
        assert_eq!(
            desk.ask("SELECT string_agg(note, ' ' ORDER BY id) FROM t"),
            "same kept new new"
        );
    }
}
