//! Conditions on issues in the terms of the store.

use super::NotSearchable;
use super::indexed::{OF_USERS, address, tag_of, text, within};
use super::words::{side_by_side, words, written};
use crate::model::issue::{Actor, IssueStatus, Priority, Substatus};
use crate::model::time::Millis;
use crate::store::query::{Expr as Filter, Interval, IssuePredicate as Is, TagTest, TextPattern};
use crate::store::search::ast::{
    Assignee, Condition, Expr, IssueRef, OneOf, Person, ReleaseName, TimeRange,
};
use crate::store::search::field::Field;
use crate::store::search::numbers::Range;
use crate::store::search::pattern::Pattern;
use crate::store::search::resolve::Known;
use crate::store::search::vocabulary::{self, State};

/// How long an issue is new.
const NEW: i64 = 7 * Millis::DAY;

type Lowered = Result<Filter<Is>, NotSearchable>;

/// Puts a resolved query in the terms of the store.
pub(super) fn filter(expr: &Expr, known: &Known) -> Lowered {
    let all = |parts: &[Expr]| {
        let lowered = parts.iter().map(|part| filter(part, known));
        lowered.collect::<Result<Vec<_>, _>>()
    };
    Ok(match expr {
        Expr::All(parts) => Filter::All(side_by_side(all(parts)?, Is::Text, |part| match part {
            Is::Text(words) => Some(words),
            _ => None,
        })),
        Expr::Any(parts) => Filter::Any(all(parts)?),
        Expr::Not(inner) => filter(inner, known)?.negated(),
        Expr::One(condition) => one(condition, known)?,
    })
}

fn one(condition: &Condition, known: &Known) -> Lowered {
    Ok(match condition {
        Condition::Text(pattern) => match written(pattern) {
            Some(words) => Filter::Is(Is::Text(words)),
            None => in_headline(&pattern.anywhere()),
        },
        Condition::Has(field) => has(field)?,
        Condition::Field(field, patterns) => {
            let lowered = patterns.iter().map(|pattern| matches(field, pattern));
            any_of(lowered.collect::<Result<Vec<_>, _>>()?)
        }
        Condition::Number(field, _) => return Err(not_searchable(field)),
        Condition::Level(levels) => any(levels, |level| Filter::Is(Is::Level(*level))),
        Condition::Kind(kinds) => any(kinds, |kind| Filter::Is(Is::Kind(*kind))),
        Condition::Handled(false) => Filter::Is(Is::IsUnhandled),
        Condition::Handled(true) => Filter::Is(Is::IsUnhandled).negated(),
        Condition::Event(ids) => {
            let issues = ids.iter().filter_map(|id| known.events.get(id));
            any_of(issues.map(|id| Filter::Is(Is::Id(*id))).collect())
        }
        // An issue that was seen before and after has most likely been seen between.
        Condition::Happened(times) => Filter::All(vec![
            Filter::Is(Is::LastSeen(interval(times.from(), None))),
            Filter::Is(Is::FirstSeen(interval(None, times.to()))),
        ]),
        Condition::Project(_) => {
            return Err(NotSearchable {
                key: "project".to_owned(),
            });
        }
        Condition::Release(names) => releases(names, |pattern| {
            Is::Tag("release".to_owned(), TagTest::Value(pattern))
        }),
        Condition::FirstRelease(names) => releases(names, Is::FirstRelease),
        Condition::LastRelease(names) => releases(names, Is::LastRelease),
        Condition::State(states) => any(states, |state| stands(*state, known.now)),
        Condition::Assigned { who, .. } => any(who, |who| assigned(who, known)),
        Condition::Bookmarked(people) => any(people, |who| of_person(who, known, Is::BookmarkedBy)),
        Condition::Subscribed(people) => any(people, |who| of_person(who, known, Is::SubscribedBy)),
        Condition::FirstSeen(times) => Filter::Is(Is::FirstSeen(times_of(*times))),
        Condition::LastSeen(times) => Filter::Is(Is::LastSeen(times_of(*times))),
        Condition::TimesSeen(range) => counted(range),
        Condition::Issue(issues) => any(issues, |issue| match issue {
            IssueRef::Id(id) => Filter::Is(Is::Id(*id)),
            IssueRef::Short(_) => nothing(),
        }),
        Condition::Category(patterns) | Condition::Type(patterns) => {
            match patterns.iter().any(|pattern| pattern.matches("error")) {
                true => Filter::everything(),
                false => nothing(),
            }
        }
        Condition::Priority(priorities) => any(priorities, |priority| {
            Filter::Is(Is::Priority(match priority {
                vocabulary::Priority::Low => Priority::Low,
                vocabulary::Priority::Medium => Priority::Medium,
                vocabulary::Priority::High => Priority::High,
            }))
        }),
        // Resolving has put releases in their place.
        Condition::Version(_) | Condition::VersionPrefix(_) | Condition::Stage(_) => nothing(),
    })
}

