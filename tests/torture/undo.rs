//! SIGKILL and crashes of the server while a replacement is taken back: the old or the new is there,
//! and the same command again goes on from that.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ::postgres::Client;

use super::chance::{Chance, Extent};
use super::crash::{await_commit, crash, hold_commits, release_commits, server};
use super::eyes::Look;
use super::scene::{Scene, connect, insist, settled};
use crate::support::postgres::{Server, drop_database, servers};
use crate::support::program::command;

fn undo(uri: &str) -> Command {
    let mut undo = command("waybill-import");
    undo.args(["undo", uri, "--no-input"]).stdin(Stdio::null());
    undo.stdout(Stdio::null()).stderr(Stdio::null());
    undo
}

/// How many times the import was taken back, and that taken back again.
fn undone(client: &mut Client) -> i64 {
    let sql = "SELECT count(*) FROM waybill.runs WHERE mode = 'undo'";
    client.query_one(sql, &[]).expect("a ledger").get(0)
}

/// Whether somebody holds the lock of the target schema: the step itself is under way.
fn is_switching(client: &mut Client) -> bool {
    let sql = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
                              AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    client.query_one(sql, &[]).expect("a view").get(0)
}

/// An imported database, and how long it takes to bring back what was there.
fn begin(scene: &Scene, server: &Server) -> (String, Duration) {
    let uri = scene.fresh(server);
    scene.finish(&uri, "the import");
    let begun = Instant::now();
    insist(|| undo(&uri), "an undisturbed undo");
    let whole = begun.elapsed();
    scene.assert_untouched(&uri, "an undisturbed undo");
    (uri, whole)
}

/// Starts an undo, and waits for a moment of it; every second one lies within the step itself.
fn wait(
    uri: &str,
    client: &mut Client,
    (whole, round): (Duration, usize),
    chance: &mut Chance,
) -> Child {
    let mut child = undo(uri).spawn().expect("the program starts");
    if round % 2 == 0 {
        std::thread::sleep(chance.moment(whole));
        return child;
    }
    while !is_switching(client) && child.try_wait().expect("a child").is_none() {}
    std::thread::sleep(chance.moment(whole / 4));
    child
}

/// Fails unless the ledger says the same as the tables; then the same command makes the other state of
/// it, where that has not happened yet.
fn assert_one_of_both(scene: &Scene, uri: &str, turns: i64, what: &str) -> bool {
    let found = undone(&mut connect(uri));
    assert!(found == turns || found == turns + 1, "{what}: {found}");
    assert_eq!(scene.is_after(uri, what), found % 2 == 0, "{what}");
    if found == turns {
        insist(|| undo(uri), what);
        assert_eq!(scene.is_after(uri, what), turns % 2 == 1, "{what}");
    }
    let backups = "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^waybill_(backup|undone)_'";
    let mut client = connect(uri);
    let backups: i64 = client.query_one(backups, &[]).expect("a catalogue").get(0);
    assert_eq!(backups, 1, "{what}: backups");
    found == turns + 1
}

#[test]
fn killed_at_any_moment_an_undo_leaves_the_old_or_the_new() {
    let extent = Extent::share("WAYBILL_TORTURE_KILLS", 6, 2);
    let server = servers()
        .get(usize::from(extent.seed % 2 == 0))
        .unwrap_or(&servers()[0]);
    let scene = Scene::replacing(server);
    let (uri, whole) = begin(&scene, server);
    let mut client = connect(&uri);
    let look = Look {
        forward: false,
        away: false,
    };
    let mut done = 0;
    scene.eyes.watch(&uri, look, || {
        for (round, mut chance) in extent.rounds() {
            let what = format!("undo killed, round {round}");
            let turns = undone(&mut client);
            let mut child = wait(&uri, &mut client, (whole, round), &mut chance);
            child.kill().expect("a child can be killed");
            child.wait().expect("a child can be waited for");
            settled(&uri, &what);
            done += usize::from(assert_one_of_both(&scene, &uri, turns, &what));
        }
    });
    eprintln!(
        "undos killed: {}, of which {done} had been done",
        extent.rounds
    );
    drop(client);
    drop_database(server, &uri);
}

#[test]
fn a_crash_of_the_server_during_an_undo_leaves_the_old_or_the_new() {
    let extent = Extent::of("WAYBILL_TORTURE_RESTARTS", 3);
    let server = server(extent.seed);
    let scene = Scene::replacing(&server);
    let (uri, whole) = begin(&scene, &server);
    let look = Look {
        forward: false,
        away: true,
    };
    let mut done = 0;
    scene.eyes.watch(&uri, look, || {
        for (round, mut chance) in extent.rounds() {
            let what = format!("crash during undo, round {round}");
            let mut client = connect(&uri);
            let turns = undone(&mut client);
            // Every third one waits in its COMMIT.
            let in_commit = round % 3 == 2;
            let mut child;
            if in_commit {
                hold_commits(&mut client);
                child = undo(&uri).spawn().expect("the program starts");
                await_commit(&mut client);
                release_commits(&mut client);
            } else {
                child = wait(&uri, &mut client, (whole, round), &mut chance);
            }
            crash(&server);
            let status = child.wait().expect("a child can be waited for");
            assert!(matches!(status.code(), Some(0 | 5)), "{what}: {status}");
            let was_done = assert_one_of_both(&scene, &uri, turns, &what);
            assert!(was_done || !status.success(), "{what}: it was acknowledged");
            assert!(was_done == status.success() || !in_commit, "{what}");
            done += usize::from(was_done);
        }
    });
    eprintln!(
        "crashes during undo: {}, of which {done} after it was done",
        extent.rounds
    );
    drop_database(&server, &uri);
}
