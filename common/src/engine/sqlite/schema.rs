//! Reading a schema from an open connection.
//!
//! Columns, types, keys and foreign keys come from the pragmas, which SQLite's own parser fills;
//! only what no pragma tells comes from the statements' text. Knows no file and no row.

mod column;
mod key;
mod virtual_table;

use crate::engine::sqlite::ddl::{self, Create, CreateKind, IndexText, TableText};
use crate::engine::sqlite::failure::fault;
use crate::engine::sqlite::name;
use crate::fault::{Code, Fault, Result};
use crate::model::schema::{
    Encoding, Facts, Index, Rowid, Schema, Sequence, Table, TableKind, Trigger, View,
};
use crate::report::{Finding, Severity};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use std::collections::{BTreeSet, HashMap, HashSet};

pub use column::affinity;

/// Reads everything but the rows.
///
/// # Errors
///
/// Only what makes the database as a whole unreadable; an object that cannot be carried is a
/// finding and is left out.
pub fn read(connection: &Connection) -> Result<(Schema, Vec<Finding>)> {
    let mut reader = Reader {
        connection,
        listed: listed(connection)?,
        indexes: HashMap::new(),
        virtual_tables: HashMap::new(),
        unreadable: HashSet::new(),
        findings: Vec::new(),
    };
    let objects = reader.objects()?;
    let mut schema = Schema {
        facts: facts(connection, &objects)?,
        ..Schema::default()
    };
    reader.collect_indexes(&objects);
    reader.read_virtual_tables(&objects);
    for object in objects {
        reader.object(object, &mut schema)?;
    }
    key::fill_in_parents(&mut schema.tables);
    schema.sequences = reader.sequences()?;
    Ok((schema, reader.findings))
}

/// The name under which a table's hidden rowid can be read: one that no column takes.
#[must_use]
pub fn rowid_alias(table: &Table) -> Option<&'static str> {
    ["rowid", "_rowid_", "oid"]
        .into_iter()
        .find(|alias| table.column(alias).is_none())
}

/// A row of `sqlite_schema`.
struct Object {
    kind: String,
    name: String,
    table: String,
    sql: Option<String>,
}

/// A row of `PRAGMA table_list`.
struct Listed {
    kind: String,
    without_rowid: bool,
    strict: bool,
}

/// An index with its statement's parts, if these could be read.
struct IndexSource {
    name: String,
    sql: String,
    text: Option<IndexText>,
}

