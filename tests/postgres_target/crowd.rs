//! Several processes that meet at awkward moments, and connections that are lost one at a time.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use waybill_common::engine::postgres::target::PostgresTarget;
use waybill_common::fault::Code;
use waybill_common::progress::Unwatched;
use waybill_common::seam::Target as _;

use super::sample::{After, ask, conninfo, import, items, options, target};
use crate::support::postgres::{drop_database, fresh_database, server};

fn client(uri: &str) -> postgres::Client {
    postgres::Client::connect(uri, postgres::NoTls).unwrap()
}

#[test]
fn processes_that_begin_at_the_same_moment_share_one_run_even_when_each_wants_a_new_one() {
    let (schema, plan, parts) = items(1000);
    for round in 0..20 {
        let uri = fresh_database();
        let mut options = options("public");
        options.run.anew = round % 2 == 0;
        let (start, entered_all) = (Barrier::new(3), Barrier::new(3));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let made = options.clone();
                    let mut target = PostgresTarget::new(conninfo(&uri), &schema, &plan, made);
                    start.wait();
                    let entered = target.begin(&parts, &Unwatched);
                    entered_all.wait();
                    entered.unwrap();
                    target.load(&parts, &Unwatched).unwrap();
                    target.build(&Unwatched).unwrap();
                    target.check(&Unwatched).unwrap();
                    target.switch(&Unwatched).unwrap();
                });
            }
        });
        let mut client = client(&uri);
        let state = "SELECT string_agg(state, ',') FROM waybill.runs";
        assert_eq!(ask(&mut client, state), "done", "round {round}");
        let found = "SELECT count(*), count(DISTINCT id) FROM items";
        assert_eq!(ask(&mut client, found), "1000|1000");
        let twice = "SELECT count(*) FROM waybill.steps WHERE NOT done OR attempt <> 1";
        assert_eq!(ask(&mut client, twice), "0", "round {round}");
        drop(client);
        drop_database(server(), &uri);
    }
}

#[test]
fn a_process_whose_sign_of_life_alone_is_cut_off_gives_another() {
    let uri = fresh_database();
    let (schema, plan, parts) = items(1000);
    let mut target = target(&uri, &schema, &plan);
    target.begin(&parts, &Unwatched).unwrap();
    let mut client = client(&uri);
    let beats = "SELECT backend FROM waybill.workers";
    let before = ask(&mut client, beats);
    let cut = "SELECT pg_terminate_backend(backend) FROM waybill.workers";
    assert_eq!(ask(&mut client, cut), "t");
    let begin = Instant::now();
    while ask(&mut client, beats) == before {
        assert!(begin.elapsed() < Duration::from_secs(20), "nobody beats");
        std::thread::sleep(Duration::from_millis(100));
    }
    let alive = "SELECT lease > clock_timestamp() FROM waybill.workers";
    assert_eq!(ask(&mut client, alive), "t");
    target.load(&parts, &Unwatched).unwrap();
    target.build(&Unwatched).unwrap();
    target.check(&Unwatched).unwrap();
    target.switch(&Unwatched).unwrap();
}

#[test]
fn one_lost_connection_of_whatever_kind_costs_a_rerun_and_nothing_else() {
    let (schema, plan, parts) = items(50_000);
    // The one that asks, a worker, and all that are at rest.
    for which in ["1", "2", "count(*) OVER ()"] {
        let uri = fresh_database();
        let mut target = target(&uri, &schema, &plan);
        target.begin(&parts, &Unwatched).unwrap();
        let cut = || {
            let sql = format!(
                "SELECT count(pg_terminate_backend(pid)) FROM (
                     SELECT pid, row_number() OVER (ORDER BY backend_start) AS n, {which} AS wanted
                     FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()) AS a
                 WHERE n = wanted"
            );
            assert_eq!(ask(&mut client(&uri), &sql), "1");
        };
        let loaded = target.load(&parts, &After::new(5000, cut));
        if let Err(fault) = loaded {
            let lost = [Code::ConnectionLost, Code::ServerBusy];
            assert!(lost.contains(&fault.code()), "{which}: {fault:?}");
        }
        drop(target);
        import(&mut super::sample::target(&uri, &schema, &plan), &parts).unwrap();
        let mut client = client(&uri);
        let found = "SELECT count(*), count(DISTINCT id) FROM items";
        assert_eq!(ask(&mut client, found), "50000|50000", "{which}");
        let state = "SELECT string_agg(state, ',') FROM waybill.runs";
        assert_eq!(ask(&mut client, state), "done");
    }
}

#[test]
fn a_run_that_others_have_finished_is_not_tidied_away() {
    let uri = fresh_database();
    let (schema, plan, parts) = items(1000);
    let mut late = target(&uri, &schema, &plan);
    late.begin(&parts, &Unwatched).unwrap();
    late.load(&parts, &Unwatched).unwrap();
    let mut client = client(&uri);
    let staged = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'waybill_staging_%'";
    client
        .batch_execute("UPDATE waybill.runs SET state = 'done', ended = now()")
        .unwrap();
    late.give_up("it came too late").unwrap();
    assert_eq!(ask(&mut client, staged), "1");
    assert_eq!(ask(&mut client, "SELECT state FROM waybill.runs"), "done");
}

#[test]
fn a_run_that_is_taken_out_of_the_ledger_ends_and_another_can_begin() {
    let uri = fresh_database();
    let (schema, plan, parts) = items(20_000);
    let mut target = target(&uri, &schema, &plan);
    target.begin(&parts, &Unwatched).unwrap();
    let delete = || {
        let sql = "DELETE FROM waybill.runs";
        client(&uri).batch_execute(sql).unwrap();
    };
    let fault = target.load(&parts, &After::new(5000, delete)).unwrap_err();
    let ended = [Code::ContentDiffers, Code::ConnectionLost];
    assert!(ended.contains(&fault.code()), "{fault:?}");
    drop(target);
    import(&mut super::sample::target(&uri, &schema, &plan), &parts).unwrap();
    let mut client = client(&uri);
    assert_eq!(ask(&mut client, "SELECT count(*) FROM items"), "20000");
    let staged = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'waybill_staging_%'";
    assert_eq!(ask(&mut client, staged), "0");
}
