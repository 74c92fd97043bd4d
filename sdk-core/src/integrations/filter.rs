//! What becomes of a line that a program logs.

use std::ops::{BitOr, BitOrAssign};

/// What becomes of a line of `tracing` or `log`: nothing, or any of the three, joined by `|`.
///
/// ```
/// use mini_sentry::integrations::EventFilter;
/// let both = EventFilter::Event | EventFilter::Log;
/// assert!(both.contains(EventFilter::Event));
/// assert!(!both.contains(EventFilter::Breadcrumb));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventFilter(u8);

#[expect(
    non_upper_case_globals,
    reason = "they are used as the variants of an enum are"
)]
impl EventFilter {
    /// Nothing.
    pub const Ignore: Self = Self(0);
    /// A breadcrumb of the events that follow.
    pub const Breadcrumb: Self = Self(1);
    /// An event.
    pub const Event: Self = Self(2);
    /// A structured log line.
    pub const Log: Self = Self(4);

    /// True when all of `other` is in it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for EventFilter {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for EventFilter {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
