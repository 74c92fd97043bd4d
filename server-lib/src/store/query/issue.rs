//! Which issues and which releases.

use std::ops::RangeInclusive;

use super::expr::{Expr, Interval, TagTest, TextPattern};
use crate::model::event::{EventKind, Level};
use crate::model::ids::{IssueId, ProjectId};
use crate::model::issue::{Actor, IssueStatus, Priority, Substatus};
use crate::model::time::Millis;

/// A single condition on an issue.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum IssuePredicate {
    /// Has this number.
    Id(IssueId),
    /// Has this number in its project.
    Number(u64),
    /// Has this status.
    Status(IssueStatus),
    /// For this reason.
    Substatus(Substatus),
    /// Its latest event has this level.
    Level(Level),
    /// Its events are of this sort.
    Kind(EventKind),
    /// Has this priority.
    Priority(Priority),
    /// Somebody has it.
    IsAssigned,
    /// One of these has it.
    AssignedTo(Vec<Actor>),
    /// This person bookmarked it.
    BookmarkedBy(Actor),
    /// This person hears of it.
    SubscribedBy(Actor),
    /// Its latest event ended the program or a request.
    IsUnhandled,
    /// Its first event happened then.
    FirstSeen(Interval<Millis>),
    /// Its latest event happened then.
    LastSeen(Interval<Millis>),
    /// Had so many events.
    Events(Interval<u64>),
    /// Affected so many people.
    Users(Interval<u64>),
    /// Its title looks so.
    Title(TextPattern),
    /// Its culprit looks so.
    Culprit(TextPattern),
    /// The type of its exception looks so.
    ErrorType(TextPattern),
    /// The text of its exception or message looks so.
    ErrorValue(TextPattern),
    /// Its platform looks so.
    Platform(TextPattern),
    /// The release of its first event looks so.
    FirstRelease(TextPattern),
    /// The release of its latest event looks so.
    LastRelease(TextPattern),
    /// One of its events has such a tag. Environment, release, level, user, url and the like are
    /// tags too; see [`EventFacts::tags`](crate::model::event::EventFacts::tags).
    Tag(String, TagTest),
    /// One of its events holds all these words: in message, exceptions, or frames of the project's
    /// own code. A word may end in `*`; several words in quotes stand next to each other.
    Text(String),
}

/// By what issues are ordered, the greatest first; equal ones by number, the later first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssueOrder {
    /// When the latest event happened.
    #[default]
    LastSeen,
    /// When the first event happened.
    FirstSeen,
    /// How many events.
    Events,
    /// How many people.
    Users,
    /// How urgent, and then when the latest event happened.
    Priority,
}

/// A place between two issues of a list: everything behind it is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssueCursor {
    /// What the last issue is ordered by; of a priority, its number times 2^48 and the seconds.
    pub value: i64,
    /// The last issue.
    pub id: IssueId,
}

/// A question for issues.
#[derive(Clone, Debug, PartialEq)]
pub struct IssueQuery {
    /// Of these projects; an empty list means none.
    pub projects: Vec<ProjectId>,
    /// That meet the condition.
    pub filter: Expr<IssuePredicate>,
    /// In this order.
    pub order: IssueOrder,
    /// Behind this place.
    pub after: Option<IssueCursor>,
    /// So many at most.
    pub limit: u32,
}

/// A part of a list of issues.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IssuePage {
    /// The issues.
    pub issues: Vec<crate::model::issue::Issue>,
    /// Where to go on; `None` at the end. A page may be short, even empty, and have more behind it:
    /// what one question looks at is bounded.
    pub next: Option<IssueCursor>,
}

/// Which releases.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReleaseFilter {
    /// Of these projects; an empty list means none.
    pub projects: Vec<ProjectId>,
    /// Whose name holds this text; empty means any.
    pub text: String,
    /// That became known then.
    pub created: Option<RangeInclusive<Millis>>,
    /// Put away ones only, or others only.
    pub is_archived: Option<bool>,
}
