//! The meaning of each setting. What Waybill cannot honour is refused here, unless its value says
//! "off" or names what happens anyway.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::fault::{Code, Fault, Result};

use super::parse::Settings;
use super::{
    ChannelBinding, ConnInfo, Endpoint, Environment, Host, Identity, Keepalive, Roots, SessionKind,
    SslMode, TlsSettings, TlsVersion, defaults, hosts, passfile,
};

/// The name shown in `pg_stat_activity` when none is asked for.
const APPLICATION_NAME: &str = "waybill-import";

/// Settings that cannot be honoured, with the values that ask for nothing. An empty value never
/// asks for anything.
const NOT_HONOURED: &[(&str, &[&str])] = &[
    ("gssdelegation", &["0"]),
    ("gssencmode", &["disable", "prefer"]),
    ("gsslib", &[]),
    ("krbsrvname", &["postgres"]),
    ("max_protocol_version", &["3.0", "3.2", "latest"]),
    ("min_protocol_version", &["3.0"]),
    ("oauth_client_id", &[]),
    ("oauth_client_secret", &[]),
    ("oauth_issuer", &[]),
    ("oauth_scope", &[]),
    ("replication", &["0", "no", "off", "false"]),
    ("require_auth", &[]),
    ("requirepeer", &[]),
    ("scram_client_key", &[]),
    ("scram_server_key", &[]),
    ("sslcertmode", &["disable", "allow"]),
    ("sslcompression", &["0"]),
    ("sslcrl", &[]),
    ("sslcrldir", &[]),
    ("sslkeylogfile", &[]),
    ("sslpassword", &[]),
];

/// Folders that stand for the default socket, and so for `localhost` in the password file.
const SOCKET_FOLDERS: &[&str] = &["/var/run/postgresql", "/tmp"];

/// Turns complete settings into what a session needs.
pub(super) fn build(
    settings: &Settings,
    env: Environment<'_>,
    warnings: &mut Vec<String>,
) -> Result<ConnInfo> {
    refuse_what_cannot_be_honoured(settings)?;
    let user = user(settings)?;
    let dbname = settings.get("dbname").unwrap_or(&user).to_owned();
    let application_name = settings
        .get("application_name")
        .or_else(|| settings.get("fallback_application_name"))
        .unwrap_or(APPLICATION_NAME);
    let mut conninfo = ConnInfo {
        endpoints: hosts::endpoints(settings)?,
        user,
        dbname,
        options: settings.get("options").map(str::to_owned),
        application_name: application_name.to_owned(),
        connect_timeout: seconds(settings, "connect_timeout")?,
        keepalive: keepalive(settings)?,
        session: choice(settings, "target_session_attrs", SESSION_KINDS)?,
        shuffle: choice(settings, "load_balance_hosts", SHUFFLE)?,
        channel_binding: choice(settings, "channel_binding", CHANNEL_BINDINGS)?,
        tls: tls(settings, env)?,
        warnings: Vec::new(),
    };
    fill_passwords(&mut conninfo, settings, env, warnings);
    conninfo.warnings = std::mem::take(warnings);
    Ok(conninfo)
}

fn refused(what: String) -> Fault {
    Fault::new(Code::ConnectionSetting, what)
}

fn refuse_what_cannot_be_honoured(settings: &Settings) -> Result<()> {
    for (key, off) in NOT_HONOURED {
        if settings.get(key).is_some_and(|value| !off.contains(&value)) {
            return Err(refused(format!("`{key}` cannot be honoured as it is set")));
        }
    }
    let encoding = settings.get("client_encoding").unwrap_or("auto");
    let plain = encoding.to_ascii_lowercase().replace(['-', '_'], "");
    if !["auto", "utf8", "unicode"].contains(&plain.as_str()) {
        return Err(refused(
            "`client_encoding` cannot be honoured: Waybill speaks UTF-8 with the server".to_owned(),
        ));
    }
    Ok(())
}

