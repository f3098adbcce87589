//! A corpus of small databases with one peculiarity each: what becomes of every one of them, exactly.
//!
//! Into an archive and back into SQLite nothing may differ; into PostgreSQL every value is equal and
//! the findings are those that are listed, or the import is refused for the reasons listed. What is
//! right follows from docs/types.md. Rows are compared by code that is none of Waybill's.

use crate::support::{compare_postgres, compare_sqlite, library, postgres};
use ::postgres::{Client, NoTls};
use quirk::{Expected, Postgres, Quirk, Sqlite};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use waybill_common::report::Report;

mod computed;
mod dates;
mod files;
mod findings;
mod foreign;
mod keys;
mod lossless;
mod names;
mod numbers;
mod quirk;
mod schema;
mod storage;
mod text;
mod types;

/// Every server gets every so many quirks; the first one gets all.
const SAMPLE: usize = 6;

/// All themes.
fn corpus() -> Vec<Quirk> {
    let themes = [
        types::quirks(),
        numbers::quirks(),
        dates::quirks(),
        text::quirks(),
        storage::quirks(),
        keys::quirks(),
        foreign::quirks(),
        schema::quirks(),
        computed::quirks(),
        names::quirks(),
        files::quirks(),
    ];
    themes.into_iter().flatten().collect()
}

/// The codes of failures and findings that the corpus provokes.
pub(crate) fn codes() -> BTreeSet<&'static str> {
    let corpus = corpus();
    corpus.iter().flat_map(Quirk::codes).collect()
}

#[test]
fn the_corpus_is_large_and_its_names_are_distinct() {
    let corpus = corpus();
    let names: BTreeSet<&str> = corpus.iter().map(|quirk| quirk.name).collect();
    assert_eq!(names.len(), corpus.len(), "a name stands twice");
    assert!(names.len() >= 80, "{} quirks", names.len());
}

/// One test a theme, so that they run side by side.
macro_rules! themes {
    ($($test:ident: $theme:ident,)*) => {
        $(#[test] fn $test() { hold(&$theme::quirks()); })*
    };
}

themes! {
    quirks_of_types_hold: types,
    quirks_of_numbers_hold: numbers,
    quirks_of_dates_hold: dates,
    quirks_of_text_hold: text,
    quirks_of_storage_hold: storage,
    quirks_of_keys_hold: keys,
    quirks_of_foreign_keys_hold: foreign,
    quirks_of_schemas_hold: schema,
    quirks_of_computed_columns_hold: computed,
    quirks_of_names_hold: names,
    quirks_of_files_hold: files,
}

/// Tries every quirk, and fails with all those that are not as they should be.
fn hold(quirks: &[Quirk]) {
    let desks: Vec<Desk> = postgres::servers().iter().map(Desk::new).collect();
    let mut failures = Vec::new();
    for (number, quirk) in quirks.iter().enumerate() {
        let outcome = catch_unwind(AssertUnwindSafe(|| tried(quirk, number, &desks)));
        let failure = match outcome {
            Ok(Ok(())) => continue,
            Ok(Err(difference)) => difference,
            Err(panic) => said(panic.as_ref()),
        };
        failures.push(format!("{}:\n{failure}", quirk.name));
    }
    assert!(
        failures.is_empty(),
        "{} of {} quirks differ\n\n{}",
        failures.len(),
        quirks.len(),
        failures.join("\n\n")
    );
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let owned = panic.downcast_ref::<String>().cloned();
    let text = owned.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "it panics".to_owned())
}

/// A database of a server, in which each quirk has a schema of its own.
struct Desk {
    uri: String,
    client: RefCell<Client>,
}

impl Desk {
    fn new(server: &postgres::Server) -> Desk {
        let uri = server.fresh_database();
        let client = Client::connect(&uri, NoTls).expect("the server answers");
        Desk {
            uri,
            client: RefCell::new(client),
        }
    }
}

fn tried(quirk: &Quirk, number: usize, desks: &[Desk]) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join("source.db");
    quirk.write(&source);
    let archive = folder.path().join("quirk.waybill");
    let before = content(folder.path());
    let exported = library::export(&source, &archive);
    let (of_export, of_sqlite, of_postgres, without) = match &quirk.expected {
        Expected::Unreadable(code) => return unreadable(code, exported, &archive),
        Expected::Readable {
            exported,
            sqlite,
            postgres,
            without,
        } => (exported, sqlite, postgres, without),
    };
    let exported = exported.map_err(|fault| format!("the export ends with {fault:?}"))?;
    findings::compare("the export", of_export, &exported.findings)?;
    let mut after = content(folder.path());
    after.retain(|(name, _)| name != Path::new("quirk.waybill"));
    if before != after {
        return Err("the export changes its source".to_owned());
    }
    let reference = settled(&source, folder.path());
    into_sqlite(of_sqlite, without, &reference, &archive)?;
    if !quirk.renamed.is_empty() {
        let connection = rusqlite::Connection::open(&reference).expect("our own file");
        connection
            .execute_batch(quirk.renamed)
            .expect("the names are free");
    }
    for (position, desk) in desks.iter().enumerate() {
        if position == 0 || number.is_multiple_of(SAMPLE) {
            into_postgres(quirk.name, of_postgres, &reference, &archive, desk)?;
        }
    }
    Ok(())
}

