//! Projects, with what it takes to send to them.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde_json::Value;

use crate::model::catalog::Project;
use crate::model::scope::Scope;
use crate::state::AppState;
use crate::web::access::Access;
use crate::web::api0::projects::{Wanted, make};
use crate::web::error::ApiError;
use crate::web::extract::{Base, Body};
use crate::web::present::project;

pub(super) async fn list(caller: Access, Base(base): Base) -> Result<Json<Vec<Value>>, ApiError> {
    caller.require(&[Scope::ProjectRead, Scope::OrgRead])?;
    let show = |it: &Project| {
        let key = caller.view().keys_of(it.id).find(|key| key.active);
        let key = key.map(|key| &**key);
        project::own(it, caller.own_organisation(), key, &base)
    };
    Ok(Json(caller.projects().map(|it| show(it)).collect()))
}

pub(super) async fn create(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let owner = caller.own_organisation();
    let made = make(&state, &caller, None, wanted).await?;
    let view = state.catalog.view();
    let key = view.keys_of(made.id).next().map(|key| &**key);
    let shown = project::own(&made, owner, key, &base);
    Ok((StatusCode::CREATED, Json(shown)))
}