struct Reader<'c> {
    connection: &'c Connection,
    listed: HashMap<String, Listed>,
    /// Made by CREATE INDEX, by table in lower case, in the source's order.
    indexes: HashMap<String, Vec<IndexSource>>,
    /// By name in lower case.
    virtual_tables: HashMap<String, Table>,
    /// Names in lower case of virtual tables that their module cannot show.
    unreadable: HashSet<String>,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn objects(&mut self) -> Result<Vec<Object>> {
        let what = "cannot read the schema";
        let sql = "SELECT type, name, tbl_name, sql FROM main.sqlite_schema ORDER BY rowid";
        let mut statement = self
            .connection
            .prepare(sql)
            .map_err(|error| fault(error, what))?;
        let mut rows = statement.query([]).map_err(|error| fault(error, what))?;
        let mut objects = Vec::new();
        while let Some(row) = rows.next().map_err(|error| fault(error, what))? {
            if let Some(object) = object(row, &mut self.findings) {
                objects.push(object);
            }
        }
        Ok(objects)
    }

    fn collect_indexes(&mut self, objects: &[Object]) {
        for object in objects.iter().filter(|object| object.kind == "index") {
            // An index without SQL belongs to a constraint.
            let Some(sql) = &object.sql else { continue };
            let text = match self.statement(&object.name, sql).map(|create| create.kind) {
                Some(CreateKind::Index(text)) => Some(text),
                _ => None,
            };
            let table = object.table.to_ascii_lowercase();
            self.indexes.entry(table).or_default().push(IndexSource {
                name: object.name.clone(),
                sql: sql.clone(),
                text,
            });
        }
    }

    /// The parts of a stored statement, and a finding when somebody would not understand it.
    fn statement(&mut self, name: &str, sql: &str) -> Option<Create> {
        let create = match ddl::outline(sql) {
            Ok(create) => create,
            Err(fault) => {
                self.misread(name, &fault);
                return None;
            }
        };
        if let Err(fault) = ddl::check_grammar(sql, &create) {
            self.misread(name, &fault);
        }
        Some(create)
    }

    fn misread(&mut self, name: &str, fault: &Fault) {
        let cause = fault.causes().join(": ");
        let message = format!("{}: {cause}", fault.what());
        let message = message.trim_end_matches(": ").to_owned();
        self.findings
            .push(Finding::new(Code::StructureWeakened, Severity::Warning, message).in_table(name));
    }

    fn object(&mut self, object: Object, schema: &mut Schema) -> Result<()> {
        let sql = object.sql.unwrap_or_default();
        match object.kind.as_str() {
            "table" => match self.table(&object.name, sql) {
                Ok(table) => schema.tables.extend(table),
                Err(fault) if fault.code() == Code::ObjectUnsupported => self
                    .findings
                    .push(Finding::from_fault(&fault.in_table(&object.name))),
                Err(fault) => return Err(fault.in_table(&object.name)),
            },
            "view" => {
                self.statement(&object.name, &sql);
                schema.views.push(View {
                    name: object.name,
                    sql,
                });
            }
            "trigger" => {
                self.statement(&object.name, &sql);
                schema.triggers.push(Trigger {
                    name: object.name,
                    table: object.table,
                    sql,
                });
            }
            // Indexes have been collected; SQLite knows no other kind.
            _ => {}
        }
        Ok(())
    }

    fn table(&mut self, name: &str, sql: String) -> Result<Option<Table>> {
        if internal(name) {
            return Ok(None);
        }
        let Some(listed) = self.listed.get(&name.to_ascii_lowercase()) else {
            return Err(Fault::new(
                Code::ObjectUnsupported,
                "table is in the schema, but SQLite does not list it",
            ));
        };
        let (strict, without_rowid) = (listed.strict, listed.without_rowid);
        match listed.kind.as_str() {
            "shadow" if self.is_covered(name) => Ok(None),
            "virtual" => Ok(self.virtual_tables.remove(&name.to_ascii_lowercase())),
            _ => self
                .ordinary_table(name, sql, strict, without_rowid)
                .map(Some),
        }
    }

    fn ordinary_table(
        &mut self,
        name: &str,
        sql: String,
        strict: bool,
        without_rowid: bool,
    ) -> Result<Table> {
        let text = match self.statement(name, &sql).map(|create| create.kind) {
            Some(CreateKind::Table(text)) => text,
            _ => TableText::default(),
        };
        let columns = column::read(self.connection, name, &text, strict, without_rowid)?;
        let listed = key::listed(self.connection, name)?;
        let mut table = Table {
            name: name.to_owned(),
            kind: if without_rowid {
                TableKind::WithoutRowid
            } else {
                TableKind::Rowid
            },
            strict,
            rowid: Rowid::None,
            autoincrement: text.autoincrement,
            primary_key: key::primary_key(&columns, &listed, &text),
            unique: key::unique(&listed, &text),
            foreign_keys: key::foreign_keys(self.connection, name, &text)?,
            indexes: self.table_indexes(name, &listed),
            columns: columns.into_iter().map(|found| found.column).collect(),
            checks: text.checks,
            sql,
        };
        table.rowid = self.rowid(&table, &listed);
        self.note_collations(&table);
        Ok(table)
    }

    /// An application's own collation has a name and no definition in the file.
    fn note_collations(&mut self, table: &Table) {
        let columns = table.columns.iter().map(|column| &column.collation);
        let keys = table.primary_key.iter().chain(&table.unique);
        let keys = keys.flat_map(|key| key.columns.iter().map(|column| &column.collation));
        let indexes = table.indexes.iter().flat_map(|index| &index.terms);
        let own: BTreeSet<&str> = columns
            .chain(keys)
            .chain(indexes.map(|term| &term.collation))
            .map(String::as_str)
            .filter(|collation| !name::is_built_in(collation))
            .collect();
        for collation in own {
            let message = format!(
                "collation `{collation}` is the application's own; its name is kept, and rows come \
                 in the order in which they are stored"
            );
            self.findings.push(
                Finding::new(Code::StructureWeakened, Severity::Note, message)
                    .in_table(table.name.clone()),
            );
        }
    }

    fn rowid(&mut self, table: &Table, listed: &[key::Listed]) -> Rowid {
        if table.kind == TableKind::WithoutRowid {
            return Rowid::None;
        }
        // A primary key that needs no index of its own is the rowid. That leaves out the column
        // form `INTEGER PRIMARY KEY DESC`, which SQLite keeps as an ordinary key for old files.
        if let Some(primary) = &table.primary_key
            && !listed.iter().any(|index| index.origin == "pk")
        {
            return Rowid::Column(primary.columns[0].column.clone());
        }
        if rowid_alias(table).is_some() {
            return Rowid::Hidden;
        }
        self.findings.push(
            Finding::new(
                Code::StructureWeakened,
                Severity::Warning,
                "columns take all three names of the rowid, so it cannot be read and is not kept",
            )
            .in_table(table.name.clone()),
        );
        Rowid::None
    }

    fn table_indexes(&mut self, table: &str, listed: &[key::Listed]) -> Vec<Index> {
        let sources = self.indexes.remove(&table.to_ascii_lowercase());
        let mut indexes = Vec::new();
        for source in sources.unwrap_or_default() {
            let found = listed
                .iter()
                .find(|index| index.name.eq_ignore_ascii_case(&source.name));
            match found {
                Some(found) => indexes.push(key::index(found, source)),
                None => self.findings.push(
                    Finding::new(
                        Code::ObjectUnsupported,
                        Severity::Warning,
                        "index is in the schema, but SQLite does not list it",
                    )
                    .in_table(source.name),
                ),
            }
        }
        indexes
    }

    /// The rows of `sqlite_sequence`; anybody may write there, so anything may stand there.
    fn sequences(&mut self) -> Result<Vec<Sequence>> {
        if !self.listed.contains_key("sqlite_sequence") {
            return Ok(Vec::new());
        }
        let what = "cannot read the table of sequences";
        let sql = "SELECT name, seq FROM main.sqlite_sequence ORDER BY rowid";
        let mut statement = self
            .connection
            .prepare(sql)
            .map_err(|error| fault(error, what))?;
        let mut rows = statement.query([]).map_err(|error| fault(error, what))?;
        let mut sequences = Vec::new();
        while let Some(row) = rows.next().map_err(|error| fault(error, what))? {
            match (row.get::<_, String>(0), row.get::<_, i64>(1)) {
                (Ok(table), Ok(value)) => sequences.push(Sequence { table, value }),
                (name, _) => self.findings.push(
                    Finding::new(
                        Code::StructureLeftOut,
                        Severity::Warning,
                        "row of sqlite_sequence is not a name and an integer",
                    )
                    .in_table(name.unwrap_or_else(|_| "sqlite_sequence".to_owned())),
                ),
            }
        }
        Ok(sequences)
    }
}

