//! An application that reads, writes and refers to a table while it is replaced and brought back, again
//! and again: it loses no transaction, and no row that it was told is committed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ::postgres::{Client, SimpleQueryMessage};
use waybill_common::engine::postgres::history::{Keep, Prune, Undo};
use waybill_common::engine::postgres::target::PostgresTarget;
use waybill_common::fault::Code;
use waybill_common::mapping::plan::Plan;
use waybill_common::model::schema::Schema;
use waybill_common::progress::Unwatched;

use super::chance::{Chance, Extent};
use super::eyes::Stopping;
use super::scene::connect;
use crate::postgres_target::sample::{Memory, conninfo, import, items, options};
use crate::support::postgres::{drop_database, servers};

/// Rows of the table that every state of it has; the application's own have greater numbers.
const ROWS: u32 = 500;
const PATIENCE: Duration = Duration::from_mins(1);

/// Names on both sides of `items`, in which order the tables are locked.
fn make(client: &mut Client) {
    let sql = format!(
        "CREATE TABLE items (id bigint PRIMARY KEY, label text);
         INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, {ROWS}) AS n;
         CREATE TABLE baskets (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
                               item bigint NOT NULL REFERENCES items);
         CREATE TABLE stock (item bigint PRIMARY KEY REFERENCES items, taken bigint NOT NULL);
         INSERT INTO stock SELECT n, 0 FROM generate_series(1, {ROWS}) AS n;
         CREATE VIEW labels AS SELECT id, label FROM items;
         CREATE VIEW wanted AS SELECT baskets.id, labels.label FROM baskets JOIN labels ON labels.id = item"
    );
    client.batch_execute(&sql).expect("an empty database");
}

/// What the application does, and what it knows to be committed.
#[derive(Default)]
struct Application {
    stop: AtomicBool,
    taken: AtomicU64,
    read: AtomicU64,
    /// The numbers of rows that it has put into the table itself.
    own: Mutex<Vec<i64>>,
}

impl Application {
    /// Does one kind of transaction until it is to stop.
    fn go_on(&self, uri: &str, mut act: impl FnMut(&mut Client)) {
        let mut client = connect(uri);
        while !self.stop.load(Ordering::Relaxed) {
            act(&mut client);
        }
    }

