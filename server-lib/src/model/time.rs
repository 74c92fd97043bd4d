//! Time as the server keeps it.

use mini_sentry::protocol::Timestamp;
use serde::{Deserialize, Serialize};

/// Milliseconds since 1970 in UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// Milliseconds of a day.
    pub const DAY: i64 = 24 * 60 * 60 * 1000;
    /// Milliseconds of a minute.
    pub const MINUTE: i64 = 60 * 1000;

    /// Returns the time `millis` later, or earlier when negative.
    #[must_use]
    pub fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Returns how many milliseconds passed since `earlier`; negative when it is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the number of the minute, counted since 1970.
    #[must_use]
    pub fn minute(self) -> i64 {
        self.0.div_euclid(Self::MINUTE)
    }

    /// Returns the same moment as the protocol has it.
    #[must_use]
    pub fn to_timestamp(self) -> Timestamp {
        Timestamp::from_nanos(self.0.saturating_mul(1_000_000))
    }

    /// Writes the moment as `2026-01-02T03:04:05.678Z`, the only form that all clients read.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        const FORM: &[time::format_description::BorrowedFormatItem<'_>] = time::macros::format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        );
        time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|moment| moment.format(FORM).ok())
            .unwrap_or_else(|| "1970-01-01T00:00:00.000Z".to_owned())
    }
}

impl From<Timestamp> for Millis {
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp.as_nanos().div_euclid(1_000_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_with_three_digits_and_z() {
        assert_eq!(
            Millis(1_767_323_045_678).to_rfc3339(),
            "2026-01-02T03:04:05.678Z"
        );
        assert_eq!(Millis(-1).to_rfc3339(), "1969-12-31T23:59:59.999Z");
    }
}
