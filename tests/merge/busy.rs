//! An application that writes all the time while rows are merged.

use super::counts;
use crate::fill::desk::Desk;
use crate::support::postgres::servers;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const ROWS: i64 = 4000;
const MERGES: usize = 4;

/// Ids up to 2000 come from the archive only; the application adds 1 to `hits` of rows of its own and
/// writes down in `log` what it has done.
const TARGET: &str =
    "CREATE TABLE t(id bigint PRIMARY KEY, note text, hits bigint NOT NULL DEFAULT 0);
    CREATE TABLE log(what text, id bigint);
    INSERT INTO t(id, note) SELECT n, 'application' FROM generate_series(1, 1000) AS n;
    INSERT INTO t(id, note) SELECT n, 'hot' FROM generate_series(100001, 100020) AS n;";

/// Runs `act` again and again until told to stop, with a connection of its own.
fn until(stop: &AtomicBool, uri: &str, mut act: impl FnMut(&mut postgres::Client, i64)) {
    let mut client = postgres::Client::connect(uri, postgres::NoTls).unwrap();
    let mut round = 0;
    while !stop.load(Ordering::Relaxed) {
        act(&mut client, round);
        round += 1;
    }
}

#[test]
fn what_the_application_writes_is_neither_lost_nor_doubled() {
    let source = format!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, note TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
         INSERT INTO t SELECT i, 'archive' FROM n;"
    );
    for server in servers() {
        let mut desk = Desk::of_sql(server, TARGET, &source);
        let stop = AtomicBool::new(false);
        let uri = desk.uri.clone();
        std::thread::scope(|scope| {
            for writer in 0..3_i64 {
                let (stop, uri) = (&stop, uri.as_str());
                scope.spawn(move || {
                    until(stop, uri, |client, round| {
                        // No transaction may fail: not by a deadlock, not otherwise.
                        let mut work = client.transaction().unwrap();
                        let hot = 100_001 + (round * 7 + writer) % 20;
                        work.execute("SELECT FROM t WHERE id = $1 FOR UPDATE", &[&hot]).unwrap();
                        work.execute("UPDATE t SET hits = hits + 1 WHERE id = $1", &[&hot]).unwrap();
                        let known = 1 + (round * 13 + writer) % 1000;
                        let hit = work.execute("UPDATE t SET hits = hits + 1 WHERE id = $1", &[&known]).unwrap();
                        let mine = 1_000_000 * (writer + 1) + round;
                        work.execute("INSERT INTO t(id, note) VALUES ($1, 'mine')", &[&mine]).unwrap();
                        // Keys that the archive has, too: whoever comes first inserts them.
                        let shared = 2001 + (round * 31 + writer * 500) % 2000;
                        work.execute("INSERT INTO t(id, note) VALUES ($1, 'raced') ON CONFLICT (id) DO UPDATE SET hits = t.hits + 1", &[&shared]).unwrap();
                        let gone = 1_000_000 * (writer + 1) + round - 5;
                        let deleted = work.execute("DELETE FROM t WHERE id = $1", &[&gone]).unwrap();
                        work.execute(
                            "INSERT INTO log SELECT 'hot', $1::int8 UNION ALL SELECT 'known', $2::int8 WHERE $3 UNION ALL SELECT 'mine', $4::int8 UNION ALL SELECT 'gone', $5::int8 WHERE $6",
                            &[&hot, &known, &(hit == 1), &mine, &gone, &(deleted == 1)],
                        )
                        .unwrap();
                        work.commit().unwrap();
                    });
                });
            }
            std::thread::sleep(Duration::from_millis(100));
            for merge in 0..MERGES {
                let policy = ["update", "skip"][merge % 2];
                let merged = desk.merge(&["--on-conflict", policy, "-j", "1"]);
                if merged.status() != Some(0) {
                    stop.store(true, Ordering::Relaxed);
                }
                merged.exits(0);
            }
            stop.store(true, Ordering::Relaxed);
        });
        assert_ne!(desk.ask("SELECT count(*) > 50 FROM log"), "f");
        // Every hit is there, and no more.
        let lost = "SELECT count(*) FROM (SELECT id, count(*) AS n FROM log WHERE what IN ('hot', 'known') GROUP BY id) AS logged
             JOIN t USING (id) WHERE t.hits <> logged.n";
        assert_eq!(desk.ask(lost), "0");
        let all = "SELECT (SELECT sum(hits) FROM t WHERE id < 1001 OR id BETWEEN 100001 AND 100020) = (SELECT count(*) FROM log WHERE what IN ('hot', 'known'))";
        assert_eq!(desk.ask(all), "t");
        let mine = "SELECT (SELECT count(*) FROM t WHERE note = 'mine') = (SELECT count(*) FILTER (WHERE what = 'mine') - count(*) FILTER (WHERE what = 'gone') FROM log)";
        assert_eq!(desk.ask(mine), "t");
        let own = format!("SELECT count(*), count(DISTINCT id) FROM t WHERE id <= {ROWS}");
        assert_eq!(desk.ask(&own), format!("{ROWS}|{ROWS}"));
        let finished = desk.merge(&["--on-conflict", "update"]).exits(0).json();
        assert_eq!(counts(&finished, None).split(' ').next(), Some("0"));
        let foreign = format!("SELECT count(*) FROM t WHERE id <= {ROWS} AND note <> 'archive'");
        assert_eq!(desk.ask(&foreign), "0");
    }
}

/// Transactions that use the tables in another order than the archive has them always hold one while
/// they are about to use the other: there is no moment in which both are free.
#[test]
fn an_application_that_uses_the_tables_in_another_order_is_not_in_the_way_for_ever() {
    let tables = "CREATE TABLE a(id INTEGER PRIMARY KEY, note TEXT); CREATE TABLE b(id INTEGER PRIMARY KEY, note TEXT);";
    let source =
        format!("{tables} INSERT INTO a VALUES (1, 'new'); INSERT INTO b VALUES (1, 'new');");
    for server in servers() {
        let mut desk = Desk::of_sql(server, tables, &source);
        desk.client
            .batch_execute("INSERT INTO a SELECT n FROM generate_series(2, 9) AS n; INSERT INTO b SELECT n FROM generate_series(2, 9) AS n")
            .unwrap();
        let stop = AtomicBool::new(false);
        let uri = desk.uri.clone();
        std::thread::scope(|scope| {
            for writer in 2..10 {
                let (stop, uri) = (&stop, uri.as_str());
                scope.spawn(move || {
                    until(stop, uri, |client, _| {
                        let mut work = client.transaction().unwrap();
                        for table in ["b", "a"] {
                            let update =
                                format!("UPDATE {table} SET note = 'mine' WHERE id = {writer}");
                            work.batch_execute(&update).unwrap();
                            std::thread::sleep(Duration::from_millis(20));
                        }
                        work.commit().unwrap();
                    });
                });
            }
            std::thread::sleep(Duration::from_millis(100));
            let merged = desk.merge(&["--on-conflict", "update", "--lock-wait-timeout", "15"]);
            stop.store(true, Ordering::Relaxed);
            merged.exits(0);
        });
        assert_eq!(
            desk.ask("SELECT a.note, b.note FROM a, b WHERE a.id = 1 AND b.id = 1"),
            "new|new"
        );
    }
}
