//! The question that a query asks, as types.

use std::slice;

use mini_sentry::protocol::EventId;

use super::field::Field;
use super::numbers::{Number, Range};
use super::pattern::Pattern;
use super::version::Version;
use super::vocabulary::{Priority, Stage, State};
use crate::model::event::{EventKind, Level};
use crate::model::ids::{IssueId, ProjectId};
use crate::model::time::Millis;

/// A query that was read. Its `Display` is the canonical form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// What must hold; `None` asks for everything.
    pub root: Option<Expr>,
}

impl Query {
    /// Returns true when everything is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// Returns what must hold together: the parts of the outermost `AND`.
    #[must_use]
    pub fn parts(&self) -> &[Expr] {
        match &self.root {
            None => &[],
            Some(Expr::All(parts)) => parts,
            Some(root) => slice::from_ref(root),
        }
    }
}

/// Conditions and how they go together.
///
/// What is parsed is flat: an `All` holds at least two parts and none of them is an `All`, likewise
/// `Any`, and no `Not` holds a `Not`. Elsewhere an `All` of none is everything and an `Any` of none
/// nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// All of them hold.
    All(Vec<Self>),
    /// One or more of them hold.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// A single condition.
    One(Condition),
}

impl Expr {
    /// Joins expressions that must all hold; `None` when there are none.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() > 1 {
            return Some(Self::All(flat));
        }
        flat.pop()
    }

    /// Joins expressions of which one must hold; `None` when there are none.
    #[must_use]
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Any(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() > 1 {
            return Some(Self::Any(flat));
        }
        flat.pop()
    }

    /// Turns an expression round.
    #[must_use]
    #[expect(
        clippy::should_implement_trait,
        reason = "it is no operator of the caller's"
    )]
    pub fn not(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }
}

/// Something that is true or not of an event or an issue. Of an issue a condition on events is
/// true when it is true of one of its events.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Condition {
    /// The words of the pattern stand in the full text; case does not count.
    Text(Pattern),
    /// The field is there.
    Has(Field),
    /// The field is one of the patterns.
    Field(Field, OneOf<Pattern>),
    /// The field is a number in the range.
    Number(Field, Range<Number>),
    /// The level.
    Level(OneOf<Level>),
    /// The sort of event.
    Kind(OneOf<EventKind>),
    /// Whether all of its errors were handled.
    Handled(bool),
    /// The event's id.
    Event(OneOf<EventId>),
    /// When the event happened.
    Happened(TimeRange),
    /// The project.
    Project(OneOf<ProjectRef>),
    /// The release.
    Release(OneOf<ReleaseName>),
    /// The version in the release's name.
    Version(Range<Version>),
    /// The first numbers of that version.
    VersionPrefix(Vec<u64>),
    /// How far the release has spread.
    Stage(OneOf<Stage>),
    /// How the issue stands.
    State(OneOf<State>),
    /// Who should solve the issue.
    Assigned {
        /// One of these.
        who: OneOf<Assignee>,
        /// Whether it is enough that they are suggested.
        or_suggested: bool,
    },
    /// Whose bookmark the issue is.
    Bookmarked(OneOf<Person>),
    /// Who is told of the issue's changes.
    Subscribed(OneOf<Person>),
    /// When the issue's first event happened.
    FirstSeen(TimeRange),
    /// When its latest did.
    LastSeen(TimeRange),
    /// The release of its first event.
    FirstRelease(OneOf<ReleaseName>),
    /// The release of its latest.
    LastRelease(OneOf<ReleaseName>),
    /// How many events it has.
    TimesSeen(Range<u64>),
    /// The issue itself.
    Issue(OneOf<IssueRef>),
    /// What the issue is about in general, such as `error`.
    Category(OneOf<Pattern>),
    /// What it is about in particular.
    Type(OneOf<Pattern>),
    /// How much it matters.
    Priority(OneOf<Priority>),
}

/// A list that is not empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OneOf<T>(Vec<T>);

impl<T> OneOf<T> {
    /// Makes a list of one.
    #[must_use]
    pub fn only(value: T) -> Self {
        Self(vec![value])
    }

    /// Makes a list, unless it would be empty.
    #[must_use]
    pub fn new(values: Vec<T>) -> Option<Self> {
        (!values.is_empty()).then_some(Self(values))
    }

    /// Returns the values.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// Returns the values in order.
    pub fn iter(&self) -> slice::Iter<'_, T> {
        self.0.iter()
    }
}

impl<'a, T> IntoIterator for &'a OneOf<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// When something happened: from, to or both, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeRange {
    from: Option<Millis>,
    to: Option<Millis>,
}

impl TimeRange {
    /// Makes the range between two moments.
    #[must_use]
    pub(super) fn between(from: Millis, to: Millis) -> Self {
        Self {
            from: Some(from),
            to: Some(to),
        }
    }

    /// Makes the range that begins at a moment.
    #[must_use]
    pub(super) fn since(from: Millis) -> Self {
        Self {
            from: Some(from),
            to: None,
        }
    }

    /// Makes the range that ends at a moment.
    #[must_use]
    pub(super) fn until(to: Millis) -> Self {
        Self {
            from: None,
            to: Some(to),
        }
    }

    /// Returns the first moment, if there is one.
    #[must_use]
    pub fn from(&self) -> Option<Millis> {
        self.from
    }

    /// Returns the last moment, if there is one.
    #[must_use]
    pub fn to(&self) -> Option<Millis> {
        self.to
    }

    /// Returns true when the moment lies in it.
    #[must_use]
    pub fn contains(&self, at: Millis) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at <= to)
    }
}

/// Who should solve an issue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Assignee {
    /// Who asks.
    Me,
    /// A team of who asks.
    MyTeams,
    /// Nobody.
    Nobody,
    /// A team, by its slug.
    Team(String),
    /// A person, by e-mail address or name.
    Person(String),
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Person {
    /// Who asks.
    Me,
    /// By e-mail address or name.
    Named(String),
}

/// A project, by one of its names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProjectRef {
    /// By number.
    Id(ProjectId),
    /// By slug.
    Slug(String),
}

/// An issue, by one of its names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IssueRef {
    /// By number.
    Id(IssueId),
    /// By short id, in upper case.
    Short(String),
}

/// Releases, by their name or place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReleaseName {
    /// The latest of the project.
    Latest,
    /// Those whose name is so.
    Named(Pattern),
}
