//! The door: who may send, and what becomes of what was sent.

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use mini_sentry::envelope::EnvelopeReader;
use mini_sentry::limits::{EnvelopeLimits, MAX_ATTACHMENT_BYTES};
use mini_sentry::protocol::EventId;
use mini_sentry::ratelimit::DataCategory;

use super::admission::{self, with_dsn};
use super::body::{Arrived, Source};
use super::budget::{Budget, Held, HeldBody};
use super::decode::{self, Broken, Encoding};
use super::envelope::{EnvelopeFacts, dsn_of, unreadable, walk};
use super::event::lone_event;
use super::intake::{Intake, Payload, Ready};
use super::policy::Policies;
use super::quota::Quotas;
use super::stream::Streamed;
use super::tally::Tally;
use super::{Claim, OfferedItem, Receipt, Refusal, RequestFacts, Sender};
use crate::blob::Blobs;
use crate::catalog::CatalogCache;
use crate::clock::Clock;
use crate::config::Config;
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::model::ids::ProjectId;
use crate::model::outcome::Outcome;
use crate::model::time::Millis;
use crate::store::Stats;

/// Bodies up to this size are unpacked in memory at once; larger ones are streamed.
const INLINE_BODY_BYTES: usize = 1024 * 1024;

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
    pub(super) parts: AcceptParts,
    pub(super) limits: EnvelopeLimits,
    pub(super) policies: Policies,
    pub(super) quotas: Quotas,
    pub(super) tally: Tally,
    budget: Budget,
}

impl Acceptor {
    /// Makes an acceptor.
    #[must_use]
    pub fn new(parts: AcceptParts) -> Self {
        let ingest = &parts.config.ingest;
        let gauge = parts.metrics.in_flight_bytes.clone();
        Self {
            limits: EnvelopeLimits::default()
                .max_envelope_bytes(ingest.max_body_bytes)
                .max_attachment_bytes(ingest.max_body_bytes.min(MAX_ATTACHMENT_BYTES)),
            policies: Policies::new(),
            quotas: Quotas::default(),
            tally: Tally::new(Arc::clone(&parts.metrics)),
            budget: Budget::new(ingest.max_in_flight_bytes, gauge),
            parts,
        }
    }

    /// Checks a claim against the catalogue as it is in memory.
    ///
    /// # Errors
    ///
    /// When there is no key, or it is unknown, disabled, of another project, or used from a
    /// website that is not the project's.
    pub fn admit(&self, claim: &Claim) -> Result<Sender, Refusal> {
        admission::admit(&self.parts.catalog.view(), claim).map_err(|(refusal, sender)| {
            if let Some(sender) = sender {
                let fate = (Outcome::Filtered, "cors");
                self.tally
                    .refuse(&sender, self.now(), DataCategory::Error, fate, 1);
            }
            refusal
        })
    }

    /// Checks a claim like [`admit`](Self::admit), and looks into the store before it calls a key
    /// unknown, because the key may be younger than the catalogue in memory.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit).
    pub async fn admit_fresh(&self, claim: &Claim) -> Result<Sender, Refusal> {
        match self.admit(claim) {
            Err(Refusal::UnknownKey) => {
                if self.parts.catalog.refresh_missed().await {
                    self.admit(claim)
                } else {
                    Err(Refusal::UnknownKey)
                }
            }
            outcome => outcome,
        }
    }

    /// Finds the project of an ingest token.
    ///
    /// # Errors
    ///
    /// When no project has it.
    pub fn admit_token(&self, ingest_token: &str) -> Result<Sender, Refusal> {
        let view = self.parts.catalog.view();
        let project = view
            .project_of_token(ingest_token)
            .ok_or(Refusal::UnknownKey)?;
        Ok(Sender {
            project: Arc::clone(project),
            key: None,
        })
    }

    /// Finds a project by its slug, or by its number.
    ///
    /// # Errors
    ///
    /// When there is none, or several organisations have one of that slug.
    pub fn admit_slug(&self, slug: &str) -> Result<Sender, Refusal> {
        let view = self.parts.catalog.view();
        let project = view.only_project_named(slug).ok_or(Refusal::UnknownKey)?;
        Ok(Sender {
            project: Arc::clone(project),
            key: None,
        })
    }

