//! The text form of an Internet address, and the value it stands for.
//!
//! Accepts exactly the texts that PostgreSQL's `inet` prints, so text and value tell each other.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

/// An address with the length of its network prefix, as PostgreSQL's `inet` holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inet {
    /// IPv4 or IPv6.
    pub family: Family,
    /// Bits of the network prefix: 32 or 128 for a host.
    pub prefix: u8,
    /// The address in network order; the first four count for IPv4, the others are 0.
    pub bytes: [u8; 16],
}

/// Family of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Inet {
    /// The bytes that count: 4 or 16.
    #[must_use]
    pub fn address(&self) -> &[u8] {
        match self.family {
            Family::V4 => &self.bytes[..4],
            Family::V6 => &self.bytes,
        }
    }
}

/// Longest form: eight groups of four digits and `/127`.
const LONGEST: usize = 43;

/// An IPv4 or IPv6 address as PostgreSQL's `inet` prints it: lower case, the longest run of zero
/// groups as `::`, the last four bytes of `::1.2.3.4` and `::ffff:1.2.3.4` as IPv4, and a prefix
/// length only where it is not that of a host.
#[must_use]
pub fn inet(text: &str) -> Option<Inet> {
    if !(2..=LONGEST).contains(&text.len()) {
        return None;
    }
    let first = text.as_bytes()[0];
    if !first.is_ascii_hexdigit() && first != b':' {
        return None;
    }
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    if address.contains(':') {
        v6(address, prefix)
    } else {
        v4(address, prefix)
    }
}

fn v4(address: &str, prefix: Option<&str>) -> Option<Inet> {
    // The standard parser refuses leading zeros, so it accepts one spelling only.
    let address: Ipv4Addr = address.parse().ok()?;
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&address.octets());
    let prefix = bits(prefix, 32)?;
    Some(Inet {
        family: Family::V4,
        prefix,
        bytes,
    })
}

fn v6(text: &str, prefix: Option<&str>) -> Option<Inet> {
    let address: Ipv6Addr = text.parse().ok()?;
    let mut printed = Printed::new();
    print(address, &mut printed).ok()?;
    if printed.text() != text.as_bytes() {
        return None;
    }
    let prefix = bits(prefix, 128)?;
    Some(Inet {
        family: Family::V6,
        prefix,
        bytes: address.octets(),
    })
}

/// The address as PostgreSQL prints it: as the standard library does, except that an address whose
/// first six groups are 0 and whose seventh is not ends in IPv4 form (`src/port/inet_net_ntop.c`).
fn print(address: Ipv6Addr, out: &mut Printed) -> std::fmt::Result {
    let groups = address.segments();
    if groups[..6] == [0; 6] && groups[6] != 0 {
        let [.., a, b, c, d] = address.octets();
        write!(out, "::{a}.{b}.{c}.{d}")
    } else {
        write!(out, "{address}")
    }
}

/// The prefix length, which is written only when shorter than a host's.
fn bits(text: Option<&str>, host: u8) -> Option<u8> {
    let Some(text) = text else {
        return Some(host);
    };
    let canonical = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
    let bits = text.parse().ok()?;
    (canonical && bits < host).then_some(bits)
}

/// A text on the stack, so that a check allocates nothing.
struct Printed {
    bytes: [u8; LONGEST + 5],
    len: usize,
}

impl Printed {
    fn new() -> Self {
        Printed {
            bytes: [0; LONGEST + 5],
            len: 0,
        }
    }

    fn text(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Write for Printed {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_postgresql_prints_is_an_address() {
        // Each was printed by a PostgreSQL 15 server: SELECT text::inet.
        for text in [
            "::0.1.0.0",
            "::2",
            "::1",
            "::",
            "::ffff:1.2.3.4",
            "::1.2.3.4",
            "::fffe:1:2",
            "1:0:0:2::3",
            "1:0:2:0:3:0:4:5",
            "0:0:1::",
            "fe80::1/64",
            "1.2.3.4/24",
            "1:2:3:4:5:6:7:0",
            "0:1:2:3:4:5:6:7",
            "::ffff:0.0.0.0",
            "::1:0:0",
            "1::",
            "::127.0.0.1/97",
            "::ffff:0:1:2",
            "64:ff9b::102:304",
            "::1:2:0",
            "0.0.0.0/0",
            "255.255.255.255",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127",
            "::/0",
        ] {
            assert!(inet(text).is_some(), "{text}");
        }
        for text in [
            "",
            ":",
            "1.2.3",
            "1.2.3.4/32",
            "1.2.3.4/33",
            "1.2.3.4/024",
            "1.2.3.4/",
            "1.2.3.4/+8",
            "1.2.3.04",
            "01.2.3.4",
            "1.2.3.256",
            " 1.2.3.4",
            "1.2.3.4 ",
            "::1/128",
            "::1/129",
            "FE80::1",
            "fe80::01",
            "0:0:0:0:0:0:0:1",
            "1:2:3:4:5:6::7",
            "::102:304",
            "::ffff:102:304",
            "1::2::3",
            "fe80::1%eth0",
            "[::1]",
            "1.2.3.4:80",
            "::1/64/64",
            "::x",
        ] {
            assert_eq!(inet(text), None, "{text:?}");
        }
    }

    #[test]
    fn family_prefix_and_bytes_are_those_of_the_text() {
        let network = inet("10.1.2.0/24").unwrap();
        assert_eq!((network.family, network.prefix), (Family::V4, 24));
        assert_eq!(network.address(), [10, 1, 2, 0]);
        let host = inet("fe80::1").unwrap();
        assert_eq!((host.family, host.prefix), (Family::V6, 128));
        assert_eq!(host.address()[..2], [0xfe, 0x80]);
        assert_eq!(host.address()[15], 1);
    }

    proptest! {
        #[test]
        fn every_printed_address_is_read_back(groups: [u16; 8], zero: [bool; 8], bits in 0u8..=128) {
            let mut groups = groups;
            for (group, zero) in groups.iter_mut().zip(zero) {
                if zero {
                    *group = 0;
                }
            }
            let address = Ipv6Addr::from(groups);
            let mut printed = Printed::new();
            print(address, &mut printed).unwrap();
            let mut text = String::from_utf8(printed.text().to_vec()).unwrap();
            if bits < 128 {
                write!(text, "/{bits}").unwrap();
            }
            let expected = Inet { family: Family::V6, prefix: bits, bytes: address.octets() };
            prop_assert_eq!(inet(&text), Some(expected), "{}", text);
        }

        #[test]
        fn every_ipv4_address_is_read_back(octets: [u8; 4]) {
            let read = inet(&Ipv4Addr::from(octets).to_string()).unwrap();
            prop_assert_eq!(read.address(), octets);
        }
    }
}
