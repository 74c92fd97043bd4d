//! The pages for people.

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::{Visitor, end, page};
use crate::people::Credentials;
use crate::secret::Secret;
use crate::state::AppState;
use crate::store::people::UserChange;
use crate::web::access::Access;
use crate::web::cookie;
use crate::web::error::ApiError;
use crate::web::extract::{Names, Pairs};

/// Address and password, and where to go afterwards.
#[derive(Deserialize)]
pub(super) struct LoginForm {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// The proof that the page is ours.
#[derive(Deserialize)]
pub(super) struct LogoutForm {
    csrf: String,
}

/// A new password; empty for none.
#[derive(Deserialize)]
pub(super) struct LinkForm {
    #[serde(default)]
    password: String,
}

/// Shows the form, or who is logged in.
pub(super) async fn show_login(
    State(state): State<AppState>,
    visitor: Visitor,
    query: Pairs,
) -> Response {
    let known = match &visitor.before {
        Some(secret) => Access::of_login(&state, secret.clone()).await.ok(),
        None => None,
    };
    let prefix = visitor.base.prefix();
    match known.as_ref().and_then(|access| access.user()) {
        Some(user) => {
            let csrf = visitor.before.as_ref().map(cookie::csrf_token);
            page::logged_in(prefix, user.email.as_str(), &csrf.unwrap_or_default())
        }
        None => {
            let next = query.first("next").unwrap_or_default();
            page::login(prefix, next, None, StatusCode::OK)
        }
    }
}

pub(super) async fn log_in(
    State(state): State<AppState>,
    visitor: Visitor,
    form: Result<Form<LoginForm>, FormRejection>,
) -> Result<Response, ApiError> {
    let Form(form) = form.map_err(|_| unreadable())?;
    let prefix = visitor.base.prefix();
    let given = Credentials {
        email: form.email,
        password: Secret::new(form.password),
    };
    match visitor.log_in(&state, given).await {
        Ok(made) => go(&visitor, &form.next, visitor.cookie(&state, &made)?),
        Err(refused) => {
            let mut shown = page::login(prefix, &form.next, Some(&refused), refused.status());
            if let Some(pause) = refused.into_response().headers().get(header::RETRY_AFTER) {
                let headers = shown.headers_mut();
                headers.insert(header::RETRY_AFTER, pause.clone());
            }
            Ok(shown)
        }
    }
}

pub(super) async fn log_out(
    State(state): State<AppState>,
    visitor: Visitor,
    form: Result<Form<LogoutForm>, FormRejection>,
) -> Result<Response, ApiError> {
    let Form(form) = form.map_err(|_| unreadable())?;
    if let Some(secret) = &visitor.before {
        cookie::check_proof(&form.csrf, secret)?;
        if let Ok(caller) = Access::of_login(&state, secret.clone()).await {
            end(&state, &caller).await?;
        }
    }
    go(&visitor, "", visitor.no_cookie()?)
}

/// Shows whom a link is for. Looking does not use it up: programs that preview links look too.
pub(super) async fn show_link(
    State(state): State<AppState>,
    visitor: Visitor,
    Names(link): Names<String>,
) -> Result<Response, ApiError> {
    let hash = Secret::new(link.as_str()).hash();
    let now = state.clock.now();
    let found = state.people.store().find_link(&hash, now).await?;
    state.people.refresh().await?;
    let view = state.people.view();
    let user = found
        .and_then(|id| view.user(id))
        .filter(|user| user.active);
    let prefix = visitor.base.prefix();
    Ok(match user {
        Some(user) => page::link(prefix, &link, user, None, StatusCode::OK),
        None => page::ended_link(prefix),
    })
}

pub(super) async fn use_link(
    State(state): State<AppState>,
    visitor: Visitor,
    Names(link): Names<String>,
    form: Result<Form<LinkForm>, FormRejection>,
) -> Result<Response, ApiError> {
    let Form(form) = form.map_err(|_| unreadable())?;
    let prefix = visitor.base.prefix();
    let hash = Secret::new(link.as_str()).hash();
    let now = state.clock.now();
    let people = state.people.store();
    // Before the hash is made, so that strangers cannot have any made.
    let Some(id) = people.find_link(&hash, now).await? else {
        return Ok(page::ended_link(prefix));
    };
    state.people.refresh().await?;
    let view = state.people.view();
    let Some(user) = view.user(id).filter(|user| user.active) else {
        return Ok(page::ended_link(prefix));
    };
    let password = match form.password.is_empty() {
        true => None,
        false => match state
            .people
            .passwords()
            .hash(Secret::new(form.password))
            .await
        {
            Ok(kept) => Some(kept),
            Err(error) => {
                let refused = ApiError::from(error);
                let status = refused.status();
                return Ok(page::link(prefix, &link, user, Some(&refused), status));
            }
        },
    };
    if people.take_link(&hash, now).await? != Some(id) {
        return Ok(page::ended_link(prefix));
    }
    if let Some(kept) = password {
        let change = UserChange {
            password: Some(Some(kept)),
            ..UserChange::default()
        };
        people.update_user(id, change).await?;
        people.delete_logins(id, None).await?;
        state.people.forget_logins();
        state.people.refresh().await?;
    }
    let made = visitor
        .enter(&state, std::sync::Arc::clone(user), "login.link")
        .await?;
    go(&visitor, "", visitor.cookie(&state, &made)?)
}

/// Sends the browser on: to a path of this server, whatever was asked for.
fn go(visitor: &Visitor, next: &str, cookie: HeaderValue) -> Result<Response, ApiError> {
    let is_own = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\r', '\n', '\t']);
    let next = match is_own {
        true => next.to_owned(),
        false => format!("{}/auth/login/", visitor.base.prefix()),
    };
    let next = HeaderValue::try_from(next).map_err(|_| unreadable())?;
    let headers = [(header::LOCATION, next), (header::SET_COOKIE, cookie)];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

fn unreadable() -> ApiError {
    ApiError::invalid("invalid_form", "the form is not readable")
}
