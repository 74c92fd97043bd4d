//! Events as rows, one by one, from their bodies; and put together in memory, so many at most, where
//! the index does not know by what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::Rows;
use super::columns::{Column, Shows, What};
use super::functions::{Function, Numbers};
use super::sort;
use super::table::{Ask, Line, short};
use crate::model::ids::IssueId;
use crate::model::time::Millis;
use crate::store::query::{EventPredicate, TagTest};
use crate::web::error::ApiError;
use crate::web::event_search::Found;
use crate::web::paging::{Cursor, Part};
use crate::web::present::WholeEvent;

/// Events that are read where rows are put together or sorted in memory.
pub(super) const MAX_EVENTS: u64 = 200;

/// What is read of an event.
#[derive(Clone, Debug)]
struct Event {
    values: Vec<Value>,
    issue: IssueId,
    at: Millis,
    user: Option<i64>,
    /// What single functions look at, by their places; `None` where the event does not count.
    own: Vec<(usize, Option<String>)>,
}

/// Events that make one row.
#[derive(Debug, Default)]
struct Together {
    events: u64,
    users: BTreeSet<i64>,
    issues: BTreeSet<IssueId>,
    first: Option<Millis>,
    last: Option<Millis>,
    own: BTreeMap<usize, Vec<String>>,
}

/// Answers with a part of the rows.
///
/// # Errors
///
/// When the store cannot be read.
pub(super) async fn rows(ask: &Ask<'_>, found: &Found, part: &Part) -> Result<Rows, ApiError> {
    let is_one_by_one = !ask.has_functions() || ask.columns.iter().any(is_id);
    if is_one_by_one && sort::is_latest_first(ask.sorts, ask.columns) {
        let (lines, next, has_more) = read(ask, found, part, true).await?;
        let data = lines.into_iter().map(|line| ask.show(line)).collect();
        return Ok(Rows {
            data,
            is_incomplete: false,
            next,
            has_more,
        });
    }
    let all = Part {
        cursor: Cursor::default(),
        limit: MAX_EVENTS,
    };
    let (mut lines, _, is_incomplete) = read(ask, found, &all, is_one_by_one).await?;
    lines.sort_by(|one, other| ask.compare(one, other));
    let (lines, has_more) = part.of_list(lines);
    Ok(Rows {
        next: part.next(lines.len()),
        data: lines.into_iter().map(|line| ask.show(line)).collect(),
        is_incomplete,
        has_more,
    })
}

/// Puts the latest events together by places in time, so many at most. Returns also whether there
/// are others.
///
/// # Errors
///
/// When the store cannot be read.
pub(super) async fn by_place(
    ask: &Ask<'_>,
    found: &Found,
    place: impl Fn(Millis) -> Option<usize>,
) -> Result<(BTreeMap<usize, Numbers>, bool), ApiError> {
    let part = Part {
        cursor: Cursor::default(),
        limit: MAX_EVENTS,
    };
    let columns: Arc<[Column]> = ask.columns.into();
    let show = move |whole: &WholeEvent| event(&columns, whole);
    let page = found.page(ask.state, ask.caller, &part, show).await?;
    let mut together = BTreeMap::<usize, Together>::new();
    for event in page.shown {
        if let Some(place) = place(event.at) {
            together.entry(place).or_default().add(event);
        }
    }
    let functions = ask.functions();
    let numbers = together.into_iter();
    let numbers = numbers.map(|(place, together)| (place, together.numbers(&functions)));
    Ok((numbers.collect(), page.has_more))
}

