//! The whole way: a database, its rows as an archive would send them, a new file.

use super::*;
use crate::codec::{self, Decoder};
use crate::engine::sqlite::source::SqliteSource;
use crate::model::value::Value;
use crate::progress::Unwatched;
use crate::seam::{PartBuffers, PartSpan, RowSink, Source as _};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

mod exact;
mod refused;

/// Rows in a part, so small that tables have several.
const ROWS: usize = 3;

/// What an archive would hold: a schema, and the canonical lines of each part.
#[derive(Clone)]
struct Content {
    schema: Schema,
    parts: Vec<PartSpan>,
    lines: Vec<Vec<u8>>,
}

impl PartReader for Content {
    fn parts(&self) -> &[PartSpan] {
        &self.parts
    }

    fn read(&self, part: &PartSpan, _: &mut PartBuffers, sink: &mut dyn RowSink) -> Result<()> {
        let place = self.parts.iter().position(|other| other == part).unwrap();
        let cells = self.schema.tables[part.table].cells();
        let mut decoder = Decoder::new();
        decoder.decode_rows(&self.lines[place], cells, |row| sink.row(row))?;
        Ok(())
    }
}

#[derive(Default)]
struct Lines(Vec<Vec<u8>>);

impl RowSink for Lines {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        let mut line = Vec::new();
        codec::encode_row(&mut line, row);
        self.0.push(line);
        Ok(())
    }
}

impl Content {
    fn empty(schema: Schema) -> Self {
        Content {
            schema,
            parts: Vec::new(),
            lines: Vec::new(),
        }
    }

    fn of(path: &Path) -> Self {
        let mut source = SqliteSource::open(path, &Unwatched).unwrap();
        let mut content = Content::empty(source.schema().clone());
        let tables = content.schema.tables.clone();
        for (index, table) in tables.iter().enumerate() {
            let mut lines = Lines::default();
            source.read(table, &mut lines).unwrap();
            for rows in lines.0.chunks(ROWS) {
                content.push(index, rows);
            }
        }
        source.finish().unwrap();
        content
    }

    fn push(&mut self, table: usize, rows: &[Vec<u8>]) {
        let before = self.parts.iter().filter(|part| part.table == table);
        let (part, first_row) =
            before.fold((1, 1), |(part, first), span| (part + 1, first + span.rows));
        let lines = rows.concat();
        self.parts.push(PartSpan {
            table,
            part,
            rows: rows.len() as u64,
            first_row,
            bytes: lines.len() as u64,
        });
        self.lines.push(lines);
    }

    fn row(mut self, table: usize, row: &[Value<'_>]) -> Self {
        let mut line = Vec::new();
        codec::encode_row(&mut line, row);
        self.push(table, &[line]);
        self
    }
}

/// Puts all of `content` into a new file.
fn import(content: &Content, path: &Path) -> Result<Vec<Finding>> {
    import_with(
        content,
        path,
        SqliteOptions {
            jobs: 2,
            ..SqliteOptions::default()
        },
    )
}

fn import_with(content: &Content, path: &Path, options: SqliteOptions) -> Result<Vec<Finding>> {
    let mut target = SqliteTarget::new(path.to_owned(), &content.schema, options);
    target.begin(content, &Unwatched)?;
    target.load(content, &Unwatched)?;
    target.build(&Unwatched)?;
    target.check(&Unwatched)?;
    target.switch(&Unwatched)?;
    Ok(target.findings())
}

/// A folder with a database that `sql` makes.
fn database(sql: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(sql).unwrap();
    connection.close().unwrap();
    (folder, path)
}

/// The content of a database that `sql` makes.
fn content(sql: &str) -> Content {
    Content::of(&database(sql).1)
}

/// Copies a database and asserts that the copy is the same in all that an archive holds.
fn assert_exact(path: &Path) -> (Connection, Vec<Finding>) {
    let sent = Content::of(path);
    let copy = path.with_extension("copy");
    let findings = import(&sent, &copy).unwrap();
    let found = Content::of(&copy);
    assert_eq!(found.schema, sent.schema);
    assert_eq!(found.parts, sent.parts);
    for (found, sent) in found.lines.iter().zip(&sent.lines) {
        assert_eq!(
            String::from_utf8_lossy(found),
            String::from_utf8_lossy(sent)
        );
    }
    let connection = Connection::open(&copy).unwrap();
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    // What the source's own data violates is the source's; damage is ours.
    let harmless = [
        "ok",
        "CHECK constraint failed",
        "NUMERIC value",
        "TEXT value",
    ];
    assert!(
        harmless.iter().any(|text| verdict.starts_with(text)),
        "{verdict}"
    );
    (connection, findings)
}

fn assert_exact_sql(sql: &str) -> (TempDir, Connection, Vec<Finding>) {
    let (folder, path) = database(sql);
    let (connection, findings) = assert_exact(&path);
    (folder, connection, findings)
}

/// What is in the folder besides the source: nothing after a refusal.
fn others(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "source.db").collect()
}

/// Imports what must be refused; makes sure that nothing stays behind.
fn refusal(content: &Content) -> Fault {
    let folder = tempfile::tempdir().unwrap();
    let fault = import(content, &folder.path().join("new.db")).expect_err("must be refused");
    assert_eq!(others(folder.path()), [""; 0]);
    fault
}
