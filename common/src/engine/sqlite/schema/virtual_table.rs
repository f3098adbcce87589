//! Virtual tables: which module, and whether its rows can be carried.

use crate::engine::sqlite::ddl::{CreateKind, TableText};
use crate::engine::sqlite::name;
use crate::engine::sqlite::schema::{Reader, column, rowid_alias};
use crate::fault::{Code, Result};
use crate::model::schema::{Column, Rowid, Table, TableKind, VirtualContent};
use crate::report::{Finding, Severity};

impl Reader<'_> {
    pub(super) fn virtual_table(&mut self, name: &str, sql: String) -> Result<Table> {
        let (module, arguments) = match self.statement(name, &sql).map(|create| create.kind) {
            Some(CreateKind::Virtual { module, arguments }) => (module, arguments),
            _ => (String::new(), Vec::new()),
        };
        let read = column::read(self.connection, name, &TableText::default(), false, false);
        let (columns, broken) = match read {
            Ok(found) => (found.into_iter().map(|found| found.column).collect(), None),
            Err(fault) if fault.code() == Code::SourceDamaged => return Err(fault),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        let mut table = Table {
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
        };
        table.rowid = rowid(&module, &table);
        let judged = match broken {
            Some(fault) => Err(fault.causes().join(": ")),
            None => content(&module, &arguments).map_err(str::to_owned),
        };
        let content = match judged {
            Ok(VirtualContent::Rows) => self.probe(&table),
            Ok(content) => content,
            Err(why) => self.unavailable(name, &module, &why),
        };
        table.kind = TableKind::Virtual { module, content };
        Ok(table)
    }

    /// Whether the module gives a first row: it may need a tokenizer or function of its application.
    fn probe(&mut self, table: &Table) -> VirtualContent {
        let sql = format!("SELECT * FROM main.{} LIMIT 1", name::quote(&table.name));
        let probed = self
            .connection
            .prepare(&sql)
            .and_then(|mut statement| statement.query([])?.next().map(|_| ()));
        match probed {
            Ok(()) => VirtualContent::Rows,
            Err(error) => {
                let why = error.to_string();
                self.findings.push(
                    Finding::new(
                        Code::ObjectUnsupported,
                        Severity::Error,
                        format!("virtual table cannot be read: {why}"),
                    )
                    .in_table(table.name.clone()),
                );
                VirtualContent::Unavailable
            }
        }
    }

    fn unavailable(&mut self, name: &str, module: &str, why: &str) -> VirtualContent {
        self.findings.push(
            Finding::new(
                Code::ObjectUnsupported,
                Severity::Warning,
                format!("rows of module `{module}` are not carried: {why}"),
            )
            .in_table(name),
        );
        VirtualContent::Unavailable
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
        _ => Err("the module is unknown; its own tables, if any, are carried as they are"),
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
