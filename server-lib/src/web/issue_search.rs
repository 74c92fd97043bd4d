//! From the text of a search to questions for the store: what the text names is looked up, and what
//! the query's other parameters ask for is added.

use std::collections::HashMap;

use super::access::Access;
use super::actors;
use super::error::ApiError;
use super::extract::Pairs;
use super::period::period;
use super::reading;
use crate::model::ids::{IssueId, ProjectId};
use crate::model::issue::{Issue, IssueStatus};
use crate::model::release::{Placed, Release, order};
use crate::model::short_id;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::query::{
    Expr, Interval, IssueCursor, IssueOrder, IssuePage, IssuePredicate, IssueQuery, Page,
    ReleaseFilter, TagTest, TextPattern,
};
use crate::store::search::{Known, KnownRelease, ParseOptions, Query, Subject, parse};

/// Issues that were seen in so long a time are listed when the caller does not say.
const DEFAULT_PERIOD: i64 = 90 * Millis::DAY;
/// Releases that a search looks at.
const MAX_RELEASES: u64 = 1_000;
/// Questions to the store for one page, each of which looks at a bounded number of issues.
const MAX_QUESTIONS: usize = 8;

/// Which issues, in which order.
#[derive(Clone, Debug)]
pub struct Asked {
    projects: Vec<ProjectId>,
    filter: Expr<IssuePredicate>,
    order: IssueOrder,
}

/// Reads the text of a search.
///
/// # Errors
///
/// 400 when it cannot be read; the answer names the place.
pub fn read(text: &str, subject: Subject, now: Millis) -> Result<Query, ApiError> {
    Ok(parse(text, &ParseOptions::new(subject, now))?)
}

/// Looks up what a search names by words that only this install knows.
///
/// # Errors
///
/// When the store cannot be read.
pub async fn known(
    state: &AppState,
    caller: &Access,
    projects: &[ProjectId],
    query: &Query,
) -> Result<Known, ApiError> {
    let unknown = query.unknown();
    let mut known = Known {
        now: state.clock.now(),
        me: actors::me(caller),
        my_teams: actors::my_teams(caller),
        ..Known::default()
    };
    for id in projects {
        if let Some(project) = caller.project_by_id(*id) {
            known.projects.push((*id, project.slug.clone()));
        }
    }
    for slug in &unknown.teams {
        if let Some(team) = actors::team(caller, slug) {
            known.teams.insert(slug.clone(), team);
        }
    }
    for name in &unknown.people {
        if let Some(actor) = actors::person(caller, name) {
            known.people.insert(name.clone(), actor);
        }
    }
    for text in &unknown.issues {
        if let Some(issue) = by_short_id(state, caller, text).await? {
            known.issues.insert(text.clone(), issue.id);
        }
    }
    for id in &unknown.events {
        let rows = reading::find_in(state, projects, *id).await?;
        known
            .events
            .extend(rows.first().map(|row| (*id, row.issue)));
    }
    if unknown.releases {
        known.releases = releases(state, projects).await?;
    }
    Ok(known)
}

/// Finds the issue of a short id among those that the caller may see.
///
/// # Errors
///
/// When the store cannot be read.
pub async fn by_short_id(
    state: &AppState,
    caller: &Access,
    text: &str,
) -> Result<Option<Issue>, ApiError> {
    let Some((slug, number)) = short_id::read(text) else {
        return Ok(None);
    };
    let Some(project) = caller.projects().find(|project| project.slug == slug) else {
        return Ok(None);
    };
    Ok(state.store.issues.by_number(project.id, number).await?)
}

async fn releases(state: &AppState, projects: &[ProjectId]) -> Result<Vec<KnownRelease>, ApiError> {
    let filter = ReleaseFilter {
        projects: projects.to_vec(),
        ..ReleaseFilter::default()
    };
    let all = state
        .store
        .releases
        .list(&filter, Page::first(MAX_RELEASES));
    let all = all.await?;
    let mut latest: HashMap<ProjectId, &Release> = HashMap::new();
    for release in &all {
        let newest = latest.entry(release.project).or_insert(release);
        if order(placed(release), placed(newest)).is_gt() {
            *newest = release;
        }
    }
    let is_latest = |release: &Release| {
        let newest = latest.get(&release.project);
        newest.is_some_and(|newest| newest.id == release.id)
    };
    Ok(all
        .iter()
        .map(|release| KnownRelease {
            name: release.version.clone(),
            is_latest: is_latest(release),
            stage: None,
        })
        .collect())
}

fn placed(release: &Release) -> Placed<'_> {
    Placed {
        version: &release.version,
        created: release.created,
    }
}

