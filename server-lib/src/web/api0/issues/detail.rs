//! One issue: all that is known of it, changing it, deleting it.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::apply::apply;
use super::change::Wanted;
use super::find::{self, At, Found};
use super::show::{self, Wishes};
use super::{ADMIN, READ, WRITE};
use crate::address::BaseUrl;
use crate::model::issue::Issue;
use crate::model::release::Release;
use crate::state::AppState;
use crate::store::index::TagScope;
use crate::store::query::Page;
use crate::web::access::Access;
use crate::web::actors::{self, Directory};
use crate::web::error::ApiError;
use crate::web::extract::{Base, Body, Names};
use crate::web::issue_audit;
use crate::web::present::issue::has_seen;
use crate::web::present::project::merged;
use crate::web::present::release::version_info;
use crate::web::present::{activity, tag_values};
use crate::web::reading;

/// Entries of the history that are shown with an issue.
const HISTORY: u64 = 100;

pub(super) async fn show(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(at): Names<At>,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    reading::settle_search(&state).await;
    let found = find::issue(&state, &caller, &at).await?;
    Ok(Json(whole(&state, &caller, &base, found).await?))
}

pub(super) async fn update(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(at): Names<At>,
    Body(wanted): Body<Wanted>,
) -> Result<Response, ApiError> {
    caller.require(WRITE)?;
    if wanted.discards() {
        caller.require(ADMIN)?;
    }
    let found = find::issue(&state, &caller, &at).await?;
    let issues = [found.issue];
    if apply(&state, &caller, &issues, &wanted).await?.is_none() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let found = find::issue(&state, &caller, &at).await?;
    Ok(Json(whole(&state, &caller, &base, found).await?).into_response())
}

pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Access,
    Names(at): Names<At>,
) -> Result<StatusCode, ApiError> {
    caller.require(ADMIN)?;
    let found = find::issue(&state, &caller, &at).await?;
    let issues = [found.issue];
    let [issue] = &issues;
    state.store.issues.delete(&[issue.id]).await?;
    issue_audit::note(&state, &caller, "issue.remove", &issues, "").await;
    tracing::info!(issue.id = issue.id.0, "an issue was deleted");
    Ok(StatusCode::ACCEPTED)
}

async fn whole(
    state: &AppState,
    caller: &Access,
    base: &BaseUrl,
    found: Found,
) -> Result<Value, ApiError> {
    let issue = found.issue;
    let wishes = Wishes::of_detail(state.clock.now());
    let entries = state
        .store
        .issues
        .activity(issue.id, None, Page::first(HISTORY));
    let entries = entries.await?;
    let me = actors::me(caller);
    let people = activity::named(&entries).chain(&me);
    let directory = Directory::of(state, caller, people).await?;
    let mut history: Vec<_> = entries
        .iter()
        .map(|entry| activity::activity(entry, &directory))
        .collect();
    if (entries.len() as u64) < HISTORY {
        history.push(activity::first_seen(&issue));
    }
    let mark = show::mark(state, caller, issue.id).await?;
    let mut seen_by = Vec::new();
    if let (Some(me), Some(seen)) = (&me, mark.seen.filter(|_| has_seen(&issue, mark))) {
        let last = json!({ "lastSeen": seen.to_rfc3339() });
        seen_by.push(merged(directory.user(me), last));
    }
    let scope = TagScope::Issue(issue.id);
    let tags = state.store.index.tags(&scope, None, 0).await?;
    let tags: Vec<_> = tags.iter().map(tag_values::total).collect();
    let more = json!({
        "activity": history,
        "seenBy": seen_by,
        "tags": tags,
        "firstRelease": release(state, &issue, &issue.first_release).await?,
        "lastRelease": release(state, &issue, &issue.last_release).await?,
    });
    let shown = show::all(state, caller, base, vec![issue], &wishes).await?;
    let shown = shown.into_iter().next().ok_or_else(ApiError::not_found)?;
    Ok(merged(shown, more))
}

/// Shows a release of an issue, with what is known of it.
async fn release(state: &AppState, issue: &Issue, version: &str) -> Result<Value, ApiError> {
    if version.is_empty() {
        return Ok(Value::Null);
    }
    let found = state.store.releases.find(&[issue.project], version).await?;
    let found = found.first();
    let moment = |of: fn(&Release) -> Option<crate::model::time::Millis>| {
        found.and_then(of).map(|at| at.to_rfc3339())
    };
    Ok(json!({
        "id": found.map(|release| release.id.to_string()),
        "version": version,
        "shortVersion": version,
        "versionInfo": version_info(version),
        "dateCreated": moment(|release| Some(release.created)),
        "dateReleased": moment(|release| release.released),
        "firstEvent": moment(|release| release.first_event),
        "lastEvent": moment(|release| release.last_event),
    }))
}
