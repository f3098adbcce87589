//! Connections to PostgreSQL, with `psql` as the oracle: what it reaches, Waybill reaches, and what
//! it refuses, Waybill refuses.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::OnceLock;

use waybill_common::fault::Code;

use crate::support::postgres::{Server, programs_of_the_system};
use oracle::{Case, compare_all};

mod certificates;
mod oracle;
mod session;
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
    certificates: tempfile::TempDir,
    home: tempfile::TempDir,
}

fn os_user() -> String {
    let output = Command::new("id").arg("-un").output().expect("id");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn logins() -> &'static Logins {
    static LOGINS: OnceLock<Logins> = OnceLock::new();
    LOGINS.get_or_init(|| {
        let certificates = certificates::make();
        let files = certificates.path().join("files");
        certificates::copy(
            certificates.path(),
            &[("san.crt", "server.crt"), ("san.key", "server.key"), ("root.crt", "root.crt")],
            &files,
        );
        fs::write(files.join("pg_hba.conf"), HBA).unwrap();
        fs::write(files.join("extra.conf"), "ssl = on\nssl_ca_file = 'root.crt'\n").unwrap();
        let server = Server::start(&programs_of_the_system(), Some(&files));
        let mut client = server.client("postgres");
        client.batch_execute("SET password_encryption = md5; CREATE ROLE hashed LOGIN PASSWORD 'hashed'; RESET password_encryption").unwrap();
        for user in ["ann", "a b'c", "trusted", "plain", "certuser", "nobody", &os_user()] {
            let password = user.replace('\'', "''");
            client.batch_execute(&format!("CREATE ROLE \"{user}\" LOGIN PASSWORD '{password}'")).unwrap();
        }
        for database in ["shop", "ann", "we?rd d=b", "tlsonly", "clearonly", &os_user()] {
            client.batch_execute(&format!("CREATE DATABASE \"{database}\"")).unwrap();
        }
        Logins { server, certificates, home: tempfile::tempdir().unwrap() }
    })
}

impl Logins {
    /// A case in which `{port}` and `{socket}` in the text stand for the server's.
    fn case(&self, text: &str) -> Case {
        let socket = self.server.socket.display().to_string();
        let text = text
            .replace("{port}", &self.server.port.to_string())
            .replace("{socket}", &socket)
            .replace("{socket%}", &socket.replace('/', "%2F"));
        Case::new(self.home.path(), text)
    }

    /// The same with the server's place in the environment.
    fn placed(&self, text: &str) -> Case {
        self.case(text)
            .env("PGHOST", self.server.socket.display())
            .env("PGPORT", self.server.port)
    }
}

