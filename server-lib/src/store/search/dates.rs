//! Times in queries: moments, lengths of time, and what lies between.

use mini_sentry::protocol::Timestamp;

use super::ast::TimeRange;
use crate::model::time::Millis;

/// The longest length of time that is read.
const MAX_LENGTH: i64 = 36_500 * Millis::DAY;
/// The moments that clients can write and read; others are moved to the nearer end.
const FIRST: i64 = -9_000_000_000_000;
const LAST: i64 = 9_000_000_000_000;

const SECOND: i64 = 1_000;
const HOUR: i64 = 60 * Millis::MINUTE;

/// Reads a moment: `now`, `now-1h`, `-24h`, a date, a date and time. A date is all of its day, a
/// time without seconds all of its minute, one without fractions all of its second.
pub(super) fn moment(text: &str, now: Millis) -> Option<TimeRange> {
    if let Some(shift) = text.strip_prefix("now") {
        let shift = if shift.is_empty() { 0 } else { signed(shift)? };
        return Some(instant(clamp(now.plus(shift))));
    }
    if let Some(shift) = signed(text) {
        return Some(instant(clamp(now.plus(shift))));
    }
    calendar(text)
}

fn instant(at: Millis) -> TimeRange {
    TimeRange::between(at, at)
}

/// Reads `-24h` or `+2d` as milliseconds.
pub(super) fn signed(text: &str) -> Option<i64> {
    if let Some(length) = text.strip_prefix('-') {
        return unsigned(length)?.checked_neg();
    }
    unsigned(text.strip_prefix('+')?)
}

/// Reads `24h` as milliseconds.
pub(super) fn unsigned(text: &str) -> Option<i64> {
    let digits_end = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at_checked(digits_end)?;
    let unit = match unit {
        "s" => SECOND,
        "m" | "min" => Millis::MINUTE,
        "h" => HOUR,
        "d" => Millis::DAY,
        "w" => 7 * Millis::DAY,
        _ => return None,
    };
    let length = digits.parse::<i64>().ok()?.checked_mul(unit)?;
    (length <= MAX_LENGTH).then_some(length)
}

fn calendar(text: &str) -> Option<TimeRange> {
    let (read, length) = if text.len() == 10 {
        (format!("{text}T00:00:00Z"), Millis::DAY)
    } else if !text.contains(['T', 't', ' ']) {
        return None;
    } else if has_fraction(text) {
        (text.to_owned(), 1)
    } else if text.matches(':').count() == 1 && !text.ends_with(['Z', 'z']) {
        (format!("{text}:00Z"), Millis::MINUTE)
    } else {
        (text.to_owned(), SECOND)
    };
    let start = clamp(Millis::from(Timestamp::parse(&read)?));
    let end = clamp(start.plus(length.saturating_sub(1)));
    Some(TimeRange::between(start, end))
}

fn has_fraction(text: &str) -> bool {
    text.split_once('.')
        .is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn clamp(at: Millis) -> Millis {
    Millis(at.0.clamp(FIRST, LAST))
}

/// Returns the moment before, for ranges that do not include their end.
pub(super) fn before(at: Millis) -> Millis {
    clamp(at.plus(-1))
}

/// Returns the moment behind.
pub(super) fn behind(at: Millis) -> Millis {
    clamp(at.plus(1))
}

/// Returns the moment that lies so many milliseconds before now.
pub(super) fn ago(length: i64, now: Millis) -> Millis {
    clamp(now.plus(length.saturating_neg()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_767_323_045_678);

    fn read(text: &str) -> Option<(i64, i64)> {
        let range = moment(text, NOW)?;
        Some((range.from()?.0, range.to()?.0))
    }

    #[test]
    fn a_moment_is_relative_to_now_or_a_date() {
        let hour = NOW.0 - HOUR;
        assert_eq!(read("now"), Some((NOW.0, NOW.0)));
        assert_eq!(read("now-1h"), Some((hour, hour)));
        assert_eq!(read("-1h"), Some((hour, hour)));
        let day = 1_767_312_000_000;
        assert_eq!(read("2026-01-02"), Some((day, day + Millis::DAY - 1)));
        assert_eq!(
            read("2026-01-02T00:01"),
            Some((day + 60_000, day + 119_999))
        );
        assert_eq!(
            read("2026-01-02 00:00:01"),
            Some((day + 1_000, day + 1_999))
        );
        assert_eq!(
            read("2026-01-02T00:00:01.5+00:00"),
            Some((day + 1_500, day + 1_500))
        );
        assert_eq!(
            read("2026-01-02T02:00:01+02:00"),
            Some((day + 1_000, day + 1_999))
        );
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "now+",
            "nowish",
            "now-1x",
            "-",
            "+5",
            "-5y",
            "2026",
            "2026-13-01",
            "2026-02-30",
            "yesterday",
            "-99999999999999999999h",
            "-36501d",
            "ääääääääää",
            "äääää",
            "12:30",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn moments_beyond_what_can_be_written_move_to_its_end() {
        let range = moment("now-36500d", Millis(i64::MIN)).unwrap();
        assert_eq!(range.from(), Some(Millis(FIRST)));
        assert_eq!(behind(Millis(i64::MAX)), Millis(LAST));
    }
}
