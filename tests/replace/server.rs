//! Tables of a PostgreSQL database replaced and brought back, with the real programs.

use crate::support::postgres::fresh_database;
use crate::support::program::{Ran, command, run};
use crate::support::samples;
use std::path::PathBuf;
use tempfile::TempDir;

/// A database with an import of the shop, and the archive of it.
struct Counter {
    folder: TempDir,
    uri: String,
}

impl Counter {
    fn new() -> Counter {
        let counter = Counter {
            folder: tempfile::tempdir().expect("a temporary folder"),
            uri: fresh_database(),
        };
        let shop = samples::shop();
        run(
            "waybill-export",
            [
                "-q".as_ref(),
                shop.path.as_os_str(),
                counter.archive().as_os_str(),
            ],
        )
        .exits(0);
        counter
    }

    fn archive(&self) -> PathBuf {
        self.folder.path().join("a.waybill")
    }

    fn import(&self, flags: &[&str]) -> Ran {
        let mut import = command("waybill-import");
        import.args(flags).arg(self.archive()).arg(&self.uri);
        Ran::of(import)
    }

    fn tell(&self, name: &str, flags: &[&str]) -> Ran {
        let mut tell = command("waybill-import");
        tell.arg(name).arg(&self.uri).args(flags);
        Ran::of(tell)
    }

    /// What each run did, and what has become of it.
    fn states(&self) -> Vec<String> {
        let status = self.tell("status", &["--json"]).exits(0).json();
        let runs = status["runs"].as_array().expect("a list");
        let word = |run: &serde_json::Value, key: &str| run[key].as_str().unwrap_or("?").to_owned();
        runs.iter()
            .map(|run| format!("{} {}", word(run, "mode"), word(run, "state")))
            .collect()
    }

    fn execute(&self, sql: &str) {
        let mut client = postgres::Client::connect(&self.uri, postgres::NoTls).expect("a server");
        client.batch_execute(sql).expect("the statements run");
    }
}

#[test]
fn tables_of_a_server_are_replaced_with_consent_and_brought_back() {
    let counter = Counter::new();
    assert!(counter.states().is_empty());
    counter.tell("undo", &[]).exits(4);
    counter.import(&[]).exits(0);
    // The same archive, views and all, in the place of itself.
    let again = ["--mode", "replace", "--new-run"];
    let text = counter.import(&again).exits(4).stderr();
    assert!(text.contains("error[not-confirmed]"), "{text}");
    assert!(text.contains("rows"), "{text}");
    assert_eq!(counter.states(), ["create current"]);
    let plan = counter.import(&["--mode", "replace", "--plan"]).exits(0);
    drop(plan);
    counter.import(&[&again[..], &["--yes"]].concat()).exits(0);
    assert_eq!(counter.states(), ["create replaced", "replace current"]);
    counter.tell("undo", &["--dry-run"]).exits(0);
    let script = counter.tell("undo", &["--print-sql"]).exits(0).stdout();
    assert!(script.contains("SET SCHEMA public"), "{script}");
    counter.tell("undo", &[]).exits(0);
    let states = ["create current", "replace undone", "undo current"];
    assert_eq!(counter.states(), states);
    // The undo left a backup, and is undone itself.
    counter.tell("undo", &[]).exits(0);
    let text = counter.tell("status", &[]).exits(0).stdout();
    assert!(text.contains("schema public"), "{text}");
    let text = counter.tell("prune", &["--keep", "0"]).exits(4).stderr();
    assert!(text.contains("error[not-confirmed]"), "{text}");
    counter.tell("prune", &["--keep", "0", "--yes"]).exits(0);
    counter.tell("undo", &[]).exits(4);
}

#[test]
fn an_undo_on_a_server_names_what_has_changed_and_needs_yes() {
    let counter = Counter::new();
    counter.import(&[]).exits(0);
    counter.execute("DELETE FROM tags");
    for flags in [&["--dry-run"][..], &["--no-input"]] {
        let text = counter.tell("undo", flags).exits(4);
        let text = text.stdout() + &text.stderr();
        assert!(text.contains("target-changed"), "{text}");
        assert!(text.contains("table `tags`"), "{text}");
    }
    counter.tell("undo", &["--yes"]).exits(0);
    assert_eq!(counter.states(), ["create undone", "undo current"]);
}

#[test]
fn a_plan_to_replace_names_everything_that_cannot_follow() {
    let counter = Counter::new();
    counter.import(&[]).exits(0);
    counter.execute(
        "CREATE MATERIALIZED VIEW one AS SELECT count(*) FROM orders;
         CREATE TABLE two (it orders)",
    );
    for flags in [
        &["--mode", "replace", "--plan"][..],
        &["--mode", "replace", "--new-run", "-y"],
    ] {
        let text = counter.import(flags).exits(4);
        let text = text.stdout() + &text.stderr();
        assert!(text.contains("materialized view public.one"), "{text}");
        assert!(text.contains("table public.two"), "{text}");
    }
}

#[test]
fn who_is_asked_sees_which_sessions_use_the_tables_and_may_wait_for_none() {
    let counter = Counter::new();
    counter.import(&[]).exits(0);
    let mut till = postgres::Client::connect(&counter.uri, postgres::NoTls).expect("a server");
    till.batch_execute("SET application_name = 'till'; BEGIN; SELECT FROM orders WHERE id = 77777")
        .expect("the statements run");
    let replace = ["--mode", "replace", "--new-run"];
    let text = counter.import(&replace).exits(4).stderr();
    assert!(text.contains("error[not-confirmed]"), "{text}");
    assert!(
        text.contains("`till`: uses orders; idle in transaction"),
        "{text}"
    );
    let plan = counter.import(&["--mode", "replace", "--plan"]).exits(0);
    let text = plan.stdout() + &plan.stderr();
    assert!(text.contains("warning[target-in-use]"), "{text}");
    let rows = ["--mode", "merge", "-t", "orders"];
    for mode in [&replace[..], &rows[..]] {
        let refused = counter.import(&[mode, &["--require-idle", "--yes", "--json"]].concat());
        let told = refused.exits(4).stdout();
        assert!(
            told.contains("target-in-use") && told.contains("uses orders"),
            "{told}"
        );
        assert!(!told.contains("77777"), "{told}");
    }
    assert_eq!(counter.states(), ["create current"]);
    till.batch_execute("COMMIT").expect("it is open");
    counter
        .import(&[&replace[..], &["--require-idle", "--yes"]].concat())
        .exits(0);
}
