//! Servers that cannot be reached, that refuse us, or that have no room for the tables.

use super::{assert_explains, tiny_archive};
use crate::support::postgres;
use crate::support::program::run;

#[test]
fn a_server_that_is_down_or_unknown_is_worth_another_try() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = tiny_archive(folder.path());
    let ran = run(
        "waybill-import",
        [
            archive.as_os_str(),
            "postgresql://u:secret@127.0.0.1:1/d".as_ref(),
        ],
    );
    assert!(
        !ran.stderr().contains("secret"),
        "a password is never shown: {}",
        ran.stderr()
    );
    assert_explains(ran, 5, "server-unreachable", "127.0.0.1:1");
    let ran = run(
        "waybill-import",
        [
            archive.as_os_str(),
            "pg:host=/nonexistent dbname=d user=u".as_ref(),
        ],
    );
    assert_explains(ran, 5, "server-unreachable", "nonexistent");
}

#[test]
fn a_wrong_password_is_refused_without_showing_it() {
    let server = postgres::server();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = tiny_archive(folder.path());
    let uri = format!(
        "postgresql://postgres:wrong-secret@127.0.0.1:{}/postgres",
        server.port
    );
    let ran = run(
        "waybill-import",
        ["--json".as_ref(), archive.as_os_str(), uri.as_ref()],
    )
    .exits(1);
    assert_eq!(ran.json()["error"]["code"], "login-refused");
    assert!(!format!("{}{}", ran.stdout(), ran.stderr()).contains("wrong-secret"));
}

#[test]
fn a_missing_database_is_answered_with_the_statement_that_makes_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = tiny_archive(folder.path());
    let uri = postgres::server().uri("no_such_database");
    let ran = run("waybill-import", [archive.as_os_str(), uri.as_ref()]);
    assert!(
        ran.stderr()
            .contains("CREATE DATABASE \"no_such_database\" ENCODING 'UTF8'"),
        "{}",
        ran.stderr()
    );
    assert_explains(ran, 1, "database-missing", "no_such_database");
}

#[test]
fn a_table_of_the_same_name_is_refused_and_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = tiny_archive(folder.path());
    let uri = postgres::fresh_database();
    let mut client =
        ::postgres::Client::connect(&uri, ::postgres::NoTls).expect("the server answers");
    client
        .batch_execute("CREATE TABLE pet(mine text); INSERT INTO pet VALUES ('Rex')")
        .expect("a table");
    assert_explains(
        run("waybill-import", [archive.as_os_str(), uri.as_ref()]),
        4,
        "target-exists",
        "pet",
    );
    let rex: String = client
        .query_one("SELECT mine FROM pet", &[])
        .expect("the table is as it was")
        .get(0);
    assert_eq!(rex, "Rex");
    let schemas: i64 = client
        .query_one(
            "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'waybill%'",
            &[],
        )
        .expect("catalogue")
        .get(0);
    assert_eq!(schemas, 0);
}

#[test]
fn a_missing_right_is_refused_with_the_grant_to_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = tiny_archive(folder.path());
    let server = postgres::server();
    let uri = server.fresh_database();
    let mut client =
        ::postgres::Client::connect(&uri, ::postgres::NoTls).expect("the server answers");
    client
        .batch_execute("DO $$ BEGIN CREATE ROLE poor LOGIN PASSWORD 'poor'; EXCEPTION WHEN duplicate_object THEN END $$")
        .expect("a role");
    let database: String = client
        .query_one("SELECT current_database()", &[])
        .expect("a name")
        .get(0);
    let poor = format!(
        "postgresql://poor:poor@127.0.0.1:{}/{database}",
        server.port
    );
    let ran = run("waybill-import", [archive.as_os_str(), poor.as_ref()]);
    assert!(ran.stderr().contains("GRANT CREATE"), "{}", ran.stderr());
    assert_explains(ran, 4, "right-missing", &database);
}

#[test]
fn a_connection_setting_that_cannot_be_honoured_is_a_usage_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = tiny_archive(folder.path());
    for setting in ["nosuchkey=1", "sslcrl=/tmp/x.crl", "gssencmode=require"] {
        let locator = format!("pg:host=127.0.0.1 {setting}");
        let ran = run("waybill-import", [archive.as_os_str(), locator.as_ref()]);
        assert_explains(
            ran,
            2,
            "connection-setting",
            setting.split('=').next().expect("a key"),
        );
    }
}
