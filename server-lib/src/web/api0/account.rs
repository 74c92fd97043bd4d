//! The sender's own account: who they are, their password, and where they are logged in.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::members::checked_name;
use crate::error::ErrorKind;
use crate::model::ids::LoginId;
use crate::model::people::Email;
use crate::people::{Credentials, NotLetIn};
use crate::secret::Secret;
use crate::state::AppState;
use crate::store::people::UserChange;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Body, Names};
use crate::web::login::refuse;
use crate::web::present::person;

/// What people may change of their account.
#[derive(Debug, Deserialize)]
pub(super) struct Change {
    name: Option<String>,
    email: Option<String>,
}

/// A new password, and the old one as proof.
#[derive(Deserialize)]
pub(super) struct NewPassword {
    password: Option<String>,
    #[serde(rename = "passwordNew")]
    new: String,
}

impl std::fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewPassword(…)")
    }
}

/// Tells who sends.
pub(super) async fn show(caller: Access) -> Json<Value> {
    Json(person::sender(&caller))
}

pub(super) async fn update(
    State(state): State<AppState>,
    caller: Access,
    Body(change): Body<Change>,
) -> Result<Json<Value>, ApiError> {
    let user = caller.require_person()?;
    let email = match &change.email {
        None => None,
        Some(text) => Some(Email::parse(text).ok_or_else(|| {
            ApiError::invalid("invalid_email", "the email is no address of a person")
        })?),
    };
    let name = change.name.as_deref().map(checked_name).transpose()?;
    let change = UserChange {
        email,
        name: name.filter(|name| !name.is_empty()),
        ..UserChange::default()
    };
    let changed = state.people.store().update_user(user.id, change).await;
    let changed = changed.map_err(|error| match error.kind() {
        ErrorKind::Conflict => {
            let detail = "Another account has this address.";
            ApiError::new(StatusCode::CONFLICT, "email_taken", detail)
        }
        _ => error.into(),
    })?;
    state.people.refresh().await?;
    let told = changed.email.to_string();
    caller.note(&state, "user.edit", told, None).await;
    Ok(Json(person::account(&changed)))
}

/// Sets a new password, and ends all other logins.
pub(super) async fn set_password(
    State(state): State<AppState>,
    caller: Access,
    Body(wanted): Body<NewPassword>,
) -> Result<StatusCode, ApiError> {
    let user = caller.require_person()?;
    if user.has_password {
        let given = Credentials {
            email: user.email.to_string(),
            password: Secret::new(wanted.password.unwrap_or_default()),
        };
        let checked = state.people.check(given, caller.from(), state.clock.now());
        checked.await.map_err(|reason| match reason {
            // The login is good, so this is no 401.
            NotLetIn::Wrong => ApiError::new(
                StatusCode::FORBIDDEN,
                "wrong_password",
                "The current password is wrong.",
            ),
            other => refuse(other),
        })?;
    }
    let kept = state
        .people
        .passwords()
        .hash(Secret::new(wanted.new))
        .await?;
    let change = UserChange {
        password: Some(Some(kept)),
        ..UserChange::default()
    };
    let people = state.people.store();
    people.update_user(user.id, change).await?;
    let current = caller.login().map(|login| login.id);
    people.delete_logins(user.id, current).await?;
    state.people.forget_logins();
    state.people.refresh().await?;
    caller
        .note(&state, "user.password", user.email.as_str(), None)
        .await;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn logins(
    State(state): State<AppState>,
    caller: Access,
) -> Result<Json<Vec<Value>>, ApiError> {
    let user = caller.require_person()?;
    let found = state.people.store().logins(user.id).await?;
    let current = caller.login();
    let shown = found.iter().map(|login| person::login(login, current));
    Ok(Json(shown.collect()))
}

/// Ends all logins but the one that asks.
pub(super) async fn end_others(
    State(state): State<AppState>,
    caller: Access,
) -> Result<StatusCode, ApiError> {
    let user = caller.require_person()?;
    let current = caller.login().map(|login| login.id);
    state.people.store().delete_logins(user.id, current).await?;
    state.people.forget_logins();
    caller.note(&state, "login.end", "all others", None).await;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn end(
    State(state): State<AppState>,
    caller: Access,
    Names(id): Names<String>,
) -> Result<StatusCode, ApiError> {
    let user = caller.require_person()?;
    let id: LoginId = id.parse().map_err(|_| ApiError::not_found())?;
    let people = state.people.store();
    let own = people.logins(user.id).await?;
    if !own.iter().any(|login| login.id == id) {
        return Err(ApiError::not_found());
    }
    people.delete_login(id).await?;
    state.people.forget_logins();
    caller.note(&state, "login.end", id.to_string(), None).await;
    Ok(StatusCode::NO_CONTENT)
}
