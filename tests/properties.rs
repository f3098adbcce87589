//! Random databases there and back: exactly into SQLite; into PostgreSQL with equal values, or
//! refused by name. The cases are the same at each run; `WAYBILL_PROPTEST_CASES` asks for more.

use crate::support::{compare_postgres, compare_sqlite, library, postgres};
use ::postgres::{Client, NoTls};
use database::{Database, quoted};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rusqlite::Connection;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use waybill_common::fault::Exit;
use waybill_common::location::Location;
use waybill_common::report::{Report, Severity};

mod database;
mod generate;
mod look;

/// Columns that every table of PostgreSQL has already.
const SYSTEM: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// The cases to run: always the same ones, and more of them where the environment says so.
fn runner(cases: u32, seed: u8) -> TestRunner {
    let asked = std::env::var("WAYBILL_PROPTEST_CASES").ok();
    let cases = asked.map_or(cases, |cases| cases.parse().expect("a number of cases"));
    // Another seed for long runs, so that they see what no run has seen.
    let seed = std::env::var("WAYBILL_PROPTEST_SEED")
        .map_or(seed, |seed| seed.parse().expect("a seed from 0 to 255"));
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 500,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    TestRunner::new_with_rng(config, rng)
}

/// Runs `check` on random databases, each in a folder of its own; a panic is a failure.
fn for_each(cases: u32, seed: u8, check: impl Fn(&Path, &Path, usize)) {
    let outcome =
        runner(cases, seed).run(&(generate::database(), 1..4usize), |(database, jobs)| {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let source = folder.path().join("source.db");
            build(&database, &source)?;
            check(folder.path(), &source, jobs);
            Ok(())
        });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn build(database: &Database, path: &Path) -> Result<(), TestCaseError> {
    database::build(database, path)
        .map_err(|error| TestCaseError::fail(format!("SQLite does not make it: {error}")))
}

/// Exports and verifies; gives the archive and its content root.
fn archived(folder: &Path, source: &Path, name: &str, jobs: usize) -> (PathBuf, String) {
    let archive = folder.join(name);
    let exported = library::export_by(source, &archive, jobs)
        .unwrap_or_else(|fault| panic!("export: {fault:?}"));
    let verified =
        library::verify_by(&archive, jobs).unwrap_or_else(|fault| panic!("verify: {fault:?}"));
    assert_eq!(
        verified.exit(None),
        Exit::Ok,
        "verify: {:?}",
        verified.findings
    );
    let root = exported
        .archive
        .expect("an export has an archive")
        .content_root;
    (archive, root)
}

#[test]
fn random_databases_come_back_exactly_in_sqlite() {
    for_each(60, 1, |folder, source, jobs| {
        let before = std::fs::read(source).expect("the source is readable");
        let (archive, root) = archived(folder, source, "first.tar.zst", jobs);
        let copy = folder.join("copy.db");
        let imported = library::import_by(&archive, Location::Sqlite(copy.clone()), jobs)
            .unwrap_or_else(|fault| panic!("import: {fault:?}"));
        assert_eq!(imported.exit(None), Exit::Ok, "{:?}", imported.findings);
        compare_sqlite::assert_same(source, &copy);
        let (_, again) = archived(folder, &copy, "second.tar.zst", 4 - jobs);
        assert_eq!(root, again, "content roots of the source and its copy");
        let after = std::fs::read(source).expect("the source is readable");
        assert!(before == after, "the source is changed");
    });
}

#[test]
fn random_databases_are_equal_in_postgresql_or_refused_by_name() {
    let uri = postgres::fresh_database();
    let client = RefCell::new(Client::connect(&uri, NoTls).expect("the server answers"));
    let (equal, refused) = (RefCell::new(0), RefCell::new(0));
    for_each(40, 2, |folder, source, jobs| {
        let mut client = client.borrow_mut();
        client
            .batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            .expect("the schema can be made anew");
        let (archive, _) = archived(folder, source, "first.tar.zst", jobs);
        let imported = library::import_by(&archive, Location::Postgres(uri.clone()), jobs)
            .unwrap_or_else(|fault| panic!("import: {fault:?}"));
        if imported.refused {
            let errors = || {
                let findings = imported.findings.iter();
                findings.filter(|finding| finding.severity == Severity::Error)
            };
            assert!(errors().count() > 0, "a refusal without a reason");
            assert!(
                errors().all(|finding| finding.place.table.is_some()),
                "{:?}",
                imported.findings
            );
            assert_eq!(relations(&mut client), 0, "a refused import leaves nothing");
            refused.replace_with(|count| *count + 1);
        } else {
            assert_eq!(imported.exit(None), Exit::Ok, "{:?}", imported.findings);
            let renamed = renamed(source, &folder.join("renamed.db"), &imported);
            compare_postgres::assert_same_values(&renamed, &mut client, "public");
            equal.replace_with(|count| *count + 1);
        }
    });
    let (equal, refused) = (equal.into_inner(), refused.into_inner());
    assert!(equal > 0 && refused > 0, "{equal} equal, {refused} refused");
}

/// Tables and indexes in `public`.
fn relations(client: &mut Client) -> i64 {
    let sql = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    client.query_one(sql, &[]).expect("the catalogue").get(0)
}

/// A copy of the source in which tables and columns have the names that the report gives them in
/// PostgreSQL: other ones only where PostgreSQL takes the source's not.
fn renamed(source: &Path, copy: &Path, report: &Report) -> PathBuf {
    let unfit = |name: &str| name.is_empty() || name.len() > 63 || SYSTEM.contains(&name);
    std::fs::copy(source, copy).expect("our own file");
    let connection = Connection::open(copy).expect("our own file");
    let rename = |sql: String| {
        let done = connection.execute_batch(&sql);
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    };
    for table in &report.tables {
        let name = quoted(&table.name);
        for column in &table.columns {
            let target = column.target_name.as_ref().unwrap_or(&column.name);
            if *target != column.name {
                assert!(unfit(&column.name), "{} becomes {target}", column.name);
                rename(format!(
                    "ALTER TABLE {name} RENAME COLUMN {} TO {}",
                    quoted(&column.name),
                    quoted(target)
                ));
            }
        }
        let target = table.target_name.as_ref().unwrap_or(&table.name);
        if *target != table.name {
            assert!(unfit(&table.name), "{} becomes {target}", table.name);
            rename(format!("ALTER TABLE {name} RENAME TO {}", quoted(target)));
        }
    }
    drop(connection);
    copy.to_owned()
}
