//! Eyes that look all the time: what they see is what was there before or what was there after,
//! never something in between.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::postgres::{Client, Error, IsolationLevel, NoTls};

/// What can be seen of the schema `public` at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// How many tables, indexes, views, sequences and constraints there are.
    catalogue: Vec<i64>,
    /// What the queries find; nothing where a table is missing.
    rows: Option<Vec<i64>>,
}

const CATALOGUE: &str =
    "SELECT ARRAY[count(*) FILTER (WHERE relkind = 'r'), count(*) FILTER (WHERE relkind = 'i'),
            count(*) FILTER (WHERE relkind = 'v'), count(*) FILTER (WHERE relkind = 'S'),
            (SELECT count(*) FROM pg_constraint WHERE connamespace = 'public'::regnamespace)]
     FROM pg_class WHERE relnamespace = 'public'::regnamespace";

/// Two states that are told apart, and how.
pub(super) struct Eyes {
    /// One statement: it sees all its tables, or the server says that one is not there.
    rows: String,
    /// Before and after.
    states: [View; 2],
}

/// How is looked while something happens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Once it is after, it is never before again.
    pub(super) forward: bool,
    /// The server may be away for a while.
    pub(super) away: bool,
}

impl Eyes {
    /// Eyes that look with one query for each number.
    pub(super) fn new(queries: &[String], before: View, after: View) -> Eyes {
        // Two states that look the same would prove nothing.
        assert_ne!(before.catalogue, after.catalogue);
        assert_ne!(before.rows, after.rows);
        Eyes {
            rows: statement(queries),
            states: [before, after],
        }
    }

    /// What is there now, while nothing happens.
    pub(super) fn view(client: &mut Client, queries: &[String]) -> View {
        View {
            catalogue: catalogue(client).expect("a catalogue"),
            rows: rows(client, &statement(queries)).expect("the server answers"),
        }
    }

    /// Which of the two states is there, looked at three times, one of which it must be each time; a failure
    /// where the server is away. First a reader in READ COMMITTED, then one in a transaction of one
    /// snapshot.
    pub(super) fn look(&self, client: &mut Client) -> Result<[usize; 3], Error> {
        let seen = rows(client, &self.rows)?;
        let first = self.state(|view| view.rows == seen, &seen);
        let seen = catalogue(client)?;
        let second = self.state(|view| view.catalogue == seen, &seen);
        let mut snapshot = client.build_transaction();
        snapshot = snapshot.isolation_level(IsolationLevel::RepeatableRead);
        let mut snapshot = snapshot.start()?;
        if self.states[0].rows.is_some() {
            let seen = rows(&mut snapshot, &self.rows)?;
            return Ok([first, second, self.state(|view| view.rows == seen, &seen)]);
        }
        // Where there may be no table to wait for, the catalogue tells it first: a switch after that is none
        // that the transaction has begun after.
        let seen = catalogue(&mut snapshot)?;
        let third = self.state(|view| view.catalogue == seen, &seen);
        if self.states[third].rows.is_some() {
            let seen = rows(&mut snapshot, &self.rows)?;
            assert_eq!(seen, self.states[third].rows, "one snapshot is a mixture");
        }
        Ok([first, second, third])
    }

    fn state<T: std::fmt::Debug>(&self, is_it: impl Fn(&View) -> bool, seen: &T) -> usize {
        let found = self.states.iter().position(is_it);
        found.unwrap_or_else(|| panic!("a mixture is seen: {seen:?}, not of {:?}", self.states))
    }

    /// Looks all the time while `act` is done.
    pub(super) fn watch(&self, uri: &str, look: Look, act: impl FnOnce()) {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| self.read(uri, look, &stop));
            // Where `act` fails, the reader must end too, or the scope would wait for it.
            let stopping = Stopping(&stop);
            act();
            drop(stopping);
            let looks = reader.join().expect("a reader sees one of the two states");
            assert!(looks > 0, "nobody has looked");
        });
    }

    /// How often it was looked until it is to stop.
    fn read(&self, uri: &str, look: Look, stop: &AtomicBool) -> usize {
        let (mut client, mut looks, mut last) = (Client::connect(uri, NoTls).ok(), 0, 0);
        while !stop.load(Ordering::Relaxed) || looks == 0 {
            let seen = client.as_mut().map(|client| self.look(client));
            match seen {
                Some(Ok(states)) => {
                    for state in states {
                        assert!(state >= last || !look.forward, "it is as before again");
                        last = state;
                    }
                    looks += 1;
                }
                gone => {
                    assert!(look.away, "the server is away: {gone:?}");
                    client = Client::connect(uri, NoTls).ok();
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        looks
    }
}

/// Tells others to stop when it is dropped, so also when a test fails.
pub(super) struct Stopping<'a>(pub(super) &'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn statement(queries: &[String]) -> String {
    let queries: Vec<_> = queries.iter().map(|query| format!("({query})")).collect();
    format!("SELECT ARRAY[{}]", queries.join(", "))
}

fn catalogue(client: &mut impl ::postgres::GenericClient) -> Result<Vec<i64>, Error> {
    client.query_one(CATALOGUE, &[]).map(|row| row.get(0))
}

fn rows(client: &mut impl ::postgres::GenericClient, sql: &str) -> Result<Option<Vec<i64>>, Error> {
    match client.query_one(sql, &[]) {
        Ok(row) => Ok(Some(row.get(0))),
        Err(error) => {
            let code = error.code().map(::postgres::error::SqlState::code);
            match code {
                Some("42P01") => Ok(None),
                // Ended or started by its master, or no answer at all.
                Some("57P01" | "57P02" | "57P03") | None => Err(error),
                Some(_) => panic!("a reader is refused: {error:?}"),
            }
        }
    }
}