/// Reads events, and puts those together that look alike unless each is a row of its own.
async fn read(
    ask: &Ask<'_>,
    found: &Found,
    part: &Part,
    is_one_by_one: bool,
) -> Result<(Vec<Line>, Cursor, bool), ApiError> {
    let columns: Arc<[Column]> = ask.columns.into();
    let show = move |whole: &WholeEvent| event(&columns, whole);
    let page = found.page(ask.state, ask.caller, part, show).await?;
    let mut events = page.shown;
    add_short_ids(ask, &mut events).await?;
    let mut places = BTreeMap::<String, usize>::new();
    let mut groups: Vec<(Vec<Value>, Together)> = Vec::new();
    for (nth, event) in events.into_iter().enumerate() {
        let name = match is_one_by_one {
            true => nth.to_string(),
            false => json!(event.values).to_string(),
        };
        let place = *places.entry(name).or_insert_with(|| {
            groups.push((event.values.clone(), Together::default()));
            groups.len().saturating_sub(1)
        });
        if let Some((_, together)) = groups.get_mut(place) {
            together.add(event);
        }
    }
    let functions = ask.functions();
    let line = |(values, together): (Vec<Value>, Together)| {
        let mut line = Line {
            values,
            numbers: together.numbers(&functions),
            ..Line::default()
        };
        ask.fill(&mut line, &functions);
        line
    };
    let lines = groups.into_iter().map(line).collect();
    Ok((lines, page.next, page.has_more))
}

fn is_id(column: &Column) -> bool {
    column.shows == Shows::What(What::Id)
}

/// Reads what columns show of an event.
fn event(columns: &[Column], whole: &WholeEvent) -> Event {
    let value = |column: &Column| match &column.shows {
        Shows::What(what) => what.of_event(whole),
        Shows::Number(_) => Value::Null,
    };
    let own = columns.iter().enumerate().filter_map(|(nth, column)| {
        let Shows::Number(function) = &column.shows else {
            return None;
        };
        match function {
            Function::Values(tag) => Some((nth, whole.indexed.get(tag).map(str::to_owned))),
            Function::Projects => Some((nth, Some(whole.project.slug.clone()))),
            Function::CountIf(filter) | Function::ShareOf(filter) => {
                let is_so = filter.holds(&mut |predicate| meets(whole, predicate));
                // Each event counts, so each is another value.
                Some((nth, is_so.then(|| whole.row.seq.to_string())))
            }
            _ => None,
        }
    });
    Event {
        values: columns.iter().map(value).collect(),
        issue: whole.row.issue,
        at: whole.row.timestamp,
        user: whole.row.user,
        own: own.collect(),
    }
}

/// Decides a condition by what the event can be found by.
fn meets(whole: &WholeEvent, predicate: &EventPredicate) -> bool {
    match predicate {
        EventPredicate::Tag(name, test) => {
            let mut values = whole.indexed.iter().filter(|(key, _)| key == name);
            values.any(|(_, value)| match test {
                TagTest::Present => true,
                TagTest::Value(wanted) => wanted.matches(value),
            })
        }
        EventPredicate::Issue(issues) => issues.contains(&whole.row.issue),
        EventPredicate::GroupText(_) => true,
    }
}

/// Fills in the short ids of issues, where they are shown.
async fn add_short_ids(ask: &Ask<'_>, events: &mut [Event]) -> Result<(), ApiError> {
    let is_issue = |column: &Column| column.shows == Shows::What(What::Issue);
    let Some(place) = ask.columns.iter().position(is_issue) else {
        return Ok(());
    };
    let ids: BTreeSet<IssueId> = events.iter().map(|event| event.issue).collect();
    let ids: Vec<IssueId> = ids.into_iter().collect();
    let issues = ask.state.store.issues.get(&ids).await?;
    for event in events {
        let issue = issues.iter().find(|issue| issue.id == event.issue);
        if let (Some(value), Some(issue)) = (event.values.get_mut(place), issue) {
            *value = short(ask, issue);
        }
    }
    Ok(())
}

impl Together {
    fn add(&mut self, event: Event) {
        self.events = self.events.saturating_add(1);
        self.users.extend(event.user);
        self.issues.insert(event.issue);
        self.first = self.first.into_iter().chain([event.at]).min();
        self.last = self.last.max(Some(event.at));
        for (nth, value) in event.own {
            self.own.entry(nth).or_default().extend(value);
        }
    }

    fn numbers(self, functions: &[(usize, &Function)]) -> Numbers {
        let own = functions.iter().filter_map(|(nth, _)| {
            let mut values = self.own.get(nth)?.clone();
            values.sort_unstable();
            values.dedup();
            Some((*nth, values.len() as u64))
        });
        Numbers {
            events: self.events,
            users: self.users.len() as u64,
            issues: self.issues.len() as u64,
            first: self.first,
            last: self.last,
            own: own.collect(),
        }
    }
}
