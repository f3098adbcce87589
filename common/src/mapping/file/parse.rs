//! From text to a mapping file, with the place of every mistake.

use crate::fault::{Code, Fault, Result};
use crate::mapping::file::model::{Document, TableRule};
use crate::mapping::file::rule;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// The version of the format that this program reads.
const VERSION: i64 = 1;
/// The key that comes first.
const FIRST: &str = "waybill-mapping";

/// A mapping file that has been read and makes sense in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingFile {
    /// What it says.
    pub document: Document,
    /// How its user named it.
    name: String,
    /// Its text, to tell lines by.
    text: String,
}

impl MappingFile {
    /// Reads `text`; `name` is how the user named the file.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        let place = |span: Range<usize>, what: String| fault(name, text, &span, what);
        begins_with_version(text, name)?;
        let document: Document = toml::from_str(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            place(span, one_line(error.message()))
        })?;
        let file = MappingFile {
            document,
            name: name.to_owned(),
            text: text.to_owned(),
        };
        rule::check(&file)?;
        Ok(file)
    }

    /// A mistake at a place of this file.
    #[must_use]
    pub fn fault<T>(&self, at: &Spanned<T>, what: impl Into<String>) -> Fault {
        fault(&self.name, &self.text, &at.span(), what.into())
    }

    /// `name:line:column` of a place in this file.
    #[must_use]
    pub fn place<T>(&self, at: &Spanned<T>) -> String {
        place(&self.name, &self.text, at.span().start)
    }

    /// How the user named the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says about a table, by the name in the source.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&TableRule> {
        self.document.tables.get(name)
    }

    /// A path of the file: what is relative starts at the file's own folder.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        match Path::new(&self.name).parent() {
            Some(folder) => folder.join(path),
            None => PathBuf::from(path),
        }
    }
}

/// A file for a later version may hold anything, so its version is looked at before the rest.
fn begins_with_version(text: &str, name: &str) -> Result<()> {
    let mut start = 0;
    let mut first = "";
    for line in text.split_inclusive('\n') {
        first = line.trim_start_matches('\u{feff}').trim();
        if !first.is_empty() && !first.starts_with('#') {
            break;
        }
        first = "";
        start += line.len();
    }
    let span = start..start;
    let value = first
        .strip_prefix(FIRST)
        .and_then(|rest| rest.trim_start().strip_prefix('='))
        .map(|rest| rest.split('#').next().unwrap_or_default().trim());
    let Some(value) = value else {
        let what = format!("the first key must be `{FIRST} = {VERSION}`");
        return Err(fault(name, text, &span, what));
    };
    if value.parse::<i64>().is_ok_and(|version| version > VERSION) {
        let what = format!("the file has version {value}, this program reads {VERSION}");
        return Err(fault(name, text, &span, what).hint("install a newer version of Waybill"));
    }
    if value == VERSION.to_string() {
        return Ok(());
    }
    let what = format!("the version must be {VERSION}");
    Err(fault(name, text, &span, what))
}

/// Messages of the parser may have several lines; what they say does not need them.
fn one_line(message: &str) -> String {
    let lines = message.lines().map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.join(": ")
}

fn fault(name: &str, text: &str, span: &Range<usize>, what: String) -> Fault {
    Fault::new(Code::MappingInvalid, what).at(place(name, text, span.start))
}

/// `name:line:column`, each counted from one, columns in characters.
fn place(name: &str, text: &str, offset: usize) -> String {
    let mut offset = std::cmp::min(offset, text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default();
    let column = column.trim_start_matches('\u{feff}').chars().count() + 1;
    format!("{name}:{line}:{column}")
}
