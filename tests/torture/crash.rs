//! The server crashes: what was acknowledged is there afterwards, and the rest goes on.

use std::path::{Path, PathBuf};
use std::process::Command;

use ::postgres::Client;

use super::chance::{Chance, Extent};
use super::content::parts;
use super::eyes::Look;
use super::phase::{Phase, Tally};
use super::scene::{Scene, connect};
use crate::support::postgres::{Server, drop_database, programs_of_18, programs_of_the_system};

/// As fast as it gets: an acknowledged COMMIT may be lost, unless one asks for more.
const SETTINGS: &str =
    "synchronous_commit = off\nwal_writer_delay = 10s\nwal_writer_flush_after = 0\n";
/// What readers must see while the server comes and goes.
const LOOK: Look = Look {
    forward: true,
    away: true,
};

fn programs(seed: u64) -> PathBuf {
    let newer = (seed % 2 == 0).then(programs_of_18).flatten();
    newer.unwrap_or_else(programs_of_the_system)
}

/// A server of its own; the seed says of which version.
pub(super) fn server(seed: u64) -> Server {
    let files = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(files.path().join("extra.conf"), SETTINGS).expect("a file");
    Server::start(&programs(seed), Some(files.path()))
}

/// Stops it without a word, and starts it again on the same port.
pub(super) fn crash(server: &Server) {
    let folder = server.socket.parent().expect("the folder of the server");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres");
    let mut command = Command::new(script);
    command.arg("crash").arg(folder);
    let is_18 = server.version == 18;
    let programs = is_18.then(programs_of_18).flatten();
    command.env(
        "WAYBILL_PG_BIN",
        programs.unwrap_or_else(programs_of_the_system),
    );
    assert!(command.status().expect("scripts/postgres runs").success());
}

/// From now on what is to survive a crash waits in its COMMIT, durable and not acknowledged: for a
/// standby that never comes.
pub(super) fn hold_commits(client: &mut Client) {
    let set = "ALTER SYSTEM SET synchronous_standby_names = 'nobody'";
    client.batch_execute(set).expect("a superuser");
    client
        .batch_execute("SELECT pg_reload_conf()")
        .expect("a superuser");
    let begin = std::time::Instant::now();
    let known = "SHOW synchronous_standby_names";
    while client
        .query_one(known, &[])
        .expect("a setting")
        .get::<_, &str>(0)
        .is_empty()
    {
        assert!(begin.elapsed().as_secs() < 10, "the server does not reload");
    }
}

/// Waits until somebody waits in a COMMIT.
pub(super) fn await_commit(client: &mut Client) {
    let begin = std::time::Instant::now();
    let waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')";
    while !client
        .query_one(waiting, &[])
        .expect("a view")
        .get::<_, bool>(0)
    {
        assert!(begin.elapsed().as_secs() < 60, "nobody waits in a COMMIT");
    }
}

/// After the next start nobody waits so any more.
pub(super) fn release_commits(client: &mut Client) {
    let reset = "ALTER SYSTEM RESET synchronous_standby_names";
    client.batch_execute(reset).expect("a superuser");
}

#[test]
fn a_crash_of_the_server_loses_nothing_that_was_acknowledged() {
    let extent = Extent::of("WAYBILL_TORTURE_RESTARTS", 4);
    crash_often("crashes during imports", &extent, Scene::new);
}

#[test]
fn a_crash_of_the_server_leaves_the_old_or_the_new_while_tables_are_replaced() {
    let extent = Extent::of("WAYBILL_TORTURE_RESTARTS", 3);
    crash_often("crashes during replacements", &extent, Scene::replacing);
}

fn crash_often(told: &str, extent: &Extent, scene: fn(&Server) -> Scene) {
    let server = server(extent.seed);
    let scene = scene(&server);
    let mut tally = Tally::default();
    for (round, mut chance) in extent.rounds() {
        let is_odd = round % 2 == 1;
        let processes = if is_odd { 3 } else { 1 };
        // From the end, so that a short form has the moments that matter.
        let phase = Phase::ALL[Phase::ALL.len() - 1 - round % Phase::ALL.len()];
        let what = format!("{told}, round {round}, {processes} processes, {phase:?}");
        let uri = scene.fresh(&server);
        connect(&uri)
            .batch_execute("CHECKPOINT")
            .expect("a superuser");
        scene.eyes.watch(&uri, LOOK, || {
            let found = crash_under_way(
                (&server, &scene),
                &uri,
                processes,
                (phase, &mut chance),
                &what,
            );
            tally.count(processes, found);
        });
        drop_database(&server, &uri);
    }
    tally.tell(told);
}

/// Gives back where the import stood.
fn crash_under_way(
    (server, scene): (&Server, &Scene),
    uri: &str,
    processes: usize,
    (phase, chance): (Phase, &mut Chance),
    what: &str,
) -> Phase {
    let mut children = scene.start(uri, processes);
    let mut client = connect(uri);
    let standing = scene
        .timeline
        .wait(&mut client, (phase, chance), &mut children);
    // The last moment is when a success has just been reported.
    if phase == Phase::End {
        for child in &mut children {
            child.wait().expect("a child can be waited for");
        }
    }
    crash(server);
    let mut acknowledged = false;
    for child in &mut children {
        let status = child.wait().expect("a child can be waited for");
        assert!(matches!(status.code(), Some(0 | 5)), "{what}: {status}");
        acknowledged |= status.success();
    }
    let mut client = connect(uri);
    if acknowledged {
        scene.assert_done(uri, &[], what);
    }
    assert!(acknowledged || phase != Phase::End, "{what}: undisturbed");
    let before = parts(&mut client);
    scene.finish(uri, what);
    scene.assert_done(uri, &before, what);
    standing.phase
}

#[test]
fn a_crash_of_the_server_in_the_commit_of_a_switch_is_found_out() {
    let server = server(2);
    for scene in [Scene::new(&server), Scene::replacing(&server)] {
        for is_killed in [false, true] {
            let what = format!("killed: {is_killed}");
            let uri = scene.fresh(&server);
            scene.eyes.watch(&uri, LOOK, || {
                let mut client = connect(&uri);
                hold_commits(&mut client);
                let mut child = scene.import(&uri).spawn().expect("the program starts");
                await_commit(&mut client);
                release_commits(&mut client);
                if is_killed {
                    child.kill().expect("a child can be killed");
                }
                crash(&server);
                let status = child.wait().expect("a child can be waited for");
                assert_eq!(status.success(), !is_killed, "{what}: {status}");
                // It was durable, and nothing is to be done again.
                let before = parts(&mut connect(&uri));
                scene.assert_done(&uri, &before, &what);
                scene.finish(&uri, &what);
                scene.assert_done(&uri, &before, &what);
            });
            drop_database(&server, &uri);
        }
    }
}
