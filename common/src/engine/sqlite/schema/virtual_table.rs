//! Virtual tables: which module, and whether its rows can be carried.

use crate::engine::sqlite::ddl::{CreateKind, TableText};
use crate::engine::sqlite::failure::fault;
use crate::engine::sqlite::name;
use crate::engine::sqlite::schema::{Object, Reader, column, rowid_alias};
use crate::fault::{Code, Fault, Result};
use crate::model::schema::{Column, Rowid, Table, TableKind, VirtualContent};
use crate::report::{Finding, Severity};

impl Reader<'_> {
    /// Reads all virtual tables ahead of the others: whether a shadow table is left out or carried
    /// as it is depends on whether its virtual table can be read.
    pub(super) fn read_virtual_tables(&mut self, objects: &[Object]) {
        for object in objects.iter().filter(|object| object.kind == "table") {
            let name = object.name.to_ascii_lowercase();
            if self
                .listed
                .get(&name)
                .is_some_and(|listed| listed.kind == "virtual")
            {
                let sql = object.sql.clone().unwrap_or_default();
                let table = self.virtual_table(&object.name, sql);
                self.virtual_tables.insert(name, table);
            }
        }
    }

    /// Whether a shadow table belongs to a virtual table that can be read.
    pub(super) fn is_covered(&self, shadow: &str) -> bool {
        let shadow = shadow.to_ascii_lowercase();
        !self.unreadable.iter().any(|name| {
            shadow
                .strip_prefix(name.as_str())
                .is_some_and(|rest| rest.starts_with('_'))
        })
    }

    fn virtual_table(&mut self, name: &str, sql: String) -> Table {
        let (module, arguments) = match self.statement(name, &sql).map(|create| create.kind) {
            Some(CreateKind::Virtual { module, arguments }) => (module, arguments),
            _ => (String::new(), Vec::new()),
        };
        let read = column::read(self.connection, name, &TableText::default(), false, false);
        let (columns, broken) = match read {
            Ok(found) => (found.into_iter().map(|found| found.column).collect(), None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        let mut table = empty(name, sql, columns);
        self.module_specials(&mut table, &module, &arguments);
        table.rowid = rowid(&module, &table);
        let content = match (broken, content(&module, &arguments)) {
            (Some(fault), _) => self.unreadable(name, &module, &fault),
            (None, Ok(VirtualContent::Rows)) => match self.probe(name) {
                Ok(()) => VirtualContent::Rows,
                Err(fault) => self.unreadable(name, &module, &fault),
            },
            (None, Ok(content)) => content,
            (None, Err(why)) => self.unavailable(name, &module, why),
        };
        table.kind = TableKind::Virtual { module, content };
        table
    }

    /// Whether the module gives a first row: it may need a tokenizer or function of its application.
    fn probe(&self, table: &str) -> Result<()> {
        let sql = format!("SELECT * FROM main.{} LIMIT 1", name::quote(table));
        self.connection
            .prepare(&sql)
            .and_then(|mut statement| statement.query([])?.next().map(|_| ()))
            .map_err(|error| fault(error, "virtual table cannot be read"))
    }

    /// What the module would show is in its own tables, so these are carried instead.
    fn unreadable(&mut self, name: &str, module: &str, fault: &Fault) -> VirtualContent {
        self.unreadable.insert(name.to_ascii_lowercase());
        let why = fault.causes().into_iter().next().unwrap_or_default();
        let message = format!(
            "virtual table of module `{module}` cannot be read ({why}); its own tables, if any, are \
             carried as they are"
        );
        let (code, severity) = match fault.code() {
            Code::SourceDamaged => (Code::SourceDamaged, Severity::Error),
            _ => (Code::ObjectUnsupported, Severity::Warning),
        };
        self.findings
            .push(Finding::new(code, severity, message).in_table(name));
        VirtualContent::Unavailable
    }

    fn unavailable(&mut self, name: &str, module: &str, why: &str) -> VirtualContent {
        let message = format!("rows of module `{module}` are not carried: {why}");
        self.findings
            .push(Finding::new(Code::ObjectUnsupported, Severity::Warning, message).in_table(name));
        VirtualContent::Unavailable
    }

    /// What a module keeps beside the columns it shows.
    fn module_specials(&mut self, table: &mut Table, module: &str, arguments: &[String]) {
        if module.eq_ignore_ascii_case("fts4")
            && let Some(language) = option(arguments, "languageid")
        {
            // Hidden from `SELECT *`, but a value of each row that nothing else tells.
            let mut columns = table.columns.iter_mut();
            if let Some(column) = columns.find(|c| c.name.eq_ignore_ascii_case(&language)) {
                column.hidden = false;
            }
        }
        let locale = option(arguments, "locale").is_some_and(|value| value != "0");
        if module.eq_ignore_ascii_case("fts5") && locale {
            let message =
                "locales of the values of an FTS5 table cannot be read back and are not kept";
            self.findings.push(
                Finding::new(Code::StructureLeftOut, Severity::Warning, message)
                    .in_table(table.name.clone()),
            );
        }
    }
}

fn empty(name: &str, sql: String, columns: Vec<Column>) -> Table {
    Table {
        name: name.to_owned(),
        kind: TableKind::Rowid,
        strict: false,
        rowid: Rowid::None,
        autoincrement: false,
        columns,
        primary_key: None,
        unique: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        indexes: Vec::new(),
        sql,
    }
}

/// Where the content of a table of this module comes from, or why it cannot be had.
fn content(module: &str, arguments: &[String]) -> Result<VirtualContent, &'static str> {
    match module.to_ascii_lowercase().as_str() {
        "rtree" | "rtree_i32" | "geopoly" => Ok(VirtualContent::Rows),
        "fts3" | "fts4" | "fts5" => match option(arguments, "content") {
            Some(table) if table.is_empty() => Err("it is contentless and keeps only an index"),
            Some(_) => Ok(VirtualContent::Rebuilt),
            None => Ok(VirtualContent::Rows),
        },
        "fts5vocab" | "fts4aux" | "dbstat" => Err("it only shows what other tables hold"),
        _ => Err("the module is not one whose rows could be inserted again"),
    }
}

/// The value of `name=value` among a module's arguments, unquoted.
fn option(arguments: &[String], name: &str) -> Option<String> {
    arguments.iter().find_map(|argument| {
        let (key, value) = argument.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| name::unquote(value.trim()))
    })
}

/// R-trees show their rowid as the first column; the others hide it.
fn rowid(module: &str, table: &Table) -> Rowid {
    let first: Option<&Column> = table.columns.first();
    match (module.to_ascii_lowercase().as_str(), first) {
        ("rtree" | "rtree_i32", Some(column)) => Rowid::Column(column.name.clone()),
        _ if rowid_alias(table).is_some() => Rowid::Hidden,
        _ => Rowid::None,
    }
}
