//! How a request names its sender, and which of these a browser may have been made to send.

use http::request::Parts;
use http::{HeaderMap, header};

use crate::people::HostUser;
use crate::secret::Secret;
use crate::state::AppState;
use crate::web::error::ApiError;
use crate::web::{cookie, origin};

/// How a request names its sender.
#[derive(Clone, Debug)]
pub(super) enum Credential {
    Token(Secret),
    Login(Secret),
    Host(HostUser),
}

impl Credential {
    /// Finds what the request names its sender by. A bearer token counts before all else, so that
    /// a client in a browser says clearly which it means.
    pub(super) async fn of(state: &AppState, parts: &Parts) -> Result<Option<Self>, ApiError> {
        if let Some(text) = bearer(&parts.headers) {
            return Ok(Some(Self::Token(Secret::new(text))));
        }
        if let Some(host) = state.people.host() {
            return Ok(host.authenticate(parts).await?.map(Self::Host));
        }
        Ok(cookie::secret(&parts.headers).map(Self::Login))
    }

    /// Refuses what another website may have made a browser send.
    pub(super) fn guard(&self, parts: &Parts, state: &AppState) -> Result<(), ApiError> {
        let is_safe = parts.method.is_safe() && !parts.headers.contains_key(header::UPGRADE);
        if is_safe || matches!(self, Self::Token(_)) {
            return Ok(());
        }
        origin::check(parts, &state.config.http)?;
        match self {
            Self::Login(secret) if !parts.method.is_safe() => {
                cookie::check_csrf(&parts.headers, secret)
            }
            Self::Login(_) | Self::Host(_) | Self::Token(_) => Ok(()),
        }
    }
}

/// Returns the token of the `Authorization` header.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, text) = value.trim().split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| text.trim())
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_bearer_header_names_a_token() {
        let read = |value: &'static str| {
            let headers =
                HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))]);
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(read("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(read("bearer  abc ").as_deref(), Some("abc"));
        for other in [
            "",
            "abc",
            "Bearer",
            "Bearer ",
            "Basic abc",
            "Sentry sentry_key=abc",
            "Token abc",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
