//! The password file and the service files, compared with `psql`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use waybill_common::fault::Code;

use super::logins;
use super::oracle::compare_all;

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
