//! From the text of a search to events: the index finds them, and what it cannot decide is looked
//! up in their bodies.

use super::access::Access;
use super::error::ApiError;
use super::extract::Pairs;
use super::issue_search::{known, read};
use super::paging::{Cursor, Part};
use super::period::period;
use super::present::WholeEvent;
use super::reading;
use crate::model::event::EventRow;
use crate::model::ids::{IssueId, ProjectId, Seq};
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::index::CountBy;
use crate::store::query::{EventPredicate, EventQuery, Expr, TagTest, TextPattern};
use crate::store::search::{EventView, Expr as Check, Query, Subject};

/// Questions to the index for one page, each of which may bring events that are not meant.
const MAX_QUESTIONS: usize = 10;

/// Which events: those of projects or of an issue, that a text asks for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Of these projects.
    pub projects: &'a [ProjectId],
    /// Of this issue.
    pub issue: Option<IssueId>,
    /// That the text asks for.
    pub text: &'a str,
}

/// A part of what was found.
#[derive(Debug)]
pub struct Page<T> {
    /// The events, as they are shown.
    pub shown: Vec<T>,
    /// The place behind them.
    pub next: Cursor,
    /// Whether anything may be there.
    pub has_more: bool,
}

/// Finds events, those that arrived last first, and shows them.
///
/// # Errors
///
/// 400 when the search or one of the query's times is not readable.
pub async fn search<T, F>(
    state: &AppState,
    caller: &Access,
    wanted: Wanted<'_>,
    query: &Pairs,
    show: F,
) -> Result<Page<T>, ApiError>
where
    T: Send + 'static,
    F: Fn(&WholeEvent) -> T + Clone + Send + 'static,
{
    let part = Part::of(query)?;
    let now = state.clock.now();
    let read = read(wanted.text, Subject::Events, now)?;
    let mut bounds = Bounds {
        filter: Expr::everything(),
        times: period(query, now)?,
    };
    if let Some(issue) = wanted.issue {
        bounds.and(Expr::Is(EventPredicate::Issue(vec![issue])));
    }
    bounds.and_tag("environment", query.all("environment"));
    let found = Found::of(state, caller, wanted.projects, &read, bounds).await?;
    found.page(state, caller, &part, show).await
}

/// What bounds a search besides its text.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// A condition on what the rows of events have: issue, environment, release, level.
    pub filter: Expr<EventPredicate>,
    /// That happened then.
    pub times: Option<Times>,
}

impl Bounds {
    /// Adds a condition.
    fn and(&mut self, more: Expr<EventPredicate>) {
        let filter = std::mem::replace(&mut self.filter, Expr::everything());
        self.filter = filter.and(more);
    }

    /// Adds that a tag has one of these values; any, when there are none.
    pub fn and_tag<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a str>) {
        let is = |value: &str| {
            let value = TagTest::Value(TextPattern::Equals(value.to_owned()));
            Expr::Is(EventPredicate::Tag(name.to_owned(), value))
        };
        let any: Vec<_> = values.map(is).collect();
        if !any.is_empty() {
            self.and(Expr::Any(any));
        }
    }
}

/// A search that is put in the terms of the index.
#[derive(Clone, Debug)]
pub struct Found {
    projects: Vec<ProjectId>,
    filter: Expr<EventPredicate>,
    times: Option<Times>,
    check: Option<Check>,
    /// The only events that can be meant.
    rows: Option<Vec<EventRow>>,
}

