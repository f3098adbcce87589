//! Finding and opening the socket of a server.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream, lookup_host};

use crate::engine::postgres::conninfo::{Endpoint, Host, Keepalive};

/// Where a server's socket may be when nobody says: Debian's and Red Hat's folder, then the one of
/// an unchanged build.
const SOCKET_FOLDERS: &[&str] = &["/var/run/postgresql", "/tmp"];

/// One thing to connect to.
#[derive(Debug, Clone)]
pub(super) enum Address {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

/// Everything `endpoint` may stand for, in the order to try.
pub(super) async fn addresses(endpoint: &Endpoint) -> io::Result<Vec<Address>> {
    let port = endpoint.port;
    let text = match &endpoint.host {
        Host::DefaultSocket => return Ok(vec![Address::Unix(default_socket(port))]),
        Host::Socket(folder) => return Ok(vec![Address::Unix(socket_in(folder, port))]),
        Host::Tcp { name, address } => address.as_ref().or(name.as_ref()),
    };
    let text = text.map_or("", String::as_str);
    let found: Vec<_> = lookup_host((text, port)).await?.map(Address::Tcp).collect();
    if found.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "the host name has no address",
        ));
    }
    Ok(found)
}

fn default_socket(port: u16) -> PathBuf {
    let mut sockets = SOCKET_FOLDERS.iter().map(|folder| socket_in(folder, port));
    let first = socket_in(SOCKET_FOLDERS[0], port);
    sockets.find(|path| path.exists()).unwrap_or(first)
}

fn socket_in(folder: &str, port: u16) -> PathBuf {
    let name = format!(".s.PGSQL.{port}");
    match folder.strip_prefix('@') {
        // An abstract socket: a name, not a file. Linux marks it by a leading NUL.
        Some(prefix) => PathBuf::from(format!("\0{prefix}/{name}")),
        None => Path::new(folder).join(name),
    }
}

pub(super) async fn open_tcp(address: SocketAddr, keepalive: &Keepalive) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    if !keepalive.off {
        let mut settings = TcpKeepalive::new();
        if let Some(idle) = keepalive.idle {
            settings = settings.with_time(idle);
        }
        if let Some(interval) = keepalive.interval {
            settings = settings.with_interval(interval);
        }
        if let Some(count) = keepalive.count {
            settings = settings.with_retries(count);
        }
        socket.set_keepalive(true)?;
        socket.set_tcp_keepalive(&settings)?;
    }
    if keepalive.user_timeout.is_some() {
        socket.set_tcp_user_timeout(keepalive.user_timeout)?;
    }
    Ok(stream)
}

pub(super) async fn open_unix(path: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(path).await
}
