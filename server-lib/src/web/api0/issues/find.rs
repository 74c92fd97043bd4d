//! Finds the issue that a path names.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::READ;
use super::show::{self, Wishes};
use crate::model::catalog::Project;
use crate::model::ids::IssueId;
use crate::model::issue::Issue;
use crate::model::short_id;
use crate::state::AppState;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Names};
use crate::web::{issue_search, reading};

/// The names in the path of an issue and of what belongs to it.
#[derive(Debug, Deserialize)]
pub(super) struct At {
    organisation: Option<String>,
    issue: String,
    #[serde(default)]
    pub(super) event: String,
    #[serde(default)]
    pub(super) key: String,
    #[serde(default)]
    pub(super) note: String,
}

impl At {
    /// Returns the address of something that belongs to the issue.
    pub(super) fn path(&self, rest: &str) -> String {
        let issue = &self.issue;
        match &self.organisation {
            Some(name) => format!("/api/0/organizations/{name}/issues/{issue}/{rest}"),
            None => format!("/api/0/issues/{issue}/{rest}"),
        }
    }
}

/// An issue that the caller may see.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) issue: Issue,
    pub(super) project: Arc<Project>,
}

/// Finds the issue by its number or short id.
pub(super) async fn issue(state: &AppState, caller: &Access, at: &At) -> Result<Found, ApiError> {
    if let Some(name) = &at.organisation {
        caller.organisation(name)?;
    }
    let mut found = look(state, caller, &at.issue).await?;
    if found.is_none() {
        // Its first event may just have come.
        reading::settle_list(state).await;
        found = look(state, caller, &at.issue).await?;
    }
    let issue = found.ok_or_else(ApiError::not_found)?;
    let project = caller.project_by_id(issue.project);
    let project = Arc::clone(project.ok_or_else(ApiError::not_found)?);
    Ok(Found { issue, project })
}

async fn look(state: &AppState, caller: &Access, name: &str) -> Result<Option<Issue>, ApiError> {
    match name.parse::<IssueId>() {
        Ok(id) => Ok(state.store.issues.get(&[id]).await?.pop()),
        Err(_) => issue_search::by_short_id(state, caller, name).await,
    }
}

/// Tells which issue has a short id.
pub(in crate::web::api0) async fn short_id(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names((organisation, id)): Names<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    caller.organisation(&organisation)?;
    reading::settle_list(&state).await;
    let issue = issue_search::by_short_id(&state, &caller, &id).await?;
    let issue = issue.ok_or_else(ApiError::not_found)?;
    let project = caller.project_by_id(issue.project);
    let project = Arc::clone(project.ok_or_else(ApiError::not_found)?);
    let short_id = short_id::write(&project.slug, issue.number);
    let id = issue.id.to_string();
    let shown = show::all(&state, &caller, &base, vec![issue], &Wishes::plain()).await?;
    Ok(Json(json!({
        "organizationSlug": caller.own_organisation().slug,
        "projectSlug": project.slug,
        "groupId": id,
        "group": shown.into_iter().next(),
        "shortId": short_id,
    })))
}
