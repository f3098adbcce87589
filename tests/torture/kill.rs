//! SIGKILL and SIGSTOP, for one process and for several that work on one run.

use std::process::{Child, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};

use super::chance::{Chance, Extent};
use super::content::parts;
use super::eyes::Look;
use super::phase::{Phase, Standing, Tally};
use super::scene::{Scene, connect};
use crate::support::postgres::{Server, drop_database, servers};

const LOOK: Look = Look {
    forward: true,
    away: false,
};

#[test]
fn killed_at_any_moment_an_import_goes_on_and_does_nothing_twice() {
    let extent = Extent::of("WAYBILL_TORTURE_KILLS", 10);
    kill_often("imports killed", &extent, Scene::new);
}

#[test]
fn killed_at_any_moment_a_replacement_leaves_the_old_or_the_new() {
    let extent = Extent::share("WAYBILL_TORTURE_KILLS", 8, 2);
    kill_often("replacements killed", &extent, Scene::replacing);
}

fn kill_often(told: &str, extent: &Extent, scene: fn(&Server) -> Scene) {
    // The short form has no time for all of them.
    let count = if extent.rounds < 50 {
        1
    } else {
        servers().len()
    };
    let servers = &servers()[..count];
    let scenes: Vec<_> = servers.iter().map(scene).collect();
    let mut tally = Tally::default();
    for (round, mut chance) in extent.rounds() {
        let here = round % servers.len();
        let (server, scene) = (&servers[here], &scenes[here]);
        let is_odd = round / servers.len() % 2 == 1;
        let processes = if is_odd { 3 } else { 1 };
        let phase = Phase::ALL[round % Phase::ALL.len()];
        let what = format!("{told}, round {round}, {processes} processes, {phase:?}");
        let uri = scene.fresh(server);
        scene.eyes.watch(&uri, LOOK, || {
            let found = kill_some(scene, &uri, processes, (phase, &mut chance), &what);
            tally.count(processes, found);
        });
        if round < servers.len() {
            scene.check(&uri);
        }
        drop_database(server, &uri);
    }
    tally.tell(told);
}

/// Kills one process or more; the others, or the same command again, come to the end. Gives back
/// where the import stood.
fn kill_some(
    scene: &Scene,
    uri: &str,
    processes: usize,
    (phase, chance): (Phase, &mut Chance),
    what: &str,
) -> Phase {
    let mut children = scene.start(uri, processes);
    let mut client = connect(uri);
    let victims = 1 + chance.below(3) as usize % processes;
    let standing = scene
        .timeline
        .wait(&mut client, (phase, chance), &mut children);
    // The first victim is the one that matters.
    children.sort_by_key(|child| standing.holder != Some(child.id()));
    let (victims, survivors) = children.split_at_mut(victims);
    for victim in victims.iter_mut() {
        victim.kill().expect("a child can be killed");
    }
    for victim in victims {
        victim.wait().expect("a child can be waited for");
    }
    let before = parts(&mut client);
    // The others take over what the dead have left.
    for child in survivors {
        let status = child.wait().expect("a child can be waited for");
        assert!(status.success(), "{what}: a survivor ends with {status}");
    }
    scene.finish(uri, what);
    scene.assert_done(uri, &before, what);
    standing.phase
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("a child takes signals");
}

#[test]
fn a_process_that_stands_still_is_overtaken_and_ends_without_harm() {
    let server = crate::support::postgres::server();
    let scene = Scene::new(server);
    let mut tally = Tally::default();
    for (round, mut chance) in Extent::of("WAYBILL_TORTURE_STOPS", 2).rounds() {
        let phase = Phase::ALL[(round * 2 + 2) % Phase::ALL.len()];
        let what = format!("round {round}, stopped in {phase:?}");
        let uri = scene.fresh(server);
        scene.eyes.watch(&uri, LOOK, || {
            let found = stop_one(&scene, &uri, (phase, &mut chance), &what);
            tally.count(3, found.phase);
        });
        drop_database(server, &uri);
    }
    tally.tell("processes stopped");
}

/// Stops the process that matters until the others have come to the end.
fn stop_one(
    scene: &Scene,
    uri: &str,
    (phase, chance): (Phase, &mut Chance),
    what: &str,
) -> Standing {
    let mut children = scene.start(uri, 3);
    let mut client = connect(uri);
    let standing = scene
        .timeline
        .wait(&mut client, (phase, chance), &mut children);
    children.sort_by_key(|child| standing.holder != Some(child.id()));
    signal(&children[0], Signal::STOP);
    let mut ended = Vec::new();
    while ended.len() < 2 {
        expire(uri, &children[0]);
        std::thread::sleep(std::time::Duration::from_millis(100));
        let statuses = children[1..].iter_mut().map(Child::try_wait);
        ended = statuses.filter_map(|s| s.expect("a child")).collect();
    }
    assert!(ended.iter().all(ExitStatus::success), "{what}: {ended:?}");
    let before = parts(&mut client);
    signal(&children[0], Signal::CONT);
    let late = children[0].wait().expect("a child can be waited for");
    assert!(
        matches!(late.code(), Some(0 | 5)),
        "{what}: the late one ends with {late}"
    );
    scene.finish(uri, what);
    scene.assert_done(uri, &before, what);
    standing
}

/// Lets the lease of a process run out, as if it had stood still for long.
fn expire(uri: &str, child: &Child) {
    let sql = "UPDATE waybill.workers SET lease = clock_timestamp() - interval '1 second'
               WHERE client LIKE '% ' || $1";
    let mut client = connect(uri);
    let pid = child.id().to_string();
    // Where it was stopped before it had a ledger there is nothing to do.
    drop(client.execute(sql, &[&pid]));
}
