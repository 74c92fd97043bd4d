//! Issues: what people work on. An issue is one or more groups of events with a state.

use super::event::{EventKind, GroupingKey, Headline, Level};
use super::ids::{GroupId, IssueId, ProjectId, Seq};
use super::outcome::named;
use super::time::Millis;

named! {
    /// Whether somebody has to look at an issue.
    IssueStatus {
        /// Yes.
        Unresolved = "unresolved" / 0,
        /// It is mended; a further event opens it again.
        Resolved = "resolved" / 1,
        /// No, for ever or until a condition is met.
        Ignored = "ignored" / 2,
    }
}

named! {
    /// Why an issue has its status.
    Substatus {
        /// Unresolved since its first event. After a week nobody calls it new any more; who asks for
        /// new ones adds a bound to `first_seen`.
        New = "new" / 0,
        /// Unresolved, and known for some time or opened by hand.
        Ongoing = "ongoing" / 1,
        /// It was resolved and came again.
        Regressed = "regressed" / 2,
        /// It was ignored until a condition that is now met.
        Escalating = "escalating" / 3,
        /// Resolved.
        Resolved = "resolved" / 4,
        /// Ignored for ever.
        Forever = "archived_forever" / 5,
        /// Ignored until a time, or a number of events or users.
        UntilConditionMet = "archived_until_condition_met" / 6,
        /// Ignored until there are many more than usual.
        UntilEscalating = "archived_until_escalating" / 7,
    }
}

named! {
    /// How urgent an issue is.
    Priority {
        /// Can wait.
        Low = "low" / 25,
        /// As most.
        Medium = "medium" / 50,
        /// First.
        High = "high" / 75,
    }
}

impl Priority {
    /// Returns the priority that an issue begins with.
    #[must_use]
    pub fn of_level(level: Level) -> Self {
        match level {
            Level::Debug | Level::Info => Self::Low,
            Level::Warning => Self::Medium,
            _ => Self::High,
        }
    }
}

/// Who did something or has an issue assigned: `user:1`, `team:2`, `token:3`, or a name that an
/// API client gave. The store compares and keeps it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Actor(String);

impl Actor {
    /// Characters that are kept.
    pub const MAX_CHARS: usize = 200;

    /// Makes an actor; `None` of a blank text.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let tidy = text
            .chars()
            .filter(|c| !c.is_control())
            .take(Self::MAX_CHARS);
        (!text.is_empty()).then(|| Self(tidy.collect()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What resolved an issue, which decides what opens it again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// Any further event opens it.
    Now,
    /// The release after the one that was the latest then: an event of a later release opens it.
    NextRelease {
        /// The latest release then; empty when the project had none, and then any event opens it.
        after: String,
    },
    /// An event of this release or a later one opens it.
    Release(String),
    /// The release that brings a commit: an event of it or a later one opens it. While no release
    /// has the commit, no event does.
    Commit {
        /// The repository; may be empty.
        repository: String,
        /// The commit's id.
        commit: String,
    },
}

/// So many, at all or within an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// How many more.
    pub count: u64,
    /// Within so many minutes; intervals begin with the first event after the last one ended.
    pub window_minutes: Option<u32>,
}

/// When an ignored issue comes back. Without any condition it never does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snooze {
    /// At this time.
    pub until: Option<Millis>,
    /// After so many events.
    pub events: Option<Threshold>,
    /// After so many users. A window is not looked at: users are counted from now on.
    pub users: Option<Threshold>,
    /// When it has in one day ten times as many events as it had on an average day of the week
    /// before, and at least fifty.
    pub until_escalating: bool,
}

impl Snooze {
    /// Reports whether it never ends.
    #[must_use]
    pub fn is_forever(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the reason that goes with it.
    #[must_use]
    pub fn substatus(&self) -> Substatus {
        if self.until_escalating {
            Substatus::UntilEscalating
        } else if self.is_forever() {
            Substatus::Forever
        } else {
            Substatus::UntilConditionMet
        }
    }
}

/// How an issue stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueState {
    /// Whether somebody has to look.
    pub status: IssueStatus,
    /// Why.
    pub substatus: Substatus,
    /// Since when.
    pub since: Millis,
    /// What resolved it, when it is resolved.
    pub resolution: Option<Resolution>,
    /// When it comes back, when it is ignored.
    pub snooze: Option<Snooze>,
}

