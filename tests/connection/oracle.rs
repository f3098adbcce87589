//! Reaching a server twice, by `psql` and by a `Session`, and comparing what each finds there.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::Path;
use std::process::{Command, Stdio};

use waybill_common::engine::postgres::conninfo::ConnInfo;
use waybill_common::engine::postgres::session::Session;
use waybill_common::fault::Fault;

/// What tells one connection from another: who, where, over what, and with which parameters.
const QUESTION: &str = "SELECT concat_ws(' ', session_user, current_database(), \
    inet_server_addr(), inet_server_port(), 'tls', ssl, \
    version, coalesce(client_dn, '-'), current_setting('work_mem'), current_setting('port')) \
    FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/// A connection string and the environment it is read in.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) text: String,
    pub(crate) env: BTreeMap<String, String>,
}

impl Case {
    /// Nothing but a home folder in the environment.
    pub(crate) fn new(home: &Path, text: impl Into<String>) -> Case {
        let home = home.display().to_string();
        Case {
            text: text.into(),
            env: BTreeMap::from([("HOME".to_owned(), home)]),
        }
    }

    pub(crate) fn env(mut self, name: &str, value: impl Display) -> Case {
        self.env.insert(name.to_owned(), value.to_string());
        self
    }

    pub(crate) fn settings(&self) -> Result<ConnInfo, Fault> {
        ConnInfo::parse(&self.text, &|name| self.env.get(name).cloned())
    }

    pub(crate) fn session(&self) -> Result<Session, Fault> {
        Session::connect(&self.settings()?)
    }

    fn by_waybill(&self) -> Result<String, Fault> {
        let rows = self.session()?.query(QUESTION, &[])?;
        Ok(rows[0].get(0))
    }

    fn by_psql(&self) -> Result<String, String> {
        let output = Command::new("psql")
            .args([
                "-X",
                "-A",
                "-t",
                "-w",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                QUESTION,
                "-d",
            ])
            .arg(&self.text)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("a PATH"))
            .envs(&self.env)
            .stdin(Stdio::null())
            .output()
            .expect("psql is installed (Debian: apt-get install postgresql-client)");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        }
    }

    /// Whether `psql` gets in; fails when Waybill does otherwise, or ends up elsewhere.
    pub(crate) fn compare(&self) -> Result<bool, String> {
        match (self.by_psql(), self.by_waybill()) {
            (Ok(theirs), Ok(ours)) if theirs == ours => Ok(true),
            (Err(_), Err(_)) => Ok(false),
            (theirs, ours) => Err(format!(
                "{self}\n    psql    {theirs:?}\n    waybill {ours:?}"
            )),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.env.iter().filter(|(name, _)| *name != "HOME") {
            write!(f, "{name}={value} ")?;
        }
        write!(f, "`{}`", self.text)
    }
}

/// Compares all cases, each with whether it should get in, and fails once, naming every difference.
pub(crate) fn compare_all(cases: &[(Case, bool)]) {
    let mut wrong = Vec::new();
    for (case, expected) in cases {
        match case.compare() {
            Ok(got_in) if got_in == *expected => {}
            Ok(true) => wrong.push(format!("{case}: both got in, which was not expected")),
            Ok(false) => wrong.push(format!("{case}: both failed: {:?}", case.by_psql())),
            Err(difference) => wrong.push(difference),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}
