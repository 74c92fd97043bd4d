//! How finely sums of sessions are kept: by the minute at first, older ones by the hour, then by
//! the day, and in the end not at all.

use std::collections::BTreeMap;

use super::detail::Detail;
use crate::model::time::Millis;

/// Minutes of an hour.
const HOUR: i64 = 60;
/// Minutes of a day.
const DAY: i64 = 24 * HOUR;
/// The age in minutes from which sums are kept no longer.
const KEPT: i64 = 400 * DAY;
/// Steps of one turn at most, so that nobody waits long.
pub const STEPS: usize = 24;

/// A step of putting sums together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roll {
    /// The age in minutes from which it is done.
    age: i64,
    /// The length in minutes of what comes out.
    pub length: i64,
    /// The counter that tells how far it is, as minutes since 1970.
    pub counter: &'static str,
}

/// The steps, the finest first.
pub const ROLLS: [Roll; 2] = [
    Roll {
        age: 3 * DAY,
        length: HOUR,
        counter: "rolled_session_hours",
    },
    Roll {
        age: 30 * DAY,
        length: DAY,
        counter: "rolled_session_days",
    },
];

impl Roll {
    /// Returns the first and the last minute of the next piece to put together, where the oldest
    /// sums that it has not done are of that minute; `None` while these are too young.
    #[must_use]
    pub fn piece(self, oldest: i64, now: Millis) -> Option<(i64, i64)> {
        let first = floor(oldest, self.length);
        let next = first.saturating_add(self.length);
        let end = now.minute().saturating_sub(self.age);
        (next <= end).then_some((first, next.saturating_sub(1)))
    }
}

/// How far sums are put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rolled {
    /// Sums before this minute are by the hour.
    pub hours: i64,
    /// Sums before this minute are by the day.
    pub days: i64,
}

impl Rolled {
    /// Returns the minute under which the sums of a minute are kept.
    #[must_use]
    pub fn place(self, minute: i64) -> i64 {
        if minute < self.days {
            floor(minute, DAY)
        } else if minute < self.hours {
            floor(minute, HOUR)
        } else {
            minute
        }
    }
}

/// Returns the first minute of which sums are kept.
#[must_use]
pub fn oldest_kept(now: Millis) -> i64 {
    now.minute().saturating_sub(KEPT)
}

fn floor(minute: i64, length: i64) -> i64 {
    minute.saturating_sub(minute.rem_euclid(length))
}

/// Counts of a row as databases have them, and its detail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// Sessions; those with errors, an odd end, a crash.
    pub counts: [i64; 4],
    /// Who had them, and how long they took.
    pub detail: Option<Detail>,
}

/// Puts rows together that differ in the minute only.
pub fn together<K: Ord>(rows: impl IntoIterator<Item = (K, Kept)>) -> BTreeMap<K, Kept> {
    let mut sums: BTreeMap<K, Kept> = BTreeMap::new();
    for (key, row) in rows {
        let sum = sums.entry(key).or_default();
        for (sum, more) in sum.counts.iter_mut().zip(row.counts) {
            *sum = sum.saturating_add(more);
        }
        if let Some(detail) = row.detail {
            sum.detail.get_or_insert_default().add(&detail);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_hours_and_days_of_some_age_are_put_together() {
        let now = Millis(100 * DAY * Millis::MINUTE);
        let [hours, days] = ROLLS;
        assert_eq!(
            hours.piece(97 * DAY - 61, now),
            Some((97 * DAY - 120, 97 * DAY - 61))
        );
        assert_eq!(hours.piece(97 * DAY, now), None);
        assert_eq!(
            days.piece(69 * DAY + 5, now),
            Some((69 * DAY, 70 * DAY - 1))
        );
        assert_eq!(days.piece(70 * DAY, now), None);
    }

    #[test]
    fn sums_are_kept_where_they_were_put() {
        let rolled = Rolled {
            hours: 2 * DAY,
            days: DAY,
        };
        assert_eq!(rolled.place(DAY - 1), 0);
        assert_eq!(rolled.place(DAY + 61), DAY + 60);
        assert_eq!(rolled.place(2 * DAY + 61), 2 * DAY + 61);
    }
}
