//! The commands about the history of merges and fills.

use super::{history, runs, undo};
use crate::fill::desk::Desk;
use crate::support::postgres::server;
use crate::support::program::Ran;

const TARGET: &str = "CREATE TABLE t (id serial PRIMARY KEY, a text)";
const SOURCE: &str =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y')";

#[test]
fn the_backup_of_a_merge_is_removed_and_the_last_one_not_unasked() {
    let mut desk = Desk::of_sql(server(), TARGET, SOURCE);
    desk.merge(&[]).exits(0);
    let status = Ran::of(history(&desk, "status", &[])).exits(0).json();
    let backup = status["runs"][0]["backup"]["location"].as_str().unwrap();
    assert!(backup.starts_with("schema waybill_backup_"), "{backup}");
    let refused = Ran::of(history(&desk, "prune", &["--keep", "0", "--no-input"])).exits(4);
    assert_eq!(refused.json()["error"]["code"], "not-confirmed");
    Ran::of(history(&desk, "prune", &["--keep", "1"])).exits(0);
    assert_eq!(runs(&desk), "merge current true");
    let pruned = Ran::of(history(&desk, "prune", &["--keep", "0", "--yes"])).exits(0);
    assert_eq!(pruned.json()["removed"][0]["location"], backup);
    assert_eq!(runs(&desk), "merge current false");
    let refused = undo(&desk, &[]).exits(4).json();
    assert_eq!(refused["error"]["code"], "run-missing");
    assert_eq!(desk.ask("SELECT count(*) FROM t"), "2");
}

#[test]
fn a_ledger_elsewhere_is_named_to_all_commands() {
    let mut desk = Desk::of_sql(server(), TARGET, SOURCE);
    desk.client.batch_execute("CREATE SCHEMA books").unwrap();
    let elsewhere = ["--ledger-schema", "books"];
    desk.fill(&elsewhere).exits(0);
    assert_eq!(runs(&desk), "");
    undo(&desk, &[]).exits(4);
    let status = Ran::of(history(&desk, "status", &elsewhere))
        .exits(0)
        .json();
    assert_eq!(status["runs"][0]["mode"], "fill");
    undo(&desk, &elsewhere).exits(0);
    assert_eq!(desk.ask("SELECT count(*) FROM t"), "0");
    undo(&desk, &elsewhere).exits(0);
    assert_eq!(desk.ask("SELECT count(*) FROM t"), "2");
    let prune = ["--keep", "0", "--yes", "--ledger-schema", "books"];
    let pruned = Ran::of(history(&desk, "prune", &prune)).exits(0).json();
    assert_eq!(pruned["removed"].as_array().unwrap().len(), 1);
}

/// A schema of the application's by the name of the ledger's made every command end as a defect of the program.
#[test]
fn what_is_no_ledger_is_not_taken_for_one() {
    for (made, what) in [
        (
            "CREATE TABLE waybill.version (version text); INSERT INTO waybill.version VALUES ('1')",
            "the schema of the ledger holds something else under the names of its tables",
        ),
        (
            "CREATE VIEW waybill.runs AS SELECT 1 AS run",
            "the schema of the ledger holds something else under the names of its tables",
        ),
        (
            "CREATE TABLE waybill.version (version integer); INSERT INTO waybill.version VALUES (NULL)",
            "the ledger in this schema is of version 0",
        ),
        (
            "CREATE TABLE waybill.version (version integer); INSERT INTO waybill.version VALUES (1)",
            "the ledger of imports has lost its table `runs`",
        ),
    ] {
        let mut desk = Desk::of_sql(server(), TARGET, SOURCE);
        desk.client
            .batch_execute(&format!("CREATE SCHEMA waybill; {made}"))
            .unwrap();
        let refused = [
            desk.fill(&[]),
            undo(&desk, &[]),
            Ran::of(history(&desk, "status", &[])),
            Ran::of(history(&desk, "prune", &["--keep", "0"])),
        ];
        for refused in refused {
            let refused = refused.exits(4).json();
            assert_eq!(refused["error"]["code"], "server-unfit");
            assert_eq!(refused["error"]["what"], what);
        }
        desk.client.batch_execute("CREATE SCHEMA books").unwrap();
        desk.fill(&["--ledger-schema", "books"]).exits(0);
    }
}