#[test]
fn connection_strings_lead_where_psql_goes() {
    let logins = logins();
    let expected: &[(&str, bool)] = &[
        ("postgresql://ann:ann@127.0.0.1:{port}/shop", true),
        ("postgres://ann:ann@127.0.0.1:{port}/shop", true),
        ("postgresql://ann:ann@localhost:{port}", true),
        ("postgresql://ann:wrong@127.0.0.1:{port}/shop", false),
        ("postgresql://ann@127.0.0.1:{port}/shop", false),
        ("postgresql://trusted@127.0.0.1:{port}/shop", true),
        ("postgresql://plain:plain@127.0.0.1:{port}/shop", true),
        ("postgresql://hashed:hashed@127.0.0.1:{port}/shop", true),
        ("postgresql://nobody:nobody@127.0.0.1:{port}/shop", false),
        ("postgresql://ann:ann@127.0.0.1:{port}/nothere", false),
        ("postgresql://ann:ann@127.0.0.1:1/shop", false),
        (
            "postgresql://ann:ann@no-such-host.invalid:{port}/shop",
            false,
        ),
        (
            "postgresql://a%20b%27c:a%20b%27c@127.0.0.1:{port}/we%3Frd%20d%3Db",
            true,
        ),
        ("postgresql://{socket%}:{port}/shop?user=ann", true),
        ("postgresql://ann@{socket%}:{port}/shop", true),
        (
            "postgresql:///shop?host={socket}&port={port}&user=ann",
            true,
        ),
        ("postgresql://ann@/shop?host={socket}&port={port}", true),
        (
            "postgresql://ann:ann@127.0.0.1:1,127.0.0.1:{port}/shop",
            true,
        ),
        (
            "postgresql://ann:ann@127.0.0.1,127.0.0.1:{port},{socket%}/shop?port={port}",
            true,
        ),
        (
            "postgresql://ann:ann@127.0.0.1,127.0.0.1,127.0.0.1:1,2/shop?port=1,2",
            false,
        ),
        (
            "postgresql://nobody:nobody@127.0.0.1:{port},{socket%}:{port}/shop",
            false,
        ),
        (
            "postgresql://ann:ann@[::1]:{port},127.0.0.1:{port}/shop",
            true,
        ),
        (
            "postgresql://ann:ann@127.0.0.1:{port}/shop?application_name=x&options=-c%20work_mem%3D5MB",
            true,
        ),
        ("postgresql://ann:ann@127.0.0.1:{port}/shop?spam=1", false),
        ("postgresql://ann:ann@127.0.0.1:{port}/shop?ssl=true", true),
        (
            "postgresql://ann:ann@127.0.0.1:{port}/shop?sslmode=maybe",
            false,
        ),
        ("postgresql://ann:ann@127.0.0.1:{port}/tlsonly", true),
        (
            "postgresql://ann:ann@127.0.0.1:{port}/tlsonly?sslmode=allow",
            true,
        ),
        (
            "postgresql://ann:ann@127.0.0.1:{port}/tlsonly?sslmode=disable",
            false,
        ),
        ("postgresql://ann:ann@127.0.0.1:{port}/clearonly", true),
        (
            "postgresql://ann:ann@127.0.0.1:{port}/clearonly?sslmode=allow",
            true,
        ),
        (
            "postgresql://ann:ann@127.0.0.1:{port}/clearonly?sslmode=require",
            false,
        ),
        (
            "postgresql://ann:ann@127.0.0.1:{port}/shop?channel_binding=require",
            true,
        ),
        (
            "postgresql://ann:ann@127.0.0.1:{port}/shop?channel_binding=require&sslmode=disable",
            false,
        ),
        (
            "postgresql://hashed:hashed@127.0.0.1:{port}/shop?channel_binding=require",
            false,
        ),
        (
            "postgresql://ann:ann@127.0.0.1:{port}/shop?channel_binding=disable",
            true,
        ),
        (
            "host=127.0.0.1 port={port} user=ann password=ann dbname=shop",
            true,
        ),
        (
            "host = 127.0.0.1 port = {port} user = 'ann' password = 'a\\nn' dbname = shop",
            true,
        ),
        (
            r"host=127.0.0.1 port={port} user='a b\'c' password='a b\'c' dbname='we?rd d=b'",
            true,
        ),
        (
            r"host=127.0.0.1 port={port} user=a\ b\'c password=a\ b\'c dbname=shop",
            true,
        ),
        ("host=127.0.0.1 port={port} user=ann password=ann", true),
        (
            "hostaddr=127.0.0.1 port={port} user=ann password=ann dbname=shop",
            true,
        ),
        (
            "host=no-such-host.invalid hostaddr=127.0.0.1 port={port} user=ann password=ann dbname=shop",
            true,
        ),
        (
            "hostaddr=localhost port={port} user=ann password=ann dbname=shop",
            false,
        ),
        (
            "host=a,b hostaddr=127.0.0.1 port={port} user=ann password=ann dbname=shop",
            false,
        ),
        (
            "host={socket} port={port} user=ann dbname=shop sslmode=require",
            true,
        ),
        (
            "host={socket} port={port} user=ann dbname=shop sslmode=verify-full sslrootcert=/nothere",
            true,
        ),
        ("host={socket} port={port} dbname=shop", true),
        ("host={socket} port={port}", true),
        ("host={socket} port={port} user='' dbname=shop", true),
        ("host={socket} port={port} user=ann dbname=''", true),
        ("host={socket} port=0 user=ann dbname=shop", false),
        ("host={socket} port=65536 user=ann dbname=shop", false),
        ("host={socket} port=x user=ann dbname=shop", false),
        (
            "host={socket},{socket} port=1,{port} user=ann dbname=shop",
            true,
        ),
        (
            "host={socket} port={port},{port} user=ann dbname=shop",
            false,
        ),
        (
            "host={socket} port={port} user=ann dbname=shop connect_timeout=x",
            false,
        ),
        (
            "host={socket} port={port} user=ann dbname=shop connect_timeout=5",
            true,
        ),
        (
            "host={socket} port={port} user=ann dbname=shop connect_timeout=-1",
            true,
        ),
        (
            "host=127.0.0.1 port={port} user=trusted dbname=shop keepalives=x",
            false,
        ),
        (
            "host=127.0.0.1 port={port} user=trusted dbname=shop keepalives=1 keepalives_idle=9 keepalives_interval=8 keepalives_count=7 tcp_user_timeout=6000",
            true,
        ),
        (
            "host={socket} port={port} user=ann dbname=shop target_session_attrs=any",
            true,
        ),
        (
            "host={socket} port={port} user=ann dbname=shop target_session_attrs=read-write",
            true,
        ),
        (
            "host={socket} port={port} user=ann dbname=shop target_session_attrs=read-only",
            false,
        ),
        (
            "host={socket} port={port} user=ann dbname=shop target_session_attrs=primary",
            true,
        ),
        (
            "host={socket} port={port} user=ann dbname=shop target_session_attrs=standby",
            false,
        ),
        (
            "host={socket} port={port} user=ann dbname=shop target_session_attrs=prefer-standby",
            true,
        ),
        (
            "host={socket} port={port} user=ann dbname=shop target_session_attrs=x",
            false,
        ),
        (
            "host={socket} port={port} user=ann dbname=shop options='-c default_transaction_read_only=on' target_session_attrs=read-write",
            false,
        ),
        (
            "host={socket} port={port} user=ann dbname=shop options='-c default_transaction_read_only=on' target_session_attrs=read-only",
            true,
        ),
        (
            "host={socket} port={port} user=ann dbname=shop options='-c nonsense=1'",
            false,
        ),
        (
            "host={socket} port={port} user=ann dbname=shop gssencmode=disable sslcompression=0 sslsni=0 client_encoding=UTF8 fallback_application_name=f replication=off",
            true,
        ),
        ("host={socket} port={port} user=ann dbname=shop spam", false),
        ("host={socket} port={port} user=ann dbname='shop", false),
        (
            "host={socket} port={port} user=ann dbname=shop ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
            false,
        ),
        (
            "host=127.0.0.1 port={port} user=ann password=ann dbname=shop ssl_max_protocol_version=TLSv1.2",
            true,
        ),
        (
            "host=127.0.0.1 port={port} user=ann password=ann dbname=shop ssl_min_protocol_version=TLSv1.3",
            true,
        ),
    ];
    let cases: Vec<_> = expected
        .iter()
        .map(|(text, in_)| (logins.case(text), *in_))
        .collect();
    compare_all(&cases);
}

