//! Several processes that meet at awkward moments, and connections that are lost one at a time.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use waybill_common::engine::postgres::target::PostgresTarget;
use waybill_common::fault::Code;
use waybill_common::model::value::OwnedValue;
use waybill_common::progress::Unwatched;
use waybill_common::seam::Target as _;

use super::sample::{After, Memory, ask, conninfo, import, items, options, target};
use crate::support::postgres::{drop_database, fresh_database, server, servers};

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

/// A process that stands still in the comparison has connections that read staged tables, beside the one
/// that has the last step.
#[test]
fn who_takes_over_ends_all_connections_of_a_process_that_shows_no_life() {
    for server in servers() {
        let uri = server.fresh_database();
        let (schema, plan, parts) = items(1000);
        let mut still = target(&uri, &schema, &plan);
        still.begin(&parts, &Unwatched).unwrap();
        still.load(&parts, &Unwatched).unwrap();
        drop(still);
        let mut client = client(&uri);
        let named =
            "SELECT 'waybill-import ' || run || ' ' || right(worker, 12) FROM waybill.workers";
        let named = ask(&mut client, named);
        let staging = ask(&mut client, "SELECT staging_schema FROM waybill.runs");
        client
            .batch_execute(
                "UPDATE waybill.workers SET lease = clock_timestamp() - interval '1 second';
                 UPDATE waybill.steps SET attempt = 1, backend = 1, backend_start = now(),
                        worker = (SELECT worker FROM waybill.workers) WHERE kind = 'switch'",
            )
            .unwrap();
        let mut reader = postgres::Client::connect(&uri, postgres::NoTls).unwrap();
        reader
            .batch_execute(&format!(
                "SET application_name = '{named}'; BEGIN; SELECT FROM {staging}.items LIMIT 1"
            ))
            .unwrap();
        let mut options = options("public");
        options.lock_wait_timeout = Duration::from_secs(5);
        let mut next = PostgresTarget::new(conninfo(&uri), &schema, &plan, options);
        import(&mut next, &parts).unwrap();
        assert_eq!(ask(&mut client, "SELECT count(*) FROM items"), "1000");
        assert!(reader.batch_execute("SELECT 1").is_err());
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

/// A step that another process seems to have: the one whose sign of life is in the ledger.
const TAKEN: &str = "UPDATE waybill.steps AS step
     SET worker = worker.worker, backend = worker.backend, backend_start = worker.backend_start, attempt = 1
     FROM waybill.workers AS worker WHERE step.run = worker.run AND step.kind = 'part' AND step.item = 3";

#[test]
fn who_waits_for_a_step_that_is_taken_out_of_the_ledger_ends() {
    let (schema, plan, parts) = items(1000);
    for kind in ["part", "switch"] {
        let uri = fresh_database();
        let mut first = target(&uri, &schema, &plan);
        first.begin(&parts, &Unwatched).unwrap();
        let mut admin = client(&uri);
        if kind == "part" {
            admin.batch_execute(TAKEN).unwrap();
        } else {
            first.load(&parts, &Unwatched).unwrap();
            first.build(&Unwatched).unwrap();
        }
        let mut second = target(&uri, &schema, &plan);
        second.begin(&parts, &Unwatched).unwrap();
        let delete = || {
            let sql = format!("DELETE FROM waybill.steps WHERE kind = '{kind}' AND NOT done");
            client(&uri).batch_execute(&sql).unwrap();
        };
        // The others are in by then: nothing is done but waiting.
        let loaded = second.load(&parts, &After::new(900, delete));
        let fault = loaded.err().unwrap_or_else(|| {
            delete();
            second.build(&Unwatched).unwrap_err()
        });
        assert_eq!(fault.code(), Code::ContentDiffers, "{kind}: {fault:?}");
        let what = "a step of the run has disappeared from the ledger";
        assert_eq!(fault.what(), what, "{kind}");
        let state = "SELECT state FROM waybill.runs";
        assert_eq!(ask(&mut admin, state), "failed", "{kind}");
    }
}

#[test]
fn what_others_have_done_is_told_once_also_when_they_commit_late() {
    let query = include_str!("../../common/src/engine/postgres/queries/ledger_news.sql");
    let query = query.replace("ledger.", "waybill.");
    let uri = fresh_database();
    let (schema, plan, parts) = items(1000);
    let mut target = target(&uri, &schema, &plan);
    target.begin(&parts, &Unwatched).unwrap();
    let (mut reader, mut late, mut early) = (client(&uri), client(&uri), client(&uri));
    let run = ask(&mut reader, "SELECT run FROM waybill.runs");
    let mut seen: Option<String> = None;
    let mut news = || {
        let now = ask(&mut reader, "SELECT pg_current_snapshot()");
        let rows = reader.query(&query, &[&run, &"me", &seen]).unwrap();
        seen = Some(now);
        let mut steps: Vec<i64> = rows.iter().map(|row| row.get("step")).collect();
        steps.sort_unstable();
        steps
    };
    let done = |step: i64| {
        format!(
            "UPDATE waybill.steps SET done = true, worker = 'other', xid = pg_current_xact_id()
             WHERE step = {step}"
        )
    };
    assert_eq!(news(), [0, 1], "what was done before the first look");
    assert_eq!(news(), [0_i64; 0]);
    late.batch_execute(&format!("BEGIN; {}", done(3))).unwrap();
    early.batch_execute(&done(5)).unwrap();
    assert_eq!(news(), [5]);
    early.batch_execute(&done(6)).unwrap();
    assert_eq!(news(), [6], "nothing is told again");
    late.batch_execute("COMMIT").unwrap();
    assert_eq!(news(), [3], "an older transaction than those before");
    assert_eq!(news(), [0_i64; 0]);

    // With very many steps only the new ones are read.
    let many = format!(
        "INSERT INTO waybill.steps (run, step, kind, done, worker, xid)
         SELECT '{run}', n, 'part', true, 'other', pg_current_xact_id() FROM generate_series(1000, 100000) AS n"
    );
    early.batch_execute(&many).unwrap();
    early.batch_execute("ANALYZE waybill.steps").unwrap();
    let now = ask(&mut early, "SELECT pg_current_snapshot()");
    let literal = |text: &str| format!("'{text}'");
    let plan = query
        .replace("$1", &literal(&run))
        .replace("$2", "'me'")
        .replace("$3", &literal(&now));
    let begin = plan.find("SELECT").unwrap();
    let plan = ask(&mut early, &format!("EXPLAIN {}", &plan[begin..]));
    assert!(plan.contains("waybill_steps_done"), "{plan}");
}

#[test]
fn attempts_that_crashed_do_not_count_as_waiting_for_a_lock() {
    let uri = fresh_database();
    let (schema, plan, parts) = items(300);
    let mut options = options("public");
    options.lock_wait_timeout = Duration::from_millis(300);
    let mut target = PostgresTarget::new(conninfo(&uri), &schema, &plan, options);
    target.begin(&parts, &Unwatched).unwrap();
    let mut client = client(&uri);
    let staging = ask(&mut client, "SELECT staging_schema FROM waybill.runs");
    client
        .batch_execute(&format!(
            "UPDATE waybill.steps SET attempt = 9 WHERE NOT done;
             BEGIN; LOCK TABLE {staging}.items IN SHARE MODE"
        ))
        .unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(700));
            client.batch_execute("COMMIT").unwrap();
        });
        target.load(&parts, &Unwatched).unwrap();
    });
    target.build(&Unwatched).unwrap();
    target.check(&Unwatched).unwrap();
    target.switch(&Unwatched).unwrap();
}

