//! Into which intervals a period falls.

use crate::model::time::Millis;
use crate::web::error::ApiError;
use crate::web::event_search::Times;
use crate::web::extract::Pairs;
use crate::web::period::duration;
use crate::web::present::series::{HOUR, Series};

/// Intervals of whole hours that a series has at most: 90 days.
const MAX_LONG: i64 = 2_200;
/// Shorter ones.
const MAX_SHORT: i64 = 300;

/// Reads the length of intervals and lays them over the period. Those that are too many become
/// longer; those that are no whole minutes or hours are rounded up.
///
/// # Errors
///
/// 400 when the length is none.
pub(super) fn of(query: &Pairs, times: &Times) -> Result<Series, ApiError> {
    let length = times.end().since(*times.start()).max(1);
    let wanted = match query.first("interval") {
        None | Some("") => usual(length),
        Some(text) => {
            let seconds = text.parse::<u32>().ok();
            let seconds = seconds.map(|seconds| i64::from(seconds).saturating_mul(1000));
            let read = seconds.or_else(|| duration(text));
            read.filter(|step| *step > 0).ok_or_else(|| {
                let detail = "interval is a length of time such as 5m or 1h, or seconds";
                ApiError::invalid("invalid_interval", detail)
            })?
        }
    };
    Ok(over(times, fit(wanted, length)))
}

/// Returns the same period in whole hours.
pub(super) fn by_hours(times: &Times, step: i64) -> Series {
    let length = times.end().since(*times.start()).max(1);
    over(times, fit(step.max(HOUR), length))
}

fn usual(length: i64) -> i64 {
    match length {
        ..=HOUR => Millis::MINUTE,
        length if length <= 6_i64.saturating_mul(HOUR) => 5_i64.saturating_mul(Millis::MINUTE),
        length if length <= 30_i64.saturating_mul(Millis::DAY) => HOUR,
        _ => Millis::DAY,
    }
}

/// Returns a length that is whole minutes or hours and not too short for the period.
fn fit(step: i64, length: i64) -> i64 {
    let up = |step: i64, unit: i64| {
        let units = step.saturating_add(unit).saturating_sub(1).div_euclid(unit);
        units.max(1).saturating_mul(unit)
    };
    let short = up(step.max(length.div_euclid(MAX_SHORT)), Millis::MINUTE);
    if step < HOUR && short < HOUR {
        return short;
    }
    up(step.max(length.div_euclid(MAX_LONG)), HOUR)
}

fn over(times: &Times, step: i64) -> Series {
    let nth = |at: Millis| at.0.div_euclid(step);
    let (first, last) = (nth(*times.start()), nth(times.end().plus(-1)));
    let count = last.saturating_sub(first).saturating_add(1).max(1);
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    Series::until(Millis(last.saturating_mul(step)), step, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(interval: &str, hours: i64) -> (i64, usize) {
        let query = Pairs::from_iter([("interval", interval)]);
        let series = of(&query, &(Millis(0)..=Millis(hours * HOUR))).unwrap();
        (series.step() / Millis::MINUTE, series.len())
    }

    #[test]
    fn intervals_are_whole_and_not_too_many() {
        for (interval, hours, expected) in [
            ("5m", 1, (5, 12)),
            ("300", 1, (5, 12)),
            ("30s", 1, (1, 60)),
            ("30s", 24, (5, 288)),
            ("1m", 24 * 30, (60, 720)),
            ("90m", 24, (120, 12)),
            ("1d", 48, (24 * 60, 2)),
            ("1h", 24 * 400, (300, 1920)),
        ] {
            assert_eq!(step(interval, hours), expected, "{interval} {hours}");
        }
        for interval in ["soon", "0", "0m", "-5m"] {
            let query = Pairs::from_iter([("interval", interval)]);
            assert!(of(&query, &(Millis(0)..=Millis(HOUR))).is_err());
        }
    }

    #[test]
    fn the_first_interval_has_the_beginning_and_the_last_the_end() {
        let times = Millis(HOUR / 2)..=Millis(2 * HOUR + 1);
        let series = by_hours(&times, 1);
        assert_eq!(series.times(), Millis(0)..=Millis(3 * HOUR - 1));
    }
}
