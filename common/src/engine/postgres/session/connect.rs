//! Logging in: which servers are tried, in which order, with and without TLS, as libpq does it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io;

use tokio::time::timeout;
use tokio_postgres::Error;

use crate::engine::postgres::conninfo::{ConnInfo, Endpoint, Host, SessionKind, SslMode};
use crate::engine::postgres::name::identifier;
use crate::engine::postgres::tls::{self, Connector};
use crate::fault::{Code, Fault, Result};

use super::Notices;
use super::fault::{fault, is_handshake_error};
use super::login::{Login, Route, login_clear, login_tls};
use super::socket::{self, Address};

/// Why one address did not lead to a session.
enum Failure {
    /// Another address may do.
    Next(Fault),
    /// It would fail everywhere, or trying on would hide it.
    Stop(Fault),
}

/// Logs in to the first server that will have us and is of the kind wanted.
pub(super) async fn open(conninfo: &ConnInfo, notices: &Notices) -> Result<Login> {
    let mut last = None;
    for wanted in passes(conninfo.session) {
        for endpoint in in_order(conninfo) {
            let addresses = match socket::addresses(endpoint).await {
                Ok(addresses) => addresses,
                Err(error) => {
                    last = Some(unreachable(error).at(conninfo.location_of(endpoint)));
                    continue;
                }
            };
            for address in addresses {
                let route = Route {
                    conninfo,
                    endpoint,
                    address: &address,
                    notices,
                };
                match in_time(&route, *wanted).await {
                    Ok(login) => return Ok(login),
                    Err(Failure::Next(fault)) => last = Some(fault),
                    Err(Failure::Stop(fault)) => return Err(fault),
                }
            }
        }
    }
    Err(last.unwrap_or_else(|| Fault::new(Code::ServerUnreachable, "no server was named")))
}

/// The kinds of server to look for, one after the other.
fn passes(kind: SessionKind) -> &'static [SessionKind] {
    match kind {
        SessionKind::Any => &[SessionKind::Any],
        SessionKind::ReadWrite => &[SessionKind::ReadWrite],
        SessionKind::ReadOnly => &[SessionKind::ReadOnly],
        SessionKind::Primary => &[SessionKind::Primary],
        SessionKind::Standby => &[SessionKind::Standby],
        SessionKind::PreferStandby => &[SessionKind::Standby, SessionKind::Any],
    }
}

/// The endpoints as they were given, or shuffled (`load_balance_hosts=random`).
fn in_order(conninfo: &ConnInfo) -> Vec<&Endpoint> {
    let mut endpoints: Vec<_> = conninfo.endpoints.iter().collect();
    if conninfo.shuffle {
        // The standard library's only source of chance: every RandomState has keys of its own.
        endpoints.sort_by_cached_key(|_| RandomState::new().build_hasher().finish());
    }
    endpoints
}

fn unreachable(error: io::Error) -> Fault {
    Fault::new(Code::ServerUnreachable, "cannot connect to the server").because(error)
}

async fn in_time(route: &Route<'_>, wanted: SessionKind) -> Result<Login, Failure> {
    let attempt = attempts(route, wanted);
    let Some(limit) = route.conninfo.connect_timeout else {
        return attempt.await;
    };
    timeout(limit, attempt).await.unwrap_or_else(|_| {
        let error = io::Error::new(io::ErrorKind::TimedOut, "connect_timeout has passed");
        Err(Failure::Next(unreachable(error).at(route.location())))
    })
}

/// How to talk to a server over TCP.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encryption {
    Clear,
    /// TLS, unless the server has none.
    Offered,
    Required,
}

/// What to try, the second only where the first was turned down for being as it was.
fn encryptions(mode: SslMode, address: &Address) -> &'static [Encryption] {
    match (address, mode) {
        // PostgreSQL speaks no TLS over Unix sockets, whatever is asked.
        (Address::Unix(_), _) | (_, SslMode::Disable) => &[Encryption::Clear],
        (_, SslMode::Allow) => &[Encryption::Clear, Encryption::Offered],
        (_, SslMode::Prefer) => &[Encryption::Offered, Encryption::Clear],
        (_, SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull) => &[Encryption::Required],
    }
}