fn user(settings: &Settings) -> Result<String> {
    settings
        .get("user")
        .map(str::to_owned)
        .or_else(defaults::os_user)
        .ok_or_else(|| {
            refused("no `user` is given, and the operating system knows no name".to_owned())
        })
}

/// The values a setting can have, the first being its default.
type Choices<T> = &'static [(&'static str, T)];

const SESSION_KINDS: Choices<SessionKind> = &[
    ("any", SessionKind::Any),
    ("read-write", SessionKind::ReadWrite),
    ("read-only", SessionKind::ReadOnly),
    ("primary", SessionKind::Primary),
    ("standby", SessionKind::Standby),
    ("prefer-standby", SessionKind::PreferStandby),
];
const SHUFFLE: Choices<bool> = &[("disable", false), ("random", true)];
const CHANNEL_BINDINGS: Choices<ChannelBinding> = &[
    ("prefer", ChannelBinding::Prefer),
    ("disable", ChannelBinding::Disable),
    ("require", ChannelBinding::Require),
];
const SSL_MODES: Choices<SslMode> = &[
    ("prefer", SslMode::Prefer),
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];
const NEGOTIATIONS: Choices<bool> = &[("postgres", false), ("direct", true)];
const FLAGS: Choices<bool> = &[("1", true), ("0", false)];

fn choice<T: Copy>(settings: &Settings, key: &str, choices: Choices<T>) -> Result<T> {
    let value = settings.get(key).unwrap_or(choices[0].0);
    let chosen = choices.iter().find(|(name, _)| *name == value);
    chosen.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        refused(format!("`{key}` has a value it cannot have"))
            .hint(format!("it can be {}", names.join(", ")))
    })
}

/// A whole number; libpq allows white space around it.
fn number(settings: &Settings, key: &str) -> Result<Option<i32>> {
    let Some(text) = settings.get(key) else {
        return Ok(None);
    };
    match text.trim().parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(refused(format!("`{key}` is not a whole number"))),
    }
}

/// A positive number; zero and less mean "the default".
fn positive(settings: &Settings, key: &str) -> Result<Option<u32>> {
    let number = number(settings, key)?;
    Ok(number
        .and_then(|n| u32::try_from(n).ok())
        .filter(|n| *n > 0))
}

fn seconds(settings: &Settings, key: &str) -> Result<Option<Duration>> {
    let number = positive(settings, key)?;
    Ok(number.map(|n| Duration::from_secs(n.into())))
}

fn keepalive(settings: &Settings) -> Result<Keepalive> {
    let user_timeout = positive(settings, "tcp_user_timeout")?;
    Ok(Keepalive {
        off: number(settings, "keepalives")? == Some(0),
        idle: seconds(settings, "keepalives_idle")?,
        interval: seconds(settings, "keepalives_interval")?,
        count: positive(settings, "keepalives_count")?,
        user_timeout: user_timeout.map(|n| Duration::from_millis(n.into())),
    })
}

fn tls(settings: &Settings, env: Environment<'_>) -> Result<TlsSettings> {
    let folder = defaults::home(env).map(|home| home.join(".postgresql"));
    let system = settings.get("sslrootcert") == Some("system");
    let mode = match settings.get("sslmode") {
        None if system => SslMode::VerifyFull,
        _ => choice(settings, "sslmode", SSL_MODES)?,
    };
    if system && mode != SslMode::VerifyFull {
        return Err(refused(
            "`sslrootcert=system` asks for `sslmode=verify-full`, and a weaker one is set"
                .to_owned(),
        ));
    }
    let direct = choice(settings, "sslnegotiation", NEGOTIATIONS)?;
    if direct && mode < SslMode::Require {
        return Err(refused(
            "`sslnegotiation=direct` asks for `sslmode=require` at least, and a weaker one is set"
                .to_owned(),
        ));
    }
    let roots = match settings.get("sslrootcert") {
        _ if system => Roots::System,
        Some(path) => Roots::File(path.into()),
        None => folder.as_deref().map_or(Roots::Nowhere, |folder| {
            Roots::File(folder.join("root.crt"))
        }),
    };
    let oldest = tls_version(settings, "ssl_min_protocol_version", TlsVersion::V1_2)?;
    let newest = tls_version(settings, "ssl_max_protocol_version", TlsVersion::V1_3)?;
    if oldest > newest {
        return Err(refused(
            "`ssl_min_protocol_version` is above `ssl_max_protocol_version`".to_owned(),
        ));
    }
    Ok(TlsSettings {
        mode,
        direct,
        send_name: choice(settings, "sslsni", FLAGS)?,
        roots,
        identity: identity(settings, folder.as_deref())?,
        revoked: folder.map(|folder| folder.join("root.crl")),
        oldest,
        newest,
    })
}

