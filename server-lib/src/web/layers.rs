//! What every request passes: a name for the logs, a count, the headers that protect, and CORS for
//! ingest.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tracing::{Instrument, Span};

use super::error::ApiError;
use crate::metrics::RequestLabels;
use crate::state::AppState;

/// The header that names a request, in both directions.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer names of requests are replaced by our own.
const MAX_REQUEST_ID_BYTES: usize = 64;

const ANY: HeaderValue = HeaderValue::from_static("*");
const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("GET, POST, OPTIONS");
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "X-Sentry-Auth, X-Requested-With, X-Forwarded-For, Origin, Referer, Accept, Content-Type, \
     Authentication, Authorization, Content-Encoding, Transfer-Encoding, baggage, sentry-trace, \
     traceparent",
);
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("X-Sentry-Error, X-Sentry-Rate-Limits, Retry-After, X-Request-Id");
const MAX_AGE: HeaderValue = HeaderValue::from_static("3600");

/// Which part of the surface a route belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Where SDKs send; open to all websites.
    Ingest,
    /// Sentry's management API.
    Api0,
    /// Mini Sentry's own API.
    Api,
    /// Probes and metrics.
    Health,
    /// Whatever has no route.
    Other,
}

impl Group {
    /// Returns the name in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Api0 => "api0",
            Self::Api => "api",
            Self::Health => "health",
            Self::Other => "other",
        }
    }

    /// A browser hides an answer without these headers from the page, its reason too. A mistyped
    /// address of ingest has no route, so the rest is open as well; it holds nothing.
    fn is_open_to_websites(self) -> bool {
        matches!(self, Self::Ingest | Self::Other)
    }
}

/// The name of a request, for the logs of both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub HeaderValue);

/// Makes names for requests: a random part, and a number.
struct Names {
    prefix: String,
    next: AtomicU64,
}

#[derive(Clone)]
struct Pass {
    state: AppState,
    group: Group,
    names: Arc<Names>,
}

/// Puts the layers around the routes of a group.
pub fn around(routes: Router<AppState>, group: Group, state: &AppState) -> Router<AppState> {
    let pass = Pass {
        state: state.clone(),
        group,
        names: Arc::new(Names::new()),
    };
    routes.layer(from_fn_with_state(pass, pass_through))
}

async fn pass_through(State(pass): State<Pass>, mut request: Request, next: Next) -> Response {
    let Pass {
        state,
        group,
        names,
    } = &pass;
    let begin = Instant::now();
    let id = names.name(request.headers());
    let span = name_in_logs(*group, &id);
    // What may be cached is for everybody.
    let is_from_website =
        request.headers().contains_key(header::ORIGIN) || request.method() != Method::POST;
    request.extensions_mut().insert(RequestId(id.clone()));

    let mut response = if !is_host_allowed(request.headers(), &state.config.http.allowed_hosts) {
        ApiError::invalid("unknown_host", "this server does not answer for that host")
            .into_response()
    } else if group.is_open_to_websites() && request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else if *group == Group::Ingest {
        next.run(request).instrument(span).await
    } else {
        let answer = next.run(request).instrument(span);
        match tokio::time::timeout(state.config.http.request_timeout, answer).await {
            Ok(response) => response,
            Err(_) => ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "timeout",
                "the answer took too long",
            )
            .into_response(),
        }
    };

    dress(&mut response, *group, is_from_website, id);
    let labels = RequestLabels {
        group: group.as_str(),
        status: response.status().as_u16(),
    };
    state.metrics.requests.get_or_create(&labels).inc();
    let took = begin.elapsed().as_secs_f64();
    if *group == Group::Ingest {
        state.metrics.accept_seconds.observe(took);
    }
    tracing::debug!(
        group = group.as_str(),
        status = response.status().as_u16(),
        duration_ms = took * 1000.0,
        "answered"
    );
    response
}

/// Names the request in the lines that it causes. What ingest logs of single requests is for those
/// who look closely, and the name costs more than other parts of accepting an event.
fn name_in_logs(group: Group, id: &HeaderValue) -> Span {
    let id = id.to_str().unwrap_or_default();
    match group {
        Group::Ingest => tracing::debug_span!("request", request.id = id),
        _ => tracing::info_span!("request", request.id = id),
    }
}

/// Only browsers that sent an `Origin` look at the headers of CORS, and they are half of an answer.
fn dress(response: &mut Response, group: Group, is_from_website: bool, id: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, id);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if group.is_open_to_websites() {
        if !is_from_website {
            return;
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    } else {
        let mut set_if_absent = |name: HeaderName, value: &'static str| {
            headers
                .entry(name)
                .or_insert(HeaderValue::from_static(value));
        };
        set_if_absent(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        );
        set_if_absent(header::X_FRAME_OPTIONS, "DENY");
        set_if_absent(header::REFERRER_POLICY, "same-origin");
        set_if_absent(header::CACHE_CONTROL, "no-store");
    }
}

impl Names {
    fn new() -> Self {
        Self {
            // Without randomness names are only unique in this process.
            prefix: crate::secret::random_hex::<4>().unwrap_or_default(),
            next: AtomicU64::new(0),
        }
    }

    /// Takes over the sender's name for the request when it is harmless, or makes one.
    fn name(&self, headers: &HeaderMap) -> HeaderValue {
        let is_harmless = |value: &&HeaderValue| {
            (1..=MAX_REQUEST_ID_BYTES).contains(&value.len())
                && value
                    .as_bytes()
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        };
        if let Some(given) = headers.get(X_REQUEST_ID).filter(is_harmless) {
            return given.clone();
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        HeaderValue::try_from(format!("{}-{number:x}", self.prefix))
            .unwrap_or(HeaderValue::from_static("-"))
    }
}

/// Compares the `Host` without its port with the allowed names; `.example.com` stands for the name
/// and all below it, `*` for all.
fn is_host_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    if allowed.is_empty() {
        return true;
    }
    let given = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let host = match given.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => given,
    };
    allowed.iter().any(|name| {
        name == "*"
            || name.eq_ignore_ascii_case(host)
            || name.strip_prefix('.').is_some_and(|domain| {
                host.eq_ignore_ascii_case(domain)
                    || host
                        .len()
                        .checked_sub(name.len())
                        .and_then(|start| host.get(start..))
                        .is_some_and(|end| end.eq_ignore_ascii_case(name))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_sender_may_name_its_request_with_harmless_characters() {
        let names = Names::new();
        assert_eq!(names.name(&with(X_REQUEST_ID, "job-17.a")), "job-17.a");
        assert_ne!(names.name(&with(X_REQUEST_ID, "a b\"")), "a b\"");
        assert_ne!(
            names.name(&HeaderMap::new()),
            names.name(&HeaderMap::new()),
            "names of our own are different"
        );
    }

    #[test]
    fn a_host_is_compared_without_its_port_and_by_domain() {
        let allowed = ["errors.example.com".to_owned(), ".example.org".to_owned()];
        let is_allowed = |host: &'static str| is_host_allowed(&with(header::HOST, host), &allowed);
        assert!(is_allowed("errors.example.com:8000"));
        assert!(is_allowed("a.b.Example.org") && is_allowed("example.org"));
        assert!(!is_allowed("badexample.org") && !is_allowed("example.com"));
        assert!(is_host_allowed(&HeaderMap::new(), &[]));
        assert!(!is_host_allowed(&HeaderMap::new(), &allowed));
    }
}
