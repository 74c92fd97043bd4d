//! Which events, by what they can be found by.

use std::ops::RangeInclusive;

use super::expr::{Expr, TagTest};
use crate::model::event::EventRow;
use crate::model::ids::{IssueId, ProjectId, Seq};
use crate::model::time::Millis;

/// A single condition on an event that the index can decide.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EventPredicate {
    /// Belongs to one of these issues.
    Issue(Vec<IssueId>),
    /// Has such a tag. Level, environment, release, user and the like are tags too.
    Tag(String, TagTest),
    /// Belongs to a group of which some event holds these words, so the event itself may not: who
    /// needs to know looks at the body.
    GroupText(String),
}

/// A question for events.
#[derive(Clone, Debug, PartialEq)]
pub struct EventQuery {
    /// Of these projects; an empty list means none.
    pub projects: Vec<ProjectId>,
    /// That meet the condition.
    pub filter: Expr<EventPredicate>,
    /// That happened then.
    pub times: Option<RangeInclusive<Millis>>,
    /// Behind this place, which is that of the last event seen.
    pub after: Option<Seq>,
    /// So many at most.
    pub limit: u32,
}

/// Events that were found, in the order of their arrival, latest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventHits {
    /// The events.
    pub rows: Vec<EventRow>,
    /// Where to go on; `None` at the end. A page may be short and have more behind it.
    pub next: Option<Seq>,
    /// True when a pattern would fit more values of a tag than are kept apart, so that events may be
    /// missing.
    pub is_incomplete: bool,
}
