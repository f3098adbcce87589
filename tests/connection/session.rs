//! What a session does once it is connected, on every version.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use waybill_common::engine::postgres::conninfo::ConnInfo;
use waybill_common::engine::postgres::session::{ServerMessage, Session};
use waybill_common::engine::postgres::tls::Protection;
use waybill_common::fault::{Code, Exit, Fault};

use super::logins;
use crate::support::postgres::{Server, fresh_database, programs_of_the_system, servers};

fn connect(uri: &str) -> Session {
    Session::connect(&ConnInfo::parse(uri, &|_| None).unwrap()).unwrap()
}

#[test]
fn a_server_of_the_tests_asks_for_its_password_over_tcp() {
    for server in servers().iter().filter(|server| server.version != 0) {
        let uri = server.tcp_uri("postgres");
        assert_eq!(connect(&uri).protection(), Protection::Clear);
        let fault = Session::connect(
            &ConnInfo::parse(&uri.replace("postgres:", "postgres:x"), &|_| None).unwrap(),
        );
        assert_eq!(fault.err().unwrap().code(), Code::LoginRefused);
    }
}

/// What the server said, of a fault it caused.
fn message(fault: &Fault) -> &ServerMessage {
    std::error::Error::source(fault)
        .and_then(|cause| cause.downcast_ref())
        .unwrap_or_else(|| panic!("no message of the server in {fault:?}"))
}

#[test]
fn a_session_runs_statements_on_every_version() {
    for server in servers() {
        let mut session = connect(&server.fresh_database());
        session
            .execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2)")
            .unwrap();
        let rows = session
            .query("SELECT a FROM t WHERE a > $1", &[&1])
            .unwrap();
        assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<i32>>(), [2]);
        let rows = session
            .query(
                "SELECT pg_backend_pid(), current_setting('application_name')",
                &[],
            )
            .unwrap();
        assert_eq!(rows[0].get::<_, i32>(0), session.backend_pid());
        assert_eq!(rows[0].get::<_, &str>(1), "waybill-import");
        assert_eq!(session.parameter("server_encoding"), Some("UTF8"));
        if server.version != 0 {
            assert_eq!(session.server_version_num() / 10000, server.version);
        }
    }
}

#[test]
fn rows_go_in_and_come_out_by_copy() {
    for server in servers() {
        let mut session = connect(&server.fresh_database());
        session.execute("CREATE TABLE t (a int, b text)").unwrap();
        let mut copy = session.copy_in("COPY t FROM STDIN").unwrap();
        for i in 0..10_000 {
            copy.send(Bytes::from(format!("{i}\tvalue {i}\n"))).unwrap();
        }
        assert_eq!(copy.finish().unwrap(), 10_000);
        let mut rows = 0;
        let mut bytes = 0;
        session
            .copy_out("COPY t TO STDOUT", &mut |row| {
                rows += 1;
                bytes += row.len();
                Ok(())
            })
            .unwrap();
        assert_eq!((rows, bytes), (10_000, 2 * 38_890 + 8 * 10_000));
    }
}

#[test]
fn a_copy_that_is_dropped_leaves_nothing_and_the_session_usable() {
    let mut session = connect(&fresh_database());
    session.execute("CREATE TABLE t (a int)").unwrap();
    let mut copy = session.copy_in("COPY t FROM STDIN").unwrap();
    copy.send(Bytes::from(vec![b'1'; 10])).unwrap();
    drop(copy);
    let rows = session.query("SELECT count(*) FROM t", &[]).unwrap();
    assert_eq!(rows[0].get::<_, i64>(0), 0);
}

#[test]
fn a_reader_that_gives_up_stops_the_server_and_keeps_the_session() {
    let mut session = connect(&fresh_database());
    let mut seen = 0;
    let fault = session
        .copy_out(
            "COPY (SELECT generate_series(1, 1000000000)) TO STDOUT",
            &mut |_| {
                seen += 1;
                if seen < 1000 {
                    Ok(())
                } else {
                    Err(Fault::new(Code::Bug, "enough"))
                }
            },
        )
        .unwrap_err();
    assert_eq!((fault.what(), seen), ("enough", 1000));
    assert_eq!(session.query("SELECT 1", &[]).unwrap().len(), 1);
}