    /// Finds a project by its number, for senders inside this process.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn admit_project(&self, project: ProjectId) -> Result<Sender, Refusal> {
        let view = self.parts.catalog.view();
        let project = view.project(project).ok_or(Refusal::UnknownKey)?;
        Ok(Sender {
            project: Arc::clone(project),
            key: None,
        })
    }

    /// Reads a body into memory: unpacked, within the limits, in the time allowed. The memory is
    /// accounted for until the answer is dropped.
    ///
    /// # Errors
    ///
    /// When the body is too large, broken, late, or the server is busy.
    pub async fn read_body(
        &self,
        body: Body,
        content_encoding: Option<&str>,
        content_length: Option<u64>,
    ) -> Result<HeldBody, Refusal> {
        let encoding = Encoding::parse(content_encoding)?;
        let max = self
            .parts
            .config
            .ingest
            .max_body_bytes
            .min(self.budget.max_bytes());
        let mut source = self.source(body, content_length)?;
        let mut held = self.budget.open();
        let arriving = source.collect(max, &mut held);
        let packed = match self.in_time(arriving).await? {
            Arrived::Whole(packed) => packed,
            Arrived::Part(_) => return Err(Broken::TooLarge.into_refusal(max)),
        };
        self.unpack(encoding, packed, max, held).await
    }

    /// Unpacks the body of a client so old that it packs without saying so: zlib, or base64. Any
    /// other body is returned as it is.
    ///
    /// # Errors
    ///
    /// When the body is broken, unpacks to more than an event may have, or the server is busy.
    pub fn unpack_store(&self, body: HeldBody) -> Result<HeldBody, Refusal> {
        let max = self.limits.max_event_bytes;
        match decode::unpack_store(&body, max) {
            None => Ok(body),
            Some(Err(broken)) => Err(broken.into_refusal(max)),
            Some(Ok(plain)) => {
                let (_, mut held) = body.into_parts();
                held.reach_now(plain.len())?;
                Ok(HeldBody::new(Bytes::from(plain), held))
            }
        }
    }

    /// Takes a whole envelope request. A claim without a key takes the key of the envelope's own
    /// `dsn`, which is how envelopes come through a tunnel.
    ///
    /// # Errors
    ///
    /// When the sender is not admitted, the frame is broken before the first good item, or
    /// nothing of it may be stored.
    pub async fn receive_envelope(
        &self,
        claim: Claim,
        facts: &RequestFacts,
        body: Body,
        content_encoding: Option<&str>,
        content_length: Option<u64>,
    ) -> Result<Receipt, Refusal> {
        let encoding = Encoding::parse(content_encoding)?;
        // Before the body is read, so that strangers cost little.
        let sender = match claim.public_key {
            Some(_) => Some(self.admit_fresh(&claim).await?),
            None => None,
        };
        let mut source = self.source(body, content_length)?;
        let mut held = self.budget.open();
        let arriving = source.collect(INLINE_BODY_BYTES, &mut held);
        let streamed = |sender| Streamed {
            acceptor: self,
            claim: claim.clone(),
            sender,
            facts,
        };
        let packed = match self.in_time(arriving).await? {
            Arrived::Whole(packed) => packed,
            Arrived::Part(start) => {
                let arriving = streamed(sender).receive(encoding, start, Some(source), held);
                let (ready, _held) = self.in_time(arriving).await?;
                return self.commit(ready).await;
            }
        };
        drop(source);
        let expected = encoding.expect_len(&packed, INLINE_BODY_BYTES);
        held.reach(packed.len().saturating_add(expected)).await?;
        let plain = match encoding {
            Encoding::Identity => packed,
            _ => match decode::unpack(encoding, &packed, INLINE_BODY_BYTES) {
                Ok(plain) => Bytes::from(plain),
                Err(Broken::TooLarge) => {
                    let reading = streamed(sender).receive(encoding, packed, None, held);
                    let (ready, _held) = self.in_time(reading).await?;
                    return self.commit(ready).await;
                }
                Err(broken @ Broken::Invalid) => return Err(broken.into_refusal(0)),
            },
        };
        held.reach(plain.len()).await?;
        held.shrink(plain.len());
        let ready = self.judge(claim, sender, facts, &plain).await?;
        let receipt = self.commit(ready).await;
        drop(held);
        receipt
    }

    /// Takes one event as JSON.
    ///
    /// # Errors
    ///
    /// When it is above a limit, or no event can be made of the JSON.
    pub async fn receive_event(
        &self,
        sender: &Sender,
        facts: &RequestFacts,
        json: Bytes,
    ) -> Result<Receipt, Refusal> {
        let envelope = EnvelopeFacts::bare(None, facts);
        let mut intake = Intake::new(self, sender.clone(), facts, envelope);
        let (header, payload) = lone_event(json);
        intake.item(header, payload)?;
        let ready = intake.finish()?;
        self.commit(ready).await
    }

    /// Takes items that an endpoint has made itself. They belong to `event_id`, unless it is nil.
    ///
    /// # Errors
    ///
    /// When all of them are above a limit or broken.
    pub async fn receive_items(
        &self,
        sender: &Sender,
        facts: &RequestFacts,
        event_id: EventId,
        items: Vec<OfferedItem>,
    ) -> Result<Receipt, Refusal> {
        let envelope = EnvelopeFacts::bare(Some(event_id), facts);
        let mut intake = Intake::new(self, sender.clone(), facts, envelope);
        for item in items {
            intake.item(item.header, Payload::Inline(item.payload))?;
        }
        let ready = intake.finish()?;
        self.commit(ready).await
    }

    /// Counts one request of Mini Sentry's own ingest API.
    ///
    /// # Errors
    ///
    /// When the project has had its share of this minute.
    pub fn own_api_limit(&self, project: ProjectId) -> Result<(), Refusal> {
        let per_minute = self.parts.config.ingest.events_per_minute;
        self.quotas
            .take_own_api(project, per_minute, self.now())
            .map_err(|limit| Refusal::RateLimited(vec![limit]))
    }

    /// Writes the counts of refused items to the store. Called each second, and at the end.
    pub async fn flush_outcomes(&self) {
        self.tally.flush(&*self.parts.stats).await;
    }

    /// Returns the time.
    pub(super) fn now(&self) -> Millis {
        self.parts.clock.now()
    }

    /// Judges the items of an envelope in memory.
    async fn judge(
        &self,
        claim: Claim,
        sender: Option<Sender>,
        facts: &RequestFacts,
        body: &Bytes,
    ) -> Result<Ready, Refusal> {
        let reader = EnvelopeReader::new(body, &self.limits)
            .map_err(|error| unreadable(error, &self.limits))?;
        let fields = &reader.header().fields;
        let claim = with_dsn(claim, dsn_of(fields))?;
        let sender = match sender {
            Some(sender) => sender,
            None => self.admit_fresh(&claim).await?,
        };
        let envelope = EnvelopeFacts::read(fields, facts);
        let mut intake = Intake::new(self, sender, facts, envelope);
        walk(&mut intake, reader, body)?;
        intake.finish()
    }

    async fn unpack(
        &self,
        encoding: Encoding,
        packed: Bytes,
        max: usize,
        mut held: Held,
    ) -> Result<HeldBody, Refusal> {
        if encoding == Encoding::Identity {
            return Ok(HeldBody::new(packed, held));
        }
        // Small bodies are unpacked at once; of large ones the length is not taken on trust.
        let mut room = encoding.expect_len(&packed, max).clamp(packed.len(), max);
        loop {
            held.reach(packed.len().saturating_add(room)).await?;
            match decode::unpack(encoding, &packed, room) {
                Ok(plain) => {
                    drop(packed);
                    held.reach(plain.len()).await?;
                    held.shrink(plain.len());
                    return Ok(HeldBody::new(Bytes::from(plain), held));
                }
                Err(Broken::TooLarge) if room < max => {
                    room = room.saturating_mul(8).max(INLINE_BODY_BYTES).min(max);
                }
                Err(broken) => return Err(broken.into_refusal(max)),
            }
        }
    }

    fn source(&self, body: Body, content_length: Option<u64>) -> Result<Source, Refusal> {
        Source::new(
            body,
            content_length,
            self.parts.config.ingest.max_compressed_bytes,
        )
    }

    /// Waits for a body no longer than a body may take.
    async fn in_time<T>(
        &self,
        reading: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        let patience = self.parts.config.http.body_timeout;
        tokio::time::timeout(patience, reading)
            .await
            .unwrap_or(Err(Refusal::Incomplete))
    }
}
