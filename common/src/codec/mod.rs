//! Canonical bytes of a value and a row; strict decoding.
//!
//! A row is one JSON array on one line, cells in order, without blanks, ended by `\n`. Each value
//! has exactly one spelling, and decoding accepts no other, so equal rows are equal bytes:
//!
//! - `null`;
//! - an integer: all digits, no leading zero, no `+`, no `-0`;
//! - a finite real: the shortest digits that read back to the same bits, always with `.` or `e`.
//!   With d the exponent of the first digit (1234.5 has d = 3): for d from -5 to 15 it is written
//!   out (`0.00001`, `1234.5`, `1000000000000000.0`), else as one digit, the others after a point
//!   if there are any, and the exponent with its sign (`1e-6`, `1.5e+16`, `5e-324`). Zeros are
//!   `0.0` and `-0.0`;
//! - other reals: `{"real":"Infinity"}`, `{"real":"-Infinity"}`, `{"real":"NaN"}`. All NaNs are one:
//!   their payload bits are not kept. SQLite stores none;
//! - Unicode text in quotes: `\"`, `\\`, `\b`, `\t`, `\n`, `\f`, `\r`, other characters below
//!   U+0020 as `\u00` and two lower-case hexadecimal digits, everything else as it is;
//! - bytes: `{"blob":"…"}`, and text that is not valid in its database's encoding:
//!   `{"text":"…"}`, both in base64 (RFC 4648, section 4) with padding and zero bits at the end.
//!
//! Knows no table and no archive: a fault names the cell by its position, the caller adds the rest.

mod decode;
mod encode;

pub use decode::Decoder;
pub use encode::{encode_cell, encode_row};

#[cfg(test)]
mod tests;
