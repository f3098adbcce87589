//! A database with the application's tables, an archive, and the import of one into the other.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;

use crate::support::postgres::Server;
use crate::support::program::{Ran, command, run};
use crate::support::samples::{Sample, sample};

/// A database on one server, and an archive to fill it from.
pub(crate) struct Desk {
    pub(crate) uri: String,
    pub(crate) client: postgres::Client,
    pub(crate) archive: PathBuf,
    _folder: tempfile::TempDir,
    pub(crate) source: Sample,
}

impl Desk {
    /// Tables made by `migrations`, and an archive of `source`.
    pub(crate) fn new(server: &Server, migrations: &str, source: Sample) -> Desk {
        let uri = server.fresh_database();
        let mut client = postgres::Client::connect(&uri, postgres::NoTls).unwrap();
        client.batch_execute(migrations).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.tar.zst");
        export(&source.path, &archive);
        Desk {
            uri,
            client,
            archive,
            _folder: folder,
            source,
        }
    }

    /// The same with a source made by SQL.
    pub(crate) fn of_sql(server: &Server, migrations: &str, source: &str) -> Desk {
        let source = sample("source.db", |connection: &Connection| {
            connection.execute_batch(source)
        });
        Desk::new(server, migrations, source)
    }

    /// The import, with more arguments.
    pub(crate) fn fill(&self, arguments: &[&str]) -> Ran {
        self.fill_as(&self.uri, arguments)
    }

    /// The import with `--mode merge`.
    pub(crate) fn merge(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.merging(arguments))
    }

    /// The command of it.
    pub(crate) fn merging(&self, arguments: &[&str]) -> Command {
        let mut import = command("waybill-import");
        import.args(["--json", "--mode", "merge"]).args(arguments);
        import.arg(&self.archive).arg(&self.uri);
        import
    }

    /// The import by another locator.
    pub(crate) fn fill_as(&self, uri: &str, arguments: &[&str]) -> Ran {
        let mut import = command("waybill-import");
        import.args(["--json", "--mode", "fill"]).args(arguments);
        import.arg(&self.archive).arg(uri);
        Ran::of(import)
    }

    /// The answer to a query, columns by `|`, rows by newline.
    pub(crate) fn ask(&mut self, query: &str) -> String {
        crate::postgres_target::ask(&mut self.client, query)
    }

    /// Runs a program, kills it at a moment, and waits until the server has finished or rolled back what
    /// it had sent.
    pub(crate) fn kill_after(&mut self, mut program: Command, moment: Duration) {
        program.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = program.spawn().unwrap();
        std::thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        let begin = Instant::now();
        while self.ask("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'waybill%' AND datname = current_database()") != "0" {
            assert!(begin.elapsed() < Duration::from_secs(20), "killed after {moment:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Fails unless nothing of Waybill's is left.
    pub(crate) fn assert_tidy(&mut self) {
        let left =
            self.ask("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'waybill\\_staging%'");
        assert_eq!(left, "");
    }
}

/// Exports a database.
pub(crate) fn export(source: &Path, archive: &Path) {
    run("waybill-export", [source, archive]).exits(0);
}

/// The findings of a severity as `code table column count: first sample`.
pub(crate) fn findings(result: &Value, severity: &str) -> Vec<String> {
    let all = result["findings"].as_array().unwrap().iter();
    let all = all.filter(|finding| finding["severity"] == severity);
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    all.map(|finding| {
        let object = &finding["object"];
        let words = [
            word(&finding["code"]),
            word(&object["table"]),
            word(&object["column"]),
            finding["count"].to_string(),
        ];
        let sample = word(&finding["samples"][0]);
        let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
        format!("{}: {sample}", words.join(" "))
    })
    .collect()
}
