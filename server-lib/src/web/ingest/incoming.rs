//! The body of a request, before it is read.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use http::header;

use super::caller::text;
use crate::accept::{HeldBody, Refusal};
use crate::state::AppState;
use crate::web::error::ApiError;

/// A body that is still arriving, and what its headers say of it.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) body: Body,
    pub(super) encoding: Option<String>,
    pub(super) length: Option<u64>,
    pub(super) content_type: Option<String>,
}

impl Incoming {
    /// Reads the body, unpacked and within the limits.
    pub(super) async fn read(self, state: &AppState) -> Result<HeldBody, ApiError> {
        let body = state
            .acceptor
            .read_body(self.body, self.encoding.as_deref(), self.length)
            .await?;
        Ok(body)
    }
}

impl FromRequest<AppState> for Incoming {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, ApiError> {
        let headers = request.headers();
        let owned = |name| text(headers, &name).map(str::to_owned);
        Ok(Self {
            encoding: owned(header::CONTENT_ENCODING),
            length: text(headers, &header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            content_type: owned(header::CONTENT_TYPE),
            body: request.into_body(),
        })
    }
}

/// Insists on a bound for a body that is built into values, which take many times its size.
pub(super) fn check_size(body: &[u8], max: usize) -> Result<(), Refusal> {
    if body.len() <= max {
        return Ok(());
    }
    Err(Refusal::TooLarge {
        what: "body",
        limit: u64::try_from(max).unwrap_or(u64::MAX),
    })
}