#[test]
fn the_environment_counts_as_it_does_for_psql() {
    let logins = logins();
    let tcp = |text: &str| logins.placed(text).env("PGHOST", "127.0.0.1");
    let cases = [
        (logins.placed(""), true),
        (logins.placed("shop"), true),
        (logins.placed("shop").env("PGUSER", "ann"), true),
        (logins.placed("").env("PGUSER", "ann"), true),
        (
            logins
                .placed("")
                .env("PGUSER", "ann")
                .env("PGDATABASE", "shop"),
            true,
        ),
        (logins.placed("").env("PGUSER", ""), true),
        (
            logins.placed("").env("PGUSER", "ann").env("PGDATABASE", ""),
            true,
        ),
        (logins.placed("").env("PGPORT", ""), false),
        (
            logins
                .placed("user=ann dbname=shop")
                .env("PGUSER", "nobody")
                .env("PGDATABASE", "nothere"),
            true,
        ),
        (
            logins.placed("postgresql:///shop").env("PGUSER", "ann"),
            true,
        ),
        (
            logins.placed("shop").env("PGOPTIONS", "-c work_mem=7MB"),
            true,
        ),
        (
            logins
                .placed("options='-c work_mem=6MB'")
                .env("PGOPTIONS", "-c work_mem=7MB"),
            true,
        ),
        (
            logins.placed("shop").env("PGTARGETSESSIONATTRS", "standby"),
            false,
        ),
        (logins.placed("shop").env("PGCONNECT_TIMEOUT", "x"), false),
        (
            logins
                .placed("shop")
                .env("PGCONNECT_TIMEOUT", "10")
                .env("PGAPPNAME", "x"),
            true,
        ),
        (
            logins
                .case("dbname=shop")
                .env("PGHOST", logins.server.socket.display())
                .env("PGPORT", "1"),
            false,
        ),
        (tcp("user=ann dbname=shop"), false),
        (tcp("user=ann dbname=shop").env("PGPASSWORD", "ann"), true),
        (
            tcp("user=ann dbname=shop password=wrong").env("PGPASSWORD", "ann"),
            false,
        ),
        (
            tcp("user=ann dbname=shop password=''").env("PGPASSWORD", "ann"),
            false,
        ),
        (
            tcp("user=ann dbname=tlsonly")
                .env("PGPASSWORD", "ann")
                .env("PGSSLMODE", "disable"),
            false,
        ),
        (
            tcp("user=ann dbname=clearonly")
                .env("PGPASSWORD", "ann")
                .env("PGSSLMODE", "require"),
            false,
        ),
        (
            tcp("user=ann dbname=clearonly")
                .env("PGPASSWORD", "ann")
                .env("PGREQUIRESSL", "1"),
            false,
        ),
        (
            tcp("user=ann dbname=clearonly")
                .env("PGPASSWORD", "ann")
                .env("PGREQUIRESSL", "0"),
            true,
        ),
        (
            tcp("user=ann dbname=clearonly sslmode=prefer")
                .env("PGPASSWORD", "ann")
                .env("PGREQUIRESSL", "1"),
            true,
        ),
        (
            tcp("user=ann dbname=shop")
                .env("PGPASSWORD", "ann")
                .env("PGCHANNELBINDING", "require"),
            true,
        ),
        (
            tcp("user=ann dbname=shop")
                .env("PGPASSWORD", "ann")
                .env("PGSSLROOTCERT", "/nothere")
                .env("PGSSLMODE", "verify-ca"),
            false,
        ),
        (
            tcp("user=ann dbname=shop")
                .env("PGPASSWORD", "ann")
                .env("PGSSLMAXPROTOCOLVERSION", "TLSv1.2"),
            true,
        ),
        (
            tcp("user=ann dbname=shop")
                .env("PGPASSWORD", "ann")
                .env("PGHOSTADDR", "127.0.0.1")
                .env("PGHOST", "x"),
            true,
        ),
        (
            tcp("user=ann dbname=shop")
                .env("PGPASSWORD", "ann")
                .env("PGHOST", "127.0.0.1,x")
                .env("PGPORT", "1"),
            false,
        ),
        (
            tcp("user=ann dbname=shop")
                .env("PGPASSWORD", "ann")
                .env("PGSSLMODE", "nonsense"),
            false,
        ),
        (
            tcp("user=ann dbname=shop")
                .env("PGPASSWORD", "ann")
                .env("PGGSSENCMODE", "disable"),
            true,
        ),
    ];
    compare_all(&cases);
}

