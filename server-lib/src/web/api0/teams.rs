//! Teams: lists, making, changing, deleting, and which projects they have.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::{members, projects};
use crate::error::ErrorKind;
use crate::model::ids::TeamId;
use crate::model::people::Team;
use crate::model::scope::Scope;
use crate::model::slug;
use crate::state::AppState;
use crate::store::people::{NewTeam, TeamChange};
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Body, Names, Pairs};
use crate::web::paging::{Listed, Place};
use crate::web::present::person;

const READ: &[Scope] = &[Scope::TeamRead, Scope::OrgRead];
const WRITE: &[Scope] = &[Scope::TeamWrite, Scope::OrgWrite];
const ADMIN: &[Scope] = &[Scope::TeamAdmin];

/// A team as clients ask for one, and a change of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    name: Option<String>,
    slug: Option<String>,
}

impl Wanted {
    fn name(&self) -> Result<Option<String>, ApiError> {
        let name = self.name.as_deref().map(members::checked_name);
        Ok(name.transpose()?.filter(|name| !name.is_empty()))
    }

    fn slug(&self) -> Result<Option<String>, ApiError> {
        let Some(slug) = self.slug.clone().filter(|slug| !slug.is_empty()) else {
            return Ok(None);
        };
        match slug::is_valid(&slug) {
            true => Ok(Some(slug)),
            false => Err(ApiError::invalid(
                "invalid_slug",
                "a slug has lower-case letters, digits, - and _, and is not a number",
            )),
        }
    }
}

pub(super) async fn list(
    caller: Access,
    Base(base): Base,
    Names(name): Names<String>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    let organisation = caller.organisation(&name)?.id;
    caller.require(READ)?;
    let shown: Vec<_> = caller
        .people()
        .teams(organisation)
        .map(|team| person::team_with_projects(&caller, team))
        .collect();
    let place = Place {
        base: &base,
        path: &format!("/api/0/organizations/{name}/teams/"),
        query: &query,
    };
    Listed::whole(shown, &query, &place)
}

pub(super) async fn create(
    State(state): State<AppState>,
    caller: Access,
    Names(name): Names<String>,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let organisation = caller.organisation(&name)?.id;
    caller.require(WRITE)?;
    caller.require_everything()?;
    let (name, slug) = (wanted.name()?, wanted.slug()?);
    let slug = slug.or_else(|| slug::from_name(name.as_deref()?));
    let slug = slug.ok_or_else(|| {
        ApiError::invalid("invalid_name", "give a name or slug with a letter or digit")
    })?;
    let new = NewTeam {
        organisation,
        name: name.unwrap_or_else(|| slug.clone()),
        slug,
        at: state.clock.now(),
    };
    let made = state.people.store().create_team(new).await.map_err(taken)?;
    state.people.refresh().await?;
    caller.note(&state, "team.create", &made.slug, None).await;
    let now = caller.renew(&state).await?;
    let shown = person::team_with_projects(&now, &made);
    Ok((StatusCode::CREATED, Json(shown)))
}

pub(super) async fn detail(
    caller: Access,
    Names((organisation, name)): Names<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let team = find(&caller, &organisation, &name)?;
    caller.require(READ)?;
    Ok(Json(person::team_with_projects(&caller, team)))
}

pub(super) async fn update(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name)): Names<(String, String)>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Value>, ApiError> {
    let team = find(&caller, &organisation, &name)?;
    caller.require(WRITE)?;
    caller.require_everything()?;
    let change = TeamChange {
        slug: wanted.slug()?,
        name: wanted.name()?,
    };
    let changed = state.people.store().update_team(team.id, change).await;
    let changed = changed.map_err(taken)?;
    state.people.refresh().await?;
    caller.note(&state, "team.edit", &changed.slug, None).await;
    let now = caller.renew(&state).await?;
    Ok(Json(person::team_with_projects(&now, &changed)))
}

pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name)): Names<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let team = find(&caller, &organisation, &name)?;
    caller.require(ADMIN)?;
    caller.require_everything()?;
    state.people.store().delete_team(team.id).await?;
    state.people.refresh().await?;
    caller.note(&state, "team.remove", &team.slug, None).await;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn members(
    caller: Access,
    Base(base): Base,
    Names((organisation, name)): Names<(String, String)>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    let team = find(&caller, &organisation, &name)?;
    caller.require(members::READ)?;
    let people = caller.people();
    let shown: Vec<_> = people
        .members(team.organisation)
        .filter(|(member, _)| people.is_in(team.id, member.user))
        .map(|(member, user)| person::member(&caller, member, user))
        .collect();
    let place = Place {
        base: &base,
        path: &format!("/api/0/teams/{organisation}/{name}/members/"),
        query: &query,
    };
    Listed::whole(shown, &query, &place)
}

pub(super) async fn of_project(
    caller: Access,
    Base(base): Base,
    Names((organisation, name)): Names<(String, String)>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    let project = caller.project(&organisation, &name)?;
    caller.require(&[Scope::ProjectRead])?;
    let place = Place {
        base: &base,
        path: &format!("/api/0/projects/{organisation}/{name}/teams/"),
        query: &query,
    };
    Listed::whole(person::teams_of(&caller, project.id), &query, &place)
}

/// Gives a project to a team.
pub(super) async fn add_project(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name, team)): Names<(String, String, String)>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let shown = set_project(&state, &caller, (&organisation, &name, &team), true).await?;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Takes a project away from a team.
pub(super) async fn remove_project(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name, team)): Names<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let shown = set_project(&state, &caller, (&organisation, &name, &team), false).await?;
    Ok(Json(shown))
}

async fn set_project(
    state: &AppState,
    caller: &Access,
    (organisation, name, team): (&str, &str, &str),
    is_of: bool,
) -> Result<Value, ApiError> {
    let project = caller.project(organisation, name)?;
    let team = find(caller, organisation, team)?;
    caller.require(&[Scope::ProjectWrite])?;
    caller.require_everything()?;
    let people = state.people.store();
    people
        .set_project_of_team(team.id, project.id, is_of)
        .await?;
    state.people.refresh().await?;
    let action = match is_of {
        true => "project.add-team",
        false => "project.remove-team",
    };
    let told = format!("{} {}", project.slug, team.slug);
    caller.note(state, action, told, Some(project.id)).await;
    projects::show(state, &caller.renew(state).await?, project).await
}

/// Finds a team by slug or number.
pub(super) fn find<'a>(
    caller: &'a Access,
    organisation: &str,
    name: &str,
) -> Result<&'a Team, ApiError> {
    let organisation = caller.organisation(organisation)?.id;
    let found = caller.people().team(organisation, name);
    found.ok_or_else(ApiError::not_found)
}

/// Finds the teams that a client names.
pub(super) fn named(caller: &Access, names: &[String]) -> Result<Vec<TeamId>, ApiError> {
    let organisation = caller.own_organisation().id;
    names
        .iter()
        .map(|name| {
            let found = caller.people().team(organisation, name);
            found
                .map(|team| team.id)
                .ok_or_else(|| ApiError::invalid("unknown_team", "a team is not known"))
        })
        .collect()
}

fn taken(error: crate::error::Error) -> ApiError {
    if error.kind() == ErrorKind::Conflict {
        let detail = "A team with this slug already exists.";
        return ApiError::new(StatusCode::CONFLICT, "slug_taken", detail);
    }
    error.into()
}
