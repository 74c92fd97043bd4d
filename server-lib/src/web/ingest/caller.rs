//! Who sends: the claim and the facts of a request, read before its body.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use http::{HeaderMap, HeaderName, header};
use mini_sentry::auth::{Auth, AuthError};

use super::address;
use crate::accept::shipper::cut;
use crate::accept::{Claim, Refusal, RequestFacts};
use crate::model::ids::ProjectId;
use crate::state::AppState;
use crate::web::error::ApiError;

const X_SENTRY_AUTH: HeaderName = HeaderName::from_static("x-sentry-auth");

/// Longer `User-Agent`s are cut.
const MAX_USER_AGENT_BYTES: usize = 512;

/// Name of the path's part that holds the project's number.
pub(super) const PROJECT: &str = "project";
/// Name of the path's part that holds the key.
pub(super) const KEY: &str = "key";

/// Who sends. The claim is not checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Caller {
    pub(super) claim: Claim,
    pub(super) facts: RequestFacts,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let path = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::not_found().for_sdk())?;
        let mut project = None;
        let mut key = None;
        for (name, value) in &path {
            match name {
                PROJECT => project = Some(project_number(value)?),
                KEY => key = Some(value),
                _ => {}
            }
        }
        let auth = find_auth(&parts.headers, parts.uri.query(), key)?;
        let facts = RequestFacts {
            client_ip: address::of(parts, &state.config.http),
            user_agent: text(&parts.headers, &header::USER_AGENT)
                .map(|agent| cut(agent, MAX_USER_AGENT_BYTES).to_owned()),
            sdk: auth
                .as_ref()
                .and_then(|auth| auth.client())
                .map(str::to_owned),
            received: state.clock.now(),
        };
        let claim = Claim {
            public_key: auth.map(|auth| auth.public_key().to_owned()),
            project,
            origin: origin(&parts.headers),
        };
        Ok(Self { claim, facts })
    }
}

fn project_number(text: &str) -> Result<ProjectId, ApiError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| is_number)
        .ok_or_else(|| ApiError::not_found().for_sdk())
}

/// Finds who the request says it is. All places that name a key must name the same.
fn find_auth(
    headers: &HeaderMap,
    query: Option<&str>,
    path_key: Option<&str>,
) -> Result<Option<Auth>, Refusal> {
    let header = text(headers, &X_SENTRY_AUTH).map(Auth::parse_header);
    let authorization = text(headers, &header::AUTHORIZATION).and_then(|value| {
        // Exporters of OpenTelemetry are often set up without the scheme.
        let bare = || {
            value
                .contains("sentry_key=")
                .then(|| Auth::parse_header(value))
        };
        Auth::parse_authorization(value).or_else(bare)
    });
    let query = query
        .filter(|query| query.contains("sentry_key="))
        .map(Auth::parse_query);
    let path = path_key.map(Auth::from_public_key);

    let mut found: Option<Auth> = None;
    for auth in [header, authorization, query, path].into_iter().flatten() {
        let auth = auth.map_err(|error| match error {
            AuthError::MissingKey => Refusal::MissingKey,
            error => Refusal::MalformedAuth(error.to_string()),
        })?;
        match &found {
            Some(earlier) if earlier.public_key() != auth.public_key() => {
                return Err(Refusal::KeysDisagree);
            }
            Some(_) => {}
            None => found = Some(auth),
        }
    }
    Ok(found)
}

/// Returns the website that the request comes from.
fn origin(headers: &HeaderMap) -> Option<String> {
    if let Some(origin) = text(headers, &header::ORIGIN).filter(|origin| *origin != "null") {
        return Some(origin.to_owned());
    }
    let referer = text(headers, &header::REFERER)?;
    let (scheme, rest) = referer.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    Some(format!("{scheme}://{host}"))
}

/// Returns a header as text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "Sentry sentry_key=aaaa,sentry_version=7 , sentry_client=demo/1.0";

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    fn key_of(pairs: &[(HeaderName, &str)], query: Option<&str>, path: Option<&str>) -> String {
        match find_auth(&headers(pairs), query, path) {
            Ok(auth) => auth.map_or("none".to_owned(), |auth| auth.public_key().to_owned()),
            Err(refusal) => refusal.code().to_owned(),
        }
    }

    #[test]
    fn a_key_is_found_wherever_clients_put_it() {
        assert_eq!(key_of(&[(X_SENTRY_AUTH, HEADER)], None, None), "aaaa");
        assert_eq!(
            key_of(&[(header::AUTHORIZATION, HEADER)], None, None),
            "aaaa"
        );
        assert_eq!(
            key_of(
                &[(header::AUTHORIZATION, "sentry sentry_key=aaaa")],
                None,
                None
            ),
            "aaaa"
        );
        assert_eq!(
            key_of(&[(header::AUTHORIZATION, "sentry_key=aaaa")], None, None),
            "aaaa"
        );
        assert_eq!(
            key_of(&[(header::AUTHORIZATION, "Basic YWFhYTo=")], None, None),
            "aaaa"
        );
        assert_eq!(
            key_of(&[], Some("x=1&sentry_key=aaaa&sentry_version=7"), None),
            "aaaa"
        );
        assert_eq!(key_of(&[], None, Some("aaaa")), "aaaa");
        assert_eq!(
            key_of(&[(header::AUTHORIZATION, "Bearer x")], None, None),
            "none"
        );
    }

    #[test]
    fn keys_that_disagree_and_pairs_that_cannot_be_read_are_refused() {
        let header = [(X_SENTRY_AUTH, HEADER)];
        assert_eq!(key_of(&header, Some("sentry_key=aaaa"), None), "aaaa");
        assert_eq!(
            key_of(&header, Some("sentry_key=bbbb"), None),
            "keys_disagree"
        );
        assert_eq!(
            key_of(&[(X_SENTRY_AUTH, "Sentry sentry_version=7")], None, None),
            "missing_key"
        );
        assert_eq!(
            key_of(&[], Some("sentry_key=a&sentry_version=99"), None),
            "malformed_auth"
        );
    }

    #[test]
    fn the_origin_is_told_by_its_header_or_by_the_page() {
        let from = |pairs: &[(HeaderName, &str)]| origin(&headers(pairs));
        let page = (header::REFERER, "https://shop.example.com/cart?a=1");
        assert_eq!(
            from(std::slice::from_ref(&page)).as_deref(),
            Some("https://shop.example.com")
        );
        let told = (header::ORIGIN, "https://example.com");
        assert_eq!(from(&[told, page]).as_deref(), Some("https://example.com"));
        assert_eq!(from(&[(header::ORIGIN, "null")]), None);
    }
}
