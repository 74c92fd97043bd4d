//! Questions to the store, as types. No SQL.

use std::ops::RangeInclusive;

use mini_sentry::protocol::EventId;
use mini_sentry::ratelimit::DataCategory;

use crate::model::event::Level;
use crate::model::ids::{IssueId, ProjectId};
use crate::model::outcome::Outcome;
use crate::model::record::RecordKind;
use crate::model::time::Millis;

mod event;
mod expr;
mod issue;
mod series;

pub use event::{EventHits, EventPredicate, EventQuery};
pub use expr::{Expr, Interval, TagTest, TextPattern};
pub use issue::{IssueCursor, IssueOrder, IssuePage, IssuePredicate, IssueQuery, ReleaseFilter};
pub use series::{LevelCounts, Minutes};

/// Which events. Empty lists and `None` mean any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventFilter {
    /// Of these projects; here an empty list means none.
    pub projects: Vec<ProjectId>,
    /// Of this issue.
    pub issue: Option<IssueId>,
    /// Of these levels.
    pub levels: Vec<Level>,
    /// Of these environments; an empty text stands for events without one.
    pub environments: Vec<String>,
    /// Of these releases; an empty text stands for events without one.
    pub releases: Vec<String>,
    /// That happened then.
    pub times: Option<RangeInclusive<Millis>>,
}

/// Which items. Empty lists and `None` mean any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ItemFilter {
    /// Of these projects; here an empty list means none.
    pub projects: Vec<ProjectId>,
    /// Of these kinds.
    pub kinds: Vec<RecordKind>,
    /// That belong to this event.
    pub event_id: Option<EventId>,
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many to leave out.
    pub offset: u64,
    /// How many to return at most.
    pub limit: u64,
}

impl Page {
    /// Returns the first `limit`.
    #[must_use]
    pub fn first(limit: u64) -> Self {
        Self { offset: 0, limit }
    }
}

/// Which outcomes.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeFilter {
    /// Of these projects; here an empty list means none.
    pub projects: Vec<ProjectId>,
    /// At these times.
    pub times: RangeInclusive<Millis>,
    /// Sums of intervals of so many minutes; at least 1.
    pub interval_minutes: u32,
}

/// A sum of outcomes.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeRow {
    /// The interval's beginning.
    pub at: Millis,
    /// Whose.
    pub project: ProjectId,
    /// What was counted.
    pub category: DataCategory,
    /// The fate.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// How many.
    pub quantity: u64,
}
