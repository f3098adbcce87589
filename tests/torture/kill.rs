//! SIGKILL and SIGSTOP, for one process and for several that work on one run.

use std::process::{Child, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};

use super::chance::{Chance, Extent};
use super::scene::{Scene, connect, parts, watched};
use crate::support::postgres::{drop_database, servers};

#[test]
fn killed_at_any_moment_an_import_goes_on_and_does_nothing_twice() {
    let extent = Extent::of("WAYBILL_TORTURE_KILLS", 10);
    // The short form has no time for all of them.
    let count = if extent.rounds < 50 {
        1
    } else {
        servers().len()
    };
    let servers = &servers()[..count];
    let scenes: Vec<_> = servers.iter().map(Scene::new).collect();
    for (round, mut chance) in extent.rounds() {
        let here = round % servers.len();
        let (server, scene) = (&servers[here], &scenes[here]);
        let processes = if (round / servers.len()).is_multiple_of(2) {
            1
        } else {
            3
        };
        let what = format!("round {round}, {processes} processes");
        let uri = server.fresh_database();
        watched(&uri, || {
            kill_some(scene, &uri, processes, &mut chance, &what);
        });
        if round < servers.len() {
            scene.check(&uri);
        }
        drop_database(server, &uri);
    }
}

/// Kills one process, or all of them; the others, or the same command again, come to the end.
fn kill_some(scene: &Scene, uri: &str, processes: usize, chance: &mut Chance, what: &str) {
    let mut children = scene.start(uri, processes);
    let all = processes == 1 || chance.below(3) == 0;
    // Several processes are slower where there are few processors.
    std::thread::sleep(chance.moment(scene.whole.mul_f64(if processes == 1 { 1.0 } else { 1.4 })));
    let victims = if all { processes } else { 1 };
    for victim in &mut children[..victims] {
        victim.kill().expect("a child can be killed");
    }
    for victim in &mut children[..victims] {
        victim.wait().expect("a child can be waited for");
    }
    let before = parts(&mut connect(uri));
    assert_end_well(&mut children[victims..], what);
    scene.finish(uri, what);
    scene.assert_done(uri, &before, what);
}

/// The others take over what the dead have left.
fn assert_end_well(children: &mut [Child], what: &str) {
    for child in children {
        let status = child.wait().expect("a child can be waited for");
        assert!(status.success(), "{what}: a survivor ends with {status}");
    }
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("a child takes signals");
}

#[test]
fn a_process_that_stands_still_is_overtaken_and_ends_without_harm() {
    let server = crate::support::postgres::server();
    let scene = Scene::new(server);
    for (round, mut chance) in Extent::of("WAYBILL_TORTURE_STOPS", 2).rounds() {
        let what = format!("round {round}");
        let uri = server.fresh_database();
        watched(&uri, || {
            let mut children = scene.start(&uri, 3);
            std::thread::sleep(chance.moment(scene.whole.mul_f64(1.3)));
            signal(&children[0], Signal::STOP);
            let mut ended = Vec::new();
            while ended.len() < 2 {
                expire(&uri, &children[0]);
                std::thread::sleep(std::time::Duration::from_millis(100));
                let statuses = children[1..].iter_mut().map(Child::try_wait);
                ended = statuses.filter_map(|s| s.expect("a child")).collect();
            }
            assert!(ended.iter().all(ExitStatus::success), "{what}: {ended:?}");
            let before = parts(&mut connect(&uri));
            signal(&children[0], Signal::CONT);
            let late = children[0].wait().expect("a child can be waited for");
            assert!(
                matches!(late.code(), Some(0 | 5)),
                "{what}: the late one ends with {late}"
            );
            scene.finish(&uri, &what);
            scene.assert_done(&uri, &before, &what);
        });
        drop_database(server, &uri);
    }
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