impl Found {
    /// Looks up what a search names.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn of(
        state: &AppState,
        caller: &Access,
        projects: &[ProjectId],
        read: &Query,
        bounds: Bounds,
    ) -> Result<Self, ApiError> {
        let known = known(state, caller, projects, read).await?;
        let plan = read.for_events(&known);
        let times = both(plan.times, bounds.times);
        let mut rows = None;
        if let Some(ids) = &plan.ids {
            let mut named = Vec::new();
            for id in ids {
                named.extend(reading::find_in(state, &plan.projects, *id).await?);
            }
            let is_among = |row: &EventRow| {
                let in_time = times
                    .as_ref()
                    .is_none_or(|times| times.contains(&row.timestamp));
                in_time && bounds.filter.holds(&mut |predicate| has(row, predicate))
            };
            named.retain(is_among);
            named.sort_by_key(|row| std::cmp::Reverse(row.seq));
            named.dedup_by_key(|row| row.seq);
            rows = Some(named);
        }
        Ok(Self {
            projects: plan.projects,
            filter: plan.filter.and(bounds.filter),
            times,
            check: plan.check,
            rows,
        })
    }

    /// Returns how many events there are as far as the index can tell, and whether that is exact.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn count(&self, state: &AppState) -> Result<(u64, bool), ApiError> {
        if let Some(rows) = &self.rows {
            return Ok((rows.len() as u64, self.check.is_none()));
        }
        let question = self.question();
        let counts = state.store.index.count(&question, CountBy::Nothing).await?;
        let sum = counts.counts.iter().map(|(_, events)| *events).sum();
        Ok((sum, self.check.is_none() && !counts.is_incomplete))
    }

    /// Shows a part of the events.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn page<T, F>(
        &self,
        state: &AppState,
        caller: &Access,
        part: &Part,
        show: F,
    ) -> Result<Page<T>, ApiError>
    where
        T: Send + 'static,
        F: Fn(&WholeEvent) -> T + Clone + Send + 'static,
    {
        let check = self.check.clone();
        let show = move |whole: &WholeEvent| {
            let is_meant = check.as_ref().is_none_or(|check| holds(whole, check));
            is_meant.then(|| show(whole))
        };
        let project_of = |id| caller.project_by_id(id).cloned();
        if let Some(rows) = &self.rows {
            let (rows, has_more) = part.of_list(rows.iter().cloned());
            let next = part.next(rows.len());
            let shown = reading::show_all(&*state.bodies, rows, project_of, show).await?;
            return Ok(Page {
                shown: shown.into_iter().flatten().collect(),
                next,
                has_more,
            });
        }
        let mut question = self.question();
        question.after = part.cursor.at.map(|(place, _)| Seq(place.0.unsigned_abs()));
        let mut shown = Vec::new();
        for _ in 0..MAX_QUESTIONS {
            let missing = part.limit.saturating_sub(shown.len() as u64);
            question.limit = u32::try_from(missing).unwrap_or(u32::MAX);
            let hits = state.store.index.find(&question).await?;
            question.after = hits.next;
            let found = reading::show_all(&*state.bodies, hits.rows, project_of, show.clone());
            shown.extend(found.await?.into_iter().flatten());
            if question.after.is_none() || shown.len() as u64 >= part.limit {
                break;
            }
        }
        let mut next = part.next(shown.len());
        next.at = question.after.map(|seq| (Millis(seq.to_i64()), 0));
        Ok(Page {
            shown,
            next,
            has_more: question.after.is_some(),
        })
    }

    /// Returns an empty part.
    #[must_use]
    pub fn nothing<T>() -> Page<T> {
        Page {
            shown: Vec::new(),
            next: Cursor::default(),
            has_more: false,
        }
    }

    /// Returns true when the index decides the search alone.
    #[must_use]
    pub fn is_of_index(&self) -> bool {
        self.check.is_none() && self.rows.is_none()
    }

    /// Returns the question to the index. It may mean more events than the search does, where the
    /// index does not decide alone.
    #[must_use]
    pub fn question(&self) -> EventQuery {
        EventQuery {
            projects: self.projects.clone(),
            filter: self.filter.clone(),
            times: self.times.clone(),
            after: None,
            limit: 0,
        }
    }
}

/// Decides what the index cannot.
fn holds(whole: &WholeEvent, check: &Check) -> bool {
    let view = EventView {
        row: &whole.row,
        event: &whole.event,
        title: &whole.title,
        culprit: &whole.culprit,
        tags: &whole.indexed,
    };
    view.holds(check)
}

/// Decides a condition by what the row of an event has.
fn has(row: &EventRow, predicate: &EventPredicate) -> bool {
    match predicate {
        EventPredicate::Issue(issues) => issues.contains(&row.issue),
        EventPredicate::Tag(name, TagTest::Value(wanted)) => match name.as_str() {
            "environment" => wanted.matches(&row.environment),
            "release" => wanted.matches(&row.release),
            "level" => wanted.matches(row.level.as_str()),
            _ => true,
        },
        _ => true,
    }
}

/// From a moment to another.
pub type Times = std::ops::RangeInclusive<Millis>;

/// Returns the times that lie in both.
fn both(one: Option<Times>, other: Option<Times>) -> Option<Times> {
    match (one, other) {
        (Some(one), Some(other)) => {
            Some((*one.start()).max(*other.start())..=(*one.end()).min(*other.end()))
        }
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_search_and_query_both_hold() {
        let times = |from, to| Some(Millis(from)..=Millis(to));
        assert_eq!(both(times(1, 5), times(3, 9)), times(3, 5));
        assert_eq!(both(None, times(3, 9)), times(3, 9));
        assert_eq!(both(times(1, 5), None), times(1, 5));
        assert_eq!(both(None, None), None);
    }
}
