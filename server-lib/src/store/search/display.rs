//! The canonical form of a query: one way to say each thing, which reads back to the same.

use std::fmt::{self, Display, Formatter};

use super::ast::{
    Assignee, Condition, Expr, IssueRef, OneOf, Person, ProjectRef, Query, ReleaseName, TimeRange,
};
use super::field::{Escaped, Quoted};
use super::pattern::Pattern;

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.root {
            Some(root) => root.fmt(f),
            None => Ok(()),
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    if index > 0 {
                        f.write_str(" ")?;
                    }
                    match part {
                        Self::Any(_) => write!(f, "({part})")?,
                        _ => part.fmt(f)?,
                    }
                }
                Ok(())
            }
            Self::Any(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    if index > 0 {
                        f.write_str(" OR ")?;
                    }
                    part.fmt(f)?;
                }
                Ok(())
            }
            Self::Not(inner) => match inner.as_ref() {
                Self::One(condition) => write!(f, "!{condition}"),
                other => write!(f, "!({other})"),
            },
            Self::One(condition) => condition.fmt(f),
        }
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(pattern) => Word(pattern).fmt(f),
            Self::Has(field) => write!(f, "has:{field}"),
            Self::Field(field, patterns) => {
                write!(f, "{field}:")?;
                list(f, patterns, |pattern, f| Text(pattern).fmt(f))
            }
            Self::Number(field, range) => write!(f, "{field}:{range}"),
            Self::Level(levels) => {
                f.write_str("level:")?;
                list(f, levels, |level, f| f.write_str(level.as_str()))
            }
            Self::Kind(kinds) => {
                f.write_str("event.type:")?;
                list(f, kinds, |kind, f| f.write_str(kind.as_str()))
            }
            Self::Handled(handled) => write!(f, "error.handled:{handled}"),
            Self::Event(ids) => {
                f.write_str("id:")?;
                list(f, ids, Display::fmt)
            }
            Self::Happened(times) => write!(f, "timestamp:{times}"),
            Self::Project(projects) => {
                f.write_str("project:")?;
                list(f, projects, |project, f| match project {
                    ProjectRef::Id(id) => id.fmt(f),
                    ProjectRef::Slug(slug) => Plain(slug).fmt(f),
                })
            }
            Self::Release(names) => releases(f, "release", names),
            Self::FirstRelease(names) => releases(f, "firstRelease", names),
            Self::LastRelease(names) => releases(f, "lastRelease", names),
            Self::Version(range) => write!(f, "release.version:{range}"),
            Self::VersionPrefix(numbers) => {
                f.write_str("release.version:")?;
                for number in numbers {
                    write!(f, "{number}.")?;
                }
                f.write_str("*")
            }
            Self::Stage(stages) => {
                f.write_str("release.stage:")?;
                list(f, stages, |stage, f| f.write_str(stage.as_str()))
            }
            Self::State(states) => {
                f.write_str("is:")?;
                list(f, states, |state, f| f.write_str(state.as_str()))
            }
            Self::Assigned { who, or_suggested } => {
                f.write_str(if *or_suggested {
                    "assigned_or_suggested:"
                } else {
                    "assigned:"
                })?;
                list(f, who, assignee)
            }
            Self::Bookmarked(people) => {
                f.write_str("bookmarks:")?;
                list(f, people, person)
            }
            Self::Subscribed(people) => {
                f.write_str("subscribed:")?;
                list(f, people, person)
            }
            Self::FirstSeen(times) => write!(f, "firstSeen:{times}"),
            Self::LastSeen(times) => write!(f, "lastSeen:{times}"),
            Self::TimesSeen(range) => write!(f, "timesSeen:{range}"),
            Self::Issue(issues) => {
                f.write_str("issue:")?;
                list(f, issues, |issue, f| match issue {
                    IssueRef::Id(id) => id.fmt(f),
                    IssueRef::Short(id) => f.write_str(id),
                })
            }
            Self::Category(patterns) => {
                f.write_str("issue.category:")?;
                list(f, patterns, |pattern, f| Text(pattern).fmt(f))
            }
            Self::Type(patterns) => {
                f.write_str("issue.type:")?;
                list(f, patterns, |pattern, f| Text(pattern).fmt(f))
            }
            Self::Priority(priorities) => {
                f.write_str("issue.priority:")?;
                list(f, priorities, |priority, f| f.write_str(priority.as_str()))
            }
        }
    }
}

