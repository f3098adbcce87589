//! What SQLite may do while it works on statements of an archive.
//!
//! An archive is untrusted: its statements were parsed before, and this is the second wall. SQLite
//! asks here about every action while it prepares a statement, those of virtual tables included.

use crate::fault::{Code, Fault, Result};
use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use std::sync::{Arc, Mutex, PoisonError};

/// Modules whose virtual tables are made: all come with SQLite and run no code of an application.
pub(super) const MODULES: [&str; 6] = ["fts3", "fts4", "fts5", "rtree", "rtree_i32", "geopoly"];

/// Whether virtual tables of this module are made.
pub(super) fn known_module(module: &str) -> bool {
    MODULES
        .iter()
        .any(|known| known.eq_ignore_ascii_case(module))
}

/// What is being done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Permit {
    /// Statements of our own.
    Own,
    /// One CREATE statement of the archive, for this kind of object of this name.
    Create(Kind, String),
}

/// Kinds of object that are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Table,
    VirtualTable,
    Index,
    View,
    Trigger,
}

/// Says what is being done, to the authorizer of one connection.
#[derive(Debug, Clone)]
pub(super) struct Guard(Arc<Mutex<Permit>>);

impl Guard {
    /// Sets up the authorizer.
    pub(super) fn install(connection: &mut Connection) -> Result<Self> {
        let guard = Guard(Arc::new(Mutex::new(Permit::Own)));
        let asked = guard.clone();
        connection
            .authorizer(Some(move |context: AuthContext<'_>| {
                let permit = asked.0.lock().unwrap_or_else(PoisonError::into_inner);
                if allowed(&permit, &context) {
                    Authorization::Allow
                } else {
                    Authorization::Deny
                }
            }))
            .map_err(|error| {
                Fault::new(Code::Bug, "cannot set up the authorizer").because(error)
            })?;
        Ok(guard)
    }

    /// Runs `work` under `permit`.
    pub(super) fn under<T>(&self, permit: Permit, work: impl FnOnce() -> T) -> T {
        self.set(permit);
        let result = work();
        self.set(Permit::Own);
        result
    }

    fn set(&self, permit: Permit) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = permit;
    }
}

fn allowed(permit: &Permit, context: &AuthContext<'_>) -> bool {
    match (permit, context.action) {
        (_, AuthAction::Attach { .. } | AuthAction::Detach { .. } | AuthAction::Unknown { .. }) => {
            false
        }
        (_, AuthAction::Function { function_name }) => !dangerous(function_name),
        (Permit::Own, _) => true,
        (Permit::Create(kind, name), action) => {
            context.database_name.is_none_or(|name| name == "main")
                && may_create(*kind, name, action)
        }
    }
}

/// Functions that reach out of the database. None should be there; if one is, it stays unused.
fn dangerous(function: &str) -> bool {
    [
        "load_extension",
        "fts3_tokenizer",
        "readfile",
        "writefile",
        "edit",
    ]
    .iter()
    .any(|name| name.eq_ignore_ascii_case(function))
}

fn may_create(kind: Kind, name: &str, action: AuthAction<'_>) -> bool {
    let is = |other: &str| other.eq_ignore_ascii_case(name);
    let shadow = |table: &str| kind == Kind::VirtualTable && is_shadow(table, name);
    match action {
        AuthAction::Select | AuthAction::Recursive | AuthAction::Read { .. } => true,
        AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name } => is_schema(table_name) || shadow(table_name),
        AuthAction::CreateTable { table_name } => {
            let own = kind == Kind::Table && (is(table_name) || table_name == "sqlite_sequence");
            own || shadow(table_name)
        }
        AuthAction::CreateIndex {
            index_name,
            table_name,
        } => match kind {
            Kind::Index => is(index_name),
            Kind::Table => is(table_name) && is_automatic(index_name),
            Kind::VirtualTable => shadow(table_name),
            Kind::View | Kind::Trigger => false,
        },
        AuthAction::Reindex { index_name } => match kind {
            Kind::Index => is(index_name),
            Kind::Table | Kind::VirtualTable => is_automatic(index_name) || shadow(index_name),
            Kind::View | Kind::Trigger => false,
        },
        AuthAction::CreateView { view_name } => kind == Kind::View && is(view_name),
        AuthAction::CreateTrigger { trigger_name, .. } => kind == Kind::Trigger && is(trigger_name),
        AuthAction::CreateVtable {
            table_name,
            module_name,
        } => kind == Kind::VirtualTable && is(table_name) && known_module(module_name),
        // Modules ask for these themselves; the value is never set.
        AuthAction::Pragma {
            pragma_name,
            pragma_value: None,
        } => kind == Kind::VirtualTable && ["page_size", "data_version"].contains(&pragma_name),
        _ => false,
    }
}

fn is_schema(table: &str) -> bool {
    ["sqlite_master", "sqlite_schema"].contains(&table)
}

fn is_automatic(index: &str) -> bool {
    index.starts_with("sqlite_autoindex_")
}

