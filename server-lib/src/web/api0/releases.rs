//! Releases, their commits and deployments, below an organisation and below a project.

use std::collections::HashSet;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::release_health::Healths;
use super::stats;
use crate::error::ErrorKind;
use crate::model::catalog::Project;
use crate::model::ids::ProjectId;
use crate::model::release::{NewDeployment, NewRelease, Placed, Release, order};
use crate::model::scope::Scope;
use crate::state::AppState;
use crate::store::query::{Page, ReleaseFilter};
use crate::web::EitherSlash;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Body, Names, Pairs};
use crate::web::paging::{Listed, Part, Place};
use crate::web::present::release as present;
use crate::web::reading;
use crate::web::releases::{
    READ, Told, WRITE, environment, moment, names, note_deployment, plain, put_action,
    version as checked,
};

const ADMIN: &[Scope] = &[Scope::ProjectReleases, Scope::ProjectAdmin, Scope::OrgCi];
/// Releases that are read for a list of one part, and for the order of releases.
const MAX_RELEASES: u64 = 1_000;

/// Returns the routes.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .either(
            "/api/0/organizations/{organisation}/releases/",
            get(list).post(create),
        )
        .either(
            "/api/0/organizations/{organisation}/releases/{version}/",
            get(detail).put(update).delete(remove),
        )
        .either(
            "/api/0/organizations/{organisation}/releases/{version}/commits/",
            get(commits),
        )
        .either(
            "/api/0/organizations/{organisation}/releases/{version}/previous-with-commits/",
            get(previous),
        )
        .either(
            "/api/0/organizations/{organisation}/releases/{version}/deploys/",
            get(deploys).post(deploy),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/releases/",
            get(list).post(create),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/releases/{version}/",
            get(detail).put(update).delete(remove),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/releases/{version}/commits/",
            get(commits),
        )
        .either(
            "/api/0/projects/{organisation}/{project}/releases/{version}/deploys/",
            get(deploys).post(deploy),
        )
}

/// The names in the path of releases.
#[derive(Debug, Deserialize)]
struct At {
    organisation: String,
    project: Option<String>,
    #[serde(default)]
    version: String,
}

impl At {
    /// Returns the projects whose releases are meant, all of which the caller may see.
    fn projects(&self, caller: &Access) -> Result<Vec<ProjectId>, ApiError> {
        caller.organisation(&self.organisation)?;
        match &self.project {
            Some(name) => Ok(vec![caller.project(&self.organisation, name)?.id]),
            None => Ok(caller.projects().map(|project| project.id).collect()),
        }
    }

    fn path(&self, rest: &str) -> String {
        let organisation = &self.organisation;
        match &self.project {
            Some(project) => format!("/api/0/projects/{organisation}/{project}/releases/{rest}"),
            None => format!("/api/0/organizations/{organisation}/releases/{rest}"),
        }
    }
}

async fn list(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(at): Names<At>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    let mut projects = at.projects(&caller)?;
    if at.project.is_none() {
        projects = stats::projects(&caller, &query)?;
    }
    let is_archived = match query.first("status") {
        None => None,
        Some("open") => Some(false),
        Some("archived") => Some(true),
        Some(_) => {
            let detail = "status is open or archived";
            return Err(ApiError::invalid("unknown_status", detail));
        }
    };
    let filter = ReleaseFilter {
        projects: projects.clone(),
        text: query
            .first("query")
            .unwrap_or_default()
            .trim()
            .to_lowercase(),
        created: None,
        is_archived,
    };
    reading::settle_list(&state).await;
    let all = state
        .store
        .releases
        .list(&filter, Page::first(MAX_RELEASES))
        .await?;
    let mut seen = HashSet::new();
    let versions = all.into_iter().map(|release| release.version);
    let versions = versions.filter(|version| seen.insert(version.clone()));
    let part = Part::of(&query)?;
    let (versions, has_more) = part.of_list(versions);
    let mut shown = Vec::with_capacity(versions.len());
    let healths = Healths::asked(&state, &query, &projects, &versions).await?;
    for version in &versions {
        shown.extend(show_with(&state, &caller, &projects, version, healths.as_ref()).await?);
    }
    let place = Place {
        base: &base,
        path: &at.path(""),
        query: &query,
    };
    Ok(Listed::new(
        shown,
        &part,
        part.next(versions.len()),
        has_more,
        &place,
    ))
}

/// Shows a version in projects; `None` when it is in none of them.
async fn show(
    state: &AppState,
    caller: &Access,
    projects: &[ProjectId],
    version: &str,
) -> Result<Option<Value>, ApiError> {
    show_with(state, caller, projects, version, None).await
}

