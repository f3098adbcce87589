//! TLS: every `sslmode` with every kind of certificate and root file, and client certificates.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use waybill_common::fault::Code;

use super::certificates;
use super::oracle::{Case, compare_all};
use super::{add_logins, logins};
use crate::support::postgres::{Server, programs_of_18, programs_of_the_system};

const MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

/// Certificates a server shows, and the root files that vouch for each.
const SERVERS: &[(&str, &[&str])] = &[
    ("san", &["root.crt", "both.crt"]),
    ("address", &["root.crt", "both.crt"]),
    ("star", &["root.crt", "both.crt"]),
    ("other", &["root.crt", "both.crt"]),
    ("cn", &["root.crt", "both.crt"]),
    ("mixed", &["root.crt", "both.crt"]),
    ("expired", &[]),
    ("version1", &["root.crt", "both.crt"]),
    ("self", &["self.crt"]),
    ("leaf", &["leaf.crt"]),
    ("chain", &["root.crt", "both.crt"]),
];

/// Root files a user may name.
const ROOTS: [&str; 7] = [
    "none.crt",
    "root.crt",
    "wrong.crt",
    "both.crt",
    "self.crt",
    "leaf.crt",
    "broken.crt",
];

/// Ways to name the server, with the certificates that are made for it.
const HOSTS: [(&str, &[&str]); 3] = [
    (
        "host=localhost",
        &["san", "cn", "version1", "self", "leaf", "chain"],
    ),
    ("host=127.0.0.1", &["address"]),
    ("hostaddr=127.0.0.1", &[]),
];

/// Makes the server show another certificate from now on.
fn show(server: &Server, certificate: &str) {
    let mut client = server.client("postgres");
    for setting in [
        format!("ssl_cert_file = '{certificate}.crt'"),
        format!("ssl_key_file = '{certificate}.key'"),
    ] {
        client
            .batch_execute(&format!("ALTER SYSTEM SET {setting}"))
            .unwrap();
    }
    client.batch_execute("SELECT pg_reload_conf()").unwrap();
    // The postmaster reloads in its own time; a backend it starts afterwards says so.
    let wanted = format!("{certificate}.crt");
    let reloaded = (0..2000).any(|_| {
        let row = server
            .client("postgres")
            .query_one("SHOW ssl_cert_file", &[])
            .unwrap();
        row.get::<_, String>(0) == wanted
    });
    assert!(
        reloaded,
        "the server still shows another certificate than {certificate}"
    );
}

/// Leaves out what says nothing new: the name is looked at by verify-full only, and where clear
/// text does, no certificate is shown.
fn worthwhile(mode: &str, root: &str, host: &str, vouching: &[&str]) -> bool {
    match mode {
        "disable" | "allow" => root == "root.crt" && host == "host=localhost",
        "prefer" => root != "both.crt" && host == "host=localhost",
        "verify-full" => host == "host=localhost" || vouching.contains(&root),
        _ => host == "host=localhost",
    }
}

#[test]
fn every_sslmode_judges_every_certificate_as_psql_does() {
    let made = certificates::make();
    let server = certificates::serve(&programs_of_the_system(), made.path(), "san");
    add_logins(&server);
    let home = tempfile::tempdir().unwrap();
    for (certificate, vouching) in SERVERS {
        show(&server, certificate);
        let mut cases = Vec::new();
        for mode in MODES {
            for root in ROOTS {
                for (host, named) in HOSTS {
                    if !worthwhile(mode, root, host, vouching) {
                        continue;
                    }
                    let text = format!(
                        "{host} port={} user=ann password=ann dbname=shop sslmode={mode} sslrootcert={}",
                        server.port,
                        made.path().join(root).display()
                    );
                    let vouched = vouching.contains(&root);
                    let expected = match mode {
                        "verify-full" => vouched && named.contains(certificate),
                        "verify-ca" => vouched,
                        "require" => vouched || root == "none.crt",
                        _ => true,
                    };
                    cases.push((Case::new(home.path(), text), expected));
                }
            }
        }
        compare_all(&cases);
    }
}

