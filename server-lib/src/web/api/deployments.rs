//! Deployments of releases.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::asked;
use crate::model::ids::{ProjectId, ReleaseId};
use crate::model::release::NewDeployment;
use crate::state::AppState;
use crate::store::query::{Page, ReleaseFilter};
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Body, Pairs};
use crate::web::paging::{Listed, Part, Place};
use crate::web::present::own_release;
use crate::web::releases::{READ, WRITE, environment, moment, note_deployment, plain, version};

/// Releases among which a number is looked up.
const MAX_RELEASES: u64 = 1_000;

pub(super) async fn list(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    let part = Part::of(&query)?;
    let projects = asked::projects(&caller, &query)?;
    let version = query.first("release").or_else(|| query.first("version"));
    let found = state
        .store
        .releases
        .deployments(&projects, version, asked::page(&part));
    let mut found = found.await?;
    let (next, has_more) = asked::cut(&part, &mut found);
    let shown = found.iter().filter_map(|deployment| {
        let project = caller.project_by_id(deployment.project)?;
        Some(own_release::deployment(deployment, project))
    });
    let place = Place {
        base: &base,
        path: "/api/deployments/",
        query: &query,
    };
    Ok(Listed::new(shown.collect(), &part, next, has_more, &place))
}

/// A deployment to note.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    project: Value,
    /// The release's name, or its number.
    release: Value,
    environment: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    started_at: Option<String>,
    #[serde(default)]
    finished_at: Option<String>,
}

pub(super) async fn create(
    State(state): State<AppState>,
    caller: Access,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require(WRITE)?;
    let project = asked::project(&caller, &wanted.project)?;
    let finished = moment("finished_at", wanted.finished_at.as_deref())?;
    let deployment = NewDeployment {
        project,
        version: named(&state, project, &wanted.release).await?,
        environment: environment(&wanted.environment)?,
        name: plain("name", wanted.name)?.unwrap_or_default(),
        url: plain("url", wanted.url)?.unwrap_or_default(),
        started: moment("started_at", wanted.started_at.as_deref())?,
        finished: finished.unwrap_or_else(|| state.clock.now()),
    };
    let made = state.store.releases.deploy(deployment).await?;
    note_deployment(&state, &caller, &made).await;
    let project = caller.project_by_id(project);
    let project = project.ok_or_else(ApiError::not_found)?;
    let shown = own_release::deployment(&made, project);
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Returns the name of the release that a body names.
async fn named(state: &AppState, project: ProjectId, release: &Value) -> Result<String, ApiError> {
    let id = match release {
        Value::String(text) => return version(text),
        Value::Number(number) => number.to_string().parse::<ReleaseId>().ok(),
        _ => None,
    };
    let filter = ReleaseFilter {
        projects: vec![project],
        ..ReleaseFilter::default()
    };
    let all = state
        .store
        .releases
        .list(&filter, Page::first(MAX_RELEASES));
    let found = all.await?.into_iter().find(|it| Some(it.id) == id);
    found.map(|release| release.version).ok_or_else(|| {
        let detail = "release is a name, or the number of a release of the project";
        ApiError::invalid("unknown_release", detail)
    })
}
