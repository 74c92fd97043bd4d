//! The headers of requests, and what counts of those of answers.

use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::transport::TransportOptions;
use crate::transport::delivery::Answer;

/// An answer's body is read up to this, only to keep the connection.
pub(crate) const MAX_ANSWER_BYTES: usize = 64 << 10;

const X_SENTRY_AUTH: HeaderName = HeaderName::from_static("x-sentry-auth");
const X_SENTRY_RATE_LIMITS: HeaderName = HeaderName::from_static("x-sentry-rate-limits");
const ENVELOPE: HeaderValue = HeaderValue::from_static("application/x-sentry-envelope");

/// The headers that every envelope is sent with; `None` when the key makes none.
pub(crate) fn request_headers(options: &TransportOptions) -> Option<HeaderMap> {
    let auth = options.dsn.to_auth(&options.user_agent).to_header();
    let mut headers = HeaderMap::new();
    // A name that no header can hold is not worth an event.
    if let Ok(user_agent) = HeaderValue::from_str(&options.user_agent) {
        headers.insert(USER_AGENT, user_agent);
    }
    headers.insert(X_SENTRY_AUTH, HeaderValue::from_str(&auth).ok()?);
    headers.insert(CONTENT_TYPE, ENVELOPE);
    Some(headers)
}

/// Reads an answer's head.
pub(crate) fn read_answer(status: StatusCode, headers: &HeaderMap) -> Answer {
    // A header that stands there twice counts as one list.
    let limits: Vec<&str> = headers
        .get_all(X_SENTRY_RATE_LIMITS)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let retry_after = headers.get(RETRY_AFTER);
    Answer {
        status: status.as_u16(),
        rate_limits: (!limits.is_empty()).then(|| limits.join(",")),
        retry_after: retry_after.and_then(|value| value.to_str().ok().map(str::to_owned)),
    }
}
