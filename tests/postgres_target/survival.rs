//! What an interruption leaves, and what the next import does with it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use waybill_common::engine::postgres::target::PostgresTarget;
use waybill_common::fault::Code;
use waybill_common::mapping::plan::{ColumnPlan, Plan};
use waybill_common::model::schema::Schema;
use waybill_common::progress::Unwatched;
use waybill_common::seam::{Begun, PartReader as _, Target as _};

use super::sample::{
    After, Memory, ask, conninfo, import, index, inventory, items, options, target,
};
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

/// How often parts were loaded, and the state of the run.
fn ledger(client: &mut postgres::Client) -> (i64, i64, String) {
    let row = client
        .query_one(
            "SELECT (SELECT count(*) FROM waybill.steps WHERE kind = 'part' AND done),
                    (SELECT sum(attempt) FROM waybill.steps WHERE kind = 'part'),
                    (SELECT string_agg(state, ',' ORDER BY run) FROM waybill.runs)",
            &[],
        )
        .unwrap();
    (row.get(0), row.get(1), row.get(2))
}

/// Does what is left, and proves that nothing was done twice that was done once.
fn go_on(uri: &str, (schema, plan, parts): (&Schema, &Plan, &Memory)) {
    let mut client = client(uri);
    let (done, before, state) = ledger(&mut client);
    assert_eq!(state, "open");
    import(&mut target(uri, schema, plan), parts).unwrap();
    let all = parts.parts().len();
    let (_, after, state) = ledger(&mut client);
    assert_eq!(state, "done");
    assert_eq!(after - before, i64::try_from(all).unwrap() - done);
    let rows: u64 = parts.parts().iter().map(|part| part.rows).sum();
    let found = "SELECT count(*), count(DISTINCT id), sum(id) FROM items";
    assert_eq!(
        ask(&mut client, found),
        format!("{rows}|{rows}|{}", rows * (rows + 1) / 2)
    );
    assert_eq!(inventory(&mut client), ["items", "items_pkey"]);
}

#[test]
fn an_import_that_is_given_up_leaves_nothing() {
    let uri = fresh_database();
    let (schema, plan, parts) = items(1000);
    let mut target = target(&uri, &schema, &plan);
    target.begin(&parts, &Unwatched).unwrap();
    target.load(&parts, &Unwatched).unwrap();
    let mut client = client(&uri);
    assert!(!inventory(&mut client).is_empty());
    target.give_up("the test says so").unwrap();
    assert!(inventory(&mut client).is_empty());
    assert_eq!(ledger(&mut client).2, "failed");
    assert_eq!(target.check(&Unwatched).unwrap_err().code(), Code::Bug);
    import(&mut super::sample::target(&uri, &schema, &plan), &parts).unwrap();
    assert_eq!(ledger(&mut client).2, "failed,done");
}

#[test]
fn a_signal_stops_the_load_and_even_the_building_of_an_index_and_the_next_goes_on() {
    let (schema, mut plan, parts) = items(100_000);
    plan.tables[0].indexes = vec![index("by_label", false, &[("label", false)])];
    for rows in [100, 50_000, 100_000] {
        let uri = fresh_database();
        let mut target = target(&uri, &schema, &plan);
        target.begin(&parts, &Unwatched).unwrap();
        let fault = target
            .load(&parts, &After::stopping(rows, || {}))
            .unwrap_err();
        assert_eq!(
            fault.code(),
            Code::Interrupted,
            "after {rows} rows: {fault:?}"
        );
        drop(target);
        let mut client = client(&uri);
        assert_eq!(ask(&mut client, "SELECT to_regclass('items') IS NULL"), "t");
        import(&mut super::sample::target(&uri, &schema, &plan), &parts).unwrap();
        assert_eq!(ask(&mut client, "SELECT count(*) FROM items"), "100000");
        assert_eq!(ledger(&mut client).2, "done");
    }
}