/// Shows the same, with its health where that is asked.
async fn show_with(
    state: &AppState,
    caller: &Access,
    projects: &[ProjectId],
    version: &str,
    healths: Option<&Healths>,
) -> Result<Option<Value>, ApiError> {
    let rows = state.store.releases.find(projects, version).await?;
    let rows: Vec<(Release, &Project)> = rows
        .into_iter()
        .filter_map(|row| {
            let project = caller.project_by_id(row.project)?;
            Some((row, &**project))
        })
        .collect();
    let mut shown = present::release(&rows);
    if let (Some(healths), Some(shown)) = (healths, &mut shown) {
        let of: Vec<_> = rows.iter().map(|(row, _)| row.project).collect();
        healths.show(shown, version, &of);
    }
    Ok(shown)
}

/// Returns the rows of the version in the path, of which there is at least one.
async fn rows(state: &AppState, caller: &Access, at: &At) -> Result<Vec<Release>, ApiError> {
    let projects = at.projects(caller)?;
    reading::settle_list(state).await;
    let rows = state.store.releases.find(&projects, &at.version).await?;
    if rows.is_empty() {
        return Err(ApiError::not_found());
    }
    Ok(rows)
}

#[derive(Debug, Deserialize)]
struct Wanted {
    version: String,
    #[serde(default)]
    projects: Option<Vec<Value>>,
    #[serde(flatten)]
    told: Told,
}

async fn create(
    State(state): State<AppState>,
    caller: Access,
    Names(at): Names<At>,
    Body(wanted): Body<Wanted>,
) -> Result<Response, ApiError> {
    caller.require(WRITE)?;
    let version = checked(&wanted.version)?;
    let change = wanted.told.change()?;
    let of_path = at.projects(&caller)?;
    let projects = if at.project.is_some() {
        of_path
    } else {
        let named = named(&caller, wanted.projects.as_deref().unwrap_or_default())?;
        if named.is_empty() {
            let detail = "a release needs at least one project";
            return Err(ApiError::invalid("no_project", detail));
        }
        named
    };
    let mut is_new = false;
    for project in &projects {
        let release = NewRelease {
            project: *project,
            version: version.clone(),
            at: state.clock.now(),
            change: change.clone(),
        };
        let is_new_here = state.store.releases.put(release).await?.1;
        let action = put_action(is_new_here);
        caller.note(&state, action, &version, Some(*project)).await;
        is_new |= is_new_here;
    }
    let shown = show(&state, &caller, &at.projects(&caller)?, &version).await?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::ALREADY_REPORTED
    };
    Ok((status, Json(shown)).into_response())
}

fn named(caller: &Access, projects: &[Value]) -> Result<Vec<ProjectId>, ApiError> {
    let find = |name: &String| {
        let found = caller.project_by_name(name).map_err(|_| {
            let detail = "there is no such project, or the token does not open it";
            ApiError::invalid("unknown_project", detail)
        });
        found.map(|project| project.id)
    };
    names(projects)?.iter().map(find).collect()
}

async fn detail(
    State(state): State<AppState>,
    caller: Access,
    Names(at): Names<At>,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    let projects = at.projects(&caller)?;
    reading::settle_list(&state).await;
    let versions = std::slice::from_ref(&at.version);
    let healths = Healths::asked(&state, &query, &projects, versions).await?;
    let shown = show_with(&state, &caller, &projects, &at.version, healths.as_ref()).await?;
    shown.map(Json).ok_or_else(ApiError::not_found)
}

#[derive(Debug, Deserialize)]
struct Change {
    #[serde(default)]
    projects: Option<Vec<Value>>,
    #[serde(flatten)]
    told: Told,
}

async fn update(
    State(state): State<AppState>,
    caller: Access,
    Names(at): Names<At>,
    Body(wanted): Body<Change>,
) -> Result<Json<Value>, ApiError> {
    caller.require(WRITE)?;
    let change = wanted.told.change()?;
    let more = named(&caller, wanted.projects.as_deref().unwrap_or_default())?;
    let rows = rows(&state, &caller, &at).await?;
    let mut projects: Vec<_> = rows.iter().map(|row| row.project).collect();
    if at.project.is_none() {
        projects.extend(more);
    }
    projects.sort_unstable();
    projects.dedup();
    for project in &projects {
        let release = NewRelease {
            project: *project,
            version: at.version.clone(),
            at: state.clock.now(),
            change: change.clone(),
        };
        let (_, is_new) = state.store.releases.put(release).await?;
        let action = put_action(is_new);
        caller
            .note(&state, action, &at.version, Some(*project))
            .await;
    }
    let shown = show(&state, &caller, &projects, &at.version).await?;
    shown.map(Json).ok_or_else(ApiError::not_found)
}

