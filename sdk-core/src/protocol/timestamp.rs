//! Points in time, as the protocol carries them.

use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::protocol::lenient::{Any, lenient_scalar};

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_MICRO: i64 = 1_000;

/// A point in time: reads RFC 3339 text or seconds since 1970, writes RFC 3339 in UTC.
///
/// ```
/// use mini_sentry::protocol::Timestamp;
/// let at: Timestamp = serde_json::from_str("1700000000.5")?;
/// assert_eq!(at.to_string(), "2023-11-14T22:13:20.500Z");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes a timestamp from nanoseconds since 1970.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since 1970.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Makes a timestamp from seconds since 1970, to the microsecond; `None` outside 1677 to 2262.
    #[must_use]
    pub fn from_seconds(seconds: f64) -> Option<Self> {
        let micros = (seconds * 1e6).round();
        let limit = 9.2e15;
        if !(-limit..=limit).contains(&micros) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
        let nanos = (micros as i64).checked_mul(NANOS_PER_MICRO)?;
        Some(Self(nanos))
    }

    /// Seconds since 1970, as a float.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a float is what is asked for")]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Reads RFC 3339; a blank between date and time and a missing zone (then UTC) are let through.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let parsed = OffsetDateTime::parse(text, &Rfc3339).ok().or_else(|| {
            let (date, clock) = text.split_at_checked(10)?;
            let clock = clock.strip_prefix(['T', 't', ' '])?;
            OffsetDateTime::parse(&format!("{date}T{clock}"), &Rfc3339)
                .or_else(|_| OffsetDateTime::parse(&format!("{date}T{clock}Z"), &Rfc3339))
                .ok()
        })?;
        i64::try_from(parsed.unix_timestamp_nanos()).ok().map(Self)
    }

    /// The time that passed since `earlier`; zero when it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        u64::try_from(self.0.saturating_sub(earlier.0)).map_or(Duration::ZERO, Duration::from_nanos)
    }

    /// This timestamp moved forward.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)),
        )
    }

    /// This timestamp moved back.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)),
        )
    }
}

impl Timestamp {
    /// Lends the RFC 3339 text from the stack: events carry dozens of these, and going through
    /// `fmt` for each takes longer than the rest of a breadcrumb.
    fn with_text<R>(self, read: impl FnOnce(&str) -> R) -> R {
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0))
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (year, month, day) = at.to_calendar_date();
        let (hour, minute, second, nanos) = at.to_hms_nano();
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        put_digits(text.get_mut(0..4), year.unsigned_abs());
        put_digits(text.get_mut(5..7), u32::from(u8::from(month)));
        put_digits(text.get_mut(8..10), u32::from(day));
        put_digits(text.get_mut(11..13), u32::from(hour));
        put_digits(text.get_mut(14..16), u32::from(minute));
        put_digits(text.get_mut(17..19), u32::from(second));
        put_digits(text.get_mut(20..29), nanos);
        let end = match nanos {
            0 => 19,
            n if n.is_multiple_of(1_000_000) => 23,
            n if n.is_multiple_of(1_000) => 26,
            _ => 29,
        };
        if let Some(last) = text.get_mut(end) {
            *last = b'Z';
        }
        let text = text.get(..=end).and_then(|text| str::from_utf8(text).ok());
        read(text.unwrap_or_default())
    }
}

/// Writes a number right-aligned over zeros.
fn put_digits(field: Option<&mut [u8]>, mut number: u32) {
    for slot in field.into_iter().flatten().rev() {
        *slot = b'0' | u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| f.write_str(text))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.with_text(|text| serializer.serialize_str(text))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        read(Any::read(input)?)
            .map_err(|_| de::Error::custom("expected RFC 3339 text or seconds since 1970"))
    }
}

fn read(any: Any<'_>) -> Result<Timestamp, Any<'_>> {
    match any {
        Any::Text(text) => Timestamp::parse(&text)
            .or_else(|| text.trim().parse().ok().and_then(Timestamp::from_seconds))
            .ok_or(Any::Text(text)),
        Any::Float(seconds) => Timestamp::from_seconds(seconds).ok_or(Any::Float(seconds)),
        Any::Unsigned(seconds) => i64::try_from(seconds)
            .ok()
            .and_then(|s| s.checked_mul(NANOS_PER_SECOND))
            .map(Timestamp)
            .ok_or(Any::Unsigned(seconds)),
        Any::Signed(seconds) => seconds
            .checked_mul(NANOS_PER_SECOND)
            .map(Timestamp)
            .ok_or(Any::Signed(seconds)),
        other => Err(other),
    }
}

lenient_scalar!(Timestamp, |any| read(any));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_read_and_one_is_written() {
        for (input, output) in [
            ("1700000000", "2023-11-14T22:13:20Z"),
            ("1700000000.123456", "2023-11-14T22:13:20.123456Z"),
            (
                "\"2023-11-14T22:13:20.5+02:00\"",
                "2023-11-14T20:13:20.500Z",
            ),
            ("\"2023-11-14 22:13:20\"", "2023-11-14T22:13:20Z"),
            (
                "\"2023-11-14T22:13:20.123456789\"",
                "2023-11-14T22:13:20.123456789Z",
            ),
            ("\"1700000000.25\"", "2023-11-14T22:13:20.250Z"),
        ] {
            let at: Timestamp = serde_json::from_str(input).unwrap();
            assert_eq!(at.to_string(), output, "{input}");
        }
    }

    #[test]
    fn the_first_and_the_last_moment_are_written_in_full() {
        for (nanos, text) in [
            (i64::MIN, "1677-09-21T00:12:43.145224192Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (0, "1970-01-01T00:00:00Z"),
            (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
        ] {
            assert_eq!(Timestamp::from_nanos(nanos).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_time_is_refused_without_a_panic() {
        for input in [
            "\"\"",
            "\"äöüäöü\"",
            "1e300",
            "-1e300",
            "{}",
            "[]",
            "true",
            "18446744073709551615",
        ] {
            assert!(serde_json::from_str::<Timestamp>(input).is_err(), "{input}");
        }
    }
}
