//! Keys of projects. They are named by their public key in addresses.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::catalog::{KeyLimit, ProjectKey};
use crate::model::scope::Scope;
use crate::state::AppState;
use crate::store::{KeyChange, NewKey};
use crate::tokens;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Body, Names, Pairs};
use crate::web::paging::{Listed, Place};
use crate::web::present::key;

/// The longest label.
const MAX_LABEL: usize = 64;
/// The longest window of a limit: a day.
const MAX_WINDOW: u32 = 24 * 60 * 60;

/// A key as clients ask for one, and a change of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Wanted {
    name: Option<String>,
    label: Option<String>,
    is_active: Option<bool>,
    #[serde(deserialize_with = "present")]
    rate_limit: Option<Option<Limit>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Limit {
    window: Option<u32>,
    count: Option<u32>,
}

impl Wanted {
    fn label(&self) -> Result<Option<String>, ApiError> {
        let Some(label) = self.name.as_deref().or(self.label.as_deref()) else {
            return Ok(None);
        };
        let label = label.trim();
        if label.is_empty() || label.chars().count() > MAX_LABEL {
            let detail = format!("a name has 1 to {MAX_LABEL} characters");
            return Err(ApiError::invalid("invalid_name", detail));
        }
        Ok(Some(label.to_owned()))
    }

    /// Returns the limit: null, or one without a count or window, means none.
    fn limit(&self) -> Result<Option<Option<KeyLimit>>, ApiError> {
        let Some(limit) = self.rate_limit else {
            return Ok(None);
        };
        match limit.map(|limit| (limit.window.unwrap_or(0), limit.count.unwrap_or(0))) {
            None | Some((0, _) | (_, 0)) => Ok(Some(None)),
            Some((window, count)) if window <= MAX_WINDOW => {
                Ok(Some(Some(KeyLimit { window, count })))
            }
            Some(_) => Err(ApiError::invalid(
                "invalid_limit",
                format!("the window of a limit has at most {MAX_WINDOW} seconds"),
            )),
        }
    }
}

pub(super) async fn list(
    caller: Access,
    Base(base): Base,
    Names((organisation, name)): Names<(String, String)>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(&[Scope::ProjectRead])?;
    let project = caller.project(&organisation, &name)?;
    let status = query.first("status");
    let shown = caller
        .view()
        .keys_of(project.id)
        .filter(|key| match status {
            Some("active") => key.active,
            Some("inactive") => !key.active,
            _ => true,
        })
        .map(|it| key::key(it, &base));
    let place = Place {
        base: &base,
        path: &format!("/api/0/projects/{organisation}/{name}/keys/"),
        query: &query,
    };
    Listed::whole(shown, &query, &place)
}

pub(super) async fn create(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names((organisation, name)): Names<(String, String)>,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require(&[Scope::ProjectWrite])?;
    let project = caller.project(&organisation, &name)?;
    let new = NewKey {
        project: project.id,
        public_key: tokens::new_public_key()?,
        label: wanted.label()?.unwrap_or_else(|| "Default".to_owned()),
        rate_limit: wanted.limit()?.flatten(),
        at: state.clock.now(),
    };
    let made = state.store.catalog.create_key(new).await?;
    state.catalog.refresh().await?;
    caller
        .note(&state, "key.create", told(&made), Some(made.project))
        .await;
    Ok((StatusCode::CREATED, Json(key::key(&made, &base))))
}

pub(super) async fn detail(
    caller: Access,
    Base(base): Base,
    Names((organisation, name, id)): Names<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    caller.require(&[Scope::ProjectRead])?;
    let found = find(&caller, &organisation, &name, &id)?;
    Ok(Json(key::key(&found, &base)))
}

pub(super) async fn update(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names((organisation, name, id)): Names<(String, String, String)>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Value>, ApiError> {
    caller.require(&[Scope::ProjectWrite])?;
    let found = find(&caller, &organisation, &name, &id)?;
    let change = KeyChange {
        label: wanted.label()?,
        active: wanted.is_active,
        rate_limit: wanted.limit()?,
    };
    let changed = state.store.catalog.update_key(found.id, change).await?;
    state.catalog.refresh().await?;
    caller
        .note(&state, "key.edit", told(&changed), Some(changed.project))
        .await;
    Ok(Json(key::key(&changed, &base)))
}

pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name, id)): Names<(String, String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.require(&[Scope::ProjectAdmin])?;
    let found = find(&caller, &organisation, &name, &id)?;
    state.store.catalog.delete_key(found.id).await?;
    state.catalog.refresh().await?;
    caller
        .note(&state, "key.remove", told(&found), Some(found.project))
        .await;
    Ok(StatusCode::NO_CONTENT)
}

/// Finds a key of a project by its public key or its number.
fn find(
    caller: &Access,
    organisation: &str,
    name: &str,
    id: &str,
) -> Result<Arc<ProjectKey>, ApiError> {
    let project = caller.project(organisation, name)?;
    caller
        .view()
        .keys_of(project.id)
        .find(|key| key.public_key == id || id.parse() == Ok(key.id))
        .cloned()
        .ok_or_else(ApiError::not_found)
}

/// Names a key in the audit log.
fn told(key: &ProjectKey) -> String {
    format!("{} {}", key.id, key.label)
}

/// Tells null, which removes a limit, from one that is absent.
fn present<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Option<Limit>>, D::Error> {
    Option::deserialize(input).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_set_removed_or_left() {
        let limit = |json: &str| serde_json::from_str::<Wanted>(json).unwrap().limit();
        let set = KeyLimit {
            window: 60,
            count: 5,
        };
        let json = r#"{"rateLimit":{"window":60,"count":5}}"#;
        assert_eq!(limit(json).unwrap(), Some(Some(set)));
        assert_eq!(limit(r#"{"rateLimit":null}"#).unwrap(), Some(None));
        assert_eq!(limit(r#"{"rateLimit":{"window":60}}"#).unwrap(), Some(None));
        assert_eq!(limit("{}").unwrap(), None);
        assert!(limit(r#"{"rateLimit":{"window":86401,"count":1}}"#).is_err());
    }
}