impl IssueState {
    /// Returns how an issue begins.
    #[must_use]
    pub fn new(at: Millis) -> Self {
        Self {
            status: IssueStatus::Unresolved,
            substatus: Substatus::New,
            since: at,
            resolution: None,
            snooze: None,
        }
    }
}

/// How many people an issue affected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Affected {
    /// How many.
    pub users: u64,
    /// False when they are so many that the number is an estimate.
    pub is_exact: bool,
}

/// An issue.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue {
    /// Its number in this install.
    pub id: IssueId,
    /// Whose it is.
    pub project: ProjectId,
    /// Its number in its project, from 1: the end of `MY-APP-1F`.
    pub number: u64,
    /// What the events of its first group are grouped by.
    pub grouping: GroupingKey,
    /// What sort its events are.
    pub kind: EventKind,
    /// The title of its latest event.
    pub title: String,
    /// The culprit of its latest event.
    pub culprit: String,
    /// The title in parts.
    pub headline: Headline,
    /// The platform of its latest event.
    pub platform: String,
    /// The level of its latest event.
    pub level: Level,
    /// Whether its latest event ended the program or a request.
    pub is_unhandled: bool,
    /// When its first event happened.
    pub first_seen: Millis,
    /// When its latest event happened.
    pub last_seen: Millis,
    /// How many events it has had, those that retention dropped included.
    pub events: u64,
    /// How many people it affected, as far as the indexer is.
    pub affected: Affected,
    /// The release of its first event; may be empty.
    pub first_release: String,
    /// The release of its latest event; may be empty.
    pub last_release: String,
    /// How it stands.
    pub state: IssueState,
    /// How urgent it is.
    pub priority: Priority,
    /// Who has it.
    pub assignee: Option<Actor>,
    /// How many comments it has.
    pub comments: u64,
}

/// Events of one grouping key in one project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its number.
    pub id: GroupId,
    /// The issue that has it.
    pub issue: IssueId,
    /// What its events are grouped by.
    pub grouping: GroupingKey,
    /// When its first event happened.
    pub first_seen: Millis,
    /// When its latest event happened.
    pub last_seen: Millis,
    /// How many events it has had.
    pub events: u64,
}

/// A change of status.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusChange {
    /// Opens it.
    Unresolve,
    /// Calls it mended. [`Resolution::NextRelease`] may have an empty `after`: the store fills in
    /// the latest release of the issue's project.
    Resolve(Resolution),
    /// Puts it aside.
    Ignore(Snooze),
}

/// What changes in issues; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IssueChange {
    /// The status.
    pub status: Option<StatusChange>,
    /// Who has it, or nobody.
    pub assignee: Option<Option<Actor>>,
    /// How urgent it is.
    pub priority: Option<Priority>,
}

/// What one person thinks of an issue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Bookmarked.
    pub is_bookmarked: bool,
    /// Wants to hear of it; `None` when never told.
    pub is_subscribed: Option<bool>,
    /// When they looked at it last.
    pub seen: Option<Millis>,
}

/// What changes in a person's mark; what is `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MarkChange {
    /// Bookmarked or not.
    pub is_bookmarked: Option<bool>,
    /// Subscribed or not.
    pub is_subscribed: Option<bool>,
    /// Seen at the moment, or not seen.
    pub seen: Option<Option<Millis>>,
}

/// An event opened an issue again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reopened {
    /// Which issue.
    pub issue: IssueId,
    /// By which event; 0 when it was time or the number of users.
    pub seq: Seq,
    /// [`Substatus::Regressed`] or [`Substatus::Escalating`].
    pub substatus: Substatus,
}
