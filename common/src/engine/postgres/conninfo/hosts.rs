//! Lists of hosts, addresses and ports, brought together into endpoints.

use std::net::IpAddr;

use crate::fault::{Code, Fault, Result};

use super::parse::Settings;
use super::{Endpoint, Host};

/// PostgreSQL's port.
const DEFAULT_PORT: u16 = 5432;

/// The servers to try, in the order given, still without passwords.
pub(super) fn endpoints(settings: &Settings) -> Result<Vec<Endpoint>> {
    let hosts = settings.get("host").map(list);
    let addresses = settings.get("hostaddr").map(list);
    let count = match (&hosts, &addresses) {
        (Some(hosts), Some(addresses)) if hosts.len() != addresses.len() => {
            return Err(unequal("host", hosts.len(), "hostaddr", addresses.len()));
        }
        (Some(list), _) | (None, Some(list)) => list.len(),
        (None, None) => 1,
    };
    let ports = ports(settings.get("port").unwrap_or_default(), count)?;
    let at = |list: &Option<Vec<&str>>, i: usize| {
        list.as_ref()
            .and_then(|list| list.get(i).copied())
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    ports
        .into_iter()
        .enumerate()
        .map(|(i, port)| {
            Ok(Endpoint {
                host: host(at(&hosts, i), at(&addresses, i))?,
                port,
                password: None,
            })
        })
        .collect()
}

fn list(text: &str) -> Vec<&str> {
    text.split(',').collect()
}

fn unequal(one: &str, count: usize, other: &str, other_count: usize) -> Fault {
    Fault::new(
        Code::ConnectionSetting,
        format!("`{one}` lists {count} and `{other}` {other_count} of them"),
    )
}

fn host(name: Option<String>, address: Option<String>) -> Result<Host> {
    if let Some(address) = &address {
        // A zone, as in fe80::1%eth0, is for the system to understand.
        let number = address.split('%').next().unwrap_or_default();
        if number.parse::<IpAddr>().is_err() {
            return Err(Fault::new(
                Code::ConnectionSetting,
                "`hostaddr` is not an IP address",
            ));
        }
    }
    Ok(match name {
        None if address.is_none() => Host::DefaultSocket,
        Some(name) if address.is_none() && name.starts_with(['/', '@']) => Host::Socket(name),
        name => Host::Tcp { name, address },
    })
}

/// One port for each of `count` hosts.
fn ports(text: &str, count: usize) -> Result<Vec<u16>> {
    let given = list(text);
    if given.len() != 1 && given.len() != count {
        return Err(unequal("port", given.len(), "host", count));
    }
    let ports = given.into_iter().map(port).collect::<Result<Vec<u16>>>()?;
    match ports[..] {
        [one] => Ok(vec![one; count]),
        _ => Ok(ports),
    }
}

fn port(text: &str) -> Result<u16> {
    match text.trim() {
        "" => Ok(DEFAULT_PORT),
        number => number
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| {
                Fault::new(
                    Code::ConnectionSetting,
                    "`port` is not a number from 1 to 65535",
                )
            }),
    }
}
