//! Which row the server has refused: its message tells the line of COPY, the parts that were sent
//! are read again for the row's key.

use crate::engine::postgres::session::ServerMessage;
use crate::fault::{Code, Fault, Result};
use crate::model::key::RowNaming;
use crate::model::value::Value;
use crate::seam::{PartBuffers, PartReader, PartSpan, RowSink};

use super::checks::server_message;
use super::run::Job;

/// What one COPY was given.
pub(super) struct Sent<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) parts: &'a dyn PartReader,
    /// The table, by position in the plan.
    pub(super) table: usize,
    /// The parts, in the order in which they were sent.
    pub(super) taken: &'a [PartSpan],
}

impl Sent<'_> {
    /// Names the row that the server has refused, where its message tells the line.
    pub(super) fn explain(&self, fault: Fault, buffers: &mut PartBuffers) -> Fault {
        let planned = &self.job.plan.tables[self.table];
        let Some(message) = server_message(&fault) else {
            return fault;
        };
        let Some(line) = refused_line(message, &planned.name) else {
            return as_refusal(fault);
        };
        let mut explained =
            Fault::new(Code::ValueRefused, "the server refuses a row").because(message.clone());
        if let Some(location) = &fault.place().location {
            explained = explained.at(location);
        }
        match self.row_at(line, buffers) {
            Some(key) => explained.in_row(key),
            None => explained,
        }
    }

    /// The key of the row that was the `line`th of these parts: they are read again.
    fn row_at(&self, line: u64, buffers: &mut PartBuffers) -> Option<String> {
        let (_, source) = self.job.table(self.table).ok()?;
        let mut before = 0;
        let part = self.taken.iter().find(|part| {
            let here = line > before && line - before <= part.rows;
            before += if here { 0 } else { part.rows };
            here
        })?;
        let mut find = Find {
            naming: RowNaming::of(source),
            number: part.first_row,
            wanted: part.first_row + (line - before - 1),
            found: None,
        };
        self.parts.read(part, buffers, &mut find).ok()?;
        find.found
    }
}

/// The line of COPY whose row the server refuses. It is that row's only where a value or a
/// constraint is the reason (classes 22 and 23); else it says how far the server had read, because
/// rows are stored in batches.
fn refused_line(message: &ServerMessage, table: &str) -> Option<u64> {
    match message.sqlstate.get(..2) {
        Some("22" | "23") => line_of(message.context.as_deref()?, table),
        _ => None,
    }
}

/// A limit of the server that some row exceeds (class 54) refuses the row, though not by name; the
/// line that the message gives would mislead.
fn as_refusal(fault: Fault) -> Fault {
    let Some(message) = server_message(&fault) else {
        return fault;
    };
    if !message.sqlstate.starts_with("54") {
        return fault;
    }
    let message = ServerMessage {
        context: None,
        ..message.clone()
    };
    let refusal = Fault::new(Code::ValueRefused, "the server refuses a row").because(message);
    match &fault.place().location {
        Some(location) => refusal.at(location),
        None => refusal,
    }
}

/// The line in `COPY table, line 7, column c`: the words are translated, their order is not. What
/// a type has to say about the value stands before it.
fn line_of(context: &str, table: &str) -> Option<u64> {
    let copy = format!("COPY {table}, ");
    let rest = &context[context.rfind(&copy)? + copy.len()..];
    let start = rest.find(|c: char| c.is_ascii_digit())?;
    let digits = &rest[start..];
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// Finds the key of one row.
struct Find {
    naming: RowNaming,
    number: u64,
    wanted: u64,
    found: Option<String>,
}

impl RowSink for Find {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        if self.number == self.wanted {
            self.found = Some(self.naming.name(row, self.number));
        }
        self.number += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found_in_any_language_and_trusted_where_it_is_the_rows() {
        assert_eq!(
            line_of("COPY orders, line 12, column total", "orders"),
            Some(12)
        );
        assert_eq!(line_of("COPY a, 1, Zeile 7", "a, 1"), Some(7));
        assert_eq!(line_of("SQL function \"f\"", "orders"), None);
        assert_eq!(line_of("COPY orders, line", "orders"), None);
        let message = |sqlstate: &str| ServerMessage {
            sqlstate: sqlstate.to_owned(),
            message: String::new(),
            detail: None,
            hint: None,
            constraint: None,
            position: None,
            context: Some("COPY orders, line 1000".to_owned()),
        };
        for (sqlstate, line) in [
            ("22P02", Some(1000)),
            ("23502", Some(1000)),
            ("54000", None),
            ("53100", None),
            ("", None),
        ] {
            assert_eq!(refused_line(&message(sqlstate), "orders"), line);
        }
        let limit = Fault::new(Code::ServerError, "x").because(message("54000"));
        let limit = as_refusal(limit);
        assert_eq!(limit.code(), Code::ValueRefused);
        assert_eq!(server_message(&limit).unwrap().context, None);
        let full = as_refusal(Fault::new(Code::ServerBusy, "x").because(message("53100")));
        assert_eq!(full.code(), Code::ServerBusy);
        let json = "JSON data, line 1: {\"COPY t, line 3\nCOPY t, line 12, column c";
        assert_eq!(line_of(json, "t"), Some(12));
    }
}
