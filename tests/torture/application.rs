//! An application that works in the same schema while imports switch: none of its transactions is
//! lost, to a deadlock or to anything else.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ::postgres::Client;
use waybill_common::engine::postgres::target::PostgresTarget;

use super::chance::{Chance, Extent};
use super::eyes::Stopping;
use super::scene::connect;
use crate::postgres_target::sample::{conninfo, import, items, options};
use crate::support::postgres::{drop_database, servers};

const ACCOUNTS: u32 = 20;

/// A transaction of the application: money moves, which is written down, and what is imported is
/// read where it is there.
fn transact(client: &mut Client, chance: &mut Chance) {
    let (one, other) = (chance.below(ACCOUNTS), chance.below(ACCOUNTS));
    // In order, so that two of them cannot lock each other out by themselves.
    let (low, high) = (std::cmp::min(one, other), std::cmp::max(one, other));
    let sql = format!(
        "BEGIN;
         UPDATE accounts SET balance = balance - 1 WHERE id = {low};
         UPDATE accounts SET balance = balance + 1 WHERE id = {high};
         INSERT INTO moves (source, target) VALUES ({low}, {high});
         DO $$ BEGIN PERFORM count(*) FROM items; EXCEPTION WHEN undefined_table THEN NULL; END $$;
         COMMIT"
    );
    let done = client.batch_execute(&sql);
    done.expect("no transaction of the application is lost");
}

/// Goes on until it is stopped, and counts.
fn application(uri: &str, mut chance: Chance, stop: &AtomicBool, committed: &AtomicU64) {
    let mut client = connect(uri);
    while !stop.load(Ordering::Relaxed) {
        transact(&mut client, &mut chance);
        committed.fetch_add(1, Ordering::Relaxed);
    }
}

fn make(client: &mut Client) {
    let sql = format!(
        "CREATE TABLE accounts (id bigint PRIMARY KEY, balance bigint NOT NULL);
         CREATE TABLE moves (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
                             source bigint NOT NULL REFERENCES accounts,
                             target bigint NOT NULL REFERENCES accounts);
         CREATE VIEW balances AS SELECT sum(balance) AS balance FROM accounts;
         INSERT INTO accounts SELECT n, 100 FROM generate_series(0, {}) AS n",
        ACCOUNTS - 1
    );
    client.batch_execute(&sql).expect("an empty database");
}

/// Fails unless all that was committed is there.
fn assert_sound(client: &mut Client, committed: u64) {
    let sql = "SELECT (SELECT count(*) FROM moves), (SELECT balance::bigint FROM balances)";
    let row = client.query_one(sql, &[]).expect("the tables are there");
    assert_eq!(row.get::<_, i64>(0), i64::try_from(committed).expect("few"));
    assert_eq!(row.get::<_, i64>(1), i64::from(100 * ACCOUNTS));
}

#[test]
fn an_application_at_work_loses_no_transaction_while_imports_switch() {
    let (schema, plan, rows) = items(500);
    let switches = Extent::of("WAYBILL_TORTURE_SWITCHES", 10);
    for server in servers() {
        let uri = server.fresh_database();
        let mut client = connect(&uri);
        make(&mut client);
        let (stop, committed) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let threads = [1, 2, 3].map(|thread| {
                let (uri, stop, committed) = (&uri, &stop, &committed);
                let chance = Chance::new(switches.seed + thread);
                scope.spawn(move || application(uri, chance, stop, committed))
            });
            let stopping = Stopping(&stop);
            for _ in switches.rounds() {
                let mut made = options("public");
                made.run.anew = true;
                let mut target = PostgresTarget::new(conninfo(&uri), &schema, &plan, made);
                let imported = import(&mut target, &rows);
                let dropped = client.batch_execute("DROP TABLE items");
                assert!(
                    imported.is_ok() && dropped.is_ok(),
                    "{imported:?} {dropped:?}"
                );
            }
            drop(stopping);
            for thread in threads {
                thread.join().expect("an application goes on");
            }
        });
        let committed = committed.load(Ordering::Relaxed);
        assert!(committed > 0);
        assert_sound(&mut client, committed);
        drop(client);
        drop_database(server, &uri);
    }
}
