//! Organisations. Whoever asks sees their own only.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::scope::Scope;
use crate::state::AppState;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Body, Names, Pairs};
use crate::web::paging::{Listed, Place};
use crate::web::present::organisation;

/// What reading an organisation takes. Tokens of build machines need it to find their way.
pub(super) const READ: &[Scope] = &[
    Scope::OrgRead,
    Scope::OrgCi,
    Scope::OrgIntegrations,
    Scope::ProjectRead,
    Scope::ProjectReleases,
];

pub(super) async fn list(
    caller: Access,
    Base(base): Base,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    let own = caller.own_organisation();
    let wanted = query.first("query").unwrap_or_default().to_lowercase();
    let is_wanted = own.slug.contains(&wanted) || own.name.to_lowercase().contains(&wanted);
    let is_open = caller.people().is_open(own.id);
    let shown = is_wanted.then(|| organisation::organisation(own, is_open, &base));
    let place = Place {
        base: &base,
        path: "/api/0/organizations/",
        query: &query,
    };
    Listed::whole(shown, &query, &place)
}

pub(super) async fn detail(
    caller: Access,
    Base(base): Base,
    Names(name): Names<String>,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    let organisation = caller.organisation(&name)?;
    let is_open = caller.people().is_open(organisation.id);
    Ok(Json(organisation::organisation(
        organisation,
        is_open,
        &base,
    )))
}

/// What may be changed in an organisation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Change {
    /// Whether members see all projects, or those of their teams only.
    open_membership: Option<bool>,
}

pub(super) async fn update(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(name): Names<String>,
    Body(change): Body<Change>,
) -> Result<Json<Value>, ApiError> {
    let organisation = caller.organisation(&name)?;
    caller.require(&[Scope::OrgWrite])?;
    caller.require_everything()?;
    if let Some(is_open) = change.open_membership {
        let people = state.people.store();
        people.set_open(organisation.id, is_open).await?;
        state.people.refresh().await?;
        let told = format!("open membership {}", if is_open { "on" } else { "off" });
        caller.note(&state, "org.edit", told, None).await;
    }
    let is_open = state.people.view().is_open(organisation.id);
    Ok(Json(organisation::organisation(
        organisation,
        is_open,
        &base,
    )))
}

/// Tells that the organisation lives here.
pub(super) async fn region(
    caller: Access,
    Base(base): Base,
    Names(name): Names<String>,
) -> Result<Json<Value>, ApiError> {
    caller.organisation(&name)?;
    Ok(Json(json!({ "url": base.to_string() })))
}

/// Lists no repositories. Nothing here reads them, so clients that set the commits of a release
/// have to take the commits from the folder that they run in, and tell them whole.
pub(super) async fn repositories(
    caller: Access,
    Base(base): Base,
    Names(name): Names<String>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    caller.organisation(&name)?;
    let place = Place {
        base: &base,
        path: &format!("/api/0/organizations/{name}/repos/"),
        query: &query,
    };
    Listed::whole([], &query, &place)
}
