//! Counts over time, as pairs of seconds since 1970 and a number.

use serde_json::{Value, json};

use crate::model::time::Millis;
use crate::store::query::Minutes;

/// Milliseconds of an hour.
pub const HOUR: i64 = 60 * Millis::MINUTE;

/// Consecutive intervals of the same length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series {
    start: Millis,
    step: i64,
    count: usize,
}

impl Series {
    /// The last `count` intervals of `step` milliseconds; `now` lies in the last of them.
    #[must_use]
    pub fn until(now: Millis, step: i64, count: u16) -> Self {
        let step = step.max(1);
        let last = now.0.div_euclid(step).saturating_mul(step);
        let back = i64::from(count).saturating_sub(1).saturating_mul(step);
        Self {
            start: Millis(last.saturating_sub(back)),
            step,
            count: usize::from(count),
        }
    }

    /// The intervals that cover a period, no more than `max` of them: the last ones.
    #[must_use]
    pub fn over(start: Millis, end: Millis, step: i64, max: u16) -> Self {
        let step = step.max(1);
        let length = end.since(start).max(0);
        let count = length
            .div_euclid(step)
            .saturating_add(1)
            .min(i64::from(max));
        Self::until(end, step, u16::try_from(count).unwrap_or(max))
    }

    /// Returns the times that the intervals cover.
    #[must_use]
    pub fn times(&self) -> std::ops::RangeInclusive<Millis> {
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        let end = self.start.plus(count.saturating_mul(self.step)).plus(-1);
        self.start..=end
    }

    /// Returns how many intervals there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Reports whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the same intervals as the store counts by them: whole minutes.
    #[must_use]
    pub fn minutes(&self) -> Minutes {
        let length = u32::try_from(self.step / Millis::MINUTE).unwrap_or(u32::MAX);
        let count = u16::try_from(self.count).unwrap_or(u16::MAX);
        Minutes::new(self.start, length, count)
    }

    /// Returns the length of an interval, in milliseconds.
    #[must_use]
    pub fn step(&self) -> i64 {
        self.step
    }

    /// Returns the beginnings of the intervals.
    pub fn starts(&self) -> impl Iterator<Item = Millis> + use<> {
        let Self { start, step, count } = *self;
        (0_i64..)
            .map(move |place| start.plus(place.saturating_mul(step)))
            .take(count)
    }

    /// Returns in which interval a moment lies.
    #[must_use]
    pub fn place(&self, at: Millis) -> Option<usize> {
        let place = at.since(self.start).div_euclid(self.step);
        usize::try_from(place)
            .ok()
            .filter(|place| *place < self.count)
    }

    /// Shows the sums of counts by interval.
    #[must_use]
    pub fn show(&self, counts: impl IntoIterator<Item = (Millis, u64)>) -> Value {
        let mut sums = vec![0_u64; self.count];
        for (at, count) in counts {
            if let Some(sum) = self.place(at).and_then(|place| sums.get_mut(place)) {
                *sum = sum.saturating_add(count);
            }
        }
        self.starts()
            .zip(sums)
            .map(|(start, sum)| json!([start.0.div_euclid(1000), sum]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_fall_into_the_interval_of_their_time() {
        let noon = Millis(1_767_355_200_000);
        let series = Series::until(noon.plus(1), HOUR, 3);
        let shown = series.show([(noon, 2), (noon.plus(-HOUR), 3), (noon.plus(-9 * HOUR), 7)]);
        let second = noon.0 / 1000;
        assert_eq!(
            shown,
            json!([[second - 7200, 0], [second - 3600, 3], [second, 2]])
        );
        assert_eq!(series.times(), noon.plus(-2 * HOUR)..=noon.plus(HOUR - 1));
    }

    #[test]
    fn a_long_period_has_its_last_intervals_only() {
        let noon = Millis(1_767_355_200_000);
        let series = Series::over(noon.plus(-2 * HOUR), noon, HOUR, 100);
        assert_eq!(series, Series::until(noon, HOUR, 3));
        let series = Series::over(Millis(i64::MIN), noon, HOUR, 10);
        assert_eq!(series, Series::until(noon, HOUR, 10));
    }
}