impl Asked {
    /// Puts a question together from the text of a search and the request's other parameters:
    /// `environment`, `statsPeriod` or `start` and `end`, and `sort`.
    ///
    /// # Errors
    ///
    /// 400 when one of them is not readable.
    pub async fn of(
        state: &AppState,
        caller: &Access,
        projects: &[ProjectId],
        text: &str,
        query: &Pairs,
    ) -> Result<Self, ApiError> {
        let now = state.clock.now();
        let read = read(text, Subject::Issues, now)?;
        let known = known(state, caller, projects, &read).await?;
        let plan = read.for_issues(&known)?;
        let times = period(query, now)?.unwrap_or(now.plus(-DEFAULT_PERIOD)..=Millis(i64::MAX));
        let mut filter = plan.filter.and(Expr::Is(IssuePredicate::LastSeen(Interval {
            from: Some(*times.start()),
            to: None,
        })));
        if *times.end() < now {
            filter = filter.and(Expr::Is(IssuePredicate::FirstSeen(Interval {
                from: None,
                to: Some(*times.end()),
            })));
        }
        if let Some(environments) = environments(query) {
            filter = filter.and(environments);
        }
        Ok(Self {
            projects: plan.projects,
            filter,
            order: sorted_by(query.first("sort"))?,
        })
    }

    /// Narrows to issues of a status.
    #[must_use]
    pub fn of_status(self, status: IssueStatus) -> Self {
        let filter = self.filter.and(Expr::Is(IssuePredicate::Status(status)));
        Self { filter, ..self }
    }

    /// Returns the question for issues behind a place.
    #[must_use]
    pub fn after(&self, after: Option<IssueCursor>, limit: u32) -> IssueQuery {
        IssueQuery {
            projects: self.projects.clone(),
            filter: self.filter.clone(),
            order: self.order,
            after,
            limit,
        }
    }

    /// Returns up to `limit` issues behind a place. A page is short only at the end, or when the
    /// search is so seldom met that many pages would have to be looked through.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn page(
        &self,
        state: &AppState,
        after: Option<IssueCursor>,
        limit: u32,
    ) -> Result<IssuePage, ApiError> {
        let mut all = IssuePage::default();
        let mut after = after;
        for _ in 0..MAX_QUESTIONS {
            let missing = usize::try_from(limit).unwrap_or(usize::MAX);
            let missing = missing.saturating_sub(all.issues.len());
            let missing = u32::try_from(missing).unwrap_or(u32::MAX);
            let page = state
                .store
                .issues
                .search(&self.after(after, missing))
                .await?;
            all.issues.extend(page.issues);
            all.next = page.next;
            after = page.next;
            if after.is_none() || all.issues.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
                break;
            }
        }
        Ok(all)
    }
}

/// Returns the condition that the query's environments make.
fn environments(query: &Pairs) -> Option<Expr<IssuePredicate>> {
    let is = |name: &str| {
        let value = TagTest::Value(TextPattern::Equals(name.to_owned()));
        Expr::Is(IssuePredicate::Tag("environment".to_owned(), value))
    };
    let all: Vec<_> = query.all("environment").map(is).collect();
    (!all.is_empty()).then_some(Expr::Any(all))
}

fn sorted_by(sort: Option<&str>) -> Result<IssueOrder, ApiError> {
    Ok(match sort.unwrap_or("date").trim_start_matches('-') {
        "date" | "inbox" | "lastSeen" => IssueOrder::LastSeen,
        "new" | "age" | "firstSeen" => IssueOrder::FirstSeen,
        "freq" | "trends" => IssueOrder::Events,
        "user" => IssueOrder::Users,
        "priority" | "recommended" | "better_priority" => IssueOrder::Priority,
        _ => {
            let detail = "sort is one of date, new, freq, user, priority, recommended, trends and \
                inbox";
            return Err(ApiError::invalid("unknown_sort", detail));
        }
    })
}

/// Reads numbers of issues.
///
/// # Errors
///
/// 400 when one is no number.
pub fn ids<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Vec<IssueId>, ApiError> {
    let read = |text: &str| {
        text.trim()
            .parse::<IssueId>()
            .map_err(|_| ApiError::invalid("invalid_id", "an issue's id is a number"))
    };
    texts.flat_map(|text| text.split(',')).map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_names_of_orders_are_known() {
        for (sort, order) in [
            (None, IssueOrder::LastSeen),
            (Some("freq"), IssueOrder::Events),
            (Some("-date"), IssueOrder::LastSeen),
            (Some("user"), IssueOrder::Users),
            (Some("recommended"), IssueOrder::Priority),
        ] {
            assert_eq!(sorted_by(sort).unwrap(), order, "{sort:?}");
        }
        assert!(sorted_by(Some("colour")).is_err());
    }

    #[test]
    fn ids_may_repeat_and_stand_together() {
        let read = |texts: &[&str]| ids(texts.iter().copied());
        assert_eq!(read(&["1", "2,3"]).unwrap(), [1, 2, 3].map(IssueId));
        assert!(read(&["x"]).is_err());
        assert!(read(&["1,"]).is_err());
    }
}
