//! What was looked at in detail: tables, columns, and what becomes of the structure.

use super::text::Canvas;
use crate::report::escape::escaped;
use crate::report::structure::{Fate, ObjectKind, ObjectReport};
use crate::report::{ColumnReport, TableReport};
use anstyle::Style;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};
use indicatif::{HumanBytes, HumanCount};
use std::fmt::Write as _;

/// Narrower tables cannot be read.
const NARROWEST: u16 = 60;
/// Reasons and statements are long: they are wrapped here where there is no terminal.
const WIDTH: u16 = 100;
/// Longer names of objects, which may be expressions, are wrapped.
const LONGEST_NAME: u16 = 40;

pub(super) fn overview(tables: &[TableReport], canvas: Canvas) -> String {
    // A job that reads values without writing them does not measure them.
    let measured = tables.iter().any(|table| table.bytes > 0);
    let shown = if measured { 4 } else { 3 };
    let mut grid = grid(&["TABLE", "KIND", "ROWS", "SIZE"][..shown], canvas);
    for table in tables {
        let cells = [
            escaped(&table.name).into_owned(),
            escaped(&table.kind).into_owned(),
            HumanCount(table.rows).to_string(),
            HumanBytes(table.bytes).to_string(),
        ];
        grid.add_row(cells.into_iter().take(shown));
    }
    for column in grid.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{}\n\n", grid.trim_fmt())
}

pub(super) fn details(table: &TableReport, canvas: Canvas) -> String {
    let title = becomes(&table.name, table.target_name.as_deref());
    let mut text = canvas.painted(Style::new().bold(), &title);
    text.push('\n');
    if !table.columns.is_empty() {
        text.push_str(&columns(&table.columns, canvas));
    }
    if table.objects.is_empty() {
        for key in &table.keys {
            writeln!(text, "  {}", escaped(key)).expect("a String takes all text");
        }
    } else {
        text.push_str(&objects(&table.objects, canvas));
    }
    if let Some(sql) = table.sql.as_ref().filter(|_| canvas.verbose) {
        writeln!(text, " {}", escaped(sql)).expect("a String takes all text");
    }
    text.push('\n');
    text
}

/// Views, and what else belongs to no table.
pub(super) fn apart(all: &[ObjectReport], canvas: Canvas) -> String {
    if all.is_empty() {
        return String::new();
    }
    objects(all, canvas) + "\n"
}

fn columns(columns: &[ColumnReport], canvas: Canvas) -> String {
    let planned = columns.iter().any(|column| column.target_type.is_some());
    let mut grid = if planned {
        wrapped(&["COLUMN", "DECLARED", "TARGET", "VALUES"], canvas)
    } else {
        wrapped(&["COLUMN", "DECLARED", "VALUES"], canvas)
    };
    for column in columns {
        let mut cells = vec![
            becomes(&column.name, column.target_name.as_deref()),
            escaped(&column.declared).into_owned(),
            values(column),
        ];
        if planned {
            let target = column.target_type.as_deref().unwrap_or_default();
            cells.insert(2, escaped(target).into_owned());
        }
        grid.add_row(cells);
    }
    grid.trim_fmt() + "\n"
}

/// A name, and the one it has in the target where that is another.
fn becomes(name: &str, target: Option<&str>) -> String {
    match target {
        Some(target) if target != name => format!("{} -> {}", escaped(name), escaped(target)),
        _ => escaped(name).into_owned(),
    }
}

/// What the values are, why that gives the type, and a line for each type they do not give or might.
fn values(column: &ColumnReport) -> String {
    let mut lines = vec![column.evidence.clone()];
    if let Some(reason) = &column.reason {
        lines.push(reason.clone());
    } else if !column.looks_like.is_empty() {
        lines.push(format!("looks like {}", column.looks_like.join(", ")));
    }
    lines.retain(|line| !line.is_empty());
    let mut text = escaped(&lines.join("; ")).into_owned();
    for rejected in &column.rejected {
        write!(
            text,
            "\nnot {}: {}",
            escaped(&rejected.target_type),
            escaped(&rejected.reason)
        )
        .expect("a String takes all text");
    }
    for proposal in &column.proposals {
        write!(text, "\ncould be {}", escaped(proposal)).expect("a String takes all text");
    }
    text
}

/// What becomes of objects. NOT NULL that is carried stands on one line for all columns.
fn objects(all: &[ObjectReport], canvas: Canvas) -> String {
    let mut grid = wrapped(&["OBJECT", "NAME", "BECOMES"], canvas);
    let plain =
        |object: &&ObjectReport| object.kind == ObjectKind::NotNull && object.fate == Fate::Carried;
    let names: Vec<_> = all
        .iter()
        .filter(plain)
        .map(|object| escaped(&object.name).into_owned())
        .collect();
    if !names.is_empty() {
        grid.add_row(["not null", &names.join(", "), Fate::Carried.words()]);
    }
    for object in all.iter().filter(|object| !plain(object)) {
        grid.add_row([
            object.kind.words().to_owned(),
            escaped(&object.name).into_owned(),
            fate(object, canvas.verbose),
        ]);
    }
    grid.trim_fmt() + "\n"
}

/// What becomes of an object, why, and by which statements where these are not plain to see.
fn fate(object: &ObjectReport, verbose: bool) -> String {
    let mut text = object.fate.words().to_owned();
    if !object.reasons.is_empty() {
        write!(text, ": {}", escaped(&object.reasons.join("; "))).expect("a String takes all text");
    }
    if verbose || object.fate != Fate::Carried {
        for sql in &object.sql {
            write!(text, "\n{}", escaped(sql)).expect("a String takes all text");
        }
    }
    text
}

/// A table without lines, so that its cells can be copied; wrapped to the terminal, if there is one.
fn grid(header: &[&str], canvas: Canvas) -> Table {
    let mut grid = Table::new();
    grid.load_style(presets::NOTHING)
        .set_header(header.to_vec());
    if let Some(width) = canvas.width {
        grid.set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(std::cmp::max(width, NARROWEST));
    }
    grid
}

/// The same, wrapped also where there is no terminal: what its last column says is long. Names are
/// wrapped only where they are long.
fn wrapped(header: &[&str], canvas: Canvas) -> Table {
    let width = canvas.width.or(Some(WIDTH));
    let mut grid = grid(header, Canvas { width, ..canvas });
    let names = header.len().saturating_sub(1);
    for column in grid.column_iter_mut().take(names) {
        column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(LONGEST_NAME)));
    }
    grid
}
