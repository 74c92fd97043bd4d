//! From the text of a search to events: the index finds them, and what it cannot decide is looked
//! up in their bodies.

use super::auth::Authorized;
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
use crate::store::query::{EventPredicate, EventQuery, Expr, TagTest, TextPattern};
use crate::store::search::{EventPlan, EventView, Expr as Check, Subject};

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
    caller: &Authorized,
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
    let known = known(state, caller, wanted.projects, &read).await?;
    let mut plan = read.for_events(&known);
    plan.times = both(plan.times, period(query, now)?);
    let check = plan.check.take();
    let show = move |whole: &WholeEvent| {
        let is_meant = check.as_ref().is_none_or(|check| holds(whole, check));
        is_meant.then(|| show(whole))
    };
    let project_of = |id| caller.project_by_id(id).cloned();
    if let Some(ids) = &plan.ids {
        let mut rows = Vec::new();
        for id in ids {
            rows.extend(reading::find_in(state, &plan.projects, *id).await?);
        }
        rows.retain(|row| is_among(row, &wanted, &plan, query));
        rows.sort_by_key(|row| std::cmp::Reverse(row.seq));
        rows.dedup_by_key(|row| row.seq);
        let (rows, has_more) = part.of_list(rows);
        let next = part.next(rows.len());
        let shown = reading::show_all(&*state.bodies, rows, project_of, show).await?;
        return Ok(Page {
            shown: shown.into_iter().flatten().collect(),
            next,
            has_more,
        });
    }
    let mut question = EventQuery {
        projects: plan.projects,
        filter: narrowed(plan.filter, &wanted, query),
        times: plan.times,
        after: part.cursor.at.map(|(place, _)| Seq(place.0.unsigned_abs())),
        limit: 0,
    };
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

/// Adds the issue and the query's environments.
fn narrowed(
    filter: Expr<EventPredicate>,
    wanted: &Wanted<'_>,
    query: &Pairs,
) -> Expr<EventPredicate> {
    let mut filter = filter;
    if let Some(issue) = wanted.issue {
        filter = filter.and(Expr::Is(EventPredicate::Issue(vec![issue])));
    }
    let is = |name: &str| {
        let value = TagTest::Value(TextPattern::Equals(name.to_owned()));
        Expr::Is(EventPredicate::Tag("environment".to_owned(), value))
    };
    let environments: Vec<_> = query.all("environment").map(is).collect();
    if environments.is_empty() {
        return filter;
    }
    filter.and(Expr::Any(environments))
}

/// Reports whether an event that the search names is one of those that are asked for.
fn is_among(row: &EventRow, wanted: &Wanted<'_>, plan: &EventPlan, query: &Pairs) -> bool {
    let mut environments = query.all("environment").peekable();
    let is_there = environments.peek().is_none()
        || environments.any(|environment| environment == row.environment);
    is_there
        && wanted.issue.is_none_or(|issue| issue == row.issue)
        && (plan.times.as_ref()).is_none_or(|times| times.contains(&row.timestamp))
}

type Times = std::ops::RangeInclusive<Millis>;

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