/// Tables of SQLite's own: derived statistics, and what `Schema::sequences` holds.
fn internal(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower == "sqlite_sequence"
        || lower
            .strip_prefix("sqlite_stat")
            .is_some_and(|rest| ["1", "2", "3", "4"].contains(&rest))
}

fn object(row: &Row<'_>, findings: &mut Vec<Finding>) -> Option<Object> {
    let name = text(row, 1);
    let complete = |name: &str| -> Option<Object> {
        Some(Object {
            kind: text(row, 0)?.0,
            name: name.to_owned(),
            table: text(row, 2)?.0,
            sql: text(row, 3).map(|(sql, _)| sql),
        })
    };
    let unnamed = |name: String| {
        Finding::new(
            Code::ObjectUnsupported,
            Severity::Error,
            "name is not valid UTF-8; the object is left out",
        )
        .in_table(name)
    };
    match name {
        Some((name, true)) => {
            if text(row, 3).is_some_and(|(_, valid)| !valid) {
                findings.push(
                    Finding::new(
                        Code::StructureWeakened,
                        Severity::Warning,
                        "SQL text is not valid UTF-8; the bytes in question are replaced",
                    )
                    .in_table(name.clone()),
                );
            }
            complete(&name)
        }
        Some((name, false)) => {
            findings.push(unnamed(name));
            None
        }
        None => None,
    }
}

/// A text cell, and whether it is valid UTF-8; `None` when it is no text.
fn text(row: &Row<'_>, column: usize) -> Option<(String, bool)> {
    match row.get_ref(column) {
        Ok(ValueRef::Text(bytes)) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let valid = text.as_bytes() == bytes;
            Some((text, valid))
        }
        _ => None,
    }
}

fn listed(connection: &Connection) -> Result<HashMap<String, Listed>> {
    let what = "cannot list the tables";
    let sql = "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'";
    let mut statement = connection
        .prepare(sql)
        .map_err(|error| fault(error, what))?;
    let mut rows = statement.query([]).map_err(|error| fault(error, what))?;
    let mut tables = HashMap::new();
    while let Some(row) = rows.next().map_err(|error| fault(error, what))? {
        let Some((name, _)) = text(row, 0) else {
            continue;
        };
        let listed = Listed {
            kind: row.get(1).map_err(|error| fault(error, what))?,
            without_rowid: row.get(2).map_err(|error| fault(error, what))?,
            strict: row.get(3).map_err(|error| fault(error, what))?,
        };
        tables.insert(name.to_ascii_lowercase(), listed);
    }
    Ok(tables)
}

fn facts(connection: &Connection, objects: &[Object]) -> Result<Facts> {
    let encoding: String = pragma(connection, "encoding")?;
    let journal: String = pragma(connection, "journal_mode")?;
    let names: HashSet<&str> = objects.iter().map(|object| object.name.as_str()).collect();
    Ok(Facts {
        encoding: match encoding.as_str() {
            "UTF-16le" => Encoding::Utf16le,
            "UTF-16be" => Encoding::Utf16be,
            _ => Encoding::Utf8,
        },
        user_version: pragma(connection, "user_version")?,
        application_id: pragma(connection, "application_id")?,
        page_size: pragma(connection, "page_size")?,
        auto_vacuum: pragma(connection, "auto_vacuum")?,
        wal: journal == "wal",
        analyzed: names.contains("sqlite_stat1"),
    })
}

fn pragma<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> Result<T> {
    connection
        .query_row(&format!("PRAGMA main.{name}"), [], |row| row.get(0))
        .map_err(|error| fault(error, "cannot read the database's settings"))
}

#[cfg(test)]
mod tests;
