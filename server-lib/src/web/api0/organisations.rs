//! Organisations. A token sees its own only.

use axum::Json;
use serde_json::{Value, json};

use crate::model::scope::Scope;
use crate::web::auth::Authorized;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Names, Pairs};
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
    caller: Authorized,
    Base(base): Base,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    let own = caller.own_organisation();
    let wanted = query.first("query").unwrap_or_default().to_lowercase();
    let is_wanted = own.slug.contains(&wanted) || own.name.to_lowercase().contains(&wanted);
    let shown = is_wanted.then(|| organisation::organisation(own, &base));
    let place = Place {
        base: &base,
        path: "/api/0/organizations/",
        query: &query,
    };
    Listed::whole(shown, &query, &place)
}

pub(super) async fn detail(
    caller: Authorized,
    Base(base): Base,
    Names(name): Names<String>,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    let organisation = caller.organisation(&name)?;
    Ok(Json(organisation::organisation(organisation, &base)))
}

/// Tells that the organisation lives here.
pub(super) async fn region(
    caller: Authorized,
    Base(base): Base,
    Names(name): Names<String>,
) -> Result<Json<Value>, ApiError> {
    caller.organisation(&name)?;
    Ok(Json(json!({ "url": base.to_string() })))
}

pub(super) async fn teams(
    caller: Authorized,
    Base(base): Base,
    Names(name): Names<String>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(&[Scope::TeamRead, Scope::OrgRead])?;
    let own = caller.organisation(&name)?;
    let place = Place {
        base: &base,
        path: &format!("/api/0/organizations/{name}/teams/"),
        query: &query,
    };
    Listed::whole([organisation::team(own)], &query, &place)
}