#[test]
fn a_value_the_server_refuses_is_told_with_its_line() {
    let mut session = connect(&fresh_database());
    session.execute("CREATE TABLE t (a int)").unwrap();
    let mut copy = session.copy_in("COPY t FROM STDIN").unwrap();
    let sent = copy
        .send(Bytes::from_static(b"1\nx\n"))
        .and_then(|()| copy.finish());
    let fault = sent.unwrap_err();
    assert_eq!(fault.code(), Code::ServerError);
    assert_eq!(message(&fault).sqlstate, "22P02");
    assert!(
        message(&fault)
            .context
            .as_deref()
            .unwrap_or_default()
            .contains("line 2"),
        "{fault:?}"
    );
    session.execute("INSERT INTO t VALUES (1)").unwrap();
}

#[test]
fn errors_of_the_server_have_their_class_and_keep_its_words() {
    let mut session = connect(&fresh_database());
    session
        .execute(
            "CREATE SCHEMA s; CREATE TABLE t (a int CONSTRAINT one PRIMARY KEY, b int NOT NULL)",
        )
        .unwrap();
    for (sql, code, sqlstate) in [
        ("CREATE TABLE t (a int)", Code::TargetExists, "42P07"),
        ("CREATE SCHEMA s", Code::TargetExists, "42P06"),
        (
            "ALTER TABLE t ADD CONSTRAINT one CHECK (true)",
            Code::TargetExists,
            "42710",
        ),
        (
            "SET statement_timeout = '10ms'; SELECT pg_sleep(60)",
            Code::LockTimeout,
            "57014",
        ),
        ("SELECT spam", Code::ServerError, "42703"),
    ] {
        let fault = session.execute(sql).unwrap_err();
        assert_eq!(
            (fault.code(), message(&fault).sqlstate.as_str()),
            (code, sqlstate),
            "{fault:?}"
        );
        assert!(!fault.causes()[0].contains("db error"), "{fault:?}");
    }
    session
        .execute("RESET statement_timeout; INSERT INTO t VALUES (1, 1)")
        .unwrap();
    let fault = session.execute("INSERT INTO t VALUES (1, 1)").unwrap_err();
    assert_eq!(
        fault.causes(),
        [
            "duplicate key value violates unique constraint \"one\" (SQLSTATE 23505); \
          detail: Key (a)=(1) already exists.; constraint: one"
        ]
    );
    assert_eq!(fault.place().table.as_deref(), Some("t"));
    let fault = session
        .execute("INSERT INTO t VALUES (2, NULL)")
        .unwrap_err();
    assert_eq!(fault.place().column.as_deref(), Some("b"));
    assert!(
        fault
            .place()
            .location
            .as_deref()
            .unwrap_or_default()
            .starts_with("postgresql://")
    );
}

#[test]
fn a_lock_that_is_not_to_be_had_is_worth_a_retry() {
    let uri = fresh_database();
    let (mut holder, mut waiter) = (connect(&uri), connect(&uri));
    holder.execute("CREATE TABLE t (a int)").unwrap();
    holder.execute("BEGIN; LOCK TABLE t").unwrap();
    let fault = waiter
        .execute("BEGIN; SET LOCAL lock_timeout = '10ms'; LOCK TABLE t")
        .unwrap_err();
    assert_eq!(
        (fault.code(), fault.code().exit()),
        (Code::LockTimeout, Exit::Retry),
        "{fault:?}"
    );
}

#[test]
fn a_role_without_the_right_is_told_so() {
    let case = logins().case("host={socket} port={port} user=ann dbname=shop");
    let fault = case
        .session()
        .unwrap()
        .execute("CREATE SCHEMA x")
        .unwrap_err();
    assert_eq!(fault.code(), Code::RightMissing, "{fault:?}");
}