#[test]
fn lost_connections_end_the_import_and_the_next_goes_on_where_it_was() {
    for server in servers() {
        let uri = server.fresh_database();
        let (schema, plan, parts) = items(100_000);
        let mut target = target(&uri, &schema, &plan);
        target.begin(&parts, &Unwatched).unwrap();
        let kill = || {
            let all = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
            ask(&mut client(&uri), all);
        };
        let fault = target.load(&parts, &After::new(5000, kill)).unwrap_err();
        let lost = [Code::ConnectionLost, Code::ServerBusy];
        assert!(lost.contains(&fault.code()), "{fault:?}");
        drop(target);
        assert!(
            ledger(&mut client(&uri)).0 >= 50,
            "the parts before are kept"
        );
        go_on(&uri, (&schema, &plan, &parts));
    }
}

#[test]
fn what_was_interrupted_is_not_mixed_with_anything_else() {
    let uri = fresh_database();
    let mut client = client(&uri);
    let (schema, plan, parts) = items(1000);
    let mut interrupted = target(&uri, &schema, &plan);
    interrupted.begin(&parts, &Unwatched).unwrap();
    interrupted.load(&parts, &Unwatched).unwrap();
    drop(interrupted);
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

    let mut options = options("public");
    options.run.archive_root = "2".repeat(64);
    let other = |options| PostgresTarget::new(conninfo(&uri), &schema, &plan, options);
    let fault = other(options.clone())
        .begin(&parts, &Unwatched)
        .unwrap_err();
    assert_eq!(fault.code(), Code::RunUnfinished);
    assert!(fault.what().contains("another archive"), "{fault:?}");
    let mut changed = plan.clone();
    changed.tables[0].columns[1].not_null = true;
    let fault = target(&uri, &schema, &changed)
        .begin(&parts, &Unwatched)
        .unwrap_err();
    assert_eq!(fault.code(), Code::RunUnfinished);
    assert!(fault.what().contains("another plan"), "{fault:?}");
    let mut dry = super::sample::options("public");
    dry.run.dry = true;
    let fault = PostgresTarget::new(conninfo(&uri), &schema, &plan, dry)
        .begin(&parts, &Unwatched)
        .unwrap_err();
    assert_eq!(fault.code(), Code::RunUnfinished);
    assert_eq!(
        fault.what(),
        "the import was interrupted, and a dry run does not go on with it"
    );
    assert_eq!(staging(&mut client).matches('\n').count(), 1);

    options.run.anew = true;
    let mut next = other(options);
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
    assert_eq!(ledger(&mut client).2, "abandoned,done");
}

#[test]
fn what_is_done_is_not_done_again() {
    let uri = fresh_database();
    let (schema, plan, parts) = items(1000);
    import(&mut target(&uri, &schema, &plan), &parts).unwrap();
    let mut client = client(&uri);
    let run = ask(&mut client, "SELECT run FROM waybill.runs");
    let mut again = target(&uri, &schema, &plan);
    assert_eq!(
        again.begin(&parts, &Unwatched).unwrap(),
        Begun::Already(run)
    );
    drop(again);
    assert_eq!(ledger(&mut client), (10, 10, "done".to_owned()));
}

#[test]
fn several_processes_share_one_run_and_no_part_is_loaded_twice() {
    for server in servers() {
        let uri = server.fresh_database();
        let (schema, mut plan, parts) = items(200_000);
        plan.tables[0].indexes = vec![index("by_label", false, &[("label", false)])];
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| import(&mut target(&uri, &schema, &plan), &parts).unwrap());
            }
        });
        let mut client = client(&uri);
        assert_eq!(ledger(&mut client), (2000, 2000, "done".to_owned()));
        let workers = "SELECT count(DISTINCT worker) > 1 FROM waybill.steps WHERE kind = 'part'";
        assert_eq!(ask(&mut client, workers), "t");
        let found = "SELECT count(*), count(DISTINCT id) FROM items";
        assert_eq!(ask(&mut client, found), "200000|200000");
        assert_eq!(inventory(&mut client).len(), 3);
    }
}

