//! What the events of projects have in common: tags with their values.

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::issues::listed_values;
use super::stats;
use crate::model::scope::Scope;
use crate::state::AppState;
use crate::store::index::TagScope;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Names, Pairs};
use crate::web::paging::{Listed, Place};
use crate::web::present::tag_values;
use crate::web::reading;

const READ: &[Scope] = &[Scope::EventRead, Scope::OrgRead, Scope::ProjectRead];

pub(super) async fn of_organisation(
    State(state): State<AppState>,
    caller: Access,
    Names(organisation): Names<String>,
    query: Pairs,
) -> Result<Json<Vec<Value>>, ApiError> {
    caller.require(READ)?;
    caller.organisation(&organisation)?;
    let scope = TagScope::Projects(stats::projects(&caller, &query)?);
    listed(&state, &scope).await
}

pub(super) async fn of_project(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name)): Names<(String, String)>,
) -> Result<Json<Vec<Value>>, ApiError> {
    caller.require(READ)?;
    let project = caller.project(&organisation, &name)?;
    listed(&state, &TagScope::Projects(vec![project.id])).await
}

pub(super) async fn values_in_organisation(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names((organisation, key)): Names<(String, String)>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    caller.organisation(&organisation)?;
    let scope = TagScope::Projects(stats::projects(&caller, &query)?);
    let place = Place {
        base: &base,
        path: &format!("/api/0/organizations/{organisation}/tags/{key}/values/"),
        query: &query,
    };
    reading::settle_search(&state).await;
    listed_values(&state, &scope, &key, &place).await
}

pub(super) async fn values_in_project(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names((organisation, name, key)): Names<(String, String, String)>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    let project = caller.project(&organisation, &name)?;
    let place = Place {
        base: &base,
        path: &format!("/api/0/projects/{organisation}/{name}/tags/{key}/values/"),
        query: &query,
    };
    reading::settle_search(&state).await;
    listed_values(&state, &TagScope::Projects(vec![project.id]), &key, &place).await
}

async fn listed(state: &AppState, scope: &TagScope) -> Result<Json<Vec<Value>>, ApiError> {
    reading::settle_search(state).await;
    let tags = state.store.index.tags(scope, None, 0).await?;
    Ok(Json(tags.iter().map(tag_values::total).collect()))
}