#[test]
fn where_only_tls_is_let_in_a_root_file_counts_for_prefer_too() {
    let made = certificates::make();
    let server = certificates::serve(&programs_of_the_system(), made.path(), "san");
    add_logins(&server);
    let home = tempfile::tempdir().unwrap();
    let mut cases = Vec::new();
    for mode in MODES {
        for root in ["none.crt", "root.crt", "wrong.crt", "empty.crt"] {
            let text = format!(
                "host=localhost port={} user=ann password=ann dbname=tlsonly sslmode={mode} sslrootcert={}",
                server.port,
                made.path().join(root).display()
            );
            let refused = mode == "disable"
                || matches!(root, "wrong.crt" | "empty.crt")
                || mode.starts_with("verify") && root == "none.crt";
            cases.push((Case::new(home.path(), text), !refused));
        }
    }
    compare_all(&cases);
}

#[test]
fn files_in_the_home_folder_are_found() {
    let logins = logins();
    let made = logins.certificates.as_path();
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".postgresql");
    certificates::copy(
        made,
        &[
            ("root.crt", "root.crt"),
            ("client.crt", "postgresql.crt"),
            ("client.key", "postgresql.key"),
        ],
        &folder,
    );
    let case = |text: &str| logins.case(text).env("HOME", home.path().display());
    let wrong = tempfile::tempdir().unwrap();
    certificates::copy(
        made,
        &[("wrong.crt", "root.crt")],
        &wrong.path().join(".postgresql"),
    );
    let at_wrong = |text: &str| logins.case(text).env("HOME", wrong.path().display());
    let ann = "host=localhost port={port} user=ann password=ann dbname=shop";
    compare_all(&[
        (case(&format!("{ann} sslmode=verify-full")), true),
        (case(&format!("{ann} sslmode=require")), true),
        (at_wrong(&format!("{ann} sslmode=require")), false),
        (at_wrong(&format!("{ann} sslmode=prefer")), true),
        (at_wrong(&format!("{ann} sslmode=verify-ca")), false),
        (
            case("host=localhost port={port} user=certuser dbname=shop sslmode=verify-full"),
            true,
        ),
        (
            case("host=localhost port={port} user=certuser dbname=shop sslmode=disable"),
            false,
        ),
        (
            case("host=localhost port={port} user=certuser dbname=shop sslcert=/nothere"),
            false,
        ),
    ]);
    fs::write(folder.join("root.crl"), "").unwrap();
    let fault = case(&format!("{ann} sslmode=verify-full"))
        .session()
        .err()
        .expect("the list is there");
    assert_eq!(fault.code(), Code::Tls);
    assert!(fault.what().contains("revocation list"), "{fault:?}");
}