/// A virtual table keeps its content in tables called `NAME_SOMETHING`.
fn is_shadow(table: &str, name: &str) -> bool {
    let (table, name) = (table.as_bytes(), name.as_bytes());
    table.len() > name.len() + 1
        && table[..name.len()].eq_ignore_ascii_case(name)
        && table[name.len()] == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded() -> (Connection, Guard) {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE known(a, b); CREATE INDEX old ON known(b); CREATE VIEW seen AS SELECT a FROM known;")
            .unwrap();
        let guard = Guard::install(&mut connection).unwrap();
        (connection, guard)
    }

    fn run(kind: Kind, name: &str, sql: &str) -> rusqlite::Result<()> {
        let (connection, guard) = guarded();
        let permit = Permit::Create(kind, name.to_owned());
        guard.under(permit, || connection.execute_batch(sql))
    }

    #[test]
    fn what_is_announced_is_made() {
        for (kind, name, sql) in [
            (
                Kind::Table,
                "t",
                "CREATE TABLE t(a PRIMARY KEY, b UNIQUE, c AS (lower(a)))",
            ),
            (
                Kind::Table,
                "t",
                "CREATE TABLE T(a INTEGER PRIMARY KEY AUTOINCREMENT)",
            ),
            (
                Kind::Index,
                "i",
                "CREATE UNIQUE INDEX i ON known(lower(a)) WHERE b > 1",
            ),
            (Kind::View, "v", "CREATE VIEW v AS SELECT * FROM known"),
            (
                Kind::Trigger,
                "g",
                "CREATE TRIGGER g AFTER INSERT ON known BEGIN DELETE FROM known; END",
            ),
            (
                Kind::Trigger,
                "g",
                "CREATE TRIGGER g INSTEAD OF DELETE ON seen BEGIN SELECT 1; END",
            ),
            (
                Kind::VirtualTable,
                "f",
                "CREATE VIRTUAL TABLE f USING fts5(a, b)",
            ),
            (
                Kind::VirtualTable,
                "f",
                "CREATE VIRTUAL TABLE f USING fts4(a, b)",
            ),
            (
                Kind::VirtualTable,
                "r",
                "CREATE VIRTUAL TABLE r USING rtree(id, a, b, +c)",
            ),
            (
                Kind::VirtualTable,
                "g",
                "CREATE VIRTUAL TABLE g USING geopoly(a)",
            ),
        ] {
            run(kind, name, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    }

    #[test]
    fn anything_else_is_denied() {
        for (kind, name, sql) in [
            (Kind::Table, "t", "CREATE TABLE other(a)"),
            (Kind::Table, "t", "CREATE TEMP TABLE t(a)"),
            (Kind::Table, "t", "CREATE VIEW t AS SELECT 1"),
            (Kind::Table, "t", "CREATE VIRTUAL TABLE t USING fts5(a)"),
            (Kind::Table, "t", "CREATE TABLE t(a); DROP TABLE known"),
            (Kind::Table, "t", "INSERT INTO known VALUES (1, 2)"),
            (Kind::Table, "t", "UPDATE known SET a = 1"),
            (Kind::Table, "t", "ATTACH 'x.db' AS x"),
            (Kind::Table, "t", "PRAGMA writable_schema = ON"),
            (Kind::Table, "t", "PRAGMA page_size"),
            (Kind::Table, "t", "ALTER TABLE known ADD COLUMN c"),
            (Kind::Table, "t", "BEGIN"),
            (Kind::Table, "t", "SAVEPOINT s"),
            (Kind::Table, "t", "ANALYZE"),
            (Kind::Table, "t", "REINDEX"),
            (Kind::Table, "t", "CREATE INDEX i ON known(a)"),
            (Kind::View, "v", "CREATE TEMP VIEW v AS SELECT 1"),
            (
                Kind::Trigger,
                "g",
                "CREATE TEMP TRIGGER g AFTER INSERT ON known BEGIN SELECT 1; END",
            ),
            (
                Kind::VirtualTable,
                "d",
                "CREATE VIRTUAL TABLE d USING dbstat",
            ),
            (Kind::VirtualTable, "f", "PRAGMA page_size = 512"),
            (Kind::Index, "i", "CREATE INDEX j ON known(a)"),
            (Kind::View, "v", "SELECT load_extension('x')"),
        ] {
            let error = run(kind, name, sql).expect_err(sql);
            assert!(
                matches!(&error, rusqlite::Error::SqliteFailure(failure, _)
                    if failure.code == rusqlite::ErrorCode::AuthorizationForStatementDenied)
                    || error.to_string().contains("not authorized"),
                "{sql}: {error}"
            );
        }
    }

    #[test]
    fn our_own_statements_may_not_reach_out_either() {
        let (connection, _guard) = guarded();
        connection
            .execute_batch("PRAGMA user_version = 3; ANALYZE")
            .unwrap();
        for sql in ["ATTACH ':memory:' AS x", "SELECT load_extension('x')"] {
            let error = connection.execute_batch(sql).expect_err(sql);
            assert!(
                error.to_string().contains("not authorized"),
                "{sql}: {error}"
            );
        }
    }

    #[test]
    fn a_shadow_has_the_name_an_underscore_and_more() {
        assert!(is_shadow("Search_data", "search"));
        for other in ["search", "search_", "searching_data", "known"] {
            assert!(!is_shadow(other, "search"), "{other}");
        }
    }
}