fn nothing() -> Filter<Is> {
    Filter::Any(Vec::new())
}

fn has(field: &Field) -> Lowered {
    let present = |key: &str| Filter::Is(Is::Tag(key.to_owned(), TagTest::Present));
    let like = |pattern: &str| {
        let test = TagTest::Value(TextPattern::Like(pattern.to_owned()));
        Filter::Is(Is::Tag("release".to_owned(), test))
    };
    Ok(match field {
        Field::Message | Field::Title => Filter::everything(),
        Field::Location => Filter::Is(Is::Culprit(TextPattern::Equals(String::new()))).negated(),
        Field::ErrorValue => present("error.type"),
        Field::User => present("user"),
        Field::HttpUrl => present("url"),
        Field::ReleasePackage => like("*@*"),
        Field::ReleaseBuild => like("*+*"),
        _ => present(&tag_of(field).ok_or_else(|| not_searchable(field))?),
    })
}

fn matches(field: &Field, pattern: &Pattern) -> Lowered {
    let tag = |key: &str, pattern| Filter::Is(Is::Tag(key.to_owned(), TagTest::Value(pattern)));
    Ok(match field {
        Field::Message => in_headline(pattern),
        Field::Title => Filter::Is(Is::Title(text(pattern))),
        Field::Location => Filter::Is(Is::Culprit(text(pattern))),
        Field::ErrorValue => Filter::Is(Is::ErrorValue(text(pattern))),
        Field::StackFilename | Field::StackFunction | Field::StackModule => {
            let words = words(pattern, false).ok_or_else(|| not_searchable(field))?;
            Filter::Is(Is::Text(words))
        }
        Field::User => {
            let lowered = OF_USERS.iter().map(|field| matches(field, pattern));
            any_of(lowered.collect::<Result<Vec<_>, _>>()?)
        }
        Field::HttpUrl => tag("url", address(pattern).0),
        Field::ReleasePackage => tag("release", within("", pattern, "@*")),
        Field::ReleaseBuild => tag("release", within("*+", pattern, "")),
        _ => {
            let key = tag_of(field).ok_or_else(|| not_searchable(field))?;
            tag(&key, text(pattern))
        }
    })
}

/// Looks at what an issue shows of its latest event.
fn in_headline(pattern: &Pattern) -> Filter<Is> {
    Filter::Any(vec![
        Filter::Is(Is::Title(text(pattern))),
        Filter::Is(Is::ErrorValue(text(pattern))),
    ])
}