#[test]
fn the_password_file_is_read_as_psql_reads_it() {
    let logins = logins();
    let folder = tempfile::tempdir().unwrap();
    let port = logins.server.port;
    let file = |name: &str, mode: u32, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    };
    let ann = "host=127.0.0.1 port={port} user=ann dbname=shop";
    let mut cases = Vec::new();
    for (i, (text, fits)) in [
        ("127.0.0.1:{port}:shop:ann:ann\n", true),
        ("# comment\n\n127.0.0.1:{port}:shop:ann:ann\r\n", true),
        ("*:*:*:*:ann", true),
        ("*:*:*:ann:ann", true),
        ("*:1:*:ann:wrong\n*:{port}:*:ann:ann", true),
        ("*:*:*:*:wrong\n127.0.0.1:{port}:shop:ann:ann\n", false),
        ("127.0.0.1:{port}:shop:ann:a\\nn\n", true),
        ("127\\.0.0.1:{port}:shop:ann:ann\n", true),
        ("localhost:{port}:shop:ann:ann\n", false),
        ("127.0.0.1:{port}:shop:ann\n", false),
        ("127.0.0.1:{port}:shop:ann:ann:more\n", true),
        ("", false),
    ]
    .into_iter()
    .enumerate()
    {
        let path = file(
            &format!("pass{i}"),
            0o600,
            &text.replace("{port}", &port.to_string()),
        );
        cases.push((logins.case(ann).env("PGPASSFILE", path.display()), fits));
        cases.push((
            logins.case(&format!("{ann} passfile='{}'", path.display())),
            fits,
        ));
    }
    for (mode, used) in [
        (0o600, true),
        (0o400, true),
        (0o640, false),
        (0o604, false),
        (0o660, false),
    ] {
        let path = file(&format!("mode{mode:o}"), mode, "*:*:*:ann:ann");
        cases.push((logins.case(ann).env("PGPASSFILE", path.display()), used));
    }
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::copy(
        file("pgpass", 0o600, "localhost:*:*:ann:ann"),
        home.join(".pgpass"),
    )
    .unwrap();
    let at_home = |text: &str| logins.case(text).env("HOME", home.display());
    cases.push((
        at_home("host=localhost port={port} user=ann dbname=shop"),
        true,
    ));
    cases.push((
        at_home("host=localhost hostaddr=127.0.0.1 port={port} user=ann dbname=shop"),
        true,
    ));
    cases.push((at_home(ann), false));
    cases.push((at_home(ann).env("PGPASSWORD", "ann"), true));
    cases.push((
        at_home("host=localhost port={port} user=ann dbname=shop").env("PGPASSFILE", "/nothere"),
        false,
    ));
    compare_all(&cases);
}

