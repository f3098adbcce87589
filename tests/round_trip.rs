//! Whole databases through the programs: into SQLite exactly, into PostgreSQL value by value.
//! Source and target are compared by `support`, which uses nothing of Waybill.

use crate::support::program::run;
use crate::support::{compare_postgres, compare_sqlite, postgres, samples};
use std::path::{Path, PathBuf};

/// Exports and verifies `database`; gives the archive.
fn archived(folder: &Path, database: &Path) -> PathBuf {
    let archive = folder.join("it.waybill.tar.zst");
    run(
        "waybill-export",
        [database.as_os_str(), archive.as_os_str()],
    )
    .exits(0);
    run("waybill-verify", [archive.as_os_str()]).exits(0);
    archive
}

fn sqlite_locator(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// SQLite to SQLite: identical rows, classes, objects and pragmas.
fn assert_exact_in_sqlite(database: &Path) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = archived(folder.path(), database);
    let copy = folder.path().join("copy.db");
    run(
        "waybill-import",
        [archive.as_os_str(), sqlite_locator(&copy).as_ref()],
    )
    .exits(0);
    compare_sqlite::assert_same(database, &copy);
    assert_same_content_root(folder.path(), &archive, &copy);
}

/// An export of the copy has the same content root: the whole schema and every row are equal.
fn assert_same_content_root(folder: &Path, archive: &Path, copy: &Path) {
    let again = folder.join("again.waybill.tar.zst");
    let exported = run(
        "waybill-export",
        ["--json".as_ref(), copy.as_os_str(), again.as_os_str()],
    )
    .exits(0);
    let verified = run("waybill-verify", ["--json".as_ref(), archive.as_os_str()]).exits(0);
    assert_eq!(
        exported.json()["archive"]["content_root"],
        verified.json()["archive"]["content_root"]
    );
}

/// SQLite to PostgreSQL: equal by type, with all structure that the source's pragmas tell of.
fn assert_equal_in_postgres(database: &Path) {
    for server in postgres::servers() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let archive = archived(folder.path(), database);
        let uri = server.fresh_database();
        run("waybill-import", [archive.as_os_str(), uri.as_ref()]).exits(0);
        let mut client =
            ::postgres::Client::connect(&uri, ::postgres::NoTls).expect("the server answers");
        compare_postgres::assert_same(database, &mut client, "public");
    }
}

#[test]
fn the_shop_comes_back_exactly_in_sqlite() {
    let shop = samples::shop();
    assert_exact_in_sqlite(&shop.path);
}

#[test]
fn the_quirks_come_back_exactly_in_sqlite() {
    let quirks = samples::quirks();
    assert_exact_in_sqlite(&quirks.path);
}

#[test]
fn the_shop_is_equal_in_postgresql() {
    let shop = samples::shop();
    assert_equal_in_postgres(&shop.path);
}

#[test]
fn the_quirks_are_refused_by_name_in_postgresql() {
    let quirks = samples::quirks();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = archived(folder.path(), &quirks.path);
    let uri = postgres::fresh_database();
    let refused = run(
        "waybill-import",
        ["--json".as_ref(), archive.as_os_str(), uri.as_ref()],
    )
    .exits(4);
    let findings = refused.json()["findings"]
        .as_array()
        .expect("a list")
        .clone();
    let errors: Vec<_> = findings
        .iter()
        .filter(|finding| finding["severity"] == "error")
        .collect();
    assert!(!errors.is_empty());
    for error in errors {
        assert!(error["object"]["table"].is_string(), "{error}");
    }
    let mut client =
        ::postgres::Client::connect(&uri, ::postgres::NoTls).expect("the server answers");
    assert_untouched(&mut client);
}

/// No table, no schema beyond the server's own.
fn assert_untouched(client: &mut ::postgres::Client) {
    let sql = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";
    let relations: i64 = client.query_one(sql, &[]).expect("the catalogue").get(0);
    let sql = "SELECT count(*) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')";
    let schemas: i64 = client.query_one(sql, &[]).expect("the catalogue").get(0);
    assert_eq!((relations, schemas), (0, 0));
}

/// Databases that others made, where the folder with them is at hand.
#[test]
fn databases_of_others_go_through() {
    let Some(folder) = samples::foreign_databases() else {
        eprintln!("skipped: the folder of sample databases made by others is not here");
        return;
    };
    for database in folder {
        eprintln!("{}", database.display());
        assert_exact_in_sqlite(&database);
        equal_or_refused(&database);
    }
}

/// Into PostgreSQL either with every value, or with a refusal that names what does not fit.
fn equal_or_refused(database: &Path) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = archived(folder.path(), database);
    let uri = postgres::fresh_database();
    let import = run(
        "waybill-import",
        ["--json".as_ref(), archive.as_os_str(), uri.as_ref()],
    );
    let mut client =
        ::postgres::Client::connect(&uri, ::postgres::NoTls).expect("the server answers");
    match import.status() {
        Some(0) => compare_postgres::assert_same_values(database, &mut client, "public"),
        Some(4) => {
            let findings = import.json()["findings"]
                .as_array()
                .expect("a list")
                .clone();
            let named = findings
                .iter()
                .filter(|finding| finding["severity"] == "error");
            assert!(
                named.clone().count() > 0,
                "{}: a refusal without a finding",
                database.display()
            );
            assert!(
                named
                    .clone()
                    .all(|finding| finding["object"]["table"].is_string())
            );
            assert_untouched(&mut client);
        }
        other => panic!(
            "{}: exit {other:?}\n{}",
            database.display(),
            import.stderr()
        ),
    }
}

#[test]
fn two_exports_with_different_jobs_are_byte_identical() {
    let shop = samples::shop();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archives = ["1", "2", "5"].map(|jobs| {
        let archive = folder.path().join(format!("{jobs}.waybill.tar.zst"));
        run(
            "waybill-export",
            [
                "-j".as_ref(),
                jobs.as_ref(),
                shop.path.as_os_str(),
                archive.as_os_str(),
            ],
        )
        .exits(0);
        std::fs::read(archive).expect("the archive is readable")
    });
    assert!(archives.iter().all(|archive| *archive == archives[0]));
}
