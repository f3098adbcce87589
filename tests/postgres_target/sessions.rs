//! Sessions that use tables which an import replaces or fills: they are named, or refused.

use std::time::Duration;

use waybill_common::engine::postgres::target::{PostgresOptions, PostgresTarget};
use waybill_common::fault::{Code, Fault};
use waybill_common::progress::Unwatched;
use waybill_common::report::{Finding, Severity};
use waybill_common::seam::Target as _;

use super::replace::{APPLICATION, client, owned, replacing};
use super::sample::{After, ask, conninfo, import, items};
use crate::support::postgres::servers;

/// Schemas of Waybill's own.
const OWN: &str = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'waybill%'";

fn idle() -> PostgresOptions {
    PostgresOptions {
        require_idle: true,
        lock_wait_timeout: Duration::from_secs(1),
        ..replacing()
    }
}

/// What is said about the sessions.
fn told(fault: &Fault) -> String {
    assert_eq!(fault.code(), Code::TargetInUse, "{fault:?}");
    fault.causes().join("\n")
}

#[test]
fn nothing_is_written_while_somebody_uses_the_tables_and_none_may() {
    for server in servers() {
        let uri = owned(server);
        let mut owner = client(&uri);
        owner.batch_execute(APPLICATION).unwrap();
        let (schema, plan, parts) = items(10);
        let refused = || {
            let mut target = PostgresTarget::new(conninfo(&uri), &schema, &plan, idle());
            told(&target.begin(&parts, &Unwatched).unwrap_err())
        };
        let mut till = client(&uri);
        let name = uri.rsplit('/').next().unwrap();
        // A table with a foreign key to one that is replaced follows in the switch.
        till.batch_execute("SET application_name = 'till'; BEGIN; SELECT 'secret' FROM sales")
            .unwrap();
        let text = refused();
        let who = format!("of role {name}_owner: `till`: uses sales; idle in transaction, begun ");
        assert!(text.contains(&who) && !text.contains("secret"), "{text}");
        till.batch_execute("COMMIT; PREPARE p AS SELECT 1; SELECT * FROM items")
            .unwrap();
        // What the server hides of other roles is said to be hidden.
        let mut other = server.client(name);
        other
            .batch_execute("BEGIN; LOCK TABLE items IN ROW SHARE MODE")
            .unwrap();
        let text = refused();
        let who = "of role postgres: uses items; this role may not see what it does";
        assert!(text.contains(who), "{text}");
        other
            .batch_execute("ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
            .unwrap();
        let text = refused();
        assert!(text.contains("sees the database as it was then"), "{text}");
        other.batch_execute("COMMIT").unwrap();
        assert_eq!(ask(&mut owner, OWN), "0");
        let mut target = PostgresTarget::new(conninfo(&uri), &schema, &plan, idle());
        import(&mut target, &parts).unwrap();
        let in_use = |finding: &&Finding| finding.code == Code::TargetInUse;
        assert_eq!(target.findings().iter().filter(in_use).count(), 0);
    }
}

#[test]
fn who_comes_during_the_import_keeps_it_from_the_switch_and_the_next_command_goes_on() {
    for server in servers() {
        let uri = owned(server);
        let mut owner = client(&uri);
        owner.batch_execute(APPLICATION).unwrap();
        let (schema, plan, parts) = items(1000);
        let mut till = client(&uri);
        let mut target = PostgresTarget::new(conninfo(&uri), &schema, &plan, idle());
        target.begin(&parts, &Unwatched).unwrap();
        target.load(&parts, &After::new(1, || ())).unwrap();
        target.build(&Unwatched).unwrap();
        target.check(&Unwatched).unwrap();
        // It holds no lock that the switch would wait for.
        till.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
            .unwrap();
        let text = told(&target.switch(&Unwatched).unwrap_err());
        assert!(text.contains("sees the database as it was then"), "{text}");
        drop(target);
        assert_eq!(ask(&mut owner, "SELECT count(*) FROM items"), "10");
        till.batch_execute("COMMIT").unwrap();
        let mut target = PostgresTarget::new(conninfo(&uri), &schema, &plan, idle());
        import(&mut target, &parts).unwrap();
        assert_eq!(ask(&mut owner, "SELECT count(*) FROM items"), "1000");
        let loaded = "SELECT count(*) FROM waybill.runs";
        assert_eq!(ask(&mut owner, loaded), "1", "it is the same run");
    }
}

#[test]
fn sessions_are_named_where_nobody_minds_them() {
    for server in servers() {
        let uri = owned(server);
        let mut owner = client(&uri);
        owner.batch_execute(APPLICATION).unwrap();
        let (schema, plan, parts) = items(10);
        let mut till = client(&uri);
        till.batch_execute(
            "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; PREPARE p AS SELECT 1",
        )
        .unwrap();
        let mut target = PostgresTarget::new(conninfo(&uri), &schema, &plan, replacing());
        import(&mut target, &parts).unwrap();
        let in_use = |finding: &Finding| finding.code == Code::TargetInUse;
        let findings = target.findings().into_iter().filter(in_use);
        let findings: Vec<_> = findings.collect();
        assert_eq!(findings.len(), 1, "{findings:?}");
        let found = (findings[0].code, findings[0].severity);
        assert_eq!(found, (Code::TargetInUse, Severity::Warning));
        let pid = ask(&mut till, "SELECT pg_backend_pid()");
        let who = findings[0].place.object.as_deref().unwrap();
        assert!(who.starts_with(&format!("session {pid} of role ")), "{who}");
    }
}

#[test]
fn no_timeout_of_idle_sessions_ends_a_run_whose_work_takes_longer() {
    for server in servers() {
        let uri = owned(server);
        let mut owner = client(&uri);
        let version: u32 = ask(&mut owner, "SHOW server_version_num").parse().unwrap();
        if version < 140_000 {
            continue;
        }
        let name = uri.rsplit('/').next().unwrap();
        let mut superuser = server.client("postgres");
        let set = format!("ALTER DATABASE {name} SET idle_session_timeout = '300ms'");
        superuser.batch_execute(&set).unwrap();
        let (schema, plan, parts) = items(1000);
        let mut target = PostgresTarget::new(conninfo(&uri), &schema, &plan, replacing());
        target.begin(&parts, &Unwatched).unwrap();
        let slow = After::new(1, || {
            let mut other = server.client("postgres");
            other.batch_execute("SELECT pg_sleep(1.5)").unwrap();
        });
        target.load(&parts, &slow).unwrap();
        target.build(&Unwatched).unwrap();
        target.check(&Unwatched).unwrap();
        target.switch(&Unwatched).unwrap();
        assert_eq!(ask(&mut owner, "SELECT count(*) FROM items"), "1000");
    }
}
