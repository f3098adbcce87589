//! Rows as lines: how they get into a part, and what must hold of the lines of one.
//!
//! The spelling of a cell is `codec`'s business.

use super::limits::PART_BYTES;
use crate::codec::Decoder;
use crate::fault::{Code, Fault, Mismatch, Result};
use crate::model::schema::Table;
use crate::seam::{PartSpan, RowSink};

pub(super) use crate::codec::encode_row;

/// Holds the lines of a part to its record: each row ended, as many as recorded, cut where the
/// format cuts.
pub(super) fn check_lines(lines: &[u8], rows: u64) -> Result<()> {
    let Some((b'\n', before)) = lines.split_last() else {
        return Err(inconsistent("the last row of a part is not ended"));
    };
    let found = line_ends(lines);
    if found != rows {
        return Err(
            inconsistent("a part has another number of rows than recorded")
                .because(Mismatch::new(rows, found)),
        );
    }
    let last_row = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    if last_row >= PART_BYTES {
        return Err(inconsistent(
            "a part goes on after the row that had to end it",
        ));
    }
    Ok(())
}

/// Counts line ends: 255 bytes at a time, so that a byte counts them and the loop is vectorised.
fn line_ends(lines: &[u8]) -> u64 {
    let ends = |chunk: &[u8]| {
        chunk
            .iter()
            .map(|byte| u8::from(*byte == b'\n'))
            .sum::<u8>()
    };
    lines.chunks(255).map(|chunk| u64::from(ends(chunk))).sum()
}

/// Decodes the lines of a part and sends each row to `sink`.
pub(super) fn send(
    table: &Table,
    part: &PartSpan,
    lines: &[u8],
    sink: &mut dyn RowSink,
) -> Result<()> {
    let mut number = part.first_row;
    Decoder::new()
        .decode_rows(lines, table.cells(), |row| {
            sink.row(row)?;
            number += 1;
            Ok(())
        })
        .map(drop)
        .map_err(|fault| {
            // The sink knows a row better by its key; it has named it then.
            fault.in_table(&table.name).in_row(format!("row {number}"))
        })
}

fn inconsistent(what: &'static str) -> Fault {
    Fault::new(Code::ArchiveInconsistent, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_counted_beyond_what_a_byte_holds() {
        for count in [0, 1, 254, 255, 256, 10_000] {
            assert_eq!(line_ends(&vec![b'\n'; count]), count as u64);
        }
        assert_eq!(line_ends(b"a\nb\nc"), 2);
    }

    #[test]
    fn lines_must_be_ended_counted_and_cut_in_the_right_place() {
        assert!(check_lines(b"[1]\n[2]\n", 2).is_ok());
        assert!(check_lines(b"[1]\n[2]\n", 1).is_err());
        assert!(check_lines(b"[1]\n[2]", 2).is_err());
        assert!(check_lines(b"", 0).is_err());
        let mut lines = vec![b'x'; PART_BYTES - 1];
        lines.push(b'\n');
        assert!(check_lines(&lines, 1).is_ok());
        lines.extend_from_slice(b"[2]\n");
        assert!(
            check_lines(&lines, 2).is_err(),
            "the first row fills the part"
        );
        lines[PART_BYTES - 3] = b'\n';
        assert!(
            check_lines(&lines, 3).is_err(),
            "the second row fills the part"
        );
    }
}
