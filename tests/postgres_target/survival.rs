//! What an interruption leaves, and what the next import does with it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use waybill_common::engine::postgres::target::PostgresTarget;
use waybill_common::fault::Code;
use waybill_common::mapping::plan::ColumnPlan;
use waybill_common::progress::Unwatched;
use waybill_common::seam::Target as _;

use super::sample::{After, ask, conninfo, import, index, inventory, items, options, target};
use crate::support::postgres::{Server, fresh_database, server, servers};

fn client(uri: &str) -> postgres::Client {
    postgres::Client::connect(uri, postgres::NoTls).unwrap()
}

fn staging(client: &mut postgres::Client) -> String {
    ask(
        client,
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'waybill_staging_%'",
    )
}

#[test]
fn an_import_that_is_given_up_leaves_nothing() {
    let uri = fresh_database();
    let (schema, plan, parts) = items(1000);
    let mut target = target(&uri, &schema, &plan);
    target.begin(&Unwatched).unwrap();
    target.load(&parts, &Unwatched).unwrap();
    let mut client = client(&uri);
    assert!(!inventory(&mut client).is_empty());
    target.abort();
    assert!(inventory(&mut client).is_empty());
    assert_eq!(target.check(&Unwatched).unwrap_err().code(), Code::Bug);
}

#[test]
fn a_signal_stops_the_load_and_even_the_building_of_an_index() {
    let uri = fresh_database();
    let (schema, mut plan, parts) = items(100_000);
    plan.tables[0].indexes = vec![index("by_label", false, &[("label", false)])];
    for rows in [100, 50_000, 100_000] {
        let mut target = target(&uri, &schema, &plan);
        target.begin(&Unwatched).unwrap();
        let fault = target
            .load(&parts, &After::stopping(rows, || {}))
            .unwrap_err();
        assert_eq!(
            fault.code(),
            Code::Interrupted,
            "after {rows} rows: {fault:?}"
        );
        drop(target);
        assert!(inventory(&mut client(&uri)).is_empty());
    }
}

#[test]
fn lost_connections_end_the_import_and_the_target_is_as_it_was() {
    for server in servers() {
        let uri = server.fresh_database();
        let (schema, plan, parts) = items(100_000);
        let mut target = target(&uri, &schema, &plan);
        target.begin(&Unwatched).unwrap();
        let kill = || {
            let all = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
            ask(&mut client(&uri), all);
        };
        let fault = target.load(&parts, &After::new(5000, kill)).unwrap_err();
        let lost = [Code::ConnectionLost, Code::ServerBusy];
        assert!(lost.contains(&fault.code()), "{fault:?}");
        drop(target);
        assert!(inventory(&mut client(&uri)).is_empty());
        import(&mut super::sample::target(&uri, &schema, &plan), &parts).unwrap();
        assert_eq!(
            ask(&mut client(&uri), "SELECT count(*) FROM items"),
            "100000"
        );
    }
}

#[test]
fn the_next_import_removes_what_a_killed_one_has_left_and_nothing_else() {
    let uri = fresh_database();
    let mut client = client(&uri);
    let (schema, plan, parts) = items(1000);
    let mut killed = target(&uri, &schema, &plan);
    killed.begin(&Unwatched).unwrap();
    killed.load(&parts, &Unwatched).unwrap();
    // As after kill -9: nobody tidies up, and the server ends the guard.
    std::mem::forget(killed);
    let guards = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'idle in transaction'";
    assert_eq!(ask(&mut client, guards), "1");
    let left = staging(&mut client);
    // A worker hangs in a transaction, and a stranger's schema looks like one of ours.
    let run = left.rsplit('_').next().unwrap();
    let mut hung = super::survival::client(&uri);
    hung.batch_execute(&format!(
        "SET application_name = 'waybill-import {run}'; BEGIN; LOCK TABLE {left}.items"
    ))
    .unwrap();
    let strange = format!("{}x", &left[..left.len() - 1]);
    client
        .batch_execute(&format!(
            "CREATE SCHEMA {strange}; CREATE TABLE {strange}.t ()"
        ))
        .unwrap();

    let mut next = target(&uri, &schema, &plan);
    import(&mut next, &parts).unwrap();
    let findings = next.findings();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code, Code::StagingRemoved);
    assert_eq!(findings[0].place.table.as_deref(), Some(left.as_str()));
    assert_eq!(
        inventory(&mut client),
        ["items", "items_pkey", strange.as_str()]
    );
    assert!(
        hung.batch_execute("SELECT 1").is_err(),
        "the hung worker was ended"
    );
}

