//! One connection, blocking.
//!
//! Each session has a runtime of its own that runs while a call waits, so there is no thread
//! beside the caller's. Nothing is SET but what a literal's meaning depends on: settings that must
//! not leak through a pooler belong into the caller's transactions.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row};

use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::tls::Protection;
use crate::fault::{Code, Fault, Result};

mod cancel;
mod connect;
mod copy;
mod fault;
mod login;
mod socket;

pub use cancel::Cancel;
pub use copy::CopyIn;
pub use fault::{ServerMessage, fault};
use login::Login;

/// How long a session waits for the reason its connection ended, and for its own farewell.
const FAREWELL: Duration = Duration::from_secs(2);

/// The number of notices that are kept until somebody asks.
const NOTICES_KEPT: usize = 1000;

/// A column that a statement would give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its type.
    pub type_oid: u32,
    /// Length or precision of that, as the server keeps it; -1 without any.
    pub modifier: i32,
}

/// Something the server said without being asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// `WARNING`, `NOTICE` and so on, in the server's language.
    pub severity: String,
    /// Five characters that say what kind of notice it is.
    pub sqlstate: String,
    /// What it said.
    pub message: String,
}

impl Notice {
    fn read(notice: &DbError) -> Self {
        Notice {
            severity: notice.severity().to_owned(),
            sqlstate: notice.code().code().to_owned(),
            message: notice.message().to_owned(),
        }
    }
}

/// Notices nobody has asked for yet.
#[derive(Default)]
struct Pile(Vec<Notice>);

impl Pile {
    /// Keeps a notice, unless there are far too many.
    fn keep(&mut self, notice: Notice) {
        if self.0.len() < NOTICES_KEPT {
            self.0.push(notice);
        }
    }
}

type Notices = Arc<Mutex<Pile>>;

fn runtime() -> Result<Runtime> {
    Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| {
            Fault::new(Code::ServerUnreachable, "cannot prepare a connection").because(error)
        })
}

/// A connection that is logged in.
pub struct Session {
    runtime: Runtime,
    /// There until the session is dropped.
    client: Option<Client>,
    /// There until the connection has ended.
    driver: Option<JoinHandle<Result<(), Error>>>,
    parameters: Vec<(&'static str, String)>,
    notices: Notices,
    backend_pid: i32,
    server_version: u32,
    protection: Protection,
    cancel: Cancel,
}

impl Session {
    /// Logs in as `settings` say.
    pub fn connect(settings: &ConnInfo) -> Result<Session> {
        let runtime = runtime()?;
        let notices = Notices::default();
        let Login {
            client,
            driver,
            parameters,
            facts,
            protection,
            location,
            address,
            tls_name,
        } = runtime.block_on(connect::open(settings, &notices))?;
        let cancel = Cancel {
            token: client.cancel_token(),
            address,
            tls: settings.tls.clone(),
            tls_name,
            location,
            cancelled: Arc::new(AtomicBool::new(false)),
        };
        let mut session = Session {
            runtime,
            client: Some(client),
            driver: Some(driver),
            parameters,
            notices,
            backend_pid: facts.backend_pid,
            server_version: facts.server_version,
            protection,
            cancel,
        };
        session.fix_literals()?;
        Ok(session)
    }

    /// Makes sure that `'` strings mean what `name::literal` takes them to mean. Poolers follow
    /// this setting, so that it does not reach the next client.
    fn fix_literals(&mut self) -> Result<()> {
        if self.parameter("standard_conforming_strings") == Some("on") {
            return Ok(());
        }
        self.execute("SET standard_conforming_strings = on")
    }

    /// Runs SQL of our own, one statement or several; results are dropped.
    pub fn execute(&mut self, sql: &str) -> Result<()> {
        let done = self.block_on(self.client().batch_execute(sql));
        done.map_err(|error| self.fault(error, "the server refuses a statement"))
    }

    /// Does something of which nothing stays in the transaction: no change, no setting, and no lock that it
    /// took.
    pub fn aside<T>(&mut self, act: impl FnOnce(&mut Session) -> Result<T>) -> Result<T> {
        self.execute("SAVEPOINT aside")?;
        let done = act(self);
        let back = self.execute("ROLLBACK TO SAVEPOINT aside; RELEASE SAVEPOINT aside");
        done.and_then(|done| back.map(|()| done))
    }

