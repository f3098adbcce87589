//! `waybill-import undo` of rows that a merge or a fill has put into tables of an application, on every
//! server.

#![expect(
    clippy::unwrap_used,
    reason = "the allowance for tests covers test functions only, not what they share"
)]

mod fill;
mod history;
mod merge;
mod refused;
mod survival;

use crate::fill::desk::Desk;
use crate::postgres_target::replace::dump;
use crate::support::postgres::Server;
use crate::support::program::{Ran, command};
use serde_json::Value;
use std::process::Command;

/// Everything in the database but what is Waybill's own. Rows lie elsewhere in the files of a table once
/// they were changed, so their order does not count.
fn state(server: &Server, desk: &mut Desk) -> String {
    let mut dumped: Vec<_> = dump(server, &desk.uri).lines().map(str::to_owned).collect();
    dumped.sort_unstable();
    let tables = "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
        WHERE schemaname NOT LIKE 'waybill%' AND schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1";
    for table in desk.ask(tables).lines() {
        dumped.push(desk.ask(&format!(
            "SELECT '{table}', t::text FROM {table} AS t ORDER BY 2"
        )));
    }
    let sequences = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1";
    for sequence in desk.ask(sequences).lines() {
        let sql = format!("SELECT '{sequence}', last_value, is_called FROM \"{sequence}\"");
        dumped.push(desk.ask(&sql));
    }
    dumped.join("\n")
}

/// One of the commands about the history of the desk's database.
fn history(desk: &Desk, command_name: &str, arguments: &[&str]) -> Command {
    let mut program = command("waybill-import");
    program.arg(command_name).arg("--json").args(arguments);
    program.arg(&desk.uri);
    program
}

fn undo(desk: &Desk, arguments: &[&str]) -> Ran {
    Ran::of(history(desk, "undo", arguments))
}

/// The runs: `mode state undoable`, the newest last.
fn runs(desk: &Desk) -> String {
    let status = Ran::of(history(desk, "status", &[])).exits(0).json();
    let runs = status["runs"].as_array().unwrap().iter();
    let words = runs.map(|run| {
        let word = |key: &str| run[key].as_str().unwrap().to_owned();
        format!("{} {} {}", word("mode"), word("state"), run["undoable"])
    });
    words.collect::<Vec<_>>().join("\n")
}

/// The findings as `table count message: samples`.
fn findings(result: &Value) -> Vec<String> {
    let all = result["findings"].as_array().unwrap().iter();
    all.map(|finding| {
        let table = finding["object"]["table"].as_str().unwrap_or_default();
        let message = finding["message"].as_str().unwrap();
        let samples = finding["samples"].as_array().unwrap().iter();
        let samples: Vec<_> = samples.map(|one| one.as_str().unwrap()).collect();
        format!(
            "{table} {} {message}: {}",
            finding["count"],
            samples.join("; ")
        )
    })
    .collect()
}
