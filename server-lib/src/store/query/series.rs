//! Numbers of events by time and level.

use mini_sentry::protocol::Level;

use crate::model::time::Millis;

/// Consecutive intervals of whole minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minutes {
    first: i64,
    length: i64,
    count: usize,
}

impl Minutes {
    /// `count` intervals of `length` minutes, of which the first begins with the minute of `start`.
    #[must_use]
    pub fn new(start: Millis, length: u32, count: u16) -> Self {
        Self {
            first: start.minute(),
            length: i64::from(length).max(1),
            count: usize::from(count),
        }
    }

    /// Returns how many intervals there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the first minute, and the one behind the last.
    #[must_use]
    pub fn bounds(&self) -> (i64, i64) {
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        let minutes = count.saturating_mul(self.length);
        (self.first, self.first.saturating_add(minutes))
    }

    /// Returns the length of an interval in minutes.
    #[must_use]
    pub fn length(&self) -> i64 {
        self.length
    }

    /// Returns in which interval a minute lies.
    #[must_use]
    pub fn place(&self, minute: i64) -> Option<usize> {
        let minutes = minute.checked_sub(self.first)?;
        let place = usize::try_from(minutes.div_euclid(self.length)).ok()?;
        (place < self.count).then_some(place)
    }

    /// Reports whether all intervals begin and end with intervals of so many minutes.
    #[must_use]
    pub fn consists_of(&self, minutes: i64) -> bool {
        minutes > 0 && self.first % minutes == 0 && self.length % minutes == 0
    }
}

/// How many events of each level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelCounts([u64; 5]);

impl LevelCounts {
    /// Counts further events of a level.
    pub fn add(&mut self, level: Level, events: u64) {
        if let Some(count) = self.0.get_mut(place(level)) {
            *count = count.saturating_add(events);
        }
    }

    /// Takes events of a level off again.
    pub fn take(&mut self, level: Level, events: u64) {
        if let Some(count) = self.0.get_mut(place(level)) {
            *count = count.saturating_sub(events);
        }
    }

    /// Returns how many events of a level there are.
    #[must_use]
    pub fn of(&self, level: Level) -> u64 {
        self.0.get(place(level)).copied().unwrap_or(0)
    }

    /// Returns how many events there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, it| sum.saturating_add(*it))
    }
}

fn place(level: Level) -> usize {
    match level {
        Level::Debug => 0,
        Level::Info => 1,
        Level::Warning => 2,
        Level::Error => 3,
        Level::Fatal => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_lies_in_the_interval_that_has_it() {
        let minutes = Minutes::new(Millis(15 * Millis::MINUTE), 15, 4);
        assert_eq!(minutes.bounds(), (15, 75));
        let places: Vec<_> = [14, 15, 29, 30, 74, 75, i64::MIN]
            .map(|minute| minutes.place(minute))
            .into();
        assert_eq!(
            places,
            [None, Some(0), Some(0), Some(1), Some(3), None, None]
        );
        assert!(minutes.consists_of(5) && !minutes.consists_of(60));
    }
}
