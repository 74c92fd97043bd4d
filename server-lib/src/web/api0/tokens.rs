//! API tokens: of the organisation for machines, and of people. Whoever makes one cannot give it
//! more than they have themselves, and a person's token never has more than the person, whatever
//! becomes of them.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::model::catalog::ApiToken;
use crate::model::ids::{TokenId, UserId};
use crate::model::scope::{Scope, Scopes};
use crate::secret::Secret;
use crate::state::AppState;
use crate::store::NewToken;
use crate::tokens;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Body, Names, Pairs};
use crate::web::paging::{Listed, Place};
use crate::web::period::duration;
use crate::web::present::token;

/// The longest name.
const MAX_NAME: usize = 64;

/// What seeing, making and deleting the organisation's tokens takes.
const MANAGE: &[Scope] = &[Scope::OrgWrite];
/// What it takes to manage tokens with a token: one that leaked must not make others.
const WITH_A_TOKEN: &[Scope] = &[Scope::OrgAdmin];

/// A token as clients ask for one.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    name: Option<String>,
    scopes: Option<Vec<String>>,
    /// For how long it is valid, such as `90d`; for ever when absent.
    #[serde(rename = "expiresIn")]
    expires_in: Option<String>,
    /// The one project that it opens, by slug or number; all that its owner sees when absent.
    project: Option<String>,
}

/// Whose tokens a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// The sender's own: a person's, or the organisation's when a machine asks.
    Own,
    /// The organisation's.
    Organisation,
}

impl Whose {
    fn owner(self, caller: &Access) -> Option<UserId> {
        match self {
            Self::Own => caller.user().map(|user| user.id),
            Self::Organisation => None,
        }
    }

    fn require(self, caller: &Access) -> Result<(), ApiError> {
        if caller.token().is_some() {
            caller.require(WITH_A_TOKEN)?;
        }
        match self {
            Self::Own => Ok(()),
            Self::Organisation => {
                caller.require(MANAGE)?;
                caller.require_everything()
            }
        }
    }
}

/// Which token to delete.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    #[serde(rename = "tokenId")]
    id: Value,
}

pub(super) async fn of_organisation(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(name): Names<String>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.organisation(&name)?;
    let path = format!("/api/0/organizations/{name}/org-auth-tokens/");
    let place = Place {
        base: &base,
        path: &path,
        query: &query,
    };
    listed(&state, &caller, Whose::Organisation, &place).await
}

pub(super) async fn list(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    let place = Place {
        base: &base,
        path: "/api/0/api-tokens/",
        query: &query,
    };
    listed(&state, &caller, Whose::Own, &place).await
}

async fn listed(
    state: &AppState,
    caller: &Access,
    whose: Whose,
    place: &Place<'_>,
) -> Result<Listed<Value>, ApiError> {
    whose.require(caller)?;
    let owner = whose.owner(caller);
    let found = state.store.catalog.tokens(caller.own_organisation().id);
    let found = found.await?;
    let own = found.iter().filter(|token| token.owner == owner);
    let shown: Vec<_> = own.map(token::token).collect();
    Listed::whole(shown, place.query, place)
}

pub(super) async fn create_for_organisation(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(name): Names<String>,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let organisation = caller.organisation(&name)?;
    let at = state.clock.now();
    let secret = tokens::new_organisation_token(&base.to_string(), &organisation.slug, at)?;
    make(&state, &caller, Whose::Organisation, wanted, secret).await
}

pub(super) async fn create(
    State(state): State<AppState>,
    caller: Access,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let secret = tokens::new_user_token()?;
    make(&state, &caller, Whose::Own, wanted, secret).await
}