async fn remove(
    State(state): State<AppState>,
    caller: Access,
    Names(at): Names<At>,
) -> Result<StatusCode, ApiError> {
    caller.require(ADMIN)?;
    for row in rows(&state, &caller, &at).await? {
        let deleted = state.store.releases.delete(row.project, &at.version).await;
        deleted.map_err(|error| match error.kind() {
            ErrorKind::Conflict => ApiError::invalid(
                "release_in_use",
                "This release is referenced by active issues and cannot be removed.",
            ),
            _ => ApiError::from(error),
        })?;
        let project = Some(row.project);
        caller
            .note(&state, "release.remove", &at.version, project)
            .await;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn commits(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(at): Names<At>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    let mut seen = HashSet::new();
    let mut shown = Vec::new();
    for row in rows(&state, &caller, &at).await? {
        let found = state
            .store
            .releases
            .commits(row.project, &at.version)
            .await?;
        let new = found.iter().filter(|commit| seen.insert(commit.id.clone()));
        shown.extend(new.map(|commit| present::commit(commit, row.created)));
    }
    let place = Place {
        base: &base,
        path: &at.path(&format!("{}/commits/", at.version)),
        query: &query,
    };
    Listed::whole(shown, &query, &place)
}

/// Shows the release before this one that has commits, or an empty object.
async fn previous(
    State(state): State<AppState>,
    caller: Access,
    Names(at): Names<At>,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    let rows = rows(&state, &caller, &at).await?;
    let projects: Vec<_> = rows.iter().map(|row| row.project).collect();
    let filter = ReleaseFilter {
        projects: projects.clone(),
        ..ReleaseFilter::default()
    };
    let all = state
        .store
        .releases
        .list(&filter, Page::first(MAX_RELEASES))
        .await?;
    let is_before = |one: &Release| {
        let mut others = rows.iter().filter(|row| row.project == one.project);
        others.any(|row| order(placed(one), placed(row)).is_lt())
    };
    let latest = all
        .iter()
        .filter(|release| release.commits > 0 && is_before(release))
        .max_by(|one, two| order(placed(one), placed(two)));
    let Some(latest) = latest else {
        return Ok(Json(json!({})));
    };
    let shown = show(&state, &caller, &projects, &latest.version).await?;
    Ok(Json(shown.unwrap_or_else(|| json!({}))))
}

fn placed(release: &Release) -> Placed<'_> {
    Placed {
        version: &release.version,
        created: release.created,
    }
}

async fn deploys(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(at): Names<At>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    let rows = rows(&state, &caller, &at).await?;
    let projects: Vec<_> = rows.iter().map(|row| row.project).collect();
    let part = Part::of(&query)?;
    let page = Page {
        offset: part.cursor.offset,
        limit: part.limit.saturating_add(1),
    };
    let releases = &state.store.releases;
    let found = releases
        .deployments(&projects, Some(&at.version), page)
        .await?;
    let limit = usize::try_from(part.limit).unwrap_or(usize::MAX);
    let shown: Vec<_> = found.iter().take(limit).map(present::deploy).collect();
    let (next, has_more) = (part.next(shown.len()), found.len() > limit);
    let place = Place {
        base: &base,
        path: &at.path(&format!("{}/deploys/", at.version)),
        query: &query,
    };
    Ok(Listed::new(shown, &part, next, has_more, &place))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deployed {
    environment: String,
    name: Option<String>,
    url: Option<String>,
    date_started: Option<String>,
    date_finished: Option<String>,
    projects: Option<Vec<Value>>,
}

async fn deploy(
    State(state): State<AppState>,
    caller: Access,
    Names(at): Names<At>,
    Body(told): Body<Deployed>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require(WRITE)?;
    let named = named(&caller, told.projects.as_deref().unwrap_or_default())?;
    let finished = moment("dateFinished", told.date_finished.as_deref())?;
    let deployment = NewDeployment {
        version: at.version.clone(),
        environment: environment(&told.environment)?,
        name: plain("name", told.name)?.unwrap_or_default(),
        url: plain("url", told.url)?.unwrap_or_default(),
        started: moment("dateStarted", told.date_started.as_deref())?,
        finished: finished.unwrap_or_else(|| state.clock.now()),
        ..NewDeployment::default()
    };
    let mut made = None;
    for row in rows(&state, &caller, &at).await? {
        if named.is_empty() || named.contains(&row.project) {
            let deployment = NewDeployment {
                project: row.project,
                ..deployment.clone()
            };
            let one = state.store.releases.deploy(deployment).await?;
            note_deployment(&state, &caller, &one).await;
            made.get_or_insert(one);
        }
    }
    let made = made.ok_or_else(|| {
        let detail = "the release is in none of these projects";
        ApiError::invalid("unknown_project", detail)
    })?;
    Ok((StatusCode::CREATED, Json(present::deploy(&made))))
}
