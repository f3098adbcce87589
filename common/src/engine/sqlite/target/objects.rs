//! Making the objects of an archive from its statements.
//!
//! A statement is parsed and must be one CREATE of the object it stands for; then SQLite runs it
//! under the authorizer. Knows no rows.

use crate::engine::sqlite::ddl::{self, CreateKind};
use crate::engine::sqlite::source::unknown_function;
use crate::engine::sqlite::target::authorizer::{Guard, Kind, Permit, known_module};
use crate::engine::sqlite::target::failure;
use crate::fault::{Code, Fault, Result};
use crate::model::schema::Table;
use crate::report::{Finding, Severity};
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Null;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Functions of the application that stand-ins are made for, at the most.
const STAND_INS: usize = 256;

/// An object to make.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'a> {
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    /// The table that an index or trigger belongs to, or the module of a virtual table.
    pub(super) owner: &'a str,
    pub(super) sql: &'a str,
}

/// Makes objects on one connection.
#[derive(Debug)]
pub(super) struct Maker {
    guard: Guard,
    /// Functions that the application would provide, in lower case.
    stand_ins: HashSet<String>,
    /// Whether stand-ins fail, because what they give would be stored.
    stored: Arc<AtomicBool>,
}

impl Maker {
    pub(super) fn new(guard: Guard) -> Self {
        Maker {
            guard,
            stand_ins: HashSet::new(),
            stored: Arc::new(AtomicBool::new(true)),
        }
    }

    /// To be called before rows go into `table`: SQLite computes all computed columns of a row, and
    /// stand-ins must not fail where nothing keeps the result.
    pub(super) fn for_rows_of(&self, table: &Table) {
        self.stored.store(keeps_computed(table), Ordering::Relaxed);
    }

    /// To be called when the rows are in.
    pub(super) fn rows_are_in(&self) {
        self.stored.store(true, Ordering::Relaxed);
    }

    /// Whether an object needs functions that only its application has.
    pub(super) fn has_stand_ins(&self) -> bool {
        !self.stand_ins.is_empty()
    }

    /// Makes the object.
    ///
    /// # Errors
    ///
    /// `object-mismatch` when the statement is not one CREATE of this object or does more than
    /// that, `object-unsupported` when SQLite understands it but cannot make it here.
    pub(super) fn make(&mut self, connection: &Connection, object: &Object<'_>) -> Result<()> {
        verify(object).map_err(|fault| fault.in_table(object.name))?;
        loop {
            let permit = Permit::Create(object.kind, object.name.to_owned());
            let made = self
                .guard
                .under(permit, || connection.execute_batch(object.sql));
            let Err(error) = made else {
                return Ok(());
            };
            if !self.stand_in(connection, &error) {
                return Err(refused(error).in_table(object.name));
            }
        }
    }

    /// Makes a stand-in for a function that SQLite misses: it lets a statement be stored, and
    /// fails when its result would be stored. False when that was not the trouble.
    fn stand_in(&mut self, connection: &Connection, error: &rusqlite::Error) -> bool {
        let message = error.to_string();
        let Some(function) = unknown_function(&message) else {
            return false;
        };
        if self.stand_ins.len() >= STAND_INS
            || !self.stand_ins.insert(function.to_ascii_lowercase())
        {
            return false;
        }
        let flags = FunctionFlags::SQLITE_UTF8
            | FunctionFlags::SQLITE_DETERMINISTIC
            | FunctionFlags::SQLITE_INNOCUOUS;
        let missing = format!("function {function} belongs to the application");
        let stored = Arc::clone(&self.stored);
        connection
            .create_scalar_function(function, -1, flags, move |_| {
                if stored.load(Ordering::Relaxed) {
                    return Err(rusqlite::Error::UserFunctionError(missing.clone().into()));
                }
                Ok(Null)
            })
            .is_ok()
    }
}

/// Whether inserting a row stores what a computed column gives: in the row or in a key's index.
fn keeps_computed(table: &Table) -> bool {
    let keys = table.unique.iter().flat_map(|key| &key.columns);
    let in_key = |name: &str| {
        keys.clone()
            .any(|key| key.column.eq_ignore_ascii_case(name))
    };
    table.columns.iter().any(|column| {
        let computed = column.generated.as_ref();
        computed.is_some_and(|computed| computed.stored || in_key(&column.name))
    })
}

/// The finding that stands for an object which could not be made.
pub(super) fn left_out(fault: &Fault, kind: Kind) -> Finding {
    let word = match kind {
        Kind::Table => "table",
        Kind::VirtualTable => "virtual table",
        Kind::Index => "index",
        Kind::View => "view",
        Kind::Trigger => "trigger",
    };
    let mut finding = Finding::from_fault(fault);
    finding.code = Code::StructureLeftOut;
    finding.severity = Severity::Warning;
    finding.message = format!("{word} is left out: {}", finding.message);
    finding
}

fn refused(error: rusqlite::Error) -> Fault {
    let what = "SQLite cannot make the object";
    if error.to_string().contains("not authorized") {
        let what = "SQL statement does more than it should";
        return Fault::new(Code::ObjectMismatch, what).because(error);
    }
    failure::fault(error, what)
}

/// Whether the statement is one CREATE of the object it stands for.
fn verify(object: &Object<'_>) -> Result<()> {
    let create = ddl::parse_create(object.sql).map_err(|fault| {
        Fault::new(Code::ObjectMismatch, "SQL text is not one CREATE statement").because(fault)
    })?;
    let owner = |found: &str| found.eq_ignore_ascii_case(object.owner);
    let as_described = match (&create.kind, object.kind) {
        (CreateKind::Table(_), Kind::Table) | (CreateKind::View, Kind::View) => true,
        (CreateKind::Index(index), Kind::Index) => owner(&index.table),
        (CreateKind::Trigger { table }, Kind::Trigger) => owner(table),
        (CreateKind::Virtual { module, .. }, Kind::VirtualTable) => {
            owner(module) && known_module(module)
        }
        _ => false,
    };
    let plain = create.qualifier.is_none() && !create.temporary && !create.if_not_exists;
    if as_described && plain && create.name == object.name {
        return Ok(());
    }
    let what = "SQL statement makes another object than the schema describes";
    Err(Fault::new(Code::ObjectMismatch, what))
}