impl Display for TimeRange {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.from(), self.to()) {
            (Some(from), Some(to)) => {
                write!(f, "[{} TO {}]", from.to_rfc3339(), to.to_rfc3339())
            }
            (Some(from), None) => write!(f, ">={}", from.to_rfc3339()),
            (None, Some(to)) => write!(f, "<={}", to.to_rfc3339()),
            (None, None) => Ok(()),
        }
    }
}

fn list<T>(
    f: &mut Formatter<'_>,
    values: &OneOf<T>,
    write: impl Fn(&T, &mut Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    if let [only] = values.as_slice() {
        return write(only, f);
    }
    for (index, value) in values.iter().enumerate() {
        f.write_str(if index == 0 { "[" } else { "," })?;
        write(value, f)?;
    }
    f.write_str("]")
}

fn releases(f: &mut Formatter<'_>, key: &str, names: &OneOf<ReleaseName>) -> fmt::Result {
    write!(f, "{key}:")?;
    list(f, names, |name, f| match name {
        ReleaseName::Latest => f.write_str("latest"),
        ReleaseName::Named(pattern) => Text(pattern).fmt(f),
    })
}

fn assignee(who: &Assignee, f: &mut Formatter<'_>) -> fmt::Result {
    match who {
        Assignee::Me => f.write_str("me"),
        Assignee::MyTeams => f.write_str("my_teams"),
        Assignee::Nobody => f.write_str("none"),
        Assignee::Team(team) => Plain(&format!("#{team}")).fmt(f),
        Assignee::Person(name) => Plain(name).fmt(f),
    }
}

fn person(who: &Person, f: &mut Formatter<'_>) -> fmt::Result {
    match who {
        Person::Me => f.write_str("me"),
        Person::Named(name) => Plain(name).fmt(f),
    }
}

/// A value without wildcards.
struct Plain<'a>(&'a str);

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if is_bare_value(self.0) {
            return f.write_str(self.0);
        }
        Quoted(self.0).fmt(f)
    }
}

/// A value with its wildcards.
struct Text<'a>(&'a Pattern);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let pieces = self.0.pieces();
        let is_bare = match self.0.as_exact() {
            Some(text) => is_bare_value(text),
            None => {
                let first = pieces.first().map_or("", String::as_str);
                is_bare_start(first) && pieces.iter().all(|piece| piece.chars().all(is_bare_char))
            }
        };
        write_pieces(f, pieces, is_bare)
    }
}

/// A word or phrase without a key.
struct Word<'a>(&'a Pattern);

impl Display for Word<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let pieces = self.0.pieces();
        let is_operator = |text: &str| {
            ["AND", "OR", "NOT"]
                .iter()
                .any(|operator| text.eq_ignore_ascii_case(operator))
        };
        let is_bare = pieces.iter().all(|piece| {
            let is_letter = |c: char| is_bare_char(c) && !matches!(c, ':');
            piece.chars().all(is_letter)
        }) && !self
            .0
            .as_exact()
            .is_some_and(|text| text.is_empty() || is_operator(text));
        write_pieces(f, pieces, is_bare)
    }
}

fn write_pieces(f: &mut Formatter<'_>, pieces: &[String], is_bare: bool) -> fmt::Result {
    let quote = if is_bare { "" } else { "\"" };
    f.write_str(quote)?;
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 {
            f.write_str("*")?;
        }
        Escaped(piece).fmt(f)?;
    }
    f.write_str(quote)
}

fn is_bare_value(text: &str) -> bool {
    // `TO` within a list would make it a range.
    !text.is_empty() && text != "TO" && is_bare_start(text) && text.chars().all(is_bare_char)
}

/// Behind a key and its colon, these would make a word of the whole.
fn is_bare_start(text: &str) -> bool {
    !text.starts_with([':', '/'])
}

fn is_bare_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@' | '+' | '#' | ':')
}
