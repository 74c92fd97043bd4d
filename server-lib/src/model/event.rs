//! Events as the index knows them.

use mini_sentry::protocol::EventId;
pub use mini_sentry::protocol::Level;
use mini_sentry::ratelimit::DataCategory;

use super::ids::{IssueId, ProjectId, Seq};
use super::outcome::named;
use super::time::Millis;

named! {
    /// What sort of thing an event reports.
    EventKind {
        /// A message or anything else without an exception.
        Default = "default" / 0,
        /// Has an exception.
        Error = "error" / 1,
        /// A report of a content security policy, or another security report of a browser.
        Csp = "csp" / 2,
        /// A transaction.
        Transaction = "transaction" / 3,
    }
}

impl EventKind {
    /// Returns the category under which events of this sort are limited and counted.
    #[must_use]
    pub fn category(self) -> DataCategory {
        match self {
            Self::Default | Self::Error => DataCategory::Error,
            Self::Csp => DataCategory::Security,
            Self::Transaction => DataCategory::Transaction,
        }
    }
}

/// Under which events are put together: equal keys, one issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupingKey(pub [u8; 16]);

/// What digest needs to know of an event, without its body.
#[derive(Clone, Debug, PartialEq)]
pub struct EventFacts {
    /// What sort it is.
    pub kind: EventKind,
    /// When it happened, by our clock.
    pub timestamp: Millis,
    /// How bad it is.
    pub level: Level,
    /// The language or system; `other` when not told.
    pub platform: String,
    /// The environment; empty when not told.
    pub environment: String,
    /// The release; empty when not told.
    pub release: String,
    /// The distribution; empty when not told.
    pub dist: String,
    /// One line: the exception's type and value, or the message.
    pub title: String,
    /// Where it happened: module and function, or the transaction; may be empty.
    pub culprit: String,
    /// What it is grouped by.
    pub grouping: GroupingKey,
    /// A hash of who was affected; `None` when nobody is named.
    pub user: Option<i64>,
}

/// An event on its way into the index.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// Its place.
    pub seq: Seq,
    /// Whose it is.
    pub project: ProjectId,
    /// Its id; the second of the same id and project is a duplicate.
    pub event_id: EventId,
    /// When the server read it.
    pub received: Millis,
    /// The rest.
    pub facts: EventFacts,
}

/// A row of the index of events.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// Its place.
    pub seq: Seq,
    /// Whose it is.
    pub project: ProjectId,
    /// Its id.
    pub event_id: EventId,
    /// The issue that it belongs to.
    pub issue: IssueId,
    /// What sort it is.
    pub kind: EventKind,
    /// When it happened, by our clock.
    pub timestamp: Millis,
    /// When the server read it.
    pub received: Millis,
    /// How bad it is.
    pub level: Level,
    /// The environment; empty when not told.
    pub environment: String,
    /// The release; empty when not told.
    pub release: String,
    /// A hash of who was affected.
    pub user: Option<i64>,
}

/// An issue: events of one grouping key in one project.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue {
    /// Its number in this install.
    pub id: IssueId,
    /// Whose it is.
    pub project: ProjectId,
    /// Its number in its project, from 1: the end of `MY-APP-1F`.
    pub number: u64,
    /// What its events are grouped by.
    pub grouping: GroupingKey,
    /// What sort its events are.
    pub kind: EventKind,
    /// The title of its latest event.
    pub title: String,
    /// The culprit of its latest event.
    pub culprit: String,
    /// The platform of its latest event.
    pub platform: String,
    /// The level of its latest event.
    pub level: Level,
    /// When its first event happened.
    pub first_seen: Millis,
    /// When its latest event happened.
    pub last_seen: Millis,
    /// How many events it has had, those that retention dropped included.
    pub events: u64,
}
