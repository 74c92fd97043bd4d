//! A question for numbers of events, split up by what they have, and its answer.

use crate::model::ids::{IssueId, ProjectId};
use crate::model::time::Millis;

/// How events are split up, and what is wanted of each part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// By these, one after the other; of none, all events are one part.
    pub by: Vec<SplitBy>,
    /// By time besides, in intervals of so many milliseconds since 1970. What is shorter than an
    /// hour, or no number of hours, costs reading rows.
    pub step: Option<i64>,
    /// What is wanted besides the number of events.
    pub measures: Measures,
}

/// By what events are split up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SplitBy {
    /// By project.
    Project,
    /// By issue, of these only.
    Issue(Vec<IssueId>),
    /// By the value of a tag: the most frequent ones of the time asked for, and none.
    Tag(String),
    /// By the value of a tag, of these only; `None` is for events without one.
    TagOf(String, Vec<Option<String>>),
    /// By tags, beside each other: by these values of each, and by having it at all.
    Tags(Vec<(String, Vec<String>)>),
}

/// What is wanted of each part besides the number of its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measures {
    /// How many different people.
    pub users: bool,
    /// How many different issues.
    pub issues: bool,
    /// When its first event happened.
    pub first: bool,
    /// When its last event happened.
    pub last: bool,
}

/// Numbers of events, split up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts {
    /// The parts that have events, in the order of their keys and times.
    pub parts: Vec<Part>,
    /// True when numbers may be too small or parts missing, because a question may look at so much
    /// only.
    pub is_incomplete: bool,
}

/// Some of the events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// What they have in common, in the order of the split.
    pub key: Vec<PartKey>,
    /// The beginning of the interval in which they happened, where they are split by time.
    pub at: Option<Millis>,
    /// How many they are.
    pub events: u64,
    /// How many people they affected; 0 when not asked for. Many are estimated.
    pub users: u64,
    /// To how many issues they belong; 0 when not asked for.
    pub issues: u64,
    /// When the first of them happened.
    pub first: Option<Millis>,
    /// When the last of them happened.
    pub last: Option<Millis>,
}

/// What events of a part have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PartKey {
    /// The project.
    Project(ProjectId),
    /// The issue.
    Issue(IssueId),
    /// The value of a tag, or that there is none.
    Tag(Option<String>),
    /// The value of the tag of a name, or any value.
    TagOf(String, Option<String>),
}
