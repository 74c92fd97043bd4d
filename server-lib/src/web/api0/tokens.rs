//! API tokens: of the organisation for machines, and of people. Whoever makes one cannot give it
//! more than they have themselves.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::model::catalog::ApiToken;
use crate::model::ids::TokenId;
use crate::model::scope::{Scope, Scopes};
use crate::secret::Secret;
use crate::state::AppState;
use crate::store::NewToken;
use crate::tokens;
use crate::web::auth::Authorized;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Body, Names, Pairs};
use crate::web::paging::{Listed, Place};
use crate::web::period::duration;
use crate::web::present::token;

/// The longest name.
const MAX_NAME: usize = 64;

/// What seeing, making and deleting tokens takes.
const MANAGE: &[Scope] = &[Scope::OrgAdmin];

/// A token as clients ask for one.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    name: Option<String>,
    scopes: Option<Vec<String>>,
    /// For how long it is valid, such as `90d`; for ever when absent.
    #[serde(rename = "expiresIn")]
    expires_in: Option<String>,
}

/// Which token to delete.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    #[serde(rename = "tokenId")]
    id: Value,
}

pub(super) async fn of_organisation(
    State(state): State<AppState>,
    caller: Authorized,
    Base(base): Base,
    Names(name): Names<String>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.organisation(&name)?;
    let path = format!("/api/0/organizations/{name}/org-auth-tokens/");
    listed(&state, &caller, &base, &path, &query).await
}

pub(super) async fn list(
    State(state): State<AppState>,
    caller: Authorized,
    Base(base): Base,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    listed(&state, &caller, &base, "/api/0/api-tokens/", &query).await
}

async fn listed(
    state: &AppState,
    caller: &Authorized,
    base: &crate::address::BaseUrl,
    path: &str,
    query: &Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(MANAGE)?;
    let found = state.store.catalog.tokens(caller.own_organisation().id);
    let shown: Vec<_> = found.await?.iter().map(token::token).collect();
    Listed::whole(shown, query, &Place { base, path, query })
}

pub(super) async fn create_for_organisation(
    State(state): State<AppState>,
    caller: Authorized,
    Base(base): Base,
    Names(name): Names<String>,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let organisation = caller.organisation(&name)?;
    let at = state.clock.now();
    let secret = tokens::new_organisation_token(&base.to_string(), &organisation.slug, at)?;
    make(&state, &caller, wanted, &[Scope::OrgCi], secret).await
}

pub(super) async fn create(
    State(state): State<AppState>,
    caller: Authorized,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    make(&state, &caller, wanted, &[], tokens::new_user_token()?).await
}

async fn make(
    state: &AppState,
    caller: &Authorized,
    wanted: Wanted,
    default_scopes: &[Scope],
    secret: Secret,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require(MANAGE)?;
    let scopes = scopes(&wanted, default_scopes)?;
    if !scopes.iter().all(|scope| caller.token().scopes.has(scope)) {
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
    // What a token's own end is, so is the end of those that it makes.
    let expires = match (life.map(|life| at.plus(life)), caller.token().expires) {
        (Some(wanted), Some(own)) => Some(wanted.min(own)),
        (wanted, own) => wanted.or(own),
    };
    let new = NewToken {
        organisation: caller.own_organisation().id,
        label: label.to_owned(),
        hash: secret.hash(),
        hint: secret.hint(),
        scopes,
        at,
        expires,
    };
    let made = state.store.catalog.create_token(new).await?;
    tracing::info!(token.id = made.id.0, "a token was made");
    Ok((StatusCode::CREATED, Json(token::made(&made, &secret))))
}

pub(super) async fn detail_of_organisation(
    State(state): State<AppState>,
    caller: Authorized,
    Names((organisation, id)): Names<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    caller.organisation(&organisation)?;
    Ok(Json(token::token(&find(&state, &caller, &id).await?)))
}

pub(super) async fn detail(
    State(state): State<AppState>,
    caller: Authorized,
    Names(id): Names<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(token::token(&find(&state, &caller, &id).await?)))
}

pub(super) async fn delete_of_organisation(
    State(state): State<AppState>,
    caller: Authorized,
    Names((organisation, id)): Names<(String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.organisation(&organisation)?;
    remove(&state, &caller, &id).await
}

pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Authorized,
    Names(id): Names<String>,
) -> Result<StatusCode, ApiError> {
    remove(&state, &caller, &id).await
}

/// Deletes the token that the body names, as older clients ask for it.
pub(super) async fn delete_named(
    State(state): State<AppState>,
    caller: Authorized,
    Body(named): Body<Named>,
) -> Result<StatusCode, ApiError> {
    let id = match &named.id {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    remove(&state, &caller, &id).await
}

async fn remove(state: &AppState, caller: &Authorized, id: &str) -> Result<StatusCode, ApiError> {
    let found = find(state, caller, id).await?;
    state.store.catalog.delete_token(found.id).await?;
    state.catalog.forget_tokens();
    tracing::info!(token.id = found.id.0, "a token was deleted");
    Ok(StatusCode::NO_CONTENT)
}

/// Finds a token of the caller's organisation. A caller may always see and delete its own.
async fn find(state: &AppState, caller: &Authorized, id: &str) -> Result<ApiToken, ApiError> {
    let id: TokenId = id.parse().map_err(|_| ApiError::not_found())?;
    if caller.token().id != id {
        caller.require(MANAGE)?;
    }
    let all = state.store.catalog.tokens(caller.own_organisation().id);
    let found = all.await?.into_iter().find(|token| token.id == id);
    found.ok_or_else(ApiError::not_found)
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
