//! The door: who may send, and what becomes of what was sent.

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use mini_sentry::protocol::EventId;

use super::budget::HeldBody;
use super::{Claim, OfferedItem, Receipt, Refusal, RequestFacts, Sender};
use crate::blob::Blobs;
use crate::catalog::CatalogCache;
use crate::clock::Clock;
use crate::config::Config;
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::model::ids::ProjectId;
use crate::store::Stats;

/// What an [`Acceptor`] works with.
pub struct AcceptParts {
    /// The settings.
    pub config: Arc<Config>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Projects and keys.
    pub catalog: Arc<CatalogCache>,
    /// Where accepted items go.
    pub journal: Arc<dyn Journal>,
    /// Where the server counts itself.
    pub metrics: Arc<Metrics>,
    /// Where counts of refused items go.
    pub stats: Arc<dyn Stats>,
    /// Where bodies go that are too large for the journal.
    pub blobs: Arc<Blobs>,
}

impl fmt::Debug for AcceptParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptParts").finish_non_exhaustive()
    }
}

/// Judges what is sent, and answers when the good part of it is on disk.
#[derive(Debug)]
pub struct Acceptor {
    parts: AcceptParts,
}

impl Acceptor {
    /// Makes an acceptor.
    #[must_use]
    pub fn new(parts: AcceptParts) -> Self {
        Self { parts }
    }

    /// Checks a claim against the catalogue as it is in memory.
    ///
    /// # Errors
    ///
    /// When there is no key, or it is unknown, disabled, of another project, or used from a
    /// website that is not the project's.
    pub fn admit(&self, claim: &Claim) -> Result<Sender, Refusal> {
        let _ = (&self.parts, claim);
        Err(Refusal::Busy)
    }

    /// Checks a claim like [`admit`](Self::admit), and looks into the store before it calls a key
    /// unknown, because the key may be younger than the catalogue in memory.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit).
    #[expect(clippy::unused_async, reason = "the store is asked here")]
    pub async fn admit_fresh(&self, claim: &Claim) -> Result<Sender, Refusal> {
        self.admit(claim)
    }

    /// Finds the project of an ingest token.
    ///
    /// # Errors
    ///
    /// When no project has it.
    pub fn admit_token(&self, ingest_token: &str) -> Result<Sender, Refusal> {
        let _ = (&self.parts, ingest_token);
        Err(Refusal::UnknownKey)
    }

    /// Finds a project by its slug, or by its number.
    ///
    /// # Errors
    ///
    /// When there is none, or several organisations have one of that slug.
    pub fn admit_slug(&self, slug: &str) -> Result<Sender, Refusal> {
        let _ = (&self.parts, slug);
        Err(Refusal::UnknownKey)
    }

    /// Reads a body into memory: unpacked, within the limits, in the time allowed. The memory is
    /// accounted for until the answer is dropped.
    ///
    /// # Errors
    ///
    /// When the body is too large, broken, late, or the server is busy.
    #[expect(clippy::unused_async, reason = "the body is awaited here")]
    pub async fn read_body(
        &self,
        body: Body,
        content_encoding: Option<&str>,
        content_length: Option<u64>,
    ) -> Result<HeldBody, Refusal> {
        let _ = (&self.parts, body, content_encoding, content_length);
        Err(Refusal::Busy)
    }

    /// Takes a whole envelope request. A claim without a key takes the key of the envelope's own
    /// `dsn`, which is how envelopes come through a tunnel.
    ///
    /// # Errors
    ///
    /// When the sender is not admitted, the frame is broken before the first good item, or
    /// nothing of it may be stored.
    #[expect(clippy::unused_async, reason = "the journal is awaited here")]
    pub async fn receive_envelope(
        &self,
        claim: Claim,
        facts: &RequestFacts,
        body: Body,
        content_encoding: Option<&str>,
        content_length: Option<u64>,
    ) -> Result<Receipt, Refusal> {
        let _ = (
            &self.parts,
            claim,
            facts,
            body,
            content_encoding,
            content_length,
        );
        Err(Refusal::Busy)
    }

    /// Takes one event as JSON.
    ///
    /// # Errors
    ///
    /// When it is above a limit, or no event can be made of the JSON.
    #[expect(clippy::unused_async, reason = "the journal is awaited here")]
    pub async fn receive_event(
        &self,
        sender: &Sender,
        facts: &RequestFacts,
        json: Bytes,
    ) -> Result<Receipt, Refusal> {
        let _ = (&self.parts, sender, facts, json);
        Err(Refusal::Busy)
    }

    /// Takes items that an endpoint has made itself. They belong to `event_id`, unless it is nil.
    ///
    /// # Errors
    ///
    /// When all of them are above a limit or broken.
    #[expect(clippy::unused_async, reason = "the journal is awaited here")]
    pub async fn receive_items(
        &self,
        sender: &Sender,
        facts: &RequestFacts,
        event_id: EventId,
        items: Vec<OfferedItem>,
    ) -> Result<Receipt, Refusal> {
        let _ = (&self.parts, sender, facts, event_id, items);
        Err(Refusal::Busy)
    }

    /// Counts one request of Mini Sentry's own ingest API.
    ///
    /// # Errors
    ///
    /// When the project has had its share of this minute.
    pub fn own_api_limit(&self, project: ProjectId) -> Result<(), Refusal> {
        let _ = (&self.parts, project);
        Ok(())
    }

    /// Writes the counts of refused items to the store. Called each second, and at the end.
    #[expect(clippy::unused_async, reason = "the store is awaited here")]
    pub async fn flush_outcomes(&self) {
        let _ = &self.parts;
    }
}
