//! `waybill-import check`: a live database beside the archive it came from.

#![expect(
    clippy::unwrap_used,
    reason = "the allowance for tests covers test functions only, not what they share"
)]

mod postgres;
mod size;
mod sqlite;

use crate::support::program::{Ran, command, run};
use crate::support::result_schema::assert_valid;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Every storage class, with and without a key.
const SHOP: &str = r#"
    CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT, total REAL, stamp TEXT, doc TEXT, raw BLOB, paid BOOLEAN, n INTEGER);
    INSERT INTO orders VALUES
      (1, 'ann', 0.0, '2024-03-31T02:30:00+02:00', '{"a": 1, "b": [1.50]}', x'00ff27', 1, 9007199254740993),
      (2, '', -0.0, '2024-10-27T01:30:00Z', '[]', x'', 0, 2),
      (3, NULL, 0.1, NULL, NULL, NULL, NULL, NULL);
    CREATE TABLE log (at TEXT, what TEXT);
    INSERT INTO log VALUES ('2024-01-01', 'in'), ('2024-01-01', 'in'), ('2024-01-02', 'out');
    CREATE TABLE pair (a TEXT, b INTEGER, v TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
    INSERT INTO pair VALUES ('x', 1, 'one'), ('it''s', 2, 'two');
"#;

/// A source and its archive.
struct Made {
    folder: TempDir,
}

impl Made {
    fn of(sql: &str) -> Made {
        let made = Made {
            folder: tempfile::tempdir().unwrap(),
        };
        let source = rusqlite::Connection::open(made.source()).unwrap();
        source.execute_batch(sql).unwrap();
        drop(source);
        run("waybill-export", [made.source(), made.archive()]).exits(0);
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn source(&self) -> PathBuf {
        self.path("source.db")
    }

    fn archive(&self) -> PathBuf {
        self.path("a.waybill")
    }

    fn import(&self, target: &str, more: &[&str]) {
        let archive = self.archive();
        let line = [archive.to_str().unwrap(), target];
        run("waybill-import", line.iter().chain(more)).exits(0);
    }

    fn command(&self, target: &str, more: &[&str]) -> Command {
        let mut command = command("waybill-import");
        command.arg("check").arg(self.archive()).arg(target);
        command.arg("--json").args(more);
        command
    }

    /// The result of a check that ends with this code.
    fn check(&self, target: &str, more: &[&str], code: i32) -> Value {
        let ran = Ran::of(self.command(target, more)).exits(code);
        let json = ran.json();
        assert_valid(&json, "check");
        json
    }

    fn equal(&self, target: &str, more: &[&str]) {
        let json = self.check(target, more, 0);
        let summary = json["findings"].to_string();
        assert!(findings(&json).is_empty(), "{summary}");
    }
}

/// Errors: code, table, count and samples.
fn findings(json: &Value) -> Vec<(String, String, u64, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = json["findings"].as_array().unwrap().iter();
    all.filter(|finding| finding["severity"] == "error")
        .map(|finding| {
            (
                text(&finding["code"]),
                text(&finding["object"]["table"]),
                finding["count"].as_u64().unwrap(),
                finding["samples"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(text)
                    .collect(),
            )
        })
        .collect()
}

/// The one finding that is expected, of a table whose rows differ.
fn differs(json: &Value, table: &str, count: u64, samples: &[&str]) {
    let samples = samples.iter().map(|&sample| sample.to_owned()).collect();
    let expected = (
        "target-differs".to_owned(),
        table.to_owned(),
        count,
        samples,
    );
    assert_eq!(findings(json), [expected], "{json:#}");
}

fn sqlite(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}