    /// Writes rows that refer to the table, with pauses between the locks in every fourth.
    fn take(&self, client: &mut Client, chance: &mut Chance) {
        let item = 1 + chance.below(ROWS);
        let pause = match chance.below(4) {
            0 => "SELECT pg_sleep(0.02);",
            _ => "",
        };
        let sql = format!(
            "BEGIN;
             UPDATE stock SET taken = taken + 1 WHERE item = {item};{pause}
             SELECT count(*) FROM labels WHERE id = {item};{pause}
             INSERT INTO baskets (item) VALUES ({item});
             COMMIT"
        );
        let done = client.batch_execute(&sql);
        done.expect("no transaction that refers to the table is lost");
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// Reads the table and views of it: each statement sees all rows of one state.
    fn look(&self, client: &mut Client, chance: &mut Chance) {
        let pause = chance.below(2) * 10;
        let sql = format!(
            "BEGIN;
             SELECT count(*), min(id), max(id) FROM labels WHERE id <= {ROWS};
             SELECT pg_sleep({pause} / 1000.0);
             SELECT count(*), min(id), max(id) FROM items WHERE id <= {ROWS};
             SELECT count(*) FILTER (WHERE label IS NULL), 1, {ROWS} FROM wanted;
             COMMIT"
        );
        let found = client.simple_query(&sql).expect("no reader is lost");
        let mut counts = Vec::new();
        for message in found {
            if let SimpleQueryMessage::Row(row) = message
                && row.len() == 3
            {
                counts.push([0, 1, 2].map(|at| row.get(at).map(str::to_owned)));
            }
        }
        let full = ["500", "1", "500"].map(|n| Some(n.to_owned()));
        let sound = ["0", "1", "500"].map(|n| Some(n.to_owned()));
        assert_eq!(counts, [full.clone(), full, sound]);
        self.read.fetch_add(1, Ordering::Relaxed);
    }

    /// Puts rows into the table itself, and keeps their numbers once they are committed.
    fn put(&self, client: &mut Client, next: &mut i64) {
        *next += 1;
        let sql = format!(
            "BEGIN; INSERT INTO items VALUES ({next}, 'own');
             INSERT INTO baskets (item) VALUES (1 + {next} % {ROWS}); COMMIT"
        );
        let done = client.batch_execute(&sql);
        done.expect("no transaction that writes into the table is lost");
        self.taken.fetch_add(1, Ordering::Relaxed);
        let mut own = self.own.lock().expect("nobody panics with it");
        own.push(*next);
        drop(own);
        // Not so many that they become the work.
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The application's own rows in a schema.
fn own_rows(client: &mut Client, schema: &str) -> Vec<i64> {
    let there = client
        .query_one(
            "SELECT to_regclass($1) IS NOT NULL",
            &[&format!("{schema}.items")],
        )
        .expect("a catalogue");
    if !there.get::<_, bool>(0) {
        return Vec::new();
    }
    let sql = format!("SELECT id FROM {schema}.items WHERE id > {ROWS}");
    let rows = client.query(&sql, &[]).expect("a table");
    rows.iter().map(|row| row.get(0)).collect()
}

/// Removes all backups but the newest two; gives back the application's rows in them.
fn prune(uri: &str, client: &mut Client) -> Vec<i64> {
    let prune = Prune::prepare(&conninfo(uri), Keep::Newest(2), PATIENCE).expect("backups");
    let mut found = Vec::new();
    for (schema, _) in prune.dropped() {
        let name = schema.strip_prefix("schema ").expect("a schema");
        found.extend(own_rows(client, name));
    }
    prune.perform().expect("nobody uses a backup");
    found
}

fn replace(uri: &str, schema: &Schema, plan: &Plan, rows: &Memory) {
    let mut made = options("public");
    made.replace = true;
    made.run.anew = true;
    made.lock_wait_timeout = PATIENCE;
    let mut target = PostgresTarget::new(conninfo(uri), schema, plan, made);
    import(&mut target, rows).expect("the table is replaced");
}

/// Brings back what was there before; every second time without looking for changes. Where rows were
/// changed in the meantime it may be refused.
fn undo(uri: &str, round: usize) {
    let undo = Undo::prepare(&conninfo(uri), None, round % 2 == 0, PATIENCE);
    let undone = undo.expect("a run to undo").perform(&Unwatched);
    if let Err(fault) = undone {
        assert_eq!(fault.code(), Code::TargetChanged, "{fault:?}");
    }
}

/// Fails unless each row that was committed is in one place, and all that refer to the table are there.
fn assert_sound(client: &mut Client, application: &Application, mut found: Vec<i64>) {
    let schemas = "SELECT nspname::text FROM pg_namespace
                   WHERE nspname ~ '^waybill_(backup|undone)_' OR nspname = 'public'";
    for row in client.query(schemas, &[]).expect("a catalogue") {
        found.extend(own_rows(client, row.get(0)));
    }
    found.sort_unstable();
    let mut own = application.own.lock().expect("nobody panics with it");
    own.sort_unstable();
    assert_eq!(found, *own, "rows of the application");
    let referring = "SELECT count(*) FROM baskets JOIN items ON items.id = item";
    let referring: i64 = client.query_one(referring, &[]).expect("tables").get(0);
    let taken = application.taken.load(Ordering::Relaxed);
    assert_eq!(u64::try_from(referring), Ok(taken));
    let keys = "SELECT count(*) FROM pg_constraint
                WHERE contype = 'f' AND convalidated AND confrelid = 'items'::regclass";
    let keys: i64 = client.query_one(keys, &[]).expect("a catalogue").get(0);
    assert_eq!(keys, 2);
}

#[test]
fn an_application_at_work_loses_no_transaction_while_its_tables_are_replaced() {
    let (schema, plan, rows) = items(i64::from(ROWS));
    let switches = Extent::of("WAYBILL_TORTURE_SWITCHES", 10);
    for server in servers() {
        let uri = server.fresh_database();
        let mut client = connect(&uri);
        make(&mut client);
        let application = Application::default();
        let mut found = Vec::new();
        std::thread::scope(|scope| {
            let (uri, known) = (&uri, &application);
            let mut chances = (1..).map(|thread| Chance::new(switches.seed + thread));
            let mut chance = || chances.next().expect("there is always another");
            for mut chance in [chance(), chance()] {
                scope.spawn(move || known.go_on(uri, |client| known.take(client, &mut chance)));
            }
            for mut chance in [chance(), chance()] {
                scope.spawn(move || known.go_on(uri, |client| known.look(client, &mut chance)));
            }
            let mut next = i64::from(ROWS);
            scope.spawn(move || known.go_on(uri, |client| known.put(client, &mut next)));
            let _stopping = Stopping(&known.stop);
            for (round, _) in switches.rounds() {
                replace(uri, &schema, &plan, &rows);
                if round % 5 == 4 {
                    undo(uri, round);
                }
                found.extend(prune(uri, &mut client));
            }
        });
        let (taken, read) = (&application.taken, &application.read);
        assert!(taken.load(Ordering::Relaxed) > 0 && read.load(Ordering::Relaxed) > 0);
        eprintln!(
            "{} switches under {taken:?} writing and {read:?} reading transactions",
            switches.rounds
        );
        assert_sound(&mut client, &application, found);
        drop(client);
        drop_database(server, &uri);
    }
}
