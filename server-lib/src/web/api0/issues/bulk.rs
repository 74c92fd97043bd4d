//! Changes and deletions of many issues: of those whose numbers are given, or of all that a search
//! finds.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::apply::apply;
use super::change::Wanted;
use super::{ADMIN, WRITE, list};
use crate::model::ids::ProjectId;
use crate::model::issue::{Issue, IssueStatus};
use crate::state::AppState;
use crate::web::access::Access;
use crate::web::api0::stats;
use crate::web::error::ApiError;
use crate::web::extract::{Body, Names, Pairs};
use crate::web::{issue_audit, issue_search, reading};

/// Issues that one request changes.
const MAX_ISSUES: usize = 10_000;
/// Issues that are read or written at once.
const STEP: usize = 500;

pub(super) async fn change_in_organisation(
    State(state): State<AppState>,
    caller: Access,
    Names(organisation): Names<String>,
    query: Pairs,
    Body(wanted): Body<Wanted>,
) -> Result<Response, ApiError> {
    caller.require(WRITE)?;
    caller.organisation(&organisation)?;
    let projects = stats::projects(&caller, &query)?;
    change(&state, &caller, &projects, &query, &wanted).await
}

pub(super) async fn change_in_project(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name)): Names<(String, String)>,
    query: Pairs,
    Body(wanted): Body<Wanted>,
) -> Result<Response, ApiError> {
    caller.require(WRITE)?;
    let project = caller.project(&organisation, &name)?;
    change(&state, &caller, &[project.id], &query, &wanted).await
}

pub(super) async fn delete_in_organisation(
    State(state): State<AppState>,
    caller: Access,
    Names(organisation): Names<String>,
    query: Pairs,
) -> Result<StatusCode, ApiError> {
    caller.require(ADMIN)?;
    caller.organisation(&organisation)?;
    let projects = stats::projects(&caller, &query)?;
    delete(&state, &caller, &projects, &query).await
}

pub(super) async fn delete_in_project(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name)): Names<(String, String)>,
    query: Pairs,
) -> Result<StatusCode, ApiError> {
    caller.require(ADMIN)?;
    let project = caller.project(&organisation, &name)?;
    delete(&state, &caller, &[project.id], &query).await
}

async fn change(
    state: &AppState,
    caller: &Access,
    projects: &[ProjectId],
    query: &Pairs,
    wanted: &Wanted,
) -> Result<Response, ApiError> {
    if wanted.discards() {
        caller.require(ADMIN)?;
    }
    let issues = selected(state, caller, projects, query).await?;
    if issues.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let done = apply(state, caller, &issues, wanted).await?;
    Ok(match done {
        Some(done) => Json(done).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn delete(
    state: &AppState,
    caller: &Access,
    projects: &[ProjectId],
    query: &Pairs,
) -> Result<StatusCode, ApiError> {
    let issues = selected(state, caller, projects, query).await?;
    for step in issues.chunks(STEP) {
        let ids: Vec<_> = step.iter().map(|issue| issue.id).collect();
        state.store.issues.delete(&ids).await?;
        issue_audit::note(state, caller, "issue.remove", step, "").await;
    }
    tracing::info!(issues = issues.len(), "issues were deleted");
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the issues that a request means, of those that the caller may see: those of `id`, else
/// those that `query` finds. Either way only those of `status`, where it is given.
async fn selected(
    state: &AppState,
    caller: &Access,
    projects: &[ProjectId],
    query: &Pairs,
) -> Result<Vec<Issue>, ApiError> {
    let statuses = query
        .all("status")
        .map(|name| {
            let unknown = || ApiError::invalid("unknown_status", "the query's status is unknown");
            // What is ignored was once called muted, and still is by the command line.
            let name = if name == "muted" { "ignored" } else { name };
            IssueStatus::from_name(name).ok_or_else(unknown)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let named = issue_search::ids(query.all("id"))?;
    reading::settle_search(state).await;
    let ids = if named.is_empty() {
        let says_query = query.iter().any(|(key, _)| key == "query");
        // Who names a status means all of that status.
        let text = match says_query || statuses.is_empty() {
            true => list::text(query),
            false => "",
        };
        list::every(state, caller, projects, text, query, MAX_ISSUES).await?
    } else {
        named
    };
    if ids.len() > MAX_ISSUES {
        let detail = format!("no more than {MAX_ISSUES} issues are changed at once");
        return Err(ApiError::invalid("too_many_issues", detail));
    }
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for step in ids.chunks(STEP) {
        for issue in state.store.issues.get(step).await? {
            let is_meant = projects.contains(&issue.project)
                && (statuses.is_empty() || statuses.contains(&issue.state.status));
            // Two numbers may lead to one issue, when it took the other in.
            if is_meant && seen.insert(issue.id) {
                found.push(issue);
            }
        }
    }
    Ok(found)
}
