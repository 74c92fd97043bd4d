//! Logging in and out: for programs as JSON, and for people as pages that need no script.
//!
//! Where the program around the server says who asks, there is nothing to log in to.

use std::net::IpAddr;

use axum::extract::{DefaultBodyLimit, FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::EitherSlash;
use super::access::Access;
use super::error::ApiError;
use super::extract::{Body, base_url};
use super::ingest::address;
use super::present::person;
use super::{cookie, origin};
use crate::address::BaseUrl;
use crate::model::ids::OrganisationId;
use crate::model::people::{AuditActor, AuditNote};
use crate::people::{Credentials, LoginSecret, NotLetIn};
use crate::secret::Secret;
use crate::state::AppState;

mod page;
mod pages;

/// The largest body here.
const MAX_BODY: usize = 16 * 1024;

/// Returns the routes.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .either("/api/0/auth/", get(whoami).post(log_in).delete(log_out))
        .either("/auth/login/", get(pages::show_login).post(pages::log_in))
        .either("/auth/logout/", post(pages::log_out))
        .either(
            "/auth/link/{link}/",
            get(pages::show_link).post(pages::use_link),
        )
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

/// Somebody who is not logged in yet.
#[derive(Clone, Debug)]
struct Visitor {
    base: BaseUrl,
    from: Option<IpAddr>,
    agent: String,
    /// The login that the browser has so far.
    before: Option<Secret>,
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        if state.people.host().is_some() {
            return Err(ApiError::not_found());
        }
        if !parts.method.is_safe() {
            // Nobody is to be logged in as somebody else by a page of another website.
            origin::check(parts, &state.config.http)?;
        }
        let agent = parts.headers.get(header::USER_AGENT);
        let agent = agent.and_then(|value| value.to_str().ok());
        Ok(Self {
            base: base_url(parts, &state.config.http),
            from: address::of(parts, &state.config.http),
            agent: agent.unwrap_or_default().to_owned(),
            before: cookie::secret(&parts.headers),
        })
    }
}

impl Visitor {
    /// Checks address and password, and logs in.
    async fn log_in(&self, state: &AppState, given: Credentials) -> Result<LoginSecret, ApiError> {
        let now = state.clock.now();
        let user = state.people.check(given, self.from, now).await;
        let user = user.map_err(|reason| {
            if let NotLetIn::Wrong = reason {
                tracing::info!("somebody was not let in");
            }
            refuse(reason)
        })?;
        self.enter(state, user, "login").await
    }

    /// Logs in a person who has proved who they are. The login that the browser had ends.
    async fn enter(
        &self,
        state: &AppState,
        user: std::sync::Arc<crate::model::people::User>,
        action: &str,
    ) -> Result<LoginSecret, ApiError> {
        let now = state.clock.now();
        if let Some(before) = &self.before
            && let Some(login) = state.people.login(&before.hash(), now).await?
        {
            // It may have ended meanwhile.
            let _ = state.people.store().delete_login(login.id).await;
            state.people.forget_logins();
        }
        let people = state.people.view();
        let organisations: Vec<_> = people.organisations_of(user.id).collect();
        if organisations.is_empty() {
            return Err(refuse(NotLetIn::Wrong));
        }
        let made = state
            .people
            .log_in(user, self.from, &self.agent, now)
            .await?;
        for organisation in organisations {
            self.note(state, &made, organisation, action).await;
        }
        Ok(made)
    }

    async fn note(
        &self,
        state: &AppState,
        made: &LoginSecret,
        organisation: OrganisationId,
        action: &str,
    ) {
        let note = AuditNote {
            organisation,
            at: made.login.created,
            actor: AuditActor {
                user: Some(made.user.id),
                token: None,
                label: made.user.email.to_string(),
            },
            action: action.to_owned(),
            target: format!("login {}", made.login.id),
            project: None,
            address: made.login.address.clone(),
        };
        if let Err(error) = state.people.store().note(note).await {
            tracing::error!(%error, action, "the audit log misses an entry");
        }
    }

    /// Gives the browser the secret of a login.
    fn cookie(&self, state: &AppState, made: &LoginSecret) -> Result<HeaderValue, ApiError> {
        let life = state.config.people.login_life.as_secs();
        cookie::set(&self.base, &made.secret, life).ok_or_else(unwritable)
    }

    fn no_cookie(&self) -> Result<HeaderValue, ApiError> {
        cookie::remove(&self.base).ok_or_else(unwritable)
    }
}

fn unwritable() -> ApiError {
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "cookie",
        "the server's address does not fit into a cookie",
    )
}

/// Says why somebody is not let in: the same for unknown people and wrong passwords.
pub(super) fn refuse(reason: NotLetIn) -> ApiError {
    match reason {
        NotLetIn::Wrong => ApiError::new(
            StatusCode::UNAUTHORIZED,
            "wrong_credentials",
            "Wrong email or password.",
        ),
        NotLetIn::TooMany(pause) => ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_attempts",
            "Too many attempts; try again later.",
        )
        .retry_after(pause),
        NotLetIn::Failed(error) => error.into(),
    }
}

/// What programs log in with.
#[derive(Deserialize)]
struct Wanted {
    #[serde(alias = "username")]
    email: String,
    password: String,
}

/// Tells who sends, and to pages what they need for changes.
async fn whoami(caller: Access) -> Json<serde_json::Value> {
    Json(person::sender(&caller))
}

async fn log_in(
    State(state): State<AppState>,
    visitor: Visitor,
    Body(wanted): Body<Wanted>,
) -> Result<Response, ApiError> {
    let given = Credentials {
        email: wanted.email,
        password: Secret::new(wanted.password),
    };
    let made = visitor.log_in(&state, given).await?;
    let access = Access::of_login(&state, made.secret.clone()).await?;
    let set = [(header::SET_COOKIE, visitor.cookie(&state, &made)?)];
    Ok((set, Json(person::sender(&access))).into_response())
}

async fn log_out(
    State(state): State<AppState>,
    caller: Access,
    visitor: Visitor,
) -> Result<Response, ApiError> {
    end(&state, &caller).await?;
    let gone = [(header::SET_COOKIE, visitor.no_cookie()?)];
    Ok((StatusCode::NO_CONTENT, gone).into_response())
}

async fn end(state: &AppState, caller: &Access) -> Result<(), ApiError> {
    caller.require_person()?;
    let login = caller.login().ok_or_else(ApiError::not_found)?;
    state.people.store().delete_login(login.id).await?;
    state.people.forget_logins();
    caller
        .note(state, "logout", format!("login {}", login.id), None)
        .await;
    Ok(())
}
