//! The connection service file: named sets of settings.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fault::{Code, Fault, Result};

use super::parse::Settings;
use super::{Environment, defaults};

/// Where distributions keep the system's service file; libpq has one of these built in.
const SYSTEM_FOLDERS: &[&str] = &[
    "/etc/postgresql-common",
    "/etc/sysconfig/pgsql",
    "/usr/local/etc/postgresql",
    "/usr/local/pgsql/etc",
];

/// Adds what the service that was asked for says, where the connection string says nothing.
pub(super) fn fill(settings: &mut Settings, env: Environment<'_>) -> Result<()> {
    let asked = settings.given("service").map(str::to_owned);
    let Some(service) = asked.or_else(|| env("PGSERVICE")) else {
        return Ok(());
    };
    let named = settings.given("servicefile").map(str::to_owned);
    if let Some(path) = named.or_else(|| env("PGSERVICEFILE")).map(PathBuf::from) {
        let Some(text) = read(&path)? else {
            return Err(
                Fault::new(Code::ConnectionSetting, "the service file is missing")
                    .at(path.display()),
            );
        };
        if section(&text, &service, &path, settings)? {
            return Ok(());
        }
    } else if let Some(home) = defaults::home(env) {
        let path = home.join(".pg_service.conf");
        if let Some(text) = read(&path)?
            && section(&text, &service, &path, settings)?
        {
            return Ok(());
        }
    }
    for path in system_files(env) {
        if let Some(text) = read(&path)?
            && section(&text, &service, &path, settings)?
        {
            return Ok(());
        }
    }
    Err(Fault::new(
        Code::ConnectionSetting,
        format!("there is no service `{service}`"),
    )
    .hint("define it in ~/.pg_service.conf, or set PGSERVICEFILE to the file that does"))
}

fn system_files(env: Environment<'_>) -> Vec<PathBuf> {
    match env("PGSYSCONFDIR") {
        Some(folder) => vec![PathBuf::from(folder).join("pg_service.conf")],
        None => SYSTEM_FOLDERS
            .iter()
            .map(|folder| Path::new(folder).join("pg_service.conf"))
            .collect(),
    }
}

/// The text of a service file; nothing when there is none.
fn read(path: &Path) -> Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(
            Fault::new(Code::ConnectionSetting, "cannot read the service file")
                .at(path.display())
                .because(error),
        ),
    }
}

/// Reads the section `[service]`; false when there is none.
fn section(text: &str, service: &str, path: &Path, settings: &mut Settings) -> Result<bool> {
    let mut found = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            if found {
                break;
            }
            found = rest
                .strip_prefix(service)
                .is_some_and(|rest| rest.starts_with(']'));
        } else if found {
            pair(line, settings).map_err(|fault| {
                fault
                    .at(path.display())
                    .in_row(format!("line {}", number + 1))
            })?;
        }
    }
    Ok(found)
}

fn pair(line: &str, settings: &mut Settings) -> Result<()> {
    let wrong = |what: String| Err(Fault::new(Code::ConnectionSetting, what));
    if line.starts_with("ldap") {
        return wrong(
            "the service is defined in a directory (LDAP), which Waybill does not read".to_owned(),
        );
    }
    let Some((key, value)) = line.split_once('=') else {
        return wrong("a line of the service file lacks the `=` after its name".to_owned());
    };
    if matches!(key, "service" | "servicefile") {
        return wrong("a service refers to another one".to_owned());
    }
    if !settings.set_default(key, value.to_owned()) {
        return wrong(format!("`{key}` is no connection setting"));
    }
    Ok(())
}
