//! The mapping file with which every value of a source comes into PostgreSQL unchanged.
//!
//! A column is given another form only where the plan would refuse a value of it. What the operator
//! may prefer stands beside it as a comment. The text is the same for the same source.

mod choice;
mod suggest;
mod text;

use crate::fault::Result;
use crate::mapping::file::MappingFile;
use crate::mapping::{Mapping, Request, plan};
use crate::model::schema::Schema;
use crate::profile::evidence::{KeyEvidence, TableEvidence};
use choice::Form;
use std::collections::BTreeMap;

/// The forms of columns: by positions in `Schema::tables` and among the stored columns.
type Choices = BTreeMap<(usize, usize), Form>;

/// A mapping file, and what it says.
#[derive(Debug)]
pub struct Lossless {
    /// The file's text.
    pub text: String,
    /// The same, read back.
    pub mapping: Mapping,
    /// How many columns get another form.
    pub columns: u64,
}

/// Chooses the forms and writes them down. Fails only where the program contradicts itself: where
/// its own text cannot be read.
pub fn lossless(
    schema: &Schema,
    evidence: &[TableEvidence],
    keys: &[KeyEvidence],
    request: &Request,
) -> Result<Lossless> {
    let base = Request {
        mapping: None,
        ..request.clone()
    };
    let choices = choice::choices(schema, evidence, keys, &base);
    let planned = plan(schema, evidence, keys, &base);
    let text = text::write(schema, evidence, &planned, (&choices, request.names));
    let mapping = Mapping {
        file: MappingFile::parse(&text, "the mapping file")?,
        before: None,
        after: None,
    };
    Ok(Lossless {
        text,
        mapping,
        columns: choices.len() as u64,
    })
}
