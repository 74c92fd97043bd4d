//! Projects: lists, making, changing, deleting.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::project_settings::Change;
use super::{organisations, teams};
use crate::error::ErrorKind;
use crate::model::catalog::Project;
use crate::model::ids::{ProjectId, TeamId};
use crate::model::scope::Scope;
use crate::model::slug;
use crate::state::AppState;
use crate::store::{NewKey, NewProject, ProjectChange};
use crate::tokens;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Body, Names, Pairs};
use crate::web::paging::{Listed, Place};
use crate::web::present::{person, project};

/// The longest name.
const MAX_NAME: usize = 200;
/// The longest name of a platform.
const MAX_PLATFORM: usize = 64;

const READ: &[Scope] = &[Scope::ProjectRead];

pub(super) async fn list(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(organisations::READ)?;
    listed(&state, &caller, None, &base, "/api/0/projects/", &query).await
}

pub(super) async fn of_organisation(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(name): Names<String>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(organisations::READ)?;
    caller.organisation(&name)?;
    let path = format!("/api/0/organizations/{name}/projects/");
    listed(&state, &caller, None, &base, &path, &query).await
}

pub(super) async fn of_team(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names((name, team)): Names<(String, String)>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(organisations::READ)?;
    let id = teams::find(&caller, &name, &team)?.id;
    let path = format!("/api/0/teams/{name}/{team}/projects/");
    listed(&state, &caller, Some(id), &base, &path, &query).await
}

async fn listed(
    state: &AppState,
    caller: &Access,
    team: Option<TeamId>,
    base: &crate::address::BaseUrl,
    path: &str,
    query: &Pairs,
) -> Result<Listed<Value>, ApiError> {
    let wanted = query.first("query").unwrap_or_default().to_lowercase();
    let owner = caller.own_organisation();
    let projects: Vec<_> = caller
        .projects()
        .filter(|it| team.is_none_or(|team| caller.people().has_project(team, it.id)))
        .filter(|it| it.slug.contains(&wanted) || it.name.to_lowercase().contains(&wanted))
        .collect();
    let ids: Vec<_> = projects.iter().map(|it| it.id).collect();
    let named = environments(state, &ids).await?;
    let shown = projects.into_iter().map(|it| {
        let named = named.get(&it.id).map(Vec::as_slice);
        let teams = person::teams_of(caller, it.id);
        project::summary(it, owner, &teams, named.unwrap_or_default())
    });
    Listed::whole(shown, query, &Place { base, path, query })
}

pub(super) async fn detail(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name)): Names<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    let found = caller.project(&organisation, &name)?;
    Ok(Json(show(&state, &caller, found).await?))
}

/// A project as clients ask for one.
#[derive(Debug, Deserialize)]
pub(in crate::web) struct Wanted {
    name: String,
    slug: Option<String>,
    platform: Option<String>,
}

pub(super) async fn create(
    State(state): State<AppState>,
    caller: Access,
    Names(organisation): Names<String>,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.organisation(&organisation)?;
    let made = make(&state, &caller, None, wanted).await?;
    let now = caller.renew(&state).await?;
    Ok((StatusCode::CREATED, Json(show(&state, &now, &made).await?)))
}

pub(super) async fn create_in_team(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, team)): Names<(String, String)>,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let team = teams::find(&caller, &organisation, &team)?.id;
    let made = make(&state, &caller, Some(team), wanted).await?;
    let now = caller.renew(&state).await?;
    Ok((StatusCode::CREATED, Json(show(&state, &now, &made).await?)))
}

/// Makes a project with its first key, in the team that is named, or else in the first one.
pub(in crate::web) async fn make(
    state: &AppState,
    caller: &Access,
    team: Option<TeamId>,
    wanted: Wanted,
) -> Result<Arc<Project>, ApiError> {
    caller.require(&[Scope::ProjectWrite, Scope::OrgWrite])?;
    // Whoever sees some projects only would make one that they do not see.
    caller.require_everything()?;
    let owner = caller.own_organisation();
    let name = checked_name(&wanted.name)?.to_owned();
    let slug = match wanted.slug.filter(|slug| !slug.is_empty()) {
        Some(slug) => checked_slug(slug)?,
        None => slug::from_name(&name).ok_or_else(|| {
            ApiError::invalid(
                "invalid_name",
                "the name has no letter or digit for an address; give a slug too",
            )
        })?,
    };
    let at = state.clock.now();
    let catalog = &state.store.catalog;
    let project = NewProject {
        organisation: owner.id,
        slug,
        name,
        platform: checked_platform(wanted.platform.as_deref())?,
        ingest_token: tokens::new_ingest_token()?,
        settings: crate::model::settings::ProjectSettings::default(),
        at,
    };
    let made = catalog.create_project(project).await.map_err(taken)?;
    let key = NewKey {
        project: made.id,
        public_key: tokens::new_public_key()?,
        label: "Default".to_owned(),
        rate_limit: None,
        at,
    };
    catalog.create_key(key).await?;
    let first = || caller.people().teams(owner.id).next().map(|team| team.id);
    if let Some(team) = team.or_else(first) {
        let people = state.people.store();
        people.set_project_of_team(team, made.id, true).await?;
        state.people.refresh().await?;
    }
    state.catalog.refresh().await?;
    caller
        .note(state, "project.create", &made.slug, Some(made.id))
        .await;
    Ok(Arc::new(made))
}