#[test]
fn client_certificates_are_presented_as_psql_presents_them() {
    let logins = logins();
    let made = logins.certificates.as_path();
    let plain = made.join("client.key");
    let with_mode = |mode: u32| {
        let path = made.join(format!("client{mode:o}.key"));
        fs::copy(&plain, &path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    };
    let file = |name: &str| made.join(name).display().to_string();
    let case = |user: &str, mode: &str, certificate: &str, key: &str| {
        logins.case(&format!(
            "host=localhost port={{port}} user={user} dbname=shop sslmode={mode} sslcert={certificate} sslkey={key}"
        ))
    };
    let (good, key) = (file("client.crt"), file("client.key"));
    let mut cases = vec![
        (case("certuser", "require", &good, &key), true),
        (case("certuser", "prefer", &good, &key), true),
        (case("certuser", "allow", &good, &key), false),
        (case("certuser", "disable", &good, &key), false),
        (
            case("ann", "require", &good, &key).env("PGPASSWORD", "ann"),
            true,
        ),
        (
            case(
                "certuser",
                "require",
                &file("client1.crt"),
                &file("client1.key"),
            ),
            true,
        ),
        (
            case(
                "certuser",
                "require",
                &file("clientwrong.crt"),
                &file("clientwrong.key"),
            ),
            false,
        ),
        (
            case("certuser", "require", &good, &file("clientwrong.key")),
            false,
        ),
        (case("certuser", "require", &good, "/nothere"), false),
        (case("certuser", "require", "/nothere", &key), false),
        (
            case("certuser", "require", &good, &made.display().to_string()),
            false,
        ),
        (
            case("certuser", "require", &good, &file("empty.crt")),
            false,
        ),
        (case("certuser", "require", &file("empty.crt"), &key), false),
        (case("trusted", "require", "/nothere", &key), true),
        (case("trusted", "require", &good, &with_mode(0o644)), false),
        (case("trusted", "prefer", &good, &with_mode(0o644)), true),
        (case("trusted", "prefer", &good, "/nothere"), true),
        (
            case(
                "trusted",
                "prefer",
                &file("clientwrong.crt"),
                &file("clientwrong.key"),
            ),
            false,
        ),
    ];
    // A key that belongs to root may be read by a group.
    let root = super::os_user() == "root";
    for (mode, expected) in [
        (0o600, true),
        (0o400, true),
        (0o640, root),
        (0o604, false),
        (0o660, false),
    ] {
        cases.push((
            case("certuser", "require", &good, &with_mode(mode)),
            expected,
        ));
    }
    compare_all(&cases);
    let encrypted = case("certuser", "require", &good, &file("encrypted.key"));
    let fault = encrypted
        .session()
        .err()
        .expect("nobody knows its password");
    assert_eq!(
        (fault.code(), fault.what()),
        (Code::Tls, "the key of the client certificate is encrypted")
    );
}

#[test]
fn the_level_that_was_reached_is_told() {
    let logins = logins();
    let root = logins.certificates.join("root.crt");
    for (settings, told) in [
        ("host=localhost sslmode=disable", "not encrypted"),
        ("host={socket} sslmode=verify-full", "Unix socket"),
        (
            "host=localhost sslmode=require",
            "TLS 1.3, certificate not verified",
        ),
        (
            "host=localhost sslmode=prefer ssl_max_protocol_version=TLSv1.2",
            "TLS 1.2, certificate not verified",
        ),
        (
            "host=localhost sslmode=verify-ca sslrootcert={root}",
            "TLS 1.3, certificate verified, host name not",
        ),
        (
            "host=localhost sslmode=verify-full sslrootcert={root}",
            "TLS 1.3, certificate and host name verified",
        ),
    ] {
        let text = format!("user=ann password=ann dbname=shop port={{port}} {settings}");
        let session = logins
            .case(&text.replace("{root}", &root.display().to_string()))
            .session()
            .unwrap();
        assert_eq!(session.protection().to_string(), told, "{settings}");
    }
}

#[test]
fn tls_can_start_at_once_from_17_on() {
    let Some(bin) = programs_of_18() else { return };
    let made = certificates::make();
    let server = certificates::serve(&bin, made.path(), "san");
    add_logins(&server);
    let case = |more: &str| {
        let root = made.path().join("root.crt");
        let text = format!(
            "host=localhost port={} user=ann password=ann dbname=shop sslnegotiation=direct channel_binding=require sslrootcert={} {more}",
            server.port,
            root.display()
        );
        Case::new(made.path(), text)
    };
    for mode in ["require", "verify-ca", "verify-full"] {
        case(&format!("sslmode={mode}")).session().unwrap();
    }
    // 15 does not know it, and says nothing sensible.
    let old = logins().case(
        "host=localhost port={port} user=trusted dbname=shop sslmode=require sslnegotiation=direct",
    );
    assert_eq!(
        old.session().err().expect("15 takes it for garbage").code(),
        Code::Tls
    );
}

#[test]
fn the_systems_roots_do_not_vouch_for_a_private_authority() {
    let case =
        logins().case("host=localhost port={port} user=trusted dbname=shop sslrootcert=system");
    let fault = case
        .session()
        .err()
        .expect("a private authority is not among them");
    assert_eq!(fault.code(), Code::Tls, "{fault:?}");
}