/// Two roles that own nothing together, and where each of them connects.
fn two_roles(server: &crate::support::postgres::Server) -> (String, [String; 2], [String; 2]) {
    let uri = server.fresh_database();
    let database = uri.rsplit('/').next().unwrap().to_owned();
    let database = database.split('?').next().unwrap();
    let roles = ["one", "other"].map(|name| format!("{name}_{database}"));
    let mut admin = client(&uri);
    for role in &roles {
        let sql = format!(
            "CREATE ROLE {role} LOGIN; GRANT CREATE ON DATABASE {database} TO {role};
             GRANT USAGE, CREATE ON SCHEMA public TO {role}"
        );
        admin.batch_execute(&sql).unwrap();
    }
    let uris = [0, 1].map(|at: usize| uri.replacen("postgres@", &format!("{}@", roles[at]), 1));
    (uri, roles, uris)
}

#[test]
fn a_role_joins_the_run_of_another_only_as_its_member_and_takes_nothing_from_it() {
    let (schema, plan, parts) = items(20_000);
    for server in servers() {
        let (uri, [one, other], [first, second]) = two_roles(server);
        let mut admin = client(&uri);
        let mut begun = target(&first, &schema, &plan);
        begun.begin(&parts, &Unwatched).unwrap();
        let grant = format!(
            "GRANT USAGE ON SCHEMA waybill TO {other};
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA waybill TO {other}"
        );
        admin.batch_execute(&grant).unwrap();
        let mut stranger = target(&second, &schema, &plan);
        let fault = stranger.begin(&parts, &Unwatched).unwrap_err();
        assert_eq!(fault.code(), Code::RightMissing, "{fault:?}");
        let what = format!("the import was begun by role `{one}`");
        assert_eq!(fault.what(), what);
        assert!(fault.help().contains(&format!("GRANT \"{one}\" TO")));
        // What is being worked on is not given up by somebody who cannot see that it is.
        let mut anew = options("public");
        anew.run.anew = true;
        anew.run.archive_root = "2".repeat(64);
        let mut stranger = PostgresTarget::new(conninfo(&second), &schema, &plan, anew);
        let fault = stranger.begin(&parts, &Unwatched).unwrap_err();
        assert_eq!(fault.code(), Code::ImportRunning, "{fault:?}");

        // A member sees the first one's connections; the first one does not see his.
        admin
            .batch_execute(&format!("GRANT {one} TO {other}"))
            .unwrap();
        let mut joined = target(&second, &schema, &plan);
        joined.begin(&parts, &Unwatched).unwrap();
        std::thread::scope(|scope| {
            for mut target in [begun, joined] {
                let parts = &parts;
                scope.spawn(move || {
                    target.load(parts, &Unwatched).unwrap();
                    target.build(&Unwatched).unwrap();
                    target.check(&Unwatched).unwrap();
                    target.switch(&Unwatched).unwrap();
                });
            }
        });
        let twice = "SELECT count(*) FROM waybill.steps WHERE NOT done OR attempt <> 1";
        assert_eq!(ask(&mut admin, twice), "0");
        let workers = "SELECT count(DISTINCT worker) FROM waybill.steps WHERE kind = 'part'";
        assert_eq!(ask(&mut admin, workers), "2");
        let found = "SELECT count(*), count(DISTINCT id) FROM items";
        assert_eq!(ask(&mut admin, found), "20000|20000");
        let clean = format!("DROP OWNED BY {one}, {other}; DROP ROLE {one}, {other}");
        admin.batch_execute(&clean).unwrap();
    }
}