fn tls_version(settings: &Settings, key: &str, default: TlsVersion) -> Result<TlsVersion> {
    match settings.get(key).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(default),
        Some("tlsv1.2") => Ok(TlsVersion::V1_2),
        Some("tlsv1.3") => Ok(TlsVersion::V1_3),
        // To allow an older version is honoured by using a newer one; to insist on it is not.
        Some("tlsv1" | "tlsv1.1") if default == TlsVersion::V1_2 => Ok(TlsVersion::V1_2),
        Some(_) => Err(refused(format!("`{key}` cannot be honoured as it is set"))
            .hint("TLSv1.2 and TLSv1.3 are supported")),
    }
}

/// The files of the client's certificate, whether they are there or not.
fn identity(settings: &Settings, folder: Option<&Path>) -> Result<Option<Identity>> {
    if settings.get("sslcertmode") == Some("disable") {
        return Ok(None);
    }
    let file = |key: &str, name: &str| {
        settings
            .get(key)
            .map(PathBuf::from)
            .or_else(|| folder.map(|folder| folder.join(name)))
    };
    if settings
        .get("sslkey")
        .is_some_and(|key| key.contains(':') && !Path::new(key).exists())
    {
        return Err(refused(
            "`sslkey` names a key engine, which Waybill does not support".to_owned(),
        ));
    }
    let certificate = file("sslcert", "postgresql.crt");
    let key = file("sslkey", "postgresql.key");
    Ok(certificate
        .zip(key)
        .map(|(certificate, key)| Identity { certificate, key }))
}

/// Gives each endpoint its password: the one that was set, or the password file's.
fn fill_passwords(
    conninfo: &mut ConnInfo,
    settings: &Settings,
    env: Environment<'_>,
    warnings: &mut Vec<String>,
) {
    if let Some(password) = settings.get("password") {
        for endpoint in &mut conninfo.endpoints {
            endpoint.password = Some(password.to_owned());
        }
        return;
    }
    let path = settings
        .get("passfile")
        .map(PathBuf::from)
        .or_else(|| defaults::home(env).map(|home| home.join(".pgpass")));
    let Some(lines) = path.and_then(|path| passfile::read(&path, warnings)) else {
        return;
    };
    let (user, dbname) = (&conninfo.user, &conninfo.dbname);
    for endpoint in &mut conninfo.endpoints {
        endpoint.password = passfile::find(
            &lines,
            &passfile::Login {
                host: passfile_host(endpoint),
                port: endpoint.port,
                dbname,
                user,
            },
        );
    }
}

/// The name under which a server stands in the password file.
fn passfile_host(endpoint: &Endpoint) -> &str {
    match &endpoint.host {
        Host::DefaultSocket => "localhost",
        Host::Socket(folder) if SOCKET_FOLDERS.contains(&folder.as_str()) => "localhost",
        Host::Socket(folder) => folder,
        Host::Tcp { name, address } => name
            .as_ref()
            .or(address.as_ref())
            .map_or("", String::as_str),
    }
}
