//! One login over one socket, up to the point where statements can be sent.

use std::future::poll_fn;
use std::sync::PoisonError;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_postgres::config::{
    ChannelBinding as DriverBinding, SslMode as DriverMode, SslNegotiation,
};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls, SimpleQueryMessage};

use crate::engine::postgres::conninfo::{ChannelBinding, ConnInfo, Endpoint, Host};
use crate::engine::postgres::tls::{Connector, Protection};

use super::connect::LoginError;
use super::socket::{self, Address};
use super::{Notice, Notices};

/// One way to one server.
pub(super) struct Route<'a> {
    pub(super) conninfo: &'a ConnInfo,
    pub(super) endpoint: &'a Endpoint,
    pub(super) address: &'a Address,
    pub(super) notices: &'a Notices,
}

impl Route<'_> {
    pub(super) fn location(&self) -> String {
        self.conninfo.location_of(self.endpoint)
    }

    /// The name to present in a TLS handshake, which is an address where no name is known.
    pub(super) fn server_name(&self) -> String {
        match &self.endpoint.host {
            Host::Tcp {
                name: Some(name), ..
            } if !name.starts_with('/') => name.clone(),
            Host::Tcp {
                address: Some(address),
                ..
            } => address.clone(),
            Host::Tcp { .. } | Host::DefaultSocket | Host::Socket(_) => String::new(),
        }
    }

    fn config(&self, mode: DriverMode) -> Config {
        let conninfo = self.conninfo;
        let mut config = Config::new();
        config
            .user(&conninfo.user)
            .dbname(&conninfo.dbname)
            .application_name(&conninfo.application_name)
            .ssl_mode(mode)
            .channel_binding(match conninfo.channel_binding {
                ChannelBinding::Disable => DriverBinding::Disable,
                ChannelBinding::Prefer => DriverBinding::Prefer,
                ChannelBinding::Require => DriverBinding::Require,
            });
        if let Some(password) = &self.endpoint.password {
            config.password(password);
        }
        if let Some(options) = &conninfo.options {
            config.options(options);
        }
        if conninfo.tls.direct && mode == DriverMode::Require {
            config.ssl_negotiation(SslNegotiation::Direct);
        }
        config
    }
}

/// What a session is asked once, right after the login.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) backend_pid: i32,
    pub(super) server_version: u32,
    pub(super) read_only: bool,
    pub(super) standby: bool,
}

/// A connection that is logged in, and the task that moves its bytes.
pub(super) struct Login {
    pub(super) client: Client,
    pub(super) driver: JoinHandle<Result<(), Error>>,
    pub(super) parameters: Vec<(&'static str, String)>,
    pub(super) facts: Facts,
    pub(super) protection: Protection,
    pub(super) location: String,
    pub(super) address: Address,
    /// The name TLS was made for, when it was asked for.
    pub(super) tls_name: Option<String>,
}

/// The parameters a server reports by itself that somebody here may want to know.
const PARAMETERS: &[&str] = &[
    "application_name",
    "client_encoding",
    "default_transaction_read_only",
    "in_hot_standby",
    "is_superuser",
    "server_encoding",
    "server_version",
    "session_authorization",
    "standard_conforming_strings",
];

/// Logs in without TLS.
pub(super) async fn login_clear(route: &Route<'_>) -> Result<Login, LoginError> {
    let config = route.config(DriverMode::Disable);
    match route.address {
        Address::Unix(path) => {
            let stream = socket::open_unix(path).await.map_err(LoginError::Socket)?;
            enter(route, &config, stream, NoTls, None).await
        }
        Address::Tcp(address) => {
            let stream = socket::open_tcp(*address, &route.conninfo.keepalive)
                .await
                .map_err(LoginError::Socket)?;
            enter(route, &config, stream, NoTls, None).await
        }
    }
}

/// Logs in with TLS, or if that is not required and the server has none, without.
pub(super) async fn login_tls(
    route: &Route<'_>,
    connector: &Connector,
    required: bool,
) -> Result<Login, LoginError> {
    let Address::Tcp(address) = route.address else {
        return login_clear(route).await;
    };
    let mode = if required {
        DriverMode::Require
    } else {
        DriverMode::Prefer
    };
    let config = route.config(mode);
    let stream = socket::open_tcp(*address, &route.conninfo.keepalive)
        .await
        .map_err(LoginError::Socket)?;
    let mut maker = connector.maker.clone();
    let tls =
        MakeTlsConnect::<tokio::net::TcpStream>::make_tls_connect(&mut maker, &route.server_name())
            .unwrap_or_else(|never| match never {});
    enter(route, &config, stream, tls, Some(connector)).await
}

async fn enter<S, T>(
    route: &Route<'_>,
    config: &Config,
    stream: S,
    tls: T,
    connector: Option<&Connector>,
) -> Result<Login, LoginError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: TlsConnect<S>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config
        .connect_raw(stream, tls)
        .await
        .map_err(LoginError::Server)?;
    let parameters: Vec<_> = PARAMETERS
        .iter()
        .filter_map(|name| Some((*name, connection.parameter(name)?.to_owned())))
        .collect();
    let driver = tokio::spawn(drive(connection, route.notices.clone()));
    let facts = facts(&client).await.map_err(LoginError::Server)?;
    let protection = match (route.address, connector.and_then(Connector::reached)) {
        (Address::Unix(_), _) => Protection::Local,
        (Address::Tcp(_), None) => Protection::Clear,
        (Address::Tcp(_), Some(protection)) => protection,
    };
    Ok(Login {
        client,
        driver,
        parameters,
        facts,
        protection,
        location: route.location(),
        address: route.address.clone(),
        tls_name: connector.map(|_| route.server_name()),
    })
}

/// Moves bytes between the socket and the client, and keeps what the server says unasked.
async fn drive<S, T>(mut connection: Connection<S, T>, notices: Notices) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notice(notice) = message? {
            notices
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .keep(Notice::read(&notice));
        }
    }
    Ok(())
}

/// Columns of the answer with the facts.
const FACTS: usize = 4;

async fn facts(client: &Client) -> Result<Facts, Error> {
    // Sessions of an import are idle for as long as others of it work. A server without the setting, or
    // where it is off, is not told anything that a pooler would keep for the next client.
    let sql = "SELECT pg_catalog.set_config('idle_session_timeout', '0', false) \
        WHERE pg_catalog.current_setting('idle_session_timeout', true) <> '0'; \
        SELECT pg_catalog.pg_backend_pid(), \
        pg_catalog.current_setting('server_version_num'), \
        pg_catalog.current_setting('transaction_read_only'), \
        pg_catalog.pg_is_in_recovery()";
    let mut facts = Facts::default();
    for message in client.simple_query(sql).await? {
        if let SimpleQueryMessage::Row(row) = message {
            if row.len() < FACTS {
                continue;
            }
            let text = |column| row.get(column).unwrap_or_default();
            facts = Facts {
                backend_pid: text(0).parse().unwrap_or_default(),
                server_version: text(1).parse().unwrap_or_default(),
                read_only: text(2) == "on",
                standby: text(3) == "t",
            };
        }
    }
    Ok(facts)
}