#[test]
fn the_staging_schema_of_another_target_schema_is_left_alone() {
    let uri = fresh_database();
    let mut client = client(&uri);
    client.batch_execute("CREATE SCHEMA elsewhere").unwrap();
    let (schema, plan, parts) = items(10);
    let mut other = PostgresTarget::new(conninfo(&uri), &schema, &plan, options("elsewhere"));
    other.begin(&Unwatched).unwrap();
    other.load(&parts, &Unwatched).unwrap();
    import(&mut target(&uri, &schema, &plan), &parts).unwrap();
    other.check(&Unwatched).unwrap();
    other.switch().unwrap();
    assert_eq!(
        ask(&mut client, "SELECT count(*) FROM elsewhere.items"),
        "10"
    );
}

#[test]
fn moved_tables_have_the_default_privileges_of_their_schema() {
    for server in servers() {
        let uri = server.fresh_database();
        let mut client = client(&uri);
        let role = format!("reader \"{}\"", uri.len() + server.version as usize);
        let quoted = format!("\"{}\"", role.replace('"', "\"\""));
        client
            .batch_execute(&format!(
                "CREATE ROLE {quoted};
                 ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT ON TABLES TO {quoted};
                 ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT UPDATE ON TABLES TO {quoted} WITH GRANT OPTION;
                 ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO PUBLIC;
                 ALTER DEFAULT PRIVILEGES GRANT TRUNCATE ON TABLES TO {quoted}"
            ))
            .unwrap();
        let (schema, mut plan, parts) = items(10);
        plan.tables[0].columns[0] = ColumnPlan {
            identity: Some(Some(11)),
            ..plan.tables[0].columns[0].clone()
        };
        import(&mut target(&uri, &schema, &plan), &parts).unwrap();
        client
            .batch_execute("CREATE TABLE made_here (id bigint GENERATED BY DEFAULT AS IDENTITY)")
            .unwrap();
        let acl = |name: &str| {
            format!("SELECT string_agg(a.grantee::text || a.privilege_type || a.is_grantable, ',' ORDER BY a.grantee, a.privilege_type)
                FROM pg_class, aclexplode(relacl) AS a WHERE relname = '{name}'")
        };
        let tables = (
            ask(&mut client, &acl("items")),
            ask(&mut client, &acl("made_here")),
        );
        assert_eq!(tables.0, tables.1);
        assert!(tables.0.contains("TRUNCATE"), "{}", tables.0);
        let sequences = (
            ask(&mut client, &acl("items_id_seq")),
            ask(&mut client, &acl("made_here_id_seq")),
        );
        assert_eq!(sequences.0, sequences.1);
        client
            .batch_execute(&format!("DROP OWNED BY {quoted}; DROP ROLE {quoted}"))
            .unwrap();
    }
}

/// Passes bytes between clients and a server. When it counts down to 0, the connection that sends
/// COMMIT is cut before the answer gets back. Then the server has done what it was asked, and nobody knows.
fn proxy(server: &'static Server, armed: &'static AtomicUsize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let upstream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
            let (mut down, mut up) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
            thread::spawn(move || forward(client, &upstream, armed));
            thread::spawn(move || {
                drop(std::io::copy(&mut up, &mut down));
                drop(down.shutdown(std::net::Shutdown::Both));
            });
        }
    });
    port
}

fn counts_down(armed: &AtomicUsize) -> bool {
    let down = |left: usize| left.checked_sub(1);
    armed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, down) == Ok(1)
}

fn forward(mut client: TcpStream, mut server: &TcpStream, armed: &AtomicUsize) {
    let mut buffer = vec![0; 65536];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let is_commit = buffer[..count].ends_with(b"COMMIT\0");
        if is_commit && counts_down(armed) {
            drop(client.shutdown(std::net::Shutdown::Both));
        }
        if server.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    drop(server.shutdown(std::net::Shutdown::Write));
}

#[test]
fn a_commit_whose_answer_is_lost_is_looked_up() {
    static ARMED: AtomicUsize = AtomicUsize::new(0);
    let server = server();
    assert_ne!(server.port, 0, "this test needs a server of its own");
    let direct = server.fresh_database();
    let database = direct.rsplit('/').next().unwrap();
    let port = proxy(server, &ARMED);
    let uri = server.tcp_uri(database);
    let uri = uri.replace(&format!(":{}/", server.port), &format!(":{port}/"));
    let (schema, plan, parts) = items(1000);
    let mut target = target(&uri, &schema, &plan);
    target.begin(&Unwatched).unwrap();
    target.load(&parts, &Unwatched).unwrap();
    // The first COMMIT is that of a look into the catalogue.
    ARMED.store(2, Ordering::SeqCst);
    target.switch().unwrap();
    assert_eq!(ARMED.load(Ordering::SeqCst), 0, "no COMMIT was cut");
    assert_eq!(
        ask(&mut client(&direct), "SELECT count(*) FROM items"),
        "1000"
    );
}
