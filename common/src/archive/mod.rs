//! The archive on disk, version 1: writing in one forward pass, reading what nobody trusts.
//!
//! `docs/format.md` is the normative description. From the bytes up: `frame` and `content` are
//! zstd frames, `header` is tar, `seek` the table at the end, `layout` the members; `json` and the
//! files above it are the tag files; `writer` puts them in order, `open` and `reader` take them
//! apart. Knows no database.

mod check;
mod content;
mod content_root;
mod derived;
mod emit;
mod evidence_json;
mod file;
mod frame;
mod header;
mod json;
mod layout;
mod limits;
mod manifest;
mod open;
mod parts;
mod pipeline;
mod preamble;
mod reader;
mod rows;
mod schema_json;
mod seek;
mod spool;
mod walk;
mod writer;

pub use file::OutputFile;
pub use layout::Member;
pub use limits::Limits;
pub use parts::PartsSink;
pub use preamble::Preamble;
pub use reader::{Archive, Entry, TableFacts};
pub use spool::{spool, spool_folder};
pub use writer::{TableWritten, WriterOptions, Written, write};

#[cfg(test)]
mod tests;
