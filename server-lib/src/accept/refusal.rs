//! Why a request is refused as a whole.

use std::time::Duration;

use mini_sentry::ratelimit::RateLimit;

use crate::journal::AppendError;

/// Why a request is refused as a whole; nothing of it is stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Nothing names a key.
    #[error(
        "no key: give sentry_key in the X-Sentry-Auth header, the query, or the envelope's dsn"
    )]
    MissingKey,
    /// Places that name a key disagree.
    #[error("the request names more than one key")]
    KeysDisagree,
    /// Key or protocol version is not readable.
    #[error("malformed authentication: {0}")]
    MalformedAuth(String),
    /// There is no such key.
    #[error("unknown key")]
    UnknownKey,
    /// The key is switched off.
    #[error("the key is disabled")]
    DisabledKey,
    /// The key belongs to another project than the path names.
    #[error("the key does not belong to the project")]
    WrongProject,
    /// The website is not among the project's.
    #[error("the origin is not allowed")]
    OriginNotAllowed,
    /// Everything in the request is above a limit.
    #[error("rate limit exceeded")]
    RateLimited(Vec<RateLimit>),
    /// More bytes than allowed.
    #[error("the {what} is larger than {limit} bytes")]
    TooLarge {
        /// Body, unpacked body, item …
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The body is not what its headers say, or its format is broken.
    #[error("{detail}")]
    Malformed {
        /// A stable code.
        code: &'static str,
        /// What and where.
        detail: String,
    },
    /// The encoding is not one of ours.
    #[error("unsupported content encoding {0:?}")]
    UnknownEncoding(String),
    /// The body did not come in time, or ended early.
    #[error("the body did not arrive completely")]
    Incomplete,
    /// The server has no room for the request in memory now.
    #[error("the server is busy")]
    Busy,
    /// The journal did not take it.
    #[error("{0}")]
    Journal(#[from] AppendError),
}

impl Refusal {
    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingKey => "missing_key",
            Self::KeysDisagree => "keys_disagree",
            Self::MalformedAuth(_) => "malformed_auth",
            Self::UnknownKey => "unknown_key",
            Self::DisabledKey => "disabled_key",
            Self::WrongProject => "wrong_project",
            Self::OriginNotAllowed => "origin_not_allowed",
            Self::RateLimited(_) => "rate_limited",
            Self::TooLarge { .. } => "too_large",
            Self::Malformed { code, .. } => code,
            Self::UnknownEncoding(_) => "unknown_encoding",
            Self::Incomplete => "incomplete",
            Self::Busy => "busy",
            Self::Journal(error) => error.code(),
        }
    }

    /// Returns the status of the answer.
    #[must_use]
    pub fn status(&self) -> http::StatusCode {
        use http::StatusCode;
        match self {
            Self::MissingKey | Self::KeysDisagree => StatusCode::UNAUTHORIZED,
            Self::UnknownKey | Self::DisabledKey | Self::WrongProject | Self::OriginNotAllowed => {
                StatusCode::FORBIDDEN
            }
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MalformedAuth(_) | Self::Malformed { .. } => StatusCode::BAD_REQUEST,
            Self::UnknownEncoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Incomplete => StatusCode::REQUEST_TIMEOUT,
            Self::Busy | Self::Journal(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns when the sender may try again, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(limits) => limits
                .iter()
                .map(|limit| Duration::from_secs(limit.retry_after_secs))
                .max(),
            Self::Busy => Some(Duration::from_secs(1)),
            Self::Journal(_) => Some(Duration::from_secs(5)),
            _ => None,
        }
    }
}
