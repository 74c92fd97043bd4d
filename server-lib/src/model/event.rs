//! Events as the index knows them.

use mini_sentry::protocol::EventId;
pub use mini_sentry::protocol::Level;
use mini_sentry::ratelimit::DataCategory;

use super::ids::{GroupId, IssueId, ProjectId, Seq};
use super::outcome::named;
use super::tag::Tags;
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

/// The exception that people see first, or the message, in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headline {
    /// The exception's type; empty when there is none.
    pub error_type: String,
    /// The exception's text, or the message: its first line.
    pub value: String,
    /// The file of the frame that is to blame; may be empty.
    pub filename: String,
    /// The function of that frame; may be empty.
    pub function: String,
}

/// What digest and the indexer need to know of an event, without its body.
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
    /// The title in parts.
    pub headline: Headline,
    /// Whether the program survived; `None` when not told.
    pub handled: Option<bool>,
    /// What it is grouped by.
    pub grouping: GroupingKey,
    /// What it would have been grouped by before the way of grouping changed; an event of a new key
    /// joins the issue that has this one.
    pub former_grouping: Option<GroupingKey>,
    /// A hash of who was affected; `None` when nobody is named.
    pub user: Option<i64>,
    /// What it can be found by.
    pub tags: Tags,
    /// What full-text search looks into: message, exceptions, frames of the project's own code.
    pub text: String,
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
    /// The group that it belongs to.
    pub group: GroupId,
    /// The issue that has the group now.
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
