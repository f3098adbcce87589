//! Shows what is in an archive instead of judging it. What is shown has been checked: the
//! structure always, and the digests of the rows that are printed.

use super::request::Inspect;
use super::verify::tables;
use super::{open, wording};
use crate::archive::{Archive, Member};
use crate::codec;
use crate::fault::{Code, Fault, Result};
use crate::location::ArchivePath;
use crate::model::value::Value;
use crate::progress::Watch;
use crate::report::escape::escaped;
use crate::seam::{PartBuffers, PartReader, RowSink};
use std::io::Write;

/// Writes what was asked for to `out`; no part may have more than `max_part` bytes of lines.
pub fn inspect(
    path: &ArchivePath,
    what: &Inspect,
    max_part: u64,
    out: &mut dyn Write,
    watch: &dyn Watch,
) -> Result<()> {
    let archive = open::archive(open::file(path, None, watch)?, path, None, max_part)?;
    match what {
        Inspect::List => list(&archive, out),
        Inspect::Sums => sums(&archive, out),
        Inspect::Schema => print(out, &archive.tag_file(Member::Schema)?),
        Inspect::Manifest => print(out, &archive.tag_file(Member::Manifest)?),
        Inspect::Cat { table, limit } => cat(&archive, table, *limit, out, watch),
    }
}

fn print(out: &mut dyn Write, bytes: &[u8]) -> Result<()> {
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(unwritable)
}

fn unwritable(error: std::io::Error) -> Fault {
    Fault::new(Code::Stream, "cannot write to standard output").because(error)
}

fn list(archive: &Archive, out: &mut dyn Write) -> Result<()> {
    for entry in archive.entries() {
        writeln!(out, "{:>12}  {}", entry.bytes, entry.member.path()).map_err(unwritable)?;
    }
    Ok(())
}

fn sums(archive: &Archive, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "root          {}", archive.root()).map_err(unwritable)?;
    writeln!(out, "content_root  {}", archive.content_root()).map_err(unwritable)?;
    for (table, facts) in tables(archive).iter().zip(archive.tables()) {
        writeln!(
            out,
            "rows          {}  {} ({})",
            facts.rows_sha256,
            escaped(&table.name),
            wording::counted(table.rows, "row")
        )
        .map_err(unwritable)?;
    }
    Ok(())
}

fn cat(
    archive: &Archive,
    name: &str,
    limit: Option<u64>,
    out: &mut dyn Write,
    watch: &dyn Watch,
) -> Result<()> {
    let position = archive
        .schema()
        .tables
        .iter()
        .position(|table| table.name.eq_ignore_ascii_case(name));
    let Some(position) = position else {
        return Err(Fault::new(Code::Usage, "the archive has no such table").in_table(name));
    };
    let mut printer = Printer {
        out,
        line: Vec::new(),
        left: limit.unwrap_or(u64::MAX),
    };
    let mut buffers = PartBuffers::default();
    for part in archive.parts().iter().filter(|part| part.table == position) {
        if printer.left == 0 {
            break;
        }
        if watch.stopped() {
            return Err(Fault::interrupted());
        }
        archive.read(part, &mut buffers, &mut printer)?;
    }
    printer.out.flush().map_err(unwritable)
}

struct Printer<'a> {
    out: &'a mut dyn Write,
    line: Vec<u8>,
    left: u64,
}

impl RowSink for Printer<'_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        if self.left > 0 {
            self.left -= 1;
            self.line.clear();
            codec::encode_row(&mut self.line, row);
            self.out.write_all(&self.line).map_err(unwritable)?;
        }
        Ok(())
    }
}
