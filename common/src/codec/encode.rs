//! Writes rows.

use crate::model::quoted::plain_run;
use crate::model::value::Value;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Appends the canonical line of `row`, with its `\n`.
pub fn encode_row(out: &mut Vec<u8>, row: &[Value<'_>]) {
    out.push(b'[');
    let mut first = true;
    for value in row {
        if !first {
            out.push(b',');
        }
        first = false;
        encode_value(out, value);
    }
    out.extend_from_slice(b"]\n");
}

/// Appends the canonical form of one value, without anything around it.
pub fn encode_cell(out: &mut Vec<u8>, value: &Value<'_>) {
    encode_value(out, value);
}

#[inline]
fn encode_value(out: &mut Vec<u8>, value: &Value<'_>) {
    match *value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Integer(integer) => {
            out.extend_from_slice(itoa::Buffer::new().format(integer).as_bytes());
        }
        Value::Real(real) => encode_real(out, real),
        Value::Text(text) => encode_text(out, text.as_bytes()),
        Value::RawText(bytes) => encode_bytes(out, b"{\"text\":\"", bytes),
        Value::Blob(bytes) => encode_bytes(out, b"{\"blob\":\"", bytes),
    }
}

fn encode_real(out: &mut Vec<u8>, real: f64) {
    if real.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(real).as_bytes());
    } else if real.is_nan() {
        out.extend_from_slice(b"{\"real\":\"NaN\"}");
    } else if real > 0.0 {
        out.extend_from_slice(b"{\"real\":\"Infinity\"}");
    } else {
        out.extend_from_slice(b"{\"real\":\"-Infinity\"}");
    }
}

fn encode_text(out: &mut Vec<u8>, text: &[u8]) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text;
    loop {
        let (run, special) = rest.split_at(plain_run(rest));
        out.extend_from_slice(run);
        let Some((byte, after)) = special.split_first() else {
            break;
        };
        encode_escape(out, *byte);
        rest = after;
    }
    out.push(b'"');
}

fn encode_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]];
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&digits);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

fn encode_bytes(out: &mut Vec<u8>, opening: &[u8], bytes: &[u8]) {
    out.extend_from_slice(opening);
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    STANDARD
        .encode_slice(bytes, &mut out[start..])
        .expect("the room was measured by the rule of base64");
    out.extend_from_slice(b"\"}");
}