async fn attempts(route: &Route<'_>, wanted: SessionKind) -> Result<Login, Failure> {
    let encryptions = encryptions(route.conninfo.tls.mode, route.address);
    let mut left = encryptions.len();
    for encryption in encryptions {
        left -= 1;
        match attempt(route, *encryption).await {
            Ok(login) => return of_kind(route, login, wanted),
            Err(refusal) if left > 0 && refusal.other_encryption => {}
            Err(refusal) => return Err(refusal.failure),
        }
    }
    let fault = Fault::new(Code::Bug, "no way to connect was tried");
    Err(Failure::Stop(fault.at(route.location())))
}

/// A failed attempt, and whether the other kind of encryption may help.
struct Refusal {
    failure: Failure,
    other_encryption: bool,
}

async fn attempt(route: &Route<'_>, encryption: Encryption) -> Result<Login, Refusal> {
    if encryption == Encryption::Clear {
        let login = login_clear(route).await;
        return login.map_err(|error| refusal(route, error, true));
    }
    let name = match &route.endpoint.host {
        Host::Tcp { name, .. } => name.as_deref(),
        Host::DefaultSocket | Host::Socket(_) => None,
    };
    let connector = tls::connector(&route.conninfo.tls, name).map_err(|fault| Refusal {
        failure: Failure::Stop(fault.at(route.location())),
        other_encryption: true,
    })?;
    let required = encryption == Encryption::Required;
    let login = login_tls(route, &connector, required).await;
    login.map_err(|error| refusal(route, error, was_used(&connector)))
}

fn was_used(connector: &Connector) -> bool {
    connector.reached().is_some()
}

/// What an error at login means. `distinct` says whether the other kind of encryption would be
/// another attempt at all: when the server had no TLS to offer, clear has been tried.
fn refusal(route: &Route<'_>, error: LoginError, distinct: bool) -> Refusal {
    let error = match error {
        LoginError::Socket(error) => {
            return Refusal {
                failure: Failure::Next(unreachable(error).at(route.location())),
                other_encryption: false,
            };
        }
        LoginError::Server(error) => error,
    };
    let sqlstate = error.code().map_or("", |state| state.code()).to_owned();
    let handshake = is_handshake_error(&error);
    let fault = explained(
        route,
        fault(error, "the server refuses the login", route.location()),
    );
    Refusal {
        failure: match sqlstate.as_str() {
            // Still starting, or a standby that lets nobody in.
            "57P03" => Failure::Next(fault),
            _ => Failure::Stop(fault),
        },
        other_encryption: handshake || (distinct && sqlstate.starts_with("28")),
    }
}

/// An error before or after the socket was open.
pub(super) enum LoginError {
    Socket(io::Error),
    Server(Error),
}

/// Adds the statement that makes a missing database, or what the settings told us about a password
/// that did not do.
fn explained(route: &Route<'_>, fault: Fault) -> Fault {
    if fault.code() == Code::DatabaseMissing
        && let Ok(database) = identifier(route.conninfo.dbname())
    {
        return fault.hint(format!(
            "CREATE DATABASE {database} ENCODING 'UTF8' TEMPLATE template0, or name another database"
        ));
    }
    match route.conninfo.warnings().first() {
        Some(warning) if fault.code() == Code::LoginRefused => fault.hint(warning),
        _ => fault,
    }
}

fn of_kind(route: &Route<'_>, login: Login, wanted: SessionKind) -> Result<Login, Failure> {
    let facts = &login.facts;
    let fits = match wanted {
        SessionKind::Any | SessionKind::PreferStandby => true,
        SessionKind::ReadWrite => !facts.read_only,
        SessionKind::ReadOnly => facts.read_only,
        SessionKind::Primary => !facts.standby,
        SessionKind::Standby => facts.standby,
    };
    if fits {
        return Ok(login);
    }
    let fault = Fault::new(
        Code::ServerUnfit,
        "the server is not of the kind that target_session_attrs asks for",
    );
    Err(Failure::Next(fault.at(route.location())))
}