#[test]
fn another_thread_can_cancel_over_the_socket_and_over_tls() {
    for text in [
        "host={socket} port={port} user=ann dbname=shop",
        "host=localhost port={port} user=ann password=ann dbname=shop sslmode=require",
        "host=localhost port={port} user=ann password=ann dbname=shop sslmode=disable",
    ] {
        let mut session = logins().case(text).session().unwrap();
        let token = session.cancel_token();
        let pid = session.backend_pid();
        let canceller = thread::spawn(move || {
            let mut observer = logins().server.client("postgres");
            let running = "SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'";
            while observer.query(running, &[&pid]).unwrap().is_empty() {}
            token.cancel().unwrap();
        });
        let fault = session.execute("SELECT pg_sleep(60)").unwrap_err();
        assert_eq!(fault.code(), Code::Interrupted, "{text}: {fault:?}");
        canceller.join().unwrap();
    }
}

#[test]
fn a_server_process_that_is_ended_is_a_lost_or_busy_server() {
    let uri = fresh_database();
    let (mut victim, mut other) = (connect(&uri), connect(&uri));
    other
        .query(
            "SELECT pg_terminate_backend($1, 60000)",
            &[&victim.backend_pid()],
        )
        .unwrap();
    // The server's farewell is read with the next statement.
    let fault = victim.execute("SELECT 1").unwrap_err();
    assert_eq!(fault.code(), Code::ServerBusy, "{fault:?}");
    assert_eq!(message(&fault).sqlstate, "57P01");
    let fault = victim.execute("SELECT 1").unwrap_err();
    assert_eq!(fault.code(), Code::ConnectionLost, "{fault:?}");
}

#[test]
fn a_server_that_dies_in_mid_copy_is_a_lost_connection() {
    let files = tempfile::tempdir().unwrap();
    fs::write(files.path().join("extra.conf"), "").unwrap();
    let server = Server::start(&programs_of_the_system(), Some(files.path()));
    let mut session = connect(&server.uri("postgres"));
    session.execute("CREATE TABLE t (a text)").unwrap();
    let mut copy = session.copy_in("COPY t FROM STDIN").unwrap();
    copy.send(Bytes::from_static(b"x\n")).unwrap();
    drop(server);
    let sent = (0..100).try_for_each(|_| copy.send(Bytes::from(vec![b'x'; 1 << 20])));
    let fault = sent.and_then(|()| copy.finish().map(drop)).unwrap_err();
    assert_eq!(fault.code().exit(), Exit::Retry, "{fault:?}");
}

#[test]
fn notices_are_kept_until_asked_for() {
    let mut session = connect(&fresh_database());
    session.execute("DROP TABLE IF EXISTS nothere").unwrap();
    let notices = session.drain_notices();
    assert_eq!(notices.len(), 1);
    assert_eq!(
        notices[0].message,
        "table \"nothere\" does not exist, skipping"
    );
    assert!(session.drain_notices().is_empty());
}

#[test]
fn literals_mean_what_they_say_whatever_the_server_is_set_to() {
    let case = logins().case(
        "host={socket} port={port} user=ann dbname=shop options='-c standard_conforming_strings=off'",
    );
    let mut session = case.session().unwrap();
    let text = r"a\'b";
    let literal = waybill_common::engine::postgres::name::literal(text).unwrap();
    let rows = session
        .query(&format!("SELECT {literal}::text"), &[])
        .unwrap();
    assert_eq!(rows[0].get::<_, &str>(0), text);
}

#[test]
fn a_server_that_says_nothing_is_given_up_after_connect_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let settings = format!("host=127.0.0.1 port={port} user=u connect_timeout=1");
    let started = Instant::now();
    let fault = Session::connect(&ConnInfo::parse(&settings, &|_| None).unwrap())
        .err()
        .expect("nobody answers");
    assert_eq!(fault.code(), Code::ServerUnreachable, "{fault:?}");
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn what_is_no_postgresql_is_not_taken_for_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answering = thread::spawn(move || {
        for stream in listener.incoming().take(2) {
            drop(std::io::Write::write_all(
                &mut stream.unwrap(),
                b"HTTP/1.1 400 Bad Request\r\n\r\n",
            ));
        }
    });
    let settings = format!("host=127.0.0.1 port={port} user=u sslmode=disable");
    let settings = ConnInfo::parse(&settings, &|_| None).unwrap();
    for _ in 0..2 {
        let fault = Session::connect(&settings).err().expect("it speaks HTTP");
        assert!(
            matches!(fault.code(), Code::ServerError | Code::ConnectionLost),
            "{fault:?}"
        );
    }
    answering.join().unwrap();
}