fn stands(state: State, now: Millis) -> Filter<Is> {
    let status = |status| Filter::Is(Is::Status(status));
    let substatus = |substatus| Filter::Is(Is::Substatus(substatus));
    let opened_since = |from| Filter::Is(Is::FirstSeen(interval(Some(from), None)));
    let new_from = now.plus(-NEW);
    match state {
        State::Unresolved => status(IssueStatus::Unresolved),
        State::Resolved => status(IssueStatus::Resolved),
        State::Ignored => status(IssueStatus::Ignored),
        State::Assigned => Filter::Is(Is::IsAssigned),
        State::Unassigned => Filter::Is(Is::IsAssigned).negated(),
        State::ForReview => Filter::Any(vec![
            stands(State::New, now),
            substatus(Substatus::Regressed),
            substatus(Substatus::Escalating),
        ]),
        // No other tracker is connected.
        State::Linked => nothing(),
        State::Unlinked => Filter::everything(),
        State::New => substatus(Substatus::New).and(opened_since(new_from)),
        State::Ongoing => Filter::Any(vec![
            substatus(Substatus::Ongoing),
            substatus(Substatus::New).and(opened_since(new_from).negated()),
        ]),
        State::Escalating => substatus(Substatus::Escalating),
        State::Regressed => substatus(Substatus::Regressed),
        State::UntilEscalating => substatus(Substatus::UntilEscalating),
        State::UntilConditionMet => substatus(Substatus::UntilConditionMet),
        State::Forever => substatus(Substatus::Forever),
    }
}

fn assigned(who: &Assignee, known: &Known) -> Filter<Is> {
    let actors = match who {
        Assignee::Nobody => return Filter::Is(Is::IsAssigned).negated(),
        Assignee::Me => known.me.iter().cloned().collect(),
        Assignee::MyTeams => known.my_teams.clone(),
        Assignee::Team(slug) => known.teams.get(slug).cloned().into_iter().collect(),
        Assignee::Person(name) => person(name, known).into_iter().collect(),
    };
    if actors.is_empty() {
        return nothing();
    }
    Filter::Is(Is::AssignedTo(actors))
}

fn of_person(who: &Person, known: &Known, predicate: impl Fn(Actor) -> Is) -> Filter<Is> {
    let actor = match who {
        Person::Me => known.me.clone(),
        Person::Named(name) => person(name, known),
    };
    actor.map_or_else(nothing, |actor| Filter::Is(predicate(actor)))
}

/// A name that is nobody's account may have been given by a client all the same.
fn person(name: &str, known: &Known) -> Option<Actor> {
    known.people.get(name).cloned().or_else(|| Actor::new(name))
}

fn releases(names: &OneOf<ReleaseName>, predicate: impl Fn(TextPattern) -> Is) -> Filter<Is> {
    any(names, |name| match name {
        ReleaseName::Named(pattern) => Filter::Is(predicate(text(pattern))),
        ReleaseName::Latest => nothing(),
    })
}

fn counted(range: &Range<u64>) -> Filter<Is> {
    let (from, to) = match range {
        Range::Above(end) => (end.checked_add(1), None),
        Range::AtLeast(end) => (Some(*end), None),
        Range::Below(end) => match end.checked_sub(1) {
            Some(end) => (None, Some(end)),
            None => return nothing(),
        },
        Range::AtMost(end) => (None, Some(*end)),
        Range::Between(from, to) => (Some(*from), Some(*to)),
    };
    Filter::Is(Is::Events(interval(from, to)))
}

fn times_of(times: TimeRange) -> Interval<Millis> {
    interval(times.from(), times.to())
}

fn interval<T>(from: Option<T>, to: Option<T>) -> Interval<T> {
    Interval { from, to }
}

fn any<T>(values: &OneOf<T>, lower: impl Fn(&T) -> Filter<Is>) -> Filter<Is> {
    any_of(values.iter().map(lower).collect())
}

fn any_of(mut filters: Vec<Filter<Is>>) -> Filter<Is> {
    match filters.len() {
        1 => filters.pop().unwrap_or_else(Filter::everything),
        _ => Filter::Any(filters),
    }
}

fn not_searchable(field: &Field) -> NotSearchable {
    NotSearchable {
        key: field.to_string(),
    }
}
