//! The health that sessions tell: how many there were, whose, how they ended, how long they took.
//!
//! Backends keep sums by project, minute, release and environment. Beside the counts, a row of sums
//! holds a [`Detail`]: sets of people and classes of times. What is the same for all backends lies
//! here: how an update moves a session, what a detail is, how rows become an answer.

mod detail;
mod durations;
mod fold;
mod grain;
mod moves;
mod numbers;

use std::ops::RangeInclusive;

pub use detail::{Detail, PeopleTotals};
pub use durations::{DurationTotals, Durations};
pub use fold::{Fold, Part};
pub use grain::{Kept, ROLLS, Roll, Rolled, STEPS, oldest_kept, together};
pub use moves::{Known, Moved, shown, turn};

use super::SessionTotals;
use crate::model::ids::ProjectId;
use crate::model::time::Millis;

/// Sessions that were not heard of for so long are forgotten; they stay counted.
pub const SESSION_AGE: i64 = 10 * Millis::DAY;

/// Which sessions, and how they are split.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthFilter {
    /// Of these projects; an empty list means none.
    pub projects: Vec<ProjectId>,
    /// That began then.
    pub times: RangeInclusive<Millis>,
    /// Of these releases; empty means any.
    pub releases: Vec<String>,
    /// Of these environments; empty means any.
    pub environments: Vec<String>,
    /// Besides sums of the whole time, those of intervals of so many minutes.
    pub interval_minutes: Option<u32>,
    /// What groups are made of.
    pub by: Split,
    /// Whether people and times are asked; without, their sums are empty.
    pub with_detail: bool,
    /// Groups at most. More are refused as [`Invalid`](crate::error::ErrorKind::Invalid).
    pub most_groups: usize,
}

/// What sums of sessions are split by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// By project.
    pub project: bool,
    /// By release.
    pub release: bool,
    /// By environment.
    pub environment: bool,
}

impl Split {
    /// By everything.
    pub const ALL: Self = Self {
        project: true,
        release: true,
        environment: true,
    };
}

/// A group of sessions.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthRow {
    /// Whose, where sums are split by it.
    pub project: Option<ProjectId>,
    /// The release, where sums are split by it.
    pub release: Option<String>,
    /// The environment, where sums are split by it; may be empty.
    pub environment: Option<String>,
    /// The sums of the whole time.
    pub whole: Health,
    /// The sums of each interval in which there were sessions, by its beginning.
    pub series: Vec<(Millis, Health)>,
}

impl HealthRow {
    fn names(&self) -> (Option<ProjectId>, Option<&str>, Option<&str>) {
        let (release, environment) = (self.release.as_deref(), self.environment.as_deref());
        (self.project, release, environment)
    }
}

/// Sums of sessions, of who had them, and of how long they took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Health {
    /// The sessions.
    pub sessions: SessionTotals,
    /// The people; a person is counted once, whatever is added up.
    pub people: PeopleTotals,
    /// How long sessions took that ended well; `None` where none told.
    pub durations: Option<DurationTotals>,
}
