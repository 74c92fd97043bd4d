//! What handlers take from a request besides its token: the server's address, names in the path,
//! the query as pairs, and JSON. Whatever is wrong with them is answered as JSON.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{
    ConnectInfo, FromRequest, FromRequestParts, OriginalUri, Path, Query, Request,
};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::error::ApiError;
use crate::address::BaseUrl;
use crate::config::HttpConfig;
use crate::state::AppState;

/// The address under which the caller knows this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(pub BaseUrl);

impl FromRequestParts<AppState> for Base {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        Ok(Self(base_url(parts, &state.config.http)))
    }
}

/// Returns the configured address, or the one that the request was sent to. A trusted proxy's
/// `X-Forwarded-Proto` and `X-Forwarded-Host` count.
pub(super) fn base_url(parts: &Parts, config: &HttpConfig) -> BaseUrl {
    let configured = config.public_url.as_deref();
    if let Some(url) = configured.and_then(|url| BaseUrl::parse(url).ok()) {
        return url;
    }
    let is_proxied = peer(parts).is_some_and(|peer| config.is_trusted(peer));
    let forwarded = |name: &str| {
        let value = parts.headers.get(name).filter(|_| is_proxied)?;
        let first = value.to_str().ok()?.split(',').next()?.trim();
        (!first.is_empty()).then_some(first)
    };
    let is_secure = forwarded("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let host = forwarded("x-forwarded-host")
        .or_else(|| parts.headers.get(header::HOST)?.to_str().ok())
        .or_else(|| parts.uri.authority().map(http::uri::Authority::as_str))
        .filter(|host| host.parse::<http::uri::Authority>().is_ok() && !host.contains('@'))
        .unwrap_or("localhost");
    let original = parts
        .extensions
        .get::<OriginalUri>()
        .map_or(parts.uri.path(), |OriginalUri(uri)| uri.path());
    // A host program may have nested the routes below a path of its own.
    let prefix = original.strip_suffix(parts.uri.path()).unwrap_or_default();
    BaseUrl::new(is_secure, host, prefix)
}

/// Returns the address at the other end of the connection, where the server tells it.
#[must_use]
pub fn peer(parts: &Parts) -> Option<IpAddr> {
    parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(address)| address.ip())
}

/// Reports whether a proxy handed the request on.
#[must_use]
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip", "via"]
        .iter()
        .any(|name| headers.contains_key(*name))
}

/// The head of the request, for those who judge it themselves.
#[derive(Clone, Debug)]
pub struct RequestParts(pub Parts);

impl FromRequestParts<AppState> for RequestParts {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.clone()))
    }
}

/// Names in the path.
#[derive(Clone, Debug)]
pub struct Names<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Names<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let path: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, state).await;
        path.map(|Path(names)| Self(names))
            .map_err(|_| ApiError::not_found())
    }
}

/// The query: keys may repeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Returns all values of a key that are not empty.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(name, value)| name == key && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Returns the first value of a key that is not empty.
    #[must_use]
    pub fn first(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, value)| name == key && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Reads the value of a key.
    ///
    /// # Errors
    ///
    /// 400 when it is there and not readable.
    pub fn parsed<T: FromStr>(&self, key: &str) -> Result<Option<T>, ApiError> {
        self.first(key)
            .map(|text| {
                text.parse().map_err(|_| {
                    ApiError::invalid(
                        "invalid_query",
                        format!("the query's {key} is not readable"),
                    )
                })
            })
            .transpose()
    }

    /// Returns the pairs in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Pairs {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

impl FromRequestParts<AppState> for Pairs {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map(|Query(pairs)| Self(pairs))
            .map_err(|_| ApiError::invalid("invalid_query", "the query is not readable"))
    }
}

/// A JSON body, whatever its media type says.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(mut request: Request, state: &AppState) -> Result<Self, ApiError> {
        let json = header::HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        axum::Json::from_request(request, state)
            .await
            .map(|axum::Json(body)| Self(body))
            .map_err(|rejection| refuse(&rejection))
    }
}

fn refuse(rejection: &JsonRejection) -> ApiError {
    let status = rejection.status();
    match rejection {
        JsonRejection::JsonDataError(_) | JsonRejection::JsonSyntaxError(_) => {
            // The sentence of serde quotes values; only the place is told.
            ApiError::invalid("invalid_body", "the body is not the JSON that is expected")
                .because(place(&rejection.body_text()))
        }
        _ if status == StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::new(status, "too_large", "the body is too large")
        }
        _ => ApiError::invalid("invalid_body", "the body did not arrive completely"),
    }
}

fn place(text: &str) -> String {
    text.rfind("at line ")
        .and_then(|start| text.get(start..))
        .unwrap_or("unknown place")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;

    use super::*;

    fn parts(uri: &str, headers: &[(&str, &str)], peer: &str) -> Parts {
        let mut request = http::Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer: SocketAddr = peer.parse().unwrap();
        let (parts, ()) = request
            .extension(ConnectInfo(peer))
            .body(())
            .unwrap()
            .into_parts();
        parts
    }

    #[test]
    fn the_address_comes_from_the_settings_else_from_the_request() {
        let request = parts(
            "/api/0/",
            &[("host", "a.example.com:8000")],
            "192.0.2.1:999",
        );
        let mut config = HttpConfig::default();
        let url = base_url(&request, &config);
        assert_eq!(url.to_string(), "http://a.example.com:8000");
        config.public_url = Some("https://b.example.com/x".to_owned());
        let url = base_url(&request, &config);
        assert_eq!(url.to_string(), "https://b.example.com/x");
    }

    #[test]
    fn only_a_trusted_proxy_tells_scheme_and_host() {
        let headers = [
            ("host", "inner:8000"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "outer.example.com"),
        ];
        let request = parts("/api/0/", &headers, "192.0.2.1:999");
        let mut config = HttpConfig::default();
        assert_eq!(base_url(&request, &config).to_string(), "http://inner:8000");
        config.trusted_proxies = vec!["192.0.2.0/24".parse::<IpNet>().unwrap()];
        let url = base_url(&request, &config);
        assert_eq!(url.to_string(), "https://outer.example.com");
    }

    #[test]
    fn a_path_of_the_host_program_is_part_of_the_address() {
        let mut request = parts("/api/0/", &[("host", "h")], "192.0.2.1:999");
        let outer = OriginalUri("/errors/api/0/".parse().unwrap());
        request.extensions.insert(outer);
        let url = base_url(&request, &HttpConfig::default());
        assert_eq!(url.to_string(), "http://h/errors");
    }

    #[test]
    fn a_host_that_is_none_does_not_get_into_links() {
        let request = parts("/", &[("host", "a b\"<x>")], "192.0.2.1:999");
        let url = base_url(&request, &HttpConfig::default());
        assert_eq!(url.to_string(), "http://localhost");
    }
}
