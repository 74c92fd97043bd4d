//! From credentials to somebody, what they may do and what they see.

use std::collections::HashSet;
use std::sync::Arc;

use http::StatusCode;

use super::credential::Credential;
use super::is_named;
use crate::model::catalog::ApiToken;
use crate::model::ids::{OrganisationId, ProjectId, UserId};
use crate::model::people::{Login, Role, User};
use crate::model::scope::{Scope, Scopes};
use crate::people::{HostUser, PeopleView};
use crate::secret::Secret;
use crate::state::AppState;
use crate::tokens;
use crate::web::error::ApiError;

/// What a token of one project may be good for: nothing that reaches beyond the project.
const OF_ONE_PROJECT: &[Scope] = &[
    Scope::OrgRead,
    Scope::OrgCi,
    Scope::TeamRead,
    Scope::ProjectRead,
    Scope::ProjectWrite,
    Scope::ProjectAdmin,
    Scope::ProjectReleases,
    Scope::EventRead,
    Scope::EventWrite,
    Scope::EventAdmin,
    Scope::AlertsRead,
    Scope::AlertsWrite,
];

/// Who sends.
#[derive(Clone, Debug)]
pub enum Principal {
    /// A machine with a token of the organisation.
    Organisation(Arc<ApiToken>),
    /// A person.
    Person {
        /// Who it is.
        user: Arc<User>,
        /// What the person is in the organisation.
        role: Role,
        /// How that is known.
        by: By,
    },
}

/// How a person is known.
#[derive(Clone, Debug)]
pub enum By {
    /// By a token that may do at most what the person may.
    Token(Arc<ApiToken>),
    /// By having logged in.
    Login(Arc<Login>),
    /// By the program around the server.
    Host,
}

/// Finds out who it is, and in which organisation.
pub(super) async fn principal(
    state: &AppState,
    credential: &Credential,
    named: Option<&str>,
) -> Result<(Principal, OrganisationId), ApiError> {
    match credential {
        Credential::Token(secret) => of_token(state, secret).await,
        Credential::Login(secret) => of_login(state, secret, named).await,
        Credential::Host(user) => of_host(state, user, named).await,
    }
}

async fn of_token(
    state: &AppState,
    secret: &Secret,
) -> Result<(Principal, OrganisationId), ApiError> {
    tokens::form(secret.reveal()).ok_or_else(ApiError::unauthorized)?;
    let (hash, now) = (secret.hash(), state.clock.now());
    let found = state.catalog.token(&hash, now).await?;
    let token = found.ok_or_else(ApiError::unauthorized)?;
    let organisation = token.organisation;
    let Some(owner) = token.owner else {
        return Ok((Principal::Organisation(token), organisation));
    };
    let (user, role) = member(state, organisation, owner)
        .await?
        .ok_or_else(ApiError::unauthorized)?;
    let by = By::Token(token);
    Ok((Principal::Person { user, role, by }, organisation))
}

async fn of_login(
    state: &AppState,
    secret: &Secret,
    named: Option<&str>,
) -> Result<(Principal, OrganisationId), ApiError> {
    let login = state
        .people
        .login(&secret.hash(), state.clock.now())
        .await?
        .ok_or_else(ended)?;
    let people = state.people.view();
    let catalog = state.catalog.view();
    let own: Vec<_> = people.organisations_of(login.user).collect();
    // The one that the address names, or else the first.
    let wanted = named
        .and_then(|name| catalog.organisation(name))
        .map(|organisation| organisation.id)
        .filter(|id| own.contains(id));
    let organisation = wanted.or_else(|| own.first().copied()).ok_or_else(ended)?;
    let (user, role) = member(state, organisation, login.user)
        .await?
        .ok_or_else(ended)?;
    let by = By::Login(login);
    Ok((Principal::Person { user, role, by }, organisation))
}

async fn of_host(
    state: &AppState,
    named_user: &HostUser,
    named: Option<&str>,
) -> Result<(Principal, OrganisationId), ApiError> {
    let catalog = state.catalog.view();
    let organisation = match &named_user.organisation {
        Some(slug) => catalog.organisation(slug),
        None => catalog.organisations().first(),
    };
    let organisation = organisation.ok_or_else(ApiError::unauthorized)?;
    if named.is_some_and(|name| !is_named(organisation, name)) {
        return Err(ApiError::not_found());
    }
    let now = state.clock.now();
    let user = state
        .people
        .of_host(organisation.id, named_user, now)
        .await?;
    if !user.active {
        return Err(ApiError::unauthorized());
    }
    let (role, by) = (named_user.role, By::Host);
    Ok((Principal::Person { user, role, by }, organisation.id))
}

/// Finds a member who may log in, also one who is younger than what is in memory.
async fn member(
    state: &AppState,
    organisation: OrganisationId,
    id: UserId,
) -> Result<Option<(Arc<User>, Role)>, ApiError> {
    let find = || {
        let view = state.people.view();
        let user = view.user(id).map(Arc::clone);
        user.zip(view.role(organisation, id))
    };
    let found = match find() {
        Some(found) => Some(found),
        None => {
            state.people.refresh().await?;
            find()
        }
    };
    Ok(found.filter(|(user, _)| user.active))
}

/// Returns what a principal may do, and which projects it sees; `None` for all.
pub(super) fn reach(
    principal: &Principal,
    people: &PeopleView,
    organisation: OrganisationId,
) -> (Scopes, Option<HashSet<ProjectId>>) {
    let (scopes, visible) = match principal {
        Principal::Organisation(token) => (token.scopes, None),
        Principal::Person { user, role, by } => {
            let visible = people.visible(organisation, user.id, *role);
            match by {
                By::Token(token) => (token.scopes.and(role.scopes()), visible),
                By::Login(_) | By::Host => (role.scopes(), visible),
            }
        }
    };
    let only = match principal {
        Principal::Organisation(token)
        | Principal::Person {
            by: By::Token(token),
            ..
        } => token.project,
        Principal::Person { .. } => None,
    };
    let Some(only) = only else {
        return (scopes, visible);
    };
    let is_visible = visible.is_none_or(|visible| visible.contains(&only));
    let seen = is_visible.then_some(only).into_iter().collect();
    let bounded = scopes.and(OF_ONE_PROJECT.iter().copied().collect());
    (bounded, Some(seen))
}

fn ended() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "login_ended",
        "The login has ended.",
    )
}
