//! Mapping files through the programs, into real servers.

mod mistakes;
mod page;
mod rehearsal;
mod structure;
mod surroundings;
mod twins;
mod values;

use crate::support::postgres::Server;
use crate::support::program::{Ran, run};
use std::fs;
use std::path::PathBuf;

/// A source with its archive, and a folder for mapping files.
pub(crate) struct Case {
    folder: tempfile::TempDir,
    pub(crate) source: PathBuf,
    archive: PathBuf,
}

impl Case {
    /// The database that these statements make.
    pub(crate) fn new(sql: &str) -> Case {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = folder.path().join("source.db");
        let connection = rusqlite::Connection::open(&source).expect("a new database");
        connection
            .execute_batch(sql)
            .expect("the statements are SQLite's");
        connection.close().expect("nothing is open");
        let archive = folder.path().join("it.waybill.tar.zst");
        run("waybill-export", [source.as_os_str(), archive.as_os_str()]).exits(0);
        Case {
            folder,
            source,
            archive,
        }
    }

    /// Writes a file beside the mapping file.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("the folder is ours");
        path
    }

    /// The mapping file with these lines after the first.
    pub(crate) fn map(&self, lines: &str) -> PathBuf {
        self.file("map.toml", &format!("waybill-mapping = 1\n{lines}"))
    }

    /// Imports with the mapping file of these lines; `more` are further arguments.
    pub(crate) fn import(&self, lines: &str, uri: &str, more: &[&str]) -> Ran {
        let map = self.map(lines);
        let mut arguments = vec!["--json".into(), "--map".into(), map.into_os_string()];
        arguments.extend(more.iter().map(Into::into));
        arguments.push(self.archive.clone().into_os_string());
        arguments.push(uri.into());
        run("waybill-import", arguments)
    }

    /// Imports into a fresh database of `server`, and connects to it.
    pub(crate) fn imported(&self, lines: &str, server: &Server) -> (serde_json::Value, Database) {
        let uri = server.fresh_database();
        let report = self.import(lines, &uri, &[]).exits(0).json();
        (report, Database::open(&uri))
    }
}

/// A connection that shows what it is given.
pub(crate) struct Database(pub(crate) postgres::Client);

impl Database {
    pub(crate) fn open(uri: &str) -> Database {
        Database(postgres::Client::connect(uri, postgres::NoTls).expect("the server answers"))
    }

    /// The first column of all rows as text, NULL as `NULL`.
    pub(crate) fn texts(&mut self, sql: &str) -> Vec<String> {
        let rows = self.0.query(sql, &[]);
        let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let text = |row: &postgres::Row| row.get::<_, Option<String>>(0);
        rows.iter()
            .map(|row| text(row).unwrap_or_else(|| "NULL".to_owned()))
            .collect()
    }

    pub(crate) fn run(&mut self, sql: &str) {
        let done = self.0.batch_execute(sql);
        done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
}

/// The findings of a report with this code: place and message.
pub(crate) fn findings(report: &serde_json::Value, code: &str) -> Vec<String> {
    let all = report["findings"].as_array().expect("a list");
    let of_code = all.iter().filter(|finding| finding["code"] == code);
    of_code
        .map(|finding| {
            let object = finding["object"].to_string();
            let message = finding["message"].as_str().unwrap_or_default();
            format!("{object} {message}")
        })
        .collect()
}
