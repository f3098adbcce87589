//! Asking the server to give up a running statement, from any thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{CancelToken, NoTls};

use crate::engine::postgres::conninfo::{Keepalive, TlsSettings};
use crate::engine::postgres::tls;
use crate::fault::{Code, Fault, Result};

use super::fault::fault;
use super::runtime;
use super::socket::{self, Address};

/// How long asking may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Cancels what a session is doing, over a connection of its own.
#[derive(Clone)]
pub struct Cancel {
    pub(super) token: CancelToken,
    pub(super) address: Address,
    pub(super) tls: TlsSettings,
    /// The host to make TLS for, when the session asked for TLS.
    pub(super) tls_name: Option<String>,
    pub(super) location: String,
    pub(super) cancelled: Arc<AtomicBool>,
}

impl Cancel {
    /// Asks the server to cancel the running statement, which then ends as interrupted. Whether
    /// there was one to cancel, the server does not say.
    pub fn cancel(&self) -> Result<()> {
        self.cancelled.store(true, Ordering::SeqCst);
        self.cancel_quietly()
    }

    /// The same, for a statement whose end nobody will look at.
    pub(super) fn cancel_quietly(&self) -> Result<()> {
        let runtime = runtime()?;
        let asked = runtime.block_on(async { timeout(LIMIT, self.ask()).await });
        asked.unwrap_or_else(|_| Err(self.failed("the server does not answer")))
    }

    fn failed(&self, what: &'static str) -> Fault {
        Fault::new(Code::ServerUnreachable, what).at(&self.location)
    }

    async fn ask(&self) -> Result<()> {
        let unreachable = |error| {
            self.failed("cannot connect to the server to cancel a statement")
                .because(error)
        };
        let asked = match &self.address {
            Address::Unix(path) => {
                let stream = socket::open_unix(path).await.map_err(unreachable)?;
                self.token.cancel_query_raw(stream, NoTls).await
            }
            Address::Tcp(address) => {
                let stream = socket::open_tcp(*address, &Keepalive::default())
                    .await
                    .map_err(unreachable)?;
                self.ask_over_tcp(stream).await?
            }
        };
        asked.map_err(|error| fault(error, "cannot cancel a statement", &self.location))
    }

    async fn ask_over_tcp(&self, stream: TcpStream) -> Result<Result<(), tokio_postgres::Error>> {
        let Some(name) = &self.tls_name else {
            return Ok(self.token.cancel_query_raw(stream, NoTls).await);
        };
        let mut connector = tls::connector(&self.tls, Some(name))?;
        let made = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut connector.maker, name)
            .unwrap_or_else(|never| match never {});
        Ok(self.token.cancel_query_raw(stream, made).await)
    }
}