#[test]
fn a_worker_that_falls_silent_is_ended_and_its_part_taken_over() {
    let uri = fresh_database();
    let (schema, plan, parts) = items(1000);
    let mut first = target(&uri, &schema, &plan);
    first.begin(&parts, &Unwatched).unwrap();
    drop(first);
    let mut admin = client(&uri);
    // It has claimed a part, is connected, and shows no sign of life any more.
    let mut silent = client(&uri);
    silent
        .batch_execute(
            "INSERT INTO waybill.workers (run, worker, backend, backend_start, lease)
             SELECT run, 'silent', a.pid, a.backend_start, now() - interval '1 second'
             FROM waybill.runs, pg_stat_activity AS a WHERE a.pid = pg_backend_pid();
             UPDATE waybill.steps AS step
             SET worker = 'silent', backend = w.backend, backend_start = w.backend_start, attempt = 1
             FROM waybill.workers AS w WHERE w.worker = 'silent' AND kind = 'part' AND item = 3",
        )
        .unwrap();
    silent.batch_execute("BEGIN").unwrap();
    import(&mut target(&uri, &schema, &plan), &parts).unwrap();
    assert!(silent.batch_execute("COMMIT").is_err(), "it was ended");
    let taken =
        "SELECT string_agg(item::text, ',') FROM waybill.steps WHERE kind = 'part' AND attempt = 2";
    assert_eq!(ask(&mut admin, taken), "3");
    assert_eq!(ask(&mut admin, "SELECT count(*) FROM items"), "1000");
}

#[test]
fn a_run_that_another_process_has_given_up_ends() {
    let uri = fresh_database();
    let (schema, plan, parts) = items(1000);
    let mut first = target(&uri, &schema, &plan);
    first.begin(&parts, &Unwatched).unwrap();
    let mut second = target(&uri, &schema, &plan);
    second.begin(&parts, &Unwatched).unwrap();
    second.give_up("a row is refused").unwrap();
    let fault = first.load(&parts, &Unwatched).unwrap_err();
    assert_eq!(fault.code(), Code::RunEnded, "{fault:?}");
    let mut third = target(&uri, &schema, &plan);
    third.begin(&parts, &Unwatched).unwrap();
    let sql = "UPDATE waybill.runs SET state = 'failed', reason = 'a row is refused' WHERE state = 'open'";
    client(&uri).batch_execute(sql).unwrap();
    let fault = third.load(&parts, &Unwatched).unwrap_err();
    assert_eq!(fault.code(), Code::RunEnded, "{fault:?}");
    drop((first, third));
    import(&mut target(&uri, &schema, &plan), &parts).unwrap();
    assert_eq!(inventory(&mut client(&uri)), ["items", "items_pkey"]);
}

#[test]
fn the_staging_schema_of_another_target_schema_is_left_alone() {
    let uri = fresh_database();
    let mut client = client(&uri);
    client.batch_execute("CREATE SCHEMA elsewhere").unwrap();
    let (schema, plan, parts) = items(10);
    let mut other = PostgresTarget::new(conninfo(&uri), &schema, &plan, options("elsewhere"));
    other.begin(&parts, &Unwatched).unwrap();
    other.load(&parts, &Unwatched).unwrap();
    other.build(&Unwatched).unwrap();
    import(&mut target(&uri, &schema, &plan), &parts).unwrap();
    other.check(&Unwatched).unwrap();
    other.switch(&Unwatched).unwrap();
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
    target.begin(&parts, &Unwatched).unwrap();
    target.load(&parts, &Unwatched).unwrap();
    target.build(&Unwatched).unwrap();
    ARMED.store(1, Ordering::SeqCst);
    target.switch(&Unwatched).unwrap();
    assert_eq!(ARMED.load(Ordering::SeqCst), 0, "no COMMIT was cut");
    assert_eq!(
        ask(&mut client(&direct), "SELECT count(*) FROM items"),
        "1000"
    );
}
