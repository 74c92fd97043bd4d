//! Times in queries: `statsPeriod`, or `start` and `end`.

use std::ops::RangeInclusive;

use mini_sentry::protocol::Timestamp;

use super::error::ApiError;
use super::extract::Pairs;
use crate::model::time::Millis;

const SECOND: i64 = 1000;
const HOUR: i64 = 60 * Millis::MINUTE;
/// Longer periods are those of whole hours where events are counted.
const WIDE: i64 = 6 * HOUR;

/// Reads the period that a query asks for; `None` when it says nothing of it.
///
/// # Errors
///
/// 400 when it is not readable, or ends before it begins.
pub fn period(query: &Pairs, now: Millis) -> Result<Option<RangeInclusive<Millis>>, ApiError> {
    if let Some(text) = query.first("statsPeriod") {
        let length = duration(text).ok_or_else(|| invalid("statsPeriod"))?;
        return Ok(Some(now.plus(length.saturating_neg())..=now));
    }
    let start = moment(query, "start")?;
    let end = moment(query, "end")?;
    between(start, end)
}

/// Reads the period of a series: it ends now at the latest, and is so long where the query gives no
/// beginning.
///
/// # Errors
///
/// As [`period`].
pub fn until_now(query: &Pairs, now: Millis, length: i64) -> Result<(Millis, Millis), ApiError> {
    let times = period(query, now)?;
    let end = times.as_ref().map_or(now, |times| (*times.end()).min(now));
    let start = match times.map(|times| *times.start()) {
        Some(start) if start > Millis(i64::MIN) => start,
        _ => end.plus(length.saturating_neg()),
    };
    Ok((start, end))
}

/// Widens a long period to whole hours: these are added up already.
#[must_use]
pub fn whole_hours(times: &RangeInclusive<Millis>) -> RangeInclusive<Millis> {
    let (start, end) = (*times.start(), *times.end());
    if end.since(start) < WIDE {
        return times.clone();
    }
    let floor = |at: Millis| Millis(at.0.div_euclid(HOUR).saturating_mul(HOUR));
    floor(start)..=floor(end).plus(HOUR).plus(-1)
}

/// Makes a period of two ends that may be missing.
///
/// # Errors
///
/// 400 when it ends before it begins.
pub fn between(
    start: Option<Millis>,
    end: Option<Millis>,
) -> Result<Option<RangeInclusive<Millis>>, ApiError> {
    if start.is_none() && end.is_none() {
        return Ok(None);
    }
    let start = start.unwrap_or(Millis(i64::MIN));
    let end = end.unwrap_or(Millis(i64::MAX));
    if start > end {
        return Err(ApiError::invalid(
            "invalid_period",
            "the period ends before it begins",
        ));
    }
    Ok(Some(start..=end))
}

/// Reads a moment: RFC 3339, a date, or seconds since 1970. Without a zone it is UTC.
///
/// # Errors
///
/// 400 when it is there and not readable.
pub fn moment(query: &Pairs, key: &str) -> Result<Option<Millis>, ApiError> {
    let Some(text) = query.first(key) else {
        return Ok(None);
    };
    let timestamp = Timestamp::parse(text)
        .or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")))
        .or_else(|| Timestamp::parse(&format!("{text}:00Z")))
        .or_else(|| text.parse().ok().and_then(Timestamp::from_seconds));
    timestamp
        .map(|timestamp| Some(timestamp.into()))
        .ok_or_else(|| invalid(key))
}

/// Reads a length of time, such as `30s`, `5m`, `24h`, `14d` or `1w`, as milliseconds.
#[must_use]
pub fn duration(text: &str) -> Option<i64> {
    let unit = match text.chars().next_back()? {
        's' => SECOND,
        'm' => 60 * SECOND,
        'h' => 60 * 60 * SECOND,
        'd' => Millis::DAY,
        'w' => 7 * Millis::DAY,
        _ => return None,
    };
    let number = text.get(..text.len().checked_sub(1)?)?;
    let number: u32 = number.parse().ok()?;
    i64::from(number)
        .checked_mul(unit)
        .filter(|length| *length > 0)
}

fn invalid(key: &str) -> ApiError {
    ApiError::invalid("invalid_period", format!("the query's {key} is no time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_767_323_045_678);

    #[test]
    fn a_period_counts_back_from_now() {
        let query = Pairs::from_iter([("statsPeriod", "24h")]);
        let times = period(&query, NOW).unwrap().unwrap();
        assert_eq!(times, NOW.plus(-Millis::DAY)..=NOW);
        assert_eq!(period(&Pairs::default(), NOW).unwrap(), None);
    }

    #[test]
    fn times_without_a_zone_are_utc() {
        for text in [
            "2026-01-02T03:04:05",
            "2026-01-02T03:04:05Z",
            "2026-01-02 03:04:05",
            "2026-01-02T05:04:05+02:00",
            "1767323045",
        ] {
            let query = Pairs::from_iter([("start", text)]);
            let start = moment(&query, "start").unwrap();
            assert_eq!(start, Some(Millis(1_767_323_045_000)), "{text}");
        }
        let query = Pairs::from_iter([("start", "2026-01-02"), ("end", "2026-01-02T03:04")]);
        let times = period(&query, NOW).unwrap().unwrap();
        assert_eq!(times, Millis(1_767_312_000_000)..=Millis(1_767_323_040_000));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for (key, text) in [
            ("statsPeriod", "soon"),
            ("statsPeriod", "0h"),
            ("statsPeriod", "99999999999d"),
            ("statsPeriod", "ä"),
            ("start", "yesterday"),
            ("end", "2026-13-01"),
        ] {
            let query = Pairs::from_iter([(key, text)]);
            assert!(period(&query, NOW).is_err(), "{key}={text}");
        }
        let backwards = Pairs::from_iter([("start", "2026-01-02"), ("end", "2026-01-01")]);
        assert!(period(&backwards, NOW).is_err());
    }

    #[test]
    fn long_periods_are_whole_hours_and_short_ones_exact() {
        let at = |minutes: i64| Millis(minutes * Millis::MINUTE);
        let long = whole_hours(&(at(61)..=at(600)));
        assert_eq!(long, at(60)..=at(660).plus(-1));
        let short = at(61)..=at(130);
        assert_eq!(whole_hours(&short), short);
    }
}
