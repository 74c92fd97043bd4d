//! Bodies as they arrive.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;

use super::Refusal;
use super::budget::Held;

/// Most bytes that are set aside on the word of a `Content-Length`.
const MAX_RESERVED: u64 = 256 * 1024;

/// A request's body, packed as it comes.
#[derive(Debug)]
pub(super) struct Source {
    body: Body,
    expected: Option<u64>,
    taken: u64,
    max: u64,
}

/// The beginning of a body.
#[derive(Debug)]
pub(super) enum Arrived {
    /// All of it.
    Whole(Bytes),
    /// More is to come.
    Part(Bytes),
}

impl Source {
    /// Looks at what the request announces.
    pub(super) fn new(
        body: Body,
        content_length: Option<u64>,
        max: usize,
    ) -> Result<Self, Refusal> {
        let source = Self {
            body,
            expected: content_length,
            taken: 0,
            max: u64::try_from(max).unwrap_or(u64::MAX),
        };
        match content_length {
            Some(length) if length > source.max => Err(source.too_large()),
            Some(_) | None => Ok(source),
        }
    }

    /// Returns the next bytes.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            let Some(frame) = self.body.frame().await else {
                return Ok(None);
            };
            // The connection broke, or the body was not framed as announced.
            let frame = frame.map_err(|_| Refusal::Incomplete)?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let len = u64::try_from(data.len()).unwrap_or(u64::MAX);
            self.taken = self.taken.saturating_add(len);
            if self.taken > self.max {
                return Err(self.too_large());
            }
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
    }

    /// Collects the body up to a little more than `enough` bytes, and accounts for them.
    pub(super) async fn collect(
        &mut self,
        enough: usize,
        held: &mut Held,
    ) -> Result<Arrived, Refusal> {
        let Some(first) = self.next().await? else {
            return Ok(Arrived::Whole(Bytes::new()));
        };
        held.reach(first.len()).await?;
        if self.body.is_end_stream() {
            return Ok(Arrived::Whole(first));
        }
        if first.len() > enough {
            return Ok(Arrived::Part(first));
        }
        let expected = self.expected.unwrap_or(0).min(MAX_RESERVED);
        let mut all = BytesMut::with_capacity(usize::try_from(expected).unwrap_or(0));
        all.extend_from_slice(&first);
        drop(first);
        while let Some(next) = self.next().await? {
            held.reach(all.len().saturating_add(next.len())).await?;
            all.extend_from_slice(&next);
            if all.len() > enough {
                return Ok(Arrived::Part(all.freeze()));
            }
        }
        Ok(Arrived::Whole(all.freeze()))
    }

    fn too_large(&self) -> Refusal {
        Refusal::TooLarge {
            what: "body",
            limit: self.max,
        }
    }
}
