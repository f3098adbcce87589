//! PostgreSQL servers for tests.
//!
//! The test run starts its own through `scripts/postgres serve`, one of each version, at the first
//! use, and they end with it however it ends. `WAYBILL_TEST_POSTGRES` (a URI) names another server
//! instead, `WAYBILL_TEST_PG_BIN` the programs of another version in place of the system's. A version
//! that is missing fails the test that asks for it; `WAYBILL_TEST_PG18=off` leaves out 18 and says so.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A running server, which stops when this is dropped or the test process ends.
pub(crate) struct Server {
    /// The major version, such as 15; 0 for a server that was named by the environment.
    pub(crate) version: u32,
    /// The folder of its Unix socket.
    pub(crate) socket: PathBuf,
    /// The port of the socket, and of 127.0.0.1.
    pub(crate) port: u16,
    /// The password of `postgres` over TCP; over the socket none is asked.
    password: String,
    /// The URI of its maintenance database, and what follows a database's name in it.
    uri: (String, String, String),
    _guard: Option<Guard>,
}

/// The script that stops the server when its standard input ends, which is when this is dropped or
/// the process that holds the pipe dies.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

impl Server {
    /// Starts a server with the programs in `bin`, after copying all files of `files` into its data
    /// folder; `extra.conf` among them is read as settings.
    pub(crate) fn start(bin: &Path, files: Option<&Path>) -> Server {
        let mut command = Command::new(script());
        command
            .arg("serve")
            .args(files)
            .env("WAYBILL_PG_BIN", bin)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        let mut script = command.spawn().expect("scripts/postgres can be run");
        let mut line = String::new();
        let stdout = script.stdout.take().expect("it was asked for");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("scripts/postgres writes text");
        let words: Vec<_> = line.split_whitespace().collect();
        let [version, port, password, folder] = words[..] else {
            panic!("PostgreSQL in {} does not start; see above", bin.display());
        };
        let folder = PathBuf::from(folder);
        let socket = folder.join("socket");
        let host = socket.display().to_string().replace('/', "%2F");
        Server {
            version: version.parse().expect("a major version"),
            port: port.parse().expect("a port"),
            password: password.to_owned(),
            uri: (
                format!("postgresql://postgres@{host}:{port}/"),
                "postgres".to_owned(),
                String::new(),
            ),
            socket,
            _guard: Some(Guard(script)),
        }
    }

    /// The server that `WAYBILL_TEST_POSTGRES` names.
    fn named(uri: &str) -> Server {
        let (base, query) = uri.split_once('?').unwrap_or((uri, ""));
        let scheme = base.find("://").expect("WAYBILL_TEST_POSTGRES is a URI") + 3;
        let (base, dbname) = match base[scheme..].find('/') {
            Some(slash) => base.split_at(scheme + slash),
            None => (base, "/postgres"),
        };
        let query = if query.is_empty() {
            String::new()
        } else {
            format!("?{query}")
        };
        Server {
            version: 0,
            socket: PathBuf::new(),
            port: 0,
            password: String::new(),
            uri: (format!("{base}/"), dbname[1..].to_owned(), query),
            _guard: None,
        }
    }

    /// The URI of a database of this server.
    pub(crate) fn uri(&self, dbname: &str) -> String {
        format!("{}{dbname}{}", self.uri.0, self.uri.2)
    }

    /// The URI of a database over TCP, which asks for the password.
    pub(crate) fn tcp_uri(&self, dbname: &str) -> String {
        format!(
            "postgresql://postgres:{}@127.0.0.1:{}/{dbname}",
            self.password, self.port
        )
    }

    /// A superuser's connection to a database.
    pub(crate) fn client(&self, dbname: &str) -> postgres::Client {
        postgres::Client::connect(&self.uri(dbname), postgres::NoTls)
            .unwrap_or_else(|error| panic!("cannot connect to {}: {error:?}", self.uri(dbname)))
    }

    /// Makes an empty database that no other test knows, and gives its URI.
    pub(crate) fn fresh_database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("waybill_test_{}_{number}", std::process::id());
        self.client(&self.uri.1)
            .batch_execute(&format!(
                "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"
            ))
            .expect("the role may create databases");
        self.uri(&name)
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres")
}

/// The folder of the programs of PostgreSQL 18, fetched once into `target/`.
#[expect(clippy::print_stderr, reason = "what is left out must be seen")]
pub(crate) fn programs_of_18() -> Option<PathBuf> {
    if std::env::var("WAYBILL_TEST_PG18").is_ok_and(|value| value == "off") {
        eprintln!("PostgreSQL 18 is left out: WAYBILL_TEST_PG18=off");
        return None;
    }
    let fetched = Command::new(script())
        .arg("fetch")
        .stderr(Stdio::inherit())
        .output()
        .expect("scripts/postgres can be run");
    assert!(
        fetched.status.success(),
        "PostgreSQL 18 cannot be fetched (see above); WAYBILL_TEST_PG18=off leaves it out"
    );
    let path = String::from_utf8(fetched.stdout).expect("paths of this machine are UTF-8");
    Some(PathBuf::from(path.trim()))
}

/// The folder of the programs of the system's own PostgreSQL, or of the one that
/// `WAYBILL_TEST_PG_BIN` names in its place.
pub(crate) fn programs_of_the_system() -> PathBuf {
    if let Some(bin) = std::env::var_os("WAYBILL_TEST_PG_BIN") {
        return PathBuf::from(bin);
    }
    let named = Path::new("/usr/lib/postgresql");
    let mut installed: Vec<(u32, PathBuf)> = named
        .read_dir()
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    installed.sort();
    if let Some((_, bin)) = installed.pop() {
        return bin;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .find(|folder| folder.join("initdb").exists())
        .and_then(|folder| {
            folder
                .join("initdb")
                .canonicalize()
                .ok()?
                .parent()
                .map(Path::to_owned)
        })
        .expect("PostgreSQL is installed (Debian: apt-get install postgresql)")
}

/// Never dropped; when the process ends, so does the pipe that keeps the servers running.
static SERVERS: OnceLock<Vec<Server>> = OnceLock::new();

/// Every server there is to test against: the system's, and 18.
pub(crate) fn servers() -> &'static [Server] {
    SERVERS.get_or_init(|| {
        if let Ok(uri) = std::env::var("WAYBILL_TEST_POSTGRES") {
            return vec![Server::named(&uri)];
        }
        let mut programs = vec![programs_of_the_system()];
        programs.extend(programs_of_18());
        // Side by side: most of the time goes into initdb.
        std::thread::scope(|scope| {
            let starting: Vec<_> = programs
                .iter()
                .map(|bin| scope.spawn(|| Server::start(bin, None)))
                .collect();
            starting
                .into_iter()
                .map(|server| server.join().expect("the server starts"))
                .collect()
        })
    })
}

/// One server, for tests to which the version does not matter.
pub(crate) fn server() -> &'static Server {
    &servers()[0]
}

/// An empty database on `server()`.
pub(crate) fn fresh_database() -> String {
    server().fresh_database()
}

/// Drops a database that `fresh_database` made, so that many of them do not fill the disk.
pub(crate) fn drop_database(server: &Server, uri: &str) {
    let name = uri.rsplit('/').next().unwrap_or_default();
    let name = name.split('?').next().unwrap_or_default();
    server
        .client(&server.uri.1)
        .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .expect("its owner may drop it");
}
