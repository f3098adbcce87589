//! Merges and fills that stage in a schema which is not their own.

use super::counts;
use crate::fill::desk::Desk;
use crate::support::postgres::{Server, servers};
use crate::support::program::{Ran, command};

const TARGET: &str = "CREATE TABLE t (id integer PRIMARY KEY, a text);
    INSERT INTO t VALUES (1, 'old'); CREATE SCHEMA stage; CREATE SCHEMA ledger;";
const SOURCE: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);
    INSERT INTO t VALUES (1, 'new'), (2, 'new');";
const IN: [&str; 4] = ["--on-conflict", "update", "--staging-schema", "stage"];

/// A merge left a table in the schema that it staged in, and the next one failed over it.
#[test]
fn nothing_is_left_in_the_schema_and_the_next_merge_finds_it_free() {
    for server in servers() {
        let mut desk = Desk::of_sql(server, TARGET, SOURCE);
        let left = "SELECT relname FROM pg_class WHERE relnamespace IN ('stage'::regnamespace, 'public'::regnamespace)
            ORDER BY 1";
        for expected in ["1 1 0 0", "0 0 2 0"] {
            let merged = desk.merge(&IN).exits(0).json();
            assert_eq!(counts(&merged, None), expected);
            assert_eq!(desk.ask(left), "t\nt_pkey");
        }
        desk.client
            .batch_execute("UPDATE t SET a = 'own' WHERE id = 2")
            .unwrap();
        let public = ["--on-conflict", "update", "--staging-schema", "public"];
        let merged = desk.merge(&public).exits(0).json();
        assert_eq!(counts(&merged, None), "0 1 1 0");
        assert_eq!(desk.ask(left), "t\nt_pkey");
    }
}

/// The desk as a role sees it that may not create schemas.
fn as_lodger(server: &Server, desk: &mut Desk) -> String {
    let database = desk.ask("SELECT current_database()");
    desk.client
        .batch_execute(
            "DO $$ BEGIN CREATE ROLE lodger LOGIN PASSWORD 'lodger'; EXCEPTION WHEN duplicate_object THEN END $$;
             ALTER SCHEMA stage OWNER TO lodger; ALTER SCHEMA ledger OWNER TO lodger;
             ALTER TABLE t OWNER TO lodger; DELETE FROM t",
        )
        .unwrap();
    format!(
        "postgresql://lodger:lodger@127.0.0.1:{}/{database}",
        server.port
    )
}

/// A dry undo said that all was well, and the undo failed half-way: the rows have to be kept in a schema.
#[test]
fn an_undo_names_the_right_to_keep_what_it_takes_away() {
    for server in servers() {
        let mut desk = Desk::of_sql(server, TARGET, SOURCE);
        let uri = as_lodger(server, &mut desk);
        let schemas = ["--staging-schema", "stage", "--ledger-schema", "ledger"];
        desk.fill_as(&uri, &schemas).exits(0);
        let database = desk.ask("SELECT current_database()");
        let undo = |arguments: &[&str]| {
            let mut undo = command("waybill-import");
            undo.args(["undo", "--json", "--ledger-schema", "ledger"]);
            undo.args(arguments).arg(&uri);
            Ran::of(undo)
        };
        for arguments in [&["--dry-run"][..], &[]] {
            let refused = undo(arguments).exits(4).json();
            assert_eq!(refused["error"]["code"], "right-missing");
            assert_eq!(
                refused["error"]["help"],
                format!("GRANT CREATE ON DATABASE \"{database}\" TO \"lodger\"")
            );
        }
        assert_eq!(desk.ask("SELECT count(*) FROM t"), "2");
        desk.client
            .batch_execute(&format!("GRANT CREATE ON DATABASE {database} TO lodger"))
            .unwrap();
        undo(&[]).exits(0);
        assert_eq!(desk.ask("SELECT count(*) FROM t"), "0");
    }
}
