//! Connections to PostgreSQL, with `psql` as the oracle: what it reaches, Waybill reaches, and what
//! it refuses, Waybill refuses.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use waybill_common::fault::Code;

use crate::support::postgres::{Server, programs_of_the_system};
use oracle::Case;

mod certificates;
mod files;
mod oracle;
mod session;
mod strings;
mod tls;

/// Every way to log in, and databases that only TLS or only clear text reaches.
const HBA: &str = "\
local all all trust
hostssl tlsonly all all scram-sha-256
hostnossl clearonly all all scram-sha-256
host tlsonly all all reject
host clearonly all all reject
host all trusted all trust
host all plain all password
host all hashed all md5
hostssl all certuser all cert
host all nobody all reject
host all all all scram-sha-256
";

/// A server that knows the users of `HBA`, each with its name as password.
struct Logins {
    server: Server,
    /// What `certificates::make` made.
    certificates: PathBuf,
    /// A home folder without anything in it.
    home: PathBuf,
}

fn os_user() -> String {
    let output = Command::new("id").arg("-un").output().expect("id");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn logins() -> &'static Logins {
    static LOGINS: OnceLock<Logins> = OnceLock::new();
    LOGINS.get_or_init(|| {
        let made = certificates::make();
        let server = certificates::serve(&programs_of_the_system(), made.path(), "san");
        add_logins(&server);
        // In the server's folder, which goes when the server goes: nothing drops a static.
        let folder = server.socket.with_file_name("connection");
        let (certificates, home) = (folder.join("certificates"), folder.join("home"));
        certificates::copy_all(made.path(), &certificates);
        fs::create_dir(&home).expect("a folder");
        Logins {
            server,
            certificates,
            home,
        }
    })
}

/// Makes the roles and databases of `HBA`, and of whoever runs the tests.
fn add_logins(server: &Server) {
    let mut client = server.client("postgres");
    let mut run = |sql: String| client.batch_execute(&sql).expect("the superuser may");
    let os_user = os_user();
    for user in [
        "ann", "a b'c", "trusted", "plain", "certuser", "nobody", &os_user,
    ] {
        let password = user.replace('\'', "''");
        run(format!(
            "CREATE ROLE \"{user}\" LOGIN PASSWORD '{password}'"
        ));
    }
    run("SET password_encryption = md5; CREATE ROLE hashed LOGIN PASSWORD 'hashed'".to_owned());
    for database in ["shop", "ann", "we?rd d=b", "tlsonly", "clearonly", &os_user] {
        run(format!("CREATE DATABASE \"{database}\""));
    }
}

impl Logins {
    /// A case without anything in the environment; see `filled`.
    fn case(&self, text: &str) -> Case {
        Case::new(&self.home, self.filled(text))
    }

    /// The text with the server's port, socket folder, and socket folder as part of a URI.
    fn filled(&self, text: &str) -> String {
        let socket = self.server.socket.display().to_string();
        text.replace("{port}", &self.server.port.to_string())
            .replace("{socket}", &socket)
            .replace("{socket%}", &socket.replace('/', "%2F"))
    }
}

#[test]
fn what_waybill_cannot_honour_is_refused_and_named() {
    let logins = logins();
    for (setting, key) in [
        ("gssencmode=require", "gssencmode"),
        ("sslcrl=/x", "sslcrl"),
        ("sslcrldir=/x", "sslcrldir"),
        ("requirepeer=postgres", "requirepeer"),
        ("require_auth=scram-sha-256", "require_auth"),
        ("replication=database", "replication"),
        ("client_encoding=LATIN1", "client_encoding"),
        ("sslpassword=secret", "sslpassword"),
        ("sslkeylogfile=/x", "sslkeylogfile"),
        (
            "ssl_max_protocol_version=TLSv1.1",
            "ssl_max_protocol_version",
        ),
        ("min_protocol_version=3.2", "min_protocol_version"),
        ("scram_client_key=secret", "scram_client_key"),
        ("oauth_issuer=https://x", "oauth_issuer"),
        (
            "sslnegotiation=direct sslmode=prefer",
            "sslnegotiation=direct",
        ),
        ("sslrootcert=system sslmode=require", "sslrootcert=system"),
        ("sslkey=pkcs11:x", "sslkey"),
    ] {
        let case = logins.case(&format!(
            "host={{socket}} port={{port}} user=ann dbname=shop {setting}"
        ));
        let fault = case.settings().expect_err(setting);
        assert_eq!(fault.code(), Code::ConnectionSetting, "{setting}");
        assert!(
            fault.what().contains(&format!("`{key}")),
            "{setting}: {fault:?}"
        );
        assert!(!format!("{fault:?}").contains("secret"), "{fault:?}");
    }
}

#[test]
fn a_password_is_never_shown() {
    let logins = logins();
    let text = "postgresql://ann:hidden@127.0.0.1:{port},db%2Fx:1/shop";
    let settings = logins.case(text).settings().unwrap();
    let port = logins.server.port;
    assert_eq!(
        settings.location(),
        format!("postgresql://ann@127.0.0.1:{port},db%2Fx:1/shop")
    );
    assert!(!format!("{settings:?}").contains("hidden"));
    let fault = logins
        .case(text)
        .session()
        .err()
        .expect("the password is wrong");
    assert_eq!(fault.code(), Code::LoginRefused);
    assert!(
        !format!("{fault:?} {}", fault.help()).contains("hidden"),
        "{fault:?}"
    );
}
