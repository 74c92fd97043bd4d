//! Conditions on events in the terms of the index.

use super::indexed::{OF_USERS, address, tag_of, text, within};
use super::words::{side_by_side, words, written};
use crate::store::query::{EventPredicate, Expr as Filter, TagTest, TextPattern};
use crate::store::search::ast::{Condition, Expr, IssueRef, OneOf, ReleaseName};
use crate::store::search::field::Field;
use crate::store::search::pattern::Pattern;
use crate::store::search::resolve::Known;

/// A filter, and whether it lets through only what is meant. If not, it lets through more.
type Lowered = (Filter<EventPredicate>, bool);

/// Puts a resolved query in the terms of the index.
pub(super) fn filter(expr: &Expr, known: &Known) -> Lowered {
    match expr {
        Expr::All(parts) => joined(parts, known, |parts| {
            Filter::All(side_by_side(
                parts,
                EventPredicate::GroupText,
                |part| match part {
                    EventPredicate::GroupText(words) => Some(words),
                    _ => None,
                },
            ))
        }),
        Expr::Any(parts) => joined(parts, known, Filter::Any),
        Expr::Not(inner) => match filter(inner, known) {
            (filter, true) => (filter.negated(), true),
            // The contrary of too much would be too little.
            (_, false) => open(),
        },
        Expr::One(condition) => one(condition, known),
    }
}

fn joined(
    parts: &[Expr],
    known: &Known,
    join: impl Fn(Vec<Filter<EventPredicate>>) -> Filter<EventPredicate>,
) -> Lowered {
    let mut is_exact = true;
    let mut filters = Vec::new();
    for part in parts {
        let (filter, is_part_exact) = filter(part, known);
        is_exact &= is_part_exact;
        filters.push(filter);
    }
    (join(filters), is_exact)
}

/// The index cannot tell.
fn open() -> Lowered {
    (Filter::everything(), false)
}

fn nothing() -> Lowered {
    (Filter::Any(Vec::new()), true)
}

fn one(condition: &Condition, known: &Known) -> Lowered {
    match condition {
        Condition::Text(pattern) => in_group(written(pattern)),
        Condition::Has(field) => has(field),
        Condition::Field(field, patterns) => any(patterns, |pattern| matches(field, pattern)),
        Condition::Number(Field::Tag(key), _) => (tag(key, TagTest::Present), false),
        Condition::Level(levels) => any(levels, |level| equal("level", level.as_str())),
        Condition::Kind(kinds) => any(kinds, |kind| equal("event.type", kind.as_str())),
        Condition::Handled(handled) => equal("handled", if *handled { "yes" } else { "no" }),
        Condition::Event(ids) => {
            let issues = ids.iter().filter_map(|id| known.events.get(id).copied());
            let mut issues: Vec<_> = issues.collect();
            issues.sort_unstable();
            issues.dedup();
            if issues.is_empty() {
                return nothing();
            }
            (Filter::Is(EventPredicate::Issue(issues)), false)
        }
        Condition::Release(names) => any(names, |name| match name {
            ReleaseName::Named(pattern) => value("release", text(pattern)),
            ReleaseName::Latest => nothing(),
        }),
        Condition::Issue(issues) => {
            let ids = issues.iter().filter_map(|issue| match issue {
                IssueRef::Id(id) => Some(*id),
                IssueRef::Short(_) => None,
            });
            (Filter::Is(EventPredicate::Issue(ids.collect())), true)
        }
        Condition::Category(patterns) | Condition::Type(patterns) => {
            match patterns.iter().any(|pattern| pattern.matches("error")) {
                true => (Filter::everything(), true),
                false => nothing(),
            }
        }
        Condition::Number(..) | Condition::Happened(_) | Condition::Project(_) => open(),
        // No query for events has these.
        Condition::Version(_)
        | Condition::VersionPrefix(_)
        | Condition::Stage(_)
        | Condition::State(_)
        | Condition::Assigned { .. }
        | Condition::Bookmarked(_)
        | Condition::Subscribed(_)
        | Condition::FirstSeen(_)
        | Condition::LastSeen(_)
        | Condition::FirstRelease(_)
        | Condition::LastRelease(_)
        | Condition::TimesSeen(_)
        | Condition::Priority(_) => nothing(),
    }
}

fn has(field: &Field) -> Lowered {
    match field {
        Field::Message | Field::Title => (Filter::everything(), true),
        Field::User => (tag("user", TagTest::Present), true),
        Field::HttpUrl => (tag("url", TagTest::Present), true),
        Field::ReleasePackage => value("release", TextPattern::Like("*@*".to_owned())),
        Field::ReleaseBuild => value("release", TextPattern::Like("*+*".to_owned())),
        _ => match tag_of(field) {
            Some(key) => (tag(&key, TagTest::Present), true),
            None => open(),
        },
    }
}

fn matches(field: &Field, pattern: &Pattern) -> Lowered {
    match field {
        Field::Message | Field::Title | Field::ErrorValue => in_group(words(pattern, true)),
        Field::StackFilename | Field::StackFunction | Field::StackModule => {
            in_group(words(pattern, false))
        }
        Field::User => any_of(OF_USERS.iter().map(|field| matches(field, pattern))),
        Field::HttpUrl => {
            let (pattern, is_exact) = address(pattern);
            (tag("url", TagTest::Value(pattern)), is_exact)
        }
        Field::ReleasePackage => value("release", within("", pattern, "@*")),
        Field::ReleaseBuild => value("release", within("*+", pattern, "")),
        _ => match tag_of(field) {
            Some(key) => value(&key, text(pattern)),
            None => open(),
        },
    }
}

fn any<T>(values: &OneOf<T>, lower: impl Fn(&T) -> Lowered) -> Lowered {
    any_of(values.iter().map(lower))
}

fn any_of(parts: impl Iterator<Item = Lowered>) -> Lowered {
    let (mut filters, exact): (Vec<_>, Vec<bool>) = parts.unzip();
    let is_exact = exact.into_iter().all(|is_exact| is_exact);
    match filters.len() {
        1 => (filters.pop().unwrap_or_else(Filter::everything), is_exact),
        _ => (Filter::Any(filters), is_exact),
    }
}

/// Some event of the group holds the words, so the event itself may not.
fn in_group(words: Option<String>) -> Lowered {
    match words {
        Some(words) => (Filter::Is(EventPredicate::GroupText(words)), false),
        None => open(),
    }
}

fn equal(key: &str, text: &str) -> Lowered {
    value(key, TextPattern::Equals(text.to_owned()))
}

fn value(key: &str, pattern: TextPattern) -> Lowered {
    (tag(key, TagTest::Value(pattern)), true)
}

fn tag(key: &str, test: TagTest) -> Filter<EventPredicate> {
    Filter::Is(EventPredicate::Tag(key.to_owned(), test))
}
