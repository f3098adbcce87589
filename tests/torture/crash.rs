//! The server crashes: what was acknowledged is there afterwards, and the rest goes on.

use std::path::Path;
use std::process::Command;

use super::chance::{Chance, Extent};
use super::scene::{Scene, connect, look, parts};
use crate::support::postgres::{Server, drop_database, programs_of_the_system};

/// As fast as it gets: an acknowledged COMMIT may be lost, unless one asks for more.
const SETTINGS: &str =
    "synchronous_commit = off\nwal_writer_delay = 10s\nwal_writer_flush_after = 0\n";

/// A server of its own.
fn server() -> Server {
    let files = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(files.path().join("extra.conf"), SETTINGS).expect("a file");
    Server::start(&programs_of_the_system(), Some(files.path()))
}

/// Stops it without a word, and starts it again on the same port.
fn crash(server: &Server) {
    let folder = server.socket.parent().expect("the folder of the server");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres");
    let mut command = Command::new(script);
    command.arg("crash").arg(folder);
    command.env("WAYBILL_PG_BIN", programs_of_the_system());
    assert!(command.status().expect("scripts/postgres runs").success());
}

#[test]
fn a_crash_of_the_server_loses_nothing_that_was_acknowledged() {
    let server = server();
    let scene = Scene::new(&server);
    for (round, mut chance) in Extent::of("WAYBILL_TORTURE_RESTARTS", 4).rounds() {
        let what = format!("round {round}");
        let uri = server.fresh_database();
        connect(&uri)
            .batch_execute("CHECKPOINT")
            .expect("a superuser");
        if round % 2 == 0 {
            crash_after_the_end(&server, &scene, &uri, &what);
        } else {
            let processes = 1 + round / 2 % 2 * 2;
            crash_under_way(&server, &scene, &uri, (processes, &mut chance), &what);
        }
        drop_database(&server, &uri);
    }
}

fn crash_after_the_end(server: &Server, scene: &Scene, uri: &str, what: &str) {
    let status = scene.import(uri).status().expect("the program runs");
    crash(server);
    assert!(status.success(), "{what}: {status}");
    scene.assert_done(uri, &[], what);
}

fn crash_under_way(
    server: &Server,
    scene: &Scene,
    uri: &str,
    (processes, chance): (usize, &mut Chance),
    what: &str,
) {
    let mut children = scene.start(uri, processes);
    std::thread::sleep(chance.moment(scene.whole));
    crash(server);
    let mut acknowledged = false;
    for child in &mut children {
        let status = child.wait().expect("a child can be waited for");
        assert!(matches!(status.code(), Some(0 | 5)), "{what}: {status}");
        acknowledged |= status.success();
    }
    let mut client = connect(uri);
    look(&mut client);
    if acknowledged {
        scene.assert_done(uri, &[], what);
    }
    let before = parts(&mut client);
    scene.finish(uri, what);
    scene.assert_done(uri, &before, what);
}
