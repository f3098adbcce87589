//! Internet addresses, in the one form that PostgreSQL's type inet prints.
//!
//! Where they differ from others: a full prefix length is not written, and IPv4 in IPv6 is dotted.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest form: `0000:0000:0000:0000:0000:ffff:255.255.255.255/128` and some.
const LONGEST: usize = 50;

/// Whether `text` is an address as inet prints it, perhaps with a prefix length.
pub(super) fn is_inet(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 2 || bytes.len() > LONGEST {
        return false;
    }
    // Most texts that begin like an address end here.
    let mut separators = 0;
    for byte in bytes {
        match byte {
            b'.' | b':' => separators += 1,
            b'0'..=b'9' | b'a'..=b'f' | b'/' => {}
            _ => return false,
        }
    }
    if separators < 2 {
        return false;
    }
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    if let Ok(v4) = address.parse::<Ipv4Addr>() {
        return prefix.is_none_or(|prefix| is_prefix(prefix, 32)) && v4.to_string() == address;
    }
    let Ok(v6) = address.parse::<Ipv6Addr>() else {
        return false;
    };
    prefix.is_none_or(|prefix| is_prefix(prefix, 128)) && printed(v6) == address
}

/// A prefix length below `full`, which inet leaves out.
fn is_prefix(text: &str, full: u8) -> bool {
    text.parse::<u8>()
        .is_ok_and(|length| length < full && length.to_string() == text)
}

/// As inet prints it (`pg_inet_net_ntop`): the first of the longest runs of zero words is `::`,
/// and the last two words are dotted when nothing but zeros, or zeros and `ffff`, precede them.
fn printed(address: Ipv6Addr) -> String {
    let words = address.segments();
    let (start, length) = longest_zeros(&words);
    let dotted = start == 0 && (length == 6 || (length == 5 && words[5] == 0xffff));
    let mut out = String::with_capacity(LONGEST);
    let mut at = 0;
    while at < 8 {
        if length >= 2 && at == start {
            out.push_str("::");
            at += length;
            continue;
        }
        if at != 0 && !out.ends_with(':') {
            out.push(':');
        }
        if dotted && at == 6 {
            let [a, b] = words[6].to_be_bytes();
            let [c, d] = words[7].to_be_bytes();
            let _ = write!(out, "{a}.{b}.{c}.{d}");
            break;
        }
        let _ = write!(out, "{:x}", words[at]);
        at += 1;
    }
    out
}

/// Where the first of the longest runs of zeros begins, and its length.
fn longest_zeros(words: &[u16; 8]) -> (usize, usize) {
    let mut best = (0, 0);
    let mut start = 0;
    for (at, word) in words.iter().enumerate() {
        if *word != 0 {
            start = at + 1;
        } else if at + 1 - start > best.1 {
            best = (start, at + 1 - start);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_inet_prints_them_count() {
        for text in [
            "0.0.0.0",
            "255.255.255.255",
            "10.0.0.1/24",
            "10.0.0.0/8",
            "0.0.0.0/0",
            "::",
            "::1",
            "1::",
            "::/0",
            "2001:db8::1/64",
            "fe80::1:0:0:1",
            "1:0:0:2::3",
            "1:2:3:4:5:6:7:8",
            "0:1:2:3:4:5:6:7",
            "::ffff:1.2.3.4",
            "::1.2.3.4",
            "::ffff:0.0.0.1",
            "::5:0:0:1/127",
            "::1:0:0:0",
        ] {
            assert!(is_inet(text), "{text}");
        }
    }

    #[test]
    fn other_spellings_and_words_do_not() {
        for text in [
            "",
            "1",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "256.1.1.1",
            "1.2.3.4/32",
            "1.2.3.4/33",
            "1.2.3.4/",
            "1.2.3.4/08",
            "1.2.3.4/+8",
            "::1/128",
            "::1/129",
            "0:0:0:0:0:0:0:1",
            "2001:DB8::1",
            "2001:0db8::1",
            "1:0:0:2:0:0:0:3",
            "::ffff:102:304",
            "1:2:3:4:5:6:7::",
            "fe80::1%eth0",
            "abc",
            "a:b",
            "12:30:00",
            "1.2.3.4/24/8",
            "dead.beef.cafe",
        ] {
            assert!(!is_inet(text), "{text}");
        }
    }
}