/// The files of a folder, by name.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).expect("our own folder");
    let paths = entries.map(|entry| entry.expect("our own folder").path());
    let mut files: Vec<_> = paths
        // SQLite's own scratch memory.
        .filter(|path| path.is_file() && !path.to_string_lossy().ends_with("-shm"))
        .map(|path| {
            let bytes = std::fs::read(&path).expect("our own file");
            (PathBuf::from(path.file_name().expect("a file")), bytes)
        })
        .collect();
    files.sort();
    files
}

fn unreadable(
    code: &str,
    exported: Result<Report, waybill_common::fault::Fault>,
    archive: &Path,
) -> Result<(), String> {
    let fault = match exported {
        Ok(report) => return Err(format!("the export succeeds: {:?}", report.findings)),
        Err(fault) => fault,
    };
    if fault.code().name() != code {
        return Err(format!(
            "the export ends not with {code} but with {fault:?}"
        ));
    }
    if archive.exists() {
        return Err("a failed export leaves an archive".to_owned());
    }
    Ok(())
}

/// A file that holds what SQLite sees: the source itself, or a copy in which it has recovered.
fn settled(source: &Path, folder: &Path) -> PathBuf {
    let beside = |path: &Path, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let sidecars = ["-wal", "-journal"].map(|suffix| (beside(source, suffix), suffix));
    if sidecars.iter().all(|(path, _)| !path.exists()) {
        return source.to_owned();
    }
    let copy = folder.join("settled.db");
    std::fs::copy(source, &copy).expect("our own file");
    for (path, suffix) in sidecars.iter().filter(|(path, _)| path.exists()) {
        std::fs::copy(path, beside(&copy, suffix)).expect("our own file");
    }
    let connection = rusqlite::Connection::open(&copy).expect("SQLite recovers");
    connection
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE); SELECT count(*) FROM sqlite_schema")
        .expect("SQLite recovers");
    copy
}

fn into_sqlite(
    expected: &Sqlite,
    without: &[&str],
    reference: &Path,
    archive: &Path,
) -> Result<(), String> {
    let copy = archive.with_file_name("copy.db");
    let imported = library::into_sqlite(archive, copy.clone());
    let (expected, imported) = match (expected, imported) {
        (Sqlite::Stopped(code, table), Err(fault)) => {
            let place = fault.place().table.clone().unwrap_or_default();
            return if (fault.code().name(), place.as_str()) == (code, table) && !copy.exists() {
                Ok(())
            } else {
                Err(format!("the import into SQLite ends with {fault:?}"))
            };
        }
        (Sqlite::Stopped(..), Ok(report)) => {
            return Err(format!(
                "the import into SQLite succeeds: {:?}",
                report.findings
            ));
        }
        (Sqlite::Findings(_), Err(fault)) => {
            return Err(format!("the import into SQLite ends with {fault:?}"));
        }
        (Sqlite::Findings(expected), Ok(report)) => (expected, report),
    };
    findings::compare("the import into SQLite", expected, &imported.findings)?;
    if imported.refused {
        return if copy.exists() {
            Err("a refused import leaves a file".to_owned())
        } else {
            Ok(())
        };
    }
    compare_sqlite::assert_same_but(reference, &copy, without);
    Ok(())
}

fn into_postgres(
    schema: &str,
    expected: &Postgres,
    reference: &Path,
    archive: &Path,
    desk: &Desk,
) -> Result<(), String> {
    let mut client = desk.client.borrow_mut();
    client
        .batch_execute(&format!("CREATE SCHEMA \"{schema}\""))
        .expect("a new schema");
    let imported = library::into_schema(archive, &desk.uri, schema);
    let relations = relations(&mut client, schema);
    match expected {
        Postgres::Stopped(code, table) => {
            let fault = match imported {
                Ok(report) => return Err(format!("the import succeeds: {:?}", report.findings)),
                Err(fault) => fault,
            };
            let place = fault.place().table.clone().unwrap_or_default();
            if (fault.code().name(), place.as_str()) != (code, table) || relations > 0 {
                return Err(format!("{relations} relations and {fault:?}"));
            }
        }
        Postgres::Refused(findings) => {
            let report = imported.map_err(|fault| format!("the import ends with {fault:?}"))?;
            findings::compare_but_collation("PostgreSQL", findings, &report.findings)?;
            if !report.refused || relations > 0 {
                return Err(format!(
                    "it is not refused, there are {relations} relations"
                ));
            }
        }
        Postgres::Equal(findings) => {
            let report = imported.map_err(|fault| format!("the import ends with {fault:?}"))?;
            let texts = texts(&mut client, schema);
            findings::compare_with_collation("PostgreSQL", findings, texts, &report.findings)?;
            let without = findings::tables_left_out(&report.findings);
            compare_postgres::assert_same_values_but(reference, &mut client, schema, &without);
            if findings::structure_is_whole(&report.findings) {
                compare_postgres::assert_same(reference, &mut client, schema);
            }
        }
    }
    Ok(())
}

/// Tables and indexes in `schema`.
fn relations(client: &mut Client, schema: &str) -> i64 {
    let sql = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1";
    client
        .query_one(sql, &[&schema])
        .expect("the catalogue")
        .get(0)
}

/// Columns of type text in `schema`.
fn texts(client: &mut Client, schema: &str) -> u64 {
    let sql = "SELECT count(*) FROM information_schema.columns NATURAL JOIN information_schema.tables WHERE table_schema = $1 AND data_type = 'text' AND table_type = 'BASE TABLE'";
    let count: i64 = client
        .query_one(sql, &[&schema])
        .expect("the catalogue")
        .get(0);
    count.unsigned_abs()
}