#[test]
fn a_process_that_wakes_up_when_others_have_switched_says_so() {
    let uri = fresh_database();
    let (schema, plan) = super::sample::bare_tables(20);
    let row = |id| vec![OwnedValue::Integer(id)];
    let rows = vec![(1..=10).map(row).collect(); 20];
    let parts = Memory::new(rows, 10);
    let mut options = options("public");
    options.jobs = 1;
    let mut late = PostgresTarget::new(conninfo(&uri), &schema, &plan, options);
    late.begin(&parts, &Unwatched).unwrap();
    late.load(&parts, &Unwatched).unwrap();
    late.build(&Unwatched).unwrap();
    // It stands still while it reads the first of the tables.
    let overtake = || {
        let mut other = target(&uri, &schema, &plan);
        other.begin(&parts, &Unwatched).unwrap();
        other.load(&parts, &Unwatched).unwrap();
        let expire = "UPDATE waybill.workers SET lease = clock_timestamp() - interval '1 second'
                      WHERE worker = (SELECT worker FROM waybill.steps WHERE kind = 'switch')";
        client(&uri).batch_execute(expire).unwrap();
        other.build(&Unwatched).unwrap();
        other.check(&Unwatched).unwrap();
        other.switch(&Unwatched).unwrap();
    };
    let fault = late.check(&After::new(1, overtake)).unwrap_err();
    assert_eq!(fault.code(), Code::ConnectionLost, "{fault:?}");
    let what = "another process has taken over a step of the import, and finished it";
    assert_eq!(fault.what(), what);
    assert_eq!(
        ask(&mut client(&uri), "SELECT state FROM waybill.runs"),
        "done"
    );
    let count = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    assert_eq!(ask(&mut client(&uri), count), "20");
}