    /// Runs one statement with parameters, and gives all its rows.
    pub fn query(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let rows = self.block_on(self.client().query(sql, params));
        rows.map_err(|error| self.fault(error, "the server refuses a statement"))
    }

    /// The columns that a statement would give, without running it.
    pub fn describe(&mut self, sql: &str) -> Result<Vec<Described>> {
        let prepared = self.block_on(self.client().prepare(sql));
        let prepared =
            prepared.map_err(|error| self.fault(error, "the server refuses a statement"))?;
        let columns = prepared.columns().iter().map(|column| Described {
            name: column.name().to_owned(),
            type_oid: column.type_().oid(),
            modifier: column.type_modifier(),
        });
        Ok(columns.collect())
    }

    /// What cancels this session's statements from another thread.
    #[must_use]
    pub fn cancel_token(&self) -> Cancel {
        self.cancel.clone()
    }

    /// The number of the server process, as in `pg_stat_activity`.
    #[must_use]
    pub fn backend_pid(&self) -> i32 {
        self.backend_pid
    }

    /// The server's version as a number, such as 150008 for 15.8.
    #[must_use]
    pub fn server_version_num(&self) -> u32 {
        self.server_version
    }

    /// A parameter as the server reported it at login: `server_version`, `server_encoding`,
    /// `is_superuser`, `in_hot_standby`, `session_authorization` and a few more.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    /// How the connection is protected.
    #[must_use]
    pub fn protection(&self) -> Protection {
        self.protection
    }

    /// The server this session is connected to, as a URI without password.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.cancel.location
    }

    /// The notices that came since the last call, oldest first; at most a thousand are kept.
    pub fn drain_notices(&mut self) -> Vec<Notice> {
        let mut pile = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut pile.0)
    }

    fn client(&self) -> &Client {
        self.client
            .as_ref()
            .expect("only dropping the session takes the client away")
    }

    /// Waits for `work`, while the connection's bytes are moved.
    fn block_on<F: Future>(&self, work: F) -> F::Output {
        self.runtime.block_on(async {
            // What came while nobody waited is looked at first: a farewell of the server would be
            // lost if the next statement were written into its closed socket before.
            yield_now().await;
            work.await
        })
    }

    /// Turns an error of this session into a fault. A closed connection is asked why it ended.
    fn fault(&mut self, error: Error, what: &'static str) -> Fault {
        let ours = self.cancel.cancelled.swap(false, Ordering::SeqCst);
        if ours && error.code() == Some(&SqlState::QUERY_CANCELED) {
            return Fault::interrupted().at(self.location());
        }
        if !error.is_closed() {
            return fault(error, what, self.location());
        }
        match self.reason_of_end() {
            Some(reason) => fault(reason, what, self.location()),
            None => fault(error, what, self.location()),
        }
    }

    /// The error that ended the connection, if there was one.
    fn reason_of_end(&mut self) -> Option<Error> {
        let driver = self.driver.take()?;
        let ended = self
            .runtime
            .block_on(async { timeout(FAREWELL, driver).await });
        ended.ok()?.ok()?.err()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Without its client the connection says goodbye, so that the server logs no broken one.
        self.client = None;
        if let Some(driver) = self.driver.take() {
            let farewell = async { timeout(FAREWELL, driver).await };
            drop(self.runtime.block_on(farewell));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_and_their_tokens_can_be_handed_to_workers() {
        fn handed<T: Send>() {}
        handed::<Session>();
        handed::<Cancel>();
    }

    #[test]
    fn notices_do_not_pile_up_without_end() {
        let mut pile = Pile::default();
        for _ in 0..=NOTICES_KEPT {
            pile.keep(Notice {
                severity: "NOTICE".to_owned(),
                sqlstate: "00000".to_owned(),
                message: String::new(),
            });
        }
        assert_eq!(pile.0.len(), NOTICES_KEPT);
    }
}
