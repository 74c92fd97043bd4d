//! The one error of the HTTP surface: a status, a stable code, a sentence, and its causes, as JSON.

use std::borrow::Cow;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use mini_sentry::ratelimit::RateLimit;
use serde::Serialize;

use crate::accept::Refusal;
use crate::error::{Error, ErrorKind};
use crate::store::search::{NotSearchable, SearchError};

/// The header that repeats the sentence, for SDKs that log it.
pub const X_SENTRY_ERROR: HeaderName = HeaderName::from_static("x-sentry-error");
/// The header that tells SDKs what to hold back, and for how long.
pub const X_SENTRY_RATE_LIMITS: HeaderName = HeaderName::from_static("x-sentry-rate-limits");

/// An answer that is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    causes: Vec<String>,
    retry_after: Option<Duration>,
    limits: Vec<RateLimit>,
    search: Option<Box<SearchFault>>,
    for_sdk: bool,
}

#[derive(Serialize)]
struct Body<'a> {
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    causes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<&'a SearchFault>,
}

/// What is wrong with a search, for those who mark the place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct SearchFault {
    /// The first character, counted from 0.
    start: usize,
    /// The character behind the last.
    end: usize,
    found: String,
    expected: String,
    suggestion: Option<String>,
}

impl ApiError {
    /// Makes an error; `detail` is a sentence for people, without payloads and secrets.
    #[must_use]
    pub fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            causes: Vec::new(),
            retry_after: None,
            limits: Vec::new(),
            search: None,
            for_sdk: false,
        }
    }

    /// A value that the caller gave is not allowed.
    #[must_use]
    pub fn invalid(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// There is no such thing, or the caller may not know of it.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "The requested resource does not exist",
        )
    }

    /// There is no token, or it is not valid.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_token", "Invalid token")
    }

    /// The token lacks a scope.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "missing_scope",
            "You do not have permission to perform this action.",
        )
    }

    /// Adds what led to it.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// Repeats the sentence in the header that SDKs read.
    #[must_use]
    pub fn for_sdk(mut self) -> Self {
        self.for_sdk = true;
        self
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the sentence.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let error = Self::new(refusal.status(), refusal.code(), refusal.to_string()).for_sdk();
        let retry_after = refusal.retry_after();
        let limits = match refusal {
            Refusal::RateLimited(limits) => limits,
            _ => Vec::new(),
        };
        Self {
            retry_after,
            limits,
            ..error
        }
    }
}

impl From<SearchError> for ApiError {
    fn from(error: SearchError) -> Self {
        let place = error.place();
        let fault = SearchFault {
            start: place.start,
            end: place.end,
            found: error.found().to_owned(),
            expected: error.expected().to_owned(),
            suggestion: error.suggestion().map(str::to_owned),
        };
        Self {
            search: Some(Box::new(fault)),
            ..Self::invalid(error.code(), error.to_string())
        }
    }
}

impl From<NotSearchable> for ApiError {
    fn from(error: NotSearchable) -> Self {
        Self::invalid(error.code(), error.to_string())
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let (status, detail) = match error.kind() {
            ErrorKind::NotFound => return Self::not_found(),
            ErrorKind::Conflict => (StatusCode::CONFLICT, error.to_string()),
            ErrorKind::Invalid => (StatusCode::BAD_REQUEST, error.to_string()),
            ErrorKind::Full => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the disk is full".to_owned(),
            ),
            ErrorKind::Unavailable | ErrorKind::Closed => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the server cannot answer now".to_owned(),
            ),
            _ => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "the server failed".to_owned(),
            ),
        };
        let code = error.kind().as_str();
        if status.is_server_error() {
            tracing::error!(error.kind = code, %error, "a request failed");
        }
        let answer = Self::new(status, code, detail);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return answer.retry_after(Duration::from_secs(5));
        }
        answer
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Body {
            detail: &self.detail,
            code: self.code,
            causes: &self.causes,
            search: self.search.as_deref(),
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED && !self.for_sdk {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"api\""),
            );
        }
        if self.for_sdk {
            // A header holds one line of ASCII.
            let line: String = self
                .detail
                .chars()
                .map(|c| {
                    if c.is_ascii() && !c.is_ascii_control() {
                        c
                    } else {
                        '?'
                    }
                })
                .take(200)
                .collect();
            if let Ok(value) = HeaderValue::try_from(line) {
                headers.insert(X_SENTRY_ERROR, value);
            }
        }
        if let Some(pause) = self.retry_after {
            let seconds = pause.as_secs().max(1);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if !self.limits.is_empty() {
            insert_limits(headers, &self.limits);
        }
        response
    }
}

/// Tells an SDK what to hold back; also on a 2xx, for a part of what it sent.
pub fn insert_limits(headers: &mut http::HeaderMap, limits: &[RateLimit]) {
    if let Ok(value) = HeaderValue::try_from(RateLimit::to_header(limits)) {
        headers.insert(X_SENTRY_RATE_LIMITS, value);
    }
}

#[cfg(test)]
mod tests {
    use mini_sentry::ratelimit::{DataCategory, RateLimitScope};

    use super::*;

    #[test]
    fn a_reached_limit_tells_for_how_long_and_what() {
        let limit = RateLimit::new(30, RateLimitScope::Key)
            .categories([DataCategory::Error])
            .reason("key_quota");
        let response = ApiError::from(Refusal::RateLimited(vec![limit])).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()["retry-after"], "30");
        assert_eq!(
            response.headers()["x-sentry-rate-limits"],
            "30:error:key:key_quota"
        );
        assert_eq!(response.headers()["x-sentry-error"], "rate limit exceeded");
    }

    #[test]
    fn a_detail_cannot_break_out_of_its_header() {
        let refusal = Refusal::UnknownEncoding("a\r\nset-cookie: b".to_owned());
        let response = ApiError::from(refusal).into_response();
        assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert!(response.headers().get("set-cookie").is_none());
    }

    #[test]
    fn an_error_of_the_system_does_not_show_its_text() {
        let error = Error::because(ErrorKind::System, "open /data/secret");
        let answer = ApiError::from(error);
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.detail, "the server failed");
    }
}