async fn make(
    state: &AppState,
    caller: &Access,
    whose: Whose,
    wanted: Wanted,
    secret: Secret,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    whose.require(caller)?;
    let default: &[Scope] = match whose {
        Whose::Own => &[],
        Whose::Organisation => &[Scope::OrgCi],
    };
    let scopes = scopes(&wanted, default)?;
    if !scopes.iter().all(|scope| caller.scopes().has(scope)) {
        return Err(ApiError::forbidden().because("a token cannot give more than it has"));
    }
    let label = wanted.name.as_deref().unwrap_or_default().trim();
    if label.is_empty() || label.chars().count() > MAX_NAME {
        let detail = format!("a name has 1 to {MAX_NAME} characters");
        return Err(ApiError::invalid("invalid_name", detail));
    }
    let at = state.clock.now();
    let life = match wanted.expires_in.as_deref() {
        None => None,
        Some(text) => Some(duration(text).ok_or_else(|| {
            ApiError::invalid("invalid_expiry", "expiresIn is a time such as 90d")
        })?),
    };
    let project = match &wanted.project {
        Some(name) => Some(caller.project_by_name(name)?.id),
        None => caller.token().and_then(|token| token.project),
    };
    // What a token's own end is, so is the end of those that it makes.
    let own_end = caller.token().and_then(|token| token.expires);
    let expires = match (life.map(|life| at.plus(life)), own_end) {
        (Some(wanted), Some(own)) => Some(wanted.min(own)),
        (wanted, own) => wanted.or(own),
    };
    let new = NewToken {
        organisation: caller.own_organisation().id,
        owner: whose.owner(caller),
        project,
        label: label.to_owned(),
        hash: secret.hash(),
        hint: secret.hint(),
        scopes,
        at,
        expires,
    };
    let made = state.store.catalog.create_token(new).await?;
    let told = format!("{} {}", made.id, made.label);
    caller.note(state, "token.create", told, made.project).await;
    tracing::info!(token.id = made.id.0, "a token was made");
    Ok((StatusCode::CREATED, Json(token::made(&made, &secret))))
}

pub(super) async fn detail_of_organisation(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, id)): Names<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    caller.organisation(&organisation)?;
    let found = find(&state, &caller, Whose::Organisation, &id).await?;
    Ok(Json(token::token(&found)))
}

pub(super) async fn detail(
    State(state): State<AppState>,
    caller: Access,
    Names(id): Names<String>,
) -> Result<Json<Value>, ApiError> {
    let found = find(&state, &caller, Whose::Own, &id).await?;
    Ok(Json(token::token(&found)))
}

pub(super) async fn delete_of_organisation(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, id)): Names<(String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.organisation(&organisation)?;
    remove(&state, &caller, Whose::Organisation, &id).await
}

pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Access,
    Names(id): Names<String>,
) -> Result<StatusCode, ApiError> {
    remove(&state, &caller, Whose::Own, &id).await
}

/// Deletes the token that the body names, as older clients ask for it.
pub(super) async fn delete_named(
    State(state): State<AppState>,
    caller: Access,
    Body(named): Body<Named>,
) -> Result<StatusCode, ApiError> {
    let id = match &named.id {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    remove(&state, &caller, Whose::Own, &id).await
}

async fn remove(
    state: &AppState,
    caller: &Access,
    whose: Whose,
    id: &str,
) -> Result<StatusCode, ApiError> {
    let found = find(state, caller, whose, id).await?;
    state.store.catalog.delete_token(found.id).await?;
    state.catalog.forget_tokens();
    let told = format!("{} {}", found.id, found.label);
    caller
        .note(state, "token.remove", told, found.project)
        .await;
    tracing::info!(token.id = found.id.0, "a token was deleted");
    Ok(StatusCode::NO_CONTENT)
}

/// Finds a token. Every token may see and delete itself.
async fn find(
    state: &AppState,
    caller: &Access,
    whose: Whose,
    id: &str,
) -> Result<ApiToken, ApiError> {
    let id: TokenId = id.parse().map_err(|_| ApiError::not_found())?;
    let is_itself = caller.token().is_some_and(|token| token.id == id);
    if !is_itself {
        whose.require(caller)?;
    }
    let owner = whose.owner(caller);
    let all = state.store.catalog.tokens(caller.own_organisation().id);
    let found = all.await?.into_iter().find(|token| token.id == id);
    found
        .filter(|token| is_itself || token.owner == owner)
        .ok_or_else(ApiError::not_found)
}

fn scopes(wanted: &Wanted, default: &[Scope]) -> Result<Scopes, ApiError> {
    let Some(names) = &wanted.scopes else {
        if default.is_empty() {
            return Err(ApiError::invalid("missing_scopes", "give scopes"));
        }
        return Ok(default.iter().copied().collect());
    };
    if names.is_empty() {
        return Err(ApiError::invalid("missing_scopes", "give scopes"));
    }
    names
        .iter()
        .map(|name| {
            Scope::from_name(name)
                .ok_or_else(|| ApiError::invalid("unknown_scope", "a scope is not known"))
        })
        .collect()
}
