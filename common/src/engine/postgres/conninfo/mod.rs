//! Connection settings as libpq reads them: a connection string, a service file, `PG*` variables,
//! the password file, and defaults, in this order.
//!
//! Knows files and an environment that the caller passes in; opens no connection. A setting that
//! cannot be honoured is refused, never ignored. A password never leaves this module as text: it
//! stands in no `Display`, no `Debug` and no fault.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::fault::Result;

mod defaults;
mod hosts;
mod parse;
mod passfile;
mod service;
mod settings;

/// Reads a variable of the environment.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How to reach a database, complete: nothing is looked up later but host names and TLS files.
#[derive(Clone)]
pub struct ConnInfo {
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) user: String,
    pub(super) dbname: String,
    pub(super) options: Option<String>,
    pub(super) application_name: String,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) keepalive: Keepalive,
    pub(super) session: SessionKind,
    pub(super) shuffle: bool,
    pub(super) channel_binding: ChannelBinding,
    pub(super) tls: TlsSettings,
    warnings: Vec<String>,
}

/// One server to try, with the password that belongs to it.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) password: Option<String>,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// A Unix socket in the folder where servers of this machine usually put theirs.
    DefaultSocket,
    /// A folder holding a Unix socket, or with a leading `@` an abstract socket's prefix.
    Socket(String),
    /// TCP: the name to verify and, when it is not to be looked up, the address.
    Tcp {
        name: Option<String>,
        address: Option<String>,
    },
}

/// TCP keepalive settings; `None` leaves the system's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Keepalive {
    pub(super) off: bool,
    pub(super) idle: Option<Duration>,
    pub(super) interval: Option<Duration>,
    pub(super) count: Option<u32>,
    pub(super) user_timeout: Option<Duration>,
}

/// What kind of server is wanted (`target_session_attrs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionKind {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

/// Whether the login must be bound to the TLS channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChannelBinding {
    Disable,
    Prefer,
    Require,
}

/// What `sslmode` asks for, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Everything TLS needs to know.
#[derive(Debug, Clone)]
pub(super) struct TlsSettings {
    pub(super) mode: SslMode,
    /// Handshake at once, without asking in clear first (PostgreSQL 17).
    pub(super) direct: bool,
    /// Send the host name in clear in the handshake.
    pub(super) send_name: bool,
    pub(super) roots: Roots,
    /// Certificate and key to present, unless switched off.
    pub(super) identity: Option<Identity>,
    /// The default revocation list, which is refused where it would have to be honoured.
    pub(super) revoked: Option<PathBuf>,
    pub(super) oldest: TlsVersion,
    pub(super) newest: TlsVersion,
}

/// Whose certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    /// The certificates the operating system trusts.
    System,
    /// The certificates in a file, which may be missing where nothing is to be verified.
    File(PathBuf),
    /// There is no home folder to look into.
    Nowhere,
}

/// The client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// The TLS versions that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TlsVersion {
    V1_2,
    V1_3,
}

impl ConnInfo {
    /// Reads `text`: a `postgresql://` URI, `KEY=VALUE …` with or without a leading `pg:`, the bare
    /// name of a database, or nothing at all; and fills in the rest as libpq does.
    pub fn parse(text: &str, env: Environment<'_>) -> Result<ConnInfo> {
        let text = text.strip_prefix("pg:").unwrap_or(text);
        let mut settings = parse::settings(text)?;
        let mut warnings = Vec::new();
        service::fill(&mut settings, env)?;
        defaults::fill(&mut settings, env);
        settings::build(&settings, env, &mut warnings)
    }

    /// Where this leads, as a URI without password.
    #[must_use]
    pub fn location(&self) -> String {
        self.to_string()
    }

    /// The role that logs in.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The database that is opened.
    #[must_use]
    pub fn dbname(&self) -> &str {
        &self.dbname
    }

    /// Where one of the servers is, as a URI without password.
    pub(super) fn location_of(&self, endpoint: &Endpoint) -> String {
        self.uri(&endpoint.to_string())
    }

    fn uri(&self, servers: &str) -> String {
        let (user, dbname) = (Escaped(&self.user), Escaped(&self.dbname));
        format!("postgresql://{user}@{servers}/{dbname}")
    }

    /// What was noticed while reading the settings, such as a password file others can read.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl fmt::Display for ConnInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints: Vec<_> = self.endpoints.iter().map(Endpoint::to_string).collect();
        f.write_str(&self.uri(&endpoints.join(",")))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::DefaultSocket => Ok(()),
            Host::Socket(folder) => write!(f, "{}", Escaped(folder)),
            Host::Tcp { name, address } => {
                let host = name.as_ref().or(address.as_ref());
                let host = host.map_or("", String::as_str);
                if host.contains(':') {
                    write!(f, "[{}]", Escaped(host))
                } else {
                    write!(f, "{}", Escaped(host))
                }
            }
        }
    }
}

impl fmt::Debug for ConnInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnInfo({self}, {:?})", self.tls.mode)
    }
}

/// Text in a URI: what would end its part, or cannot be seen, as `%XX`.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if c.is_alphanumeric() || "-._~$!*()+;:".contains(c) {
                write!(f, "{c}")?;
            } else {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    write!(f, "%{byte:02X}")?;
                }
            }
        }
        Ok(())
    }
}
