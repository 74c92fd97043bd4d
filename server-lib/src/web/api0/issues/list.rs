//! Lists of issues.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue};
use mini_sentry::protocol::EventId;
use serde_json::{Value, json};

use super::READ;
use super::show::{self, Wishes};
use crate::model::ids::{IssueId, ProjectId};
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::query::IssueCursor;
use crate::web::access::Access;
use crate::web::api0::stats;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Names, Pairs};
use crate::web::issue_search::{self, Asked};
use crate::web::paging::{Listed, MAX_PAGE, Part, Place};
use crate::web::reading;

/// What is listed when the query does not say.
pub(super) const DEFAULT_QUERY: &str = "is:unresolved";
/// Tells that a short id or an event's id was looked for, and this is it.
const DIRECT_HIT: HeaderName = HeaderName::from_static("x-sentry-direct-hit");
/// How far back pages are counted out, where a cursor tells no more than how many rows are before.
const MAX_BACK: u64 = 10_000;

pub(super) async fn of_organisation(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(organisation): Names<String>,
    query: Pairs,
) -> Result<Response, ApiError> {
    caller.require(READ)?;
    caller.organisation(&organisation)?;
    let projects = stats::projects(&caller, &query)?;
    let path = format!("/api/0/organizations/{organisation}/issues/");
    let place = Place {
        base: &base,
        path: &path,
        query: &query,
    };
    listed(&state, &caller, &projects, &place).await
}

pub(super) async fn of_project(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names((organisation, name)): Names<(String, String)>,
    query: Pairs,
) -> Result<Response, ApiError> {
    caller.require(READ)?;
    let project = caller.project(&organisation, &name)?;
    let path = format!("/api/0/projects/{organisation}/{name}/issues/");
    let place = Place {
        base: &base,
        path: &path,
        query: &query,
    };
    listed(&state, &caller, &[project.id], &place).await
}

/// Returns the text that is searched for. An empty one asks for everything.
pub(super) fn text(query: &Pairs) -> &str {
    let found = query.iter().find(|(key, _)| *key == "query");
    found.map_or(DEFAULT_QUERY, |(_, text)| text.trim())
}

async fn listed(
    state: &AppState,
    caller: &Access,
    projects: &[ProjectId],
    place: &Place<'_>,
) -> Result<Response, ApiError> {
    let query = place.query;
    let part = Part::of(query)?;
    let wishes = Wishes::of(query, state.clock.now())?;
    reading::settle_search(state).await;
    if let Some(hit) = direct(state, caller, projects, place, &wishes).await? {
        return Ok(hit);
    }
    let asked = Asked::of(state, caller, projects, text(query), query).await?;
    let limit = u32::try_from(part.limit).unwrap_or(u32::MAX);
    let after = match part.cursor.at {
        Some((value, id)) => Some(IssueCursor {
            value: value.0,
            id: IssueId(id),
        }),
        None => match counted_out(state, &asked, part.cursor.offset).await? {
            Walked::To(after) => after,
            Walked::Off => return Ok(empty(&part, place)),
        },
    };
    let page = asked.page(state, after, limit).await?;
    let mut next = part.next(page.issues.len());
    next.at = page.next.map(|next| (Millis(next.value), next.id.0));
    let shown = show::all(state, caller, place.base, page.issues, &wishes).await?;
    Ok(Listed::new(shown, &part, next, page.next.is_some(), place).into_response())
}

/// Where counting rows out has led.
enum Walked {
    /// To this place.
    To(Option<IssueCursor>),
    /// Beyond the end.
    Off,
}

/// Finds the place that has so many rows before it.
async fn counted_out(state: &AppState, asked: &Asked, offset: u64) -> Result<Walked, ApiError> {
    if offset > MAX_BACK {
        return Err(ApiError::invalid(
            "invalid_cursor",
            "Invalid cursor parameter.",
        ));
    }
    let mut after = None;
    let mut left = offset;
    while left > 0 {
        let step = u32::try_from(left.min(MAX_PAGE)).unwrap_or(u32::MAX);
        let page = asked.page(state, after, step).await?;
        left = left.saturating_sub(page.issues.len() as u64);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(Walked::Off),
        }
    }
    Ok(Walked::To(after))
}

fn empty(part: &Part, place: &Place<'_>) -> Response {
    Listed::<Value>::new(Vec::new(), part, part.next(0), false, place).into_response()
}

/// Answers a search that is an id and nothing else: a short id, where the caller asks for it, or an
/// event's.
async fn direct(
    state: &AppState,
    caller: &Access,
    projects: &[ProjectId],
    place: &Place<'_>,
    wishes: &Wishes,
) -> Result<Option<Response>, ApiError> {
    let text = text(place.query);
    let wants_short_ids = matches!(place.query.first("shortIdLookup"), Some("1" | "true"));
    let mut event = None;
    let issue = if let Ok(id) = text.parse::<EventId>() {
        let rows = reading::find_in(state, projects, id).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        event = Some(id);
        state.store.issues.get(&[row.issue]).await?.pop()
    } else if wants_short_ids {
        issue_search::by_short_id(state, caller, text).await?
    } else {
        None
    };
    let Some(issue) = issue.filter(|issue| projects.contains(&issue.project)) else {
        return Ok(None);
    };
    let mut shown = show::all(state, caller, place.base, vec![issue], wishes).await?;
    for shown in &mut shown {
        if let (Value::Object(shown), Some(id)) = (shown, event) {
            shown.insert("matchingEventId".to_owned(), json!(id.to_string()));
        }
    }
    let part = Part::of(&Pairs::default())?;
    let next = part.next(shown.len());
    let mut response = Listed::new(shown, &part, next, false, place).into_response();
    let headers = response.headers_mut();
    headers.insert(DIRECT_HIT, HeaderValue::from_static("1"));
    Ok(Some(response))
}

/// Searches as a list does, and returns the issues of all pages, up to `max` of them.
pub(super) async fn every(
    state: &AppState,
    caller: &Access,
    projects: &[ProjectId],
    text: &str,
    query: &Pairs,
    max: usize,
) -> Result<Vec<IssueId>, ApiError> {
    let asked = Asked::of(state, caller, projects, text, query).await?;
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let step = u32::try_from(MAX_PAGE).unwrap_or(u32::MAX);
        let page = asked.page(state, after, step).await?;
        found.extend(page.issues.iter().map(|issue| issue.id));
        after = page.next;
        if after.is_none() || found.len() >= max {
            found.truncate(max);
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_a_search_has_the_unresolved_and_one_with_an_empty_search_all() {
        let of = |pairs: &[(&str, &str)]| text(&Pairs::from_iter(pairs.iter().copied())).to_owned();
        assert_eq!(of(&[]), "is:unresolved");
        assert_eq!(of(&[("query", "")]), "");
        assert_eq!(of(&[("query", " level:error ")]), "level:error");
    }
}