#[test]
fn service_files_are_read_as_psql_reads_them() {
    let logins = logins();
    let folder = tempfile::tempdir().unwrap();
    let (socket, port) = (logins.server.socket.display(), logins.server.port);
    let text = format!(
        "# comment\n[shop]\nhost={socket}\nport={port}\nuser=ann\ndbname=shop\n\n\
         [other]\nhost={socket}\n  port={port}  \nuser=trusted\ndbname=shop\n[broken]\nhost {socket}\n\
         [unknown]\nspam=1\n[nested]\nservice=shop\n[spaced]\nhost = {socket}\n[shop]\nuser=nobody\n"
    );
    let file = folder.path().join("services.conf");
    fs::write(&file, &text).unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::write(home.join(".pg_service.conf"), &text).unwrap();
    let system = folder.path().join("system");
    fs::create_dir(&system).unwrap();
    fs::write(
        system.join("pg_service.conf"),
        text.replace("[shop]", "[systemwide]"),
    )
    .unwrap();
    let named = |text: &str| logins.case(text).env("PGSERVICEFILE", file.display());
    let at_home = |text: &str| {
        logins
            .case(text)
            .env("HOME", home.display())
            .env("PGSYSCONFDIR", system.display())
    };
    let cases = [
        (named("service=shop"), true),
        (named("postgresql:///?service=shop"), true),
        (named("service=other"), true),
        (named("").env("PGSERVICE", "shop"), true),
        (named("service=other").env("PGSERVICE", "shop"), true),
        (named("service=shop user=trusted"), true),
        (
            named("service=shop")
                .env("PGUSER", "nobody")
                .env("PGPORT", "1")
                .env("PGDATABASE", "x"),
            true,
        ),
        (named("service=missing"), false),
        (named("service=sho"), false),
        (named("service=broken"), false),
        (named("service=unknown"), false),
        (named("service=nested"), false),
        (named("service=spaced"), false),
        (
            named("service=systemwide").env("PGSYSCONFDIR", system.display()),
            true,
        ),
        (
            logins.case("service=shop").env("PGSERVICEFILE", "/nothere"),
            false,
        ),
        (logins.case("service=shop"), false),
        (at_home("service=shop"), true),
        (at_home("service=systemwide"), true),
        (at_home("service=nowhere"), false),
    ];
    compare_all(&cases);
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

#[test]
fn a_password_file_others_can_read_is_named_when_the_login_fails() {
    let logins = logins();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pgpass");
    fs::write(&path, "*:*:*:*:ann").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let case = logins
        .case("host=127.0.0.1 port={port} user=ann dbname=shop")
        .env("PGPASSFILE", path.display());
    assert_eq!(case.settings().unwrap().warnings().len(), 1);
    let fault = case.session().err().expect("there is no password");
    assert_eq!(fault.code(), Code::LoginRefused);
    assert!(
        fault.help().contains("its mode should be 0600"),
        "{}",
        fault.help()
    );
    assert_eq!(fault.causes(), ["password missing"]);
}