pub(super) async fn update(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name)): Names<(String, String)>,
    Body(change): Body<Change>,
) -> Result<Json<Value>, ApiError> {
    caller.require(&[Scope::ProjectWrite])?;
    let found = caller.project(&organisation, &name)?;
    let change = ProjectChange {
        slug: change.slug.clone().map(checked_slug).transpose()?,
        name: change
            .name
            .as_deref()
            .map(checked_name)
            .transpose()?
            .map(str::to_owned),
        platform: match &change.platform {
            Some(platform) => Some(checked_platform(platform.as_deref())?),
            None => None,
        },
        settings: change.settings(&found.settings, state.clock.now())?,
        ingest_token: None,
    };
    let changed = state.store.catalog.update_project(found.id, change).await;
    let changed = changed.map_err(taken)?;
    state.catalog.refresh().await?;
    caller
        .note(&state, "project.edit", &changed.slug, Some(changed.id))
        .await;
    Ok(Json(show(&state, &caller, &changed).await?))
}

/// Replaces the ingest token; the old one ends.
pub(super) async fn renew_ingest_token(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name)): Names<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    caller.require(&[Scope::ProjectWrite])?;
    let found = caller.project(&organisation, &name)?;
    let change = ProjectChange {
        ingest_token: Some(tokens::new_ingest_token()?),
        ..ProjectChange::default()
    };
    let changed = state.store.catalog.update_project(found.id, change).await?;
    state.catalog.refresh().await?;
    caller
        .note(
            &state,
            "project.new-ingest-token",
            &found.slug,
            Some(found.id),
        )
        .await;
    Ok(Json(json!({ "ingestToken": changed.ingest_token })))
}

pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name)): Names<(String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.require(&[Scope::ProjectAdmin])?;
    let found = caller.project(&organisation, &name)?;
    state.store.catalog.delete_project(found.id).await?;
    state.catalog.refresh().await?;
    caller
        .note(&state, "project.remove", &found.slug, Some(found.id))
        .await;
    tracing::info!(project.id = found.id.0, "a project was deleted");
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn show(
    state: &AppState,
    caller: &Access,
    found: &Project,
) -> Result<Value, ApiError> {
    let mut named = environments(state, &[found.id]).await?;
    let named = named.remove(&found.id).unwrap_or_default();
    let teams = person::teams_of(caller, found.id);
    let (owner, scopes) = (caller.own_organisation(), caller.scopes());
    Ok(project::detail(found, owner, &teams, &named, scopes))
}

/// Returns the environments that events of the projects named.
async fn environments(
    state: &AppState,
    projects: &[ProjectId],
) -> Result<HashMap<ProjectId, Vec<String>>, ApiError> {
    let mut of_project = HashMap::<_, Vec<String>>::new();
    for (project, name) in state.store.events.environments(projects).await? {
        of_project.entry(project).or_default().push(name);
    }
    Ok(of_project)
}

fn checked_name(name: &str) -> Result<&str, ApiError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        let detail = format!("a name has 1 to {MAX_NAME} characters");
        return Err(ApiError::invalid("invalid_name", detail));
    }
    Ok(name)
}

fn checked_slug(slug: String) -> Result<String, ApiError> {
    if slug::is_valid(&slug) {
        return Ok(slug);
    }
    let max = slug::MAX_SLUG;
    Err(ApiError::invalid(
        "invalid_slug",
        format!(
            "a slug has up to {max} lower-case letters, digits, - and _, begins and ends with a \
             letter or digit, and is not a number"
        ),
    ))
}

fn checked_platform(platform: Option<&str>) -> Result<Option<String>, ApiError> {
    match platform.map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) if text.len() <= MAX_PLATFORM => Ok(Some(text.to_owned())),
        Some(_) => Err(ApiError::invalid(
            "invalid_platform",
            format!("a platform has up to {MAX_PLATFORM} characters"),
        )),
    }
}

fn taken(error: crate::error::Error) -> ApiError {
    if error.kind() == ErrorKind::Conflict {
        return ApiError::new(
            StatusCode::CONFLICT,
            "slug_taken",
            "A project with this slug already exists.",
        );
    }
    error.into()
}
