//! The items of one request while they are judged, until all of the good ones go to disk together.
//!
//! Each item ends in exactly one outcome: it becomes a record, or it is counted as refused. What
//! belongs to an event shares the event's fate, whichever of them came first.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use mini_sentry::envelope::{EnvelopeError, ItemHeader, ItemKind};
use mini_sentry::protocol::EventId;
use mini_sentry::ratelimit::{DataCategory, RateLimit};
use mini_sentry::scrub::ScrubReport;

use super::commit::refuse_write;
use super::envelope::EnvelopeFacts;
use super::policy::Policy;
use super::{Acceptor, Refusal, RequestFacts, Sender};
use crate::blob::BlobWriter;
use crate::model::event::EventFacts;
use crate::model::outcome::Outcome;
use crate::model::record::{NewRecord, RecordContext, RecordHead, RecordKind};

/// Bytes of all bodies of one request that are kept in memory; further ones that can go to files.
const MAX_TOGETHER: usize = 4 * 1024 * 1024;
/// Bytes of all bodies of one request that are kept in memory, whatever they are.
const MAX_IN_MEMORY: usize = 16 * 1024 * 1024;
/// Smaller bodies are not worth a file of their own.
const MIN_FILE: usize = 16 * 1024;

/// The fate of an item that is refused, and why.
pub(super) type Fate = (Outcome, &'static str);

/// The items of one request.
pub(super) struct Intake<'a> {
    pub(super) core: &'a Acceptor,
    pub(super) sender: Sender,
    pub(super) policy: Arc<Policy>,
    pub(super) facts: &'a RequestFacts,
    pub(super) envelope: EnvelopeFacts,
    pub(super) event: EventSlot,
    pub(super) sessions: usize,
    pub(super) limits: Vec<RateLimit>,
    records: Vec<Draft>,
    attached: Vec<Draft>,
    bytes: usize,
    fault: Option<Refusal>,
}

/// Whether the request's event has come, and what became of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum EventSlot {
    /// There was none so far.
    Free,
    /// It is kept.
    Kept(EventId),
    /// It is not.
    Gone(Option<EventId>, Fate),
}

/// Where an item's bytes are.
#[derive(Debug)]
pub(super) enum Payload {
    /// In memory.
    Inline(Bytes),
    /// In a file that is still open.
    File(BlobWriter),
}

impl Payload {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Inline(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::File(file) => file.bytes(),
        }
    }
}

/// A record that waits for the rest of its request.
#[derive(Debug)]
pub(super) struct Draft {
    /// The record; without its body when that is in a file.
    pub(super) record: NewRecord,
    /// The file with the body.
    pub(super) file: Option<BlobWriter>,
    /// Under what it is counted.
    pub(super) category: DataCategory,
    /// How much it counts.
    pub(super) quantity: u64,
}

/// What is to go to disk.
#[derive(Debug)]
pub(super) struct Ready {
    /// The records, in order.
    pub(super) drafts: Vec<Draft>,
    /// The event's id, for the answer.
    pub(super) event_id: Option<EventId>,
    /// The limits to tell the sender of.
    pub(super) limits: Vec<RateLimit>,
}

impl<'a> Intake<'a> {
    /// Begins.
    pub(super) fn new(
        core: &'a Acceptor,
        sender: Sender,
        facts: &'a RequestFacts,
        envelope: EnvelopeFacts,
    ) -> Self {
        Self {
            policy: core.policies.of(&sender.project),
            core,
            sender,
            facts,
            envelope,
            event: EventSlot::Free,
            sessions: 0,
            limits: Vec::new(),
            records: Vec::new(),
            attached: Vec::new(),
            bytes: 0,
            fault: None,
        }
    }

    /// Judges an item.
    pub(super) fn item(&mut self, header: ItemHeader, payload: Payload) -> Result<(), Refusal> {
        let limit = header.kind.limit(&self.core.limits);
        if payload.len() > u64::try_from(limit).unwrap_or(u64::MAX) {
            self.too_large(Some(&header.kind), limit);
            return Ok(());
        }
        match header.kind {
            ItemKind::Event | ItemKind::Transaction | ItemKind::Feedback => {
                self.event_item(&header, payload)
            }
            ItemKind::RawSecurity => self.security_item(&header, &payload),
            ItemKind::Attachment => self.attachment(header, payload),
            _ => self.other_item(header, payload),
        }
    }

    /// Notes that the frame of the envelope is broken, or one of its items is.
    pub(super) fn frame_fault(&mut self, error: EnvelopeError, kind: Option<&ItemKind>) {
        if let EnvelopeError::ItemTooLarge { limit, .. } = error {
            self.too_large(kind, limit);
            return;
        }
        self.refuse(category_of(kind), (Outcome::Invalid, error.code()), 1);
        self.blame(Refusal::Malformed {
            code: error.code(),
            detail: error.to_string(),
        });
    }

    /// Counts an item as refused.
    pub(super) fn refuse(&self, category: DataCategory, fate: Fate, quantity: u64) {
        let at = self.facts.received;
        self.core
            .tally
            .refuse(&self.sender, at, category, fate, quantity);
    }

    /// Counts an item as unreadable, and says so in the answer when nothing else is good.
    pub(super) fn invalid(&mut self, kind: &ItemKind, code: &'static str, quantity: u64) {
        self.refuse(category_of(Some(kind)), (Outcome::Invalid, code), quantity);
        self.blame(Refusal::Malformed {
            code,
            detail: format!(
                "an item of type {} is not readable: {code}",
                short(kind.as_str(), 32)
            ),
        });
    }

    fn too_large(&mut self, kind: Option<&ItemKind>, limit: usize) {
        self.refuse(category_of(kind), (Outcome::Invalid, "too_large"), 1);
        if matches!(
            kind,
            Some(ItemKind::Event | ItemKind::Transaction | ItemKind::Feedback)
        ) && matches!(self.event, EventSlot::Free)
        {
            self.event = EventSlot::Gone(self.envelope.event_id, (Outcome::Invalid, "too_large"));
        }
        self.blame(Refusal::TooLarge {
            what: "item",
            limit: u64::try_from(limit).unwrap_or(u64::MAX),
        });
    }

    /// Remembers the first fault: the answer, should nothing be good.
    pub(super) fn blame(&mut self, fault: Refusal) {
        self.fault.get_or_insert(fault);
    }

    /// Removes what the project does not want to have on disk.
    pub(super) fn scrub(&self, json: Bytes) -> Bytes {
        let mut report = ScrubReport::default();
        let clean = match self.policy.scrubber.scrub(&json, &mut report) {
            std::borrow::Cow::Borrowed(_) => None,
            std::borrow::Cow::Owned(clean) => Some(Bytes::from(clean)),
        };
        if !report.is_empty() {
            self.core.parts.metrics.scrubbed.inc_by(report.total());
        }
        clean.unwrap_or(json)
    }

    /// Returns what comes beside the body of every record of this request.
    pub(super) fn context(&self) -> RecordContext {
        RecordContext {
            drift_ms: self.envelope.drift_ms,
            key: self.sender.key.as_ref().map(|key| key.id),
            sdk: self.envelope.sdk.clone(),
            ..RecordContext::default()
        }
    }

    /// Adds a record.
    pub(super) fn keep(
        &mut self,
        kind: RecordKind,
        event_id: EventId,
        context: RecordContext,
        payload: Payload,
        counted: (DataCategory, u64),
    ) -> Result<(), Refusal> {
        if let Some(draft) = self.draft(kind, event_id, context, payload, counted)? {
            self.records.push(draft);
        }
        Ok(())
    }

    /// Adds the event with what is known of it.
    pub(super) fn keep_event(
        &mut self,
        event_id: EventId,
        context: RecordContext,
        facts: Box<EventFacts>,
        body: Bytes,
        category: DataCategory,
    ) -> Result<(), Refusal> {
        let payload = Payload::Inline(body);
        let kind = RecordKind::Event;
        if let Some(mut draft) = self.draft(kind, event_id, context, payload, (category, 1))? {
            draft.record.facts = Some(facts);
            self.records.push(draft);
        }
        Ok(())
    }

    /// Adds an attachment, which waits for the event.
    fn attachment(&mut self, header: ItemHeader, payload: Payload) -> Result<(), Refusal> {
        let context = RecordContext {
            name: header.filename.map(|name| short(&name, 255)),
            content_type: header.content_type.map(|name| short(&name, 127)),
            attachment_type: header.attachment_type.map(|name| short(&name, 64)),
            ..self.context()
        };
        let counted = (DataCategory::Attachment, payload.len());
        let kind = RecordKind::Attachment;
        if let Some(draft) = self.draft(kind, EventId::nil(), context, payload, counted)? {
            self.attached.push(draft);
        }
        Ok(())
    }

    /// Makes a record, with its body in a file when it is large; `None` when there is no room.
    fn draft(
        &mut self,
        kind: RecordKind,
        event_id: EventId,
        context: RecordContext,
        payload: Payload,
        (category, quantity): (DataCategory, u64),
    ) -> Result<Option<Draft>, Refusal> {
        let (body, file) = match payload {
            Payload::File(file) => (Bytes::new(), Some(file)),
            Payload::Inline(bytes) if self.wants_file(kind, bytes.len()) => {
                let mut file = self.core.create_file(self.facts.received)?;
                file.write(&bytes).map_err(|error| refuse_write(&error))?;
                (Bytes::new(), Some(file))
            }
            Payload::Inline(bytes) => (bytes, None),
        };
        if self.bytes.saturating_add(body.len()) > MAX_IN_MEMORY {
            self.refuse(category, (Outcome::Invalid, "too_large"), quantity);
            self.blame(Refusal::TooLarge {
                what: "request's items together",
                limit: u64::try_from(MAX_IN_MEMORY).unwrap_or(u64::MAX),
            });
            return Ok(None);
        }
        self.bytes = self.bytes.saturating_add(body.len());
        let head = RecordHead {
            project: self.sender.project.id,
            kind,
            event_id,
            received: self.facts.received,
            context,
        };
        Ok(Some(Draft {
            record: NewRecord {
                head,
                facts: None,
                body,
            },
            file,
            category,
            quantity,
        }))
    }

    /// Reports whether a body of this size goes to a file of its own.
    pub(super) fn wants_file(&self, kind: RecordKind, len: usize) -> bool {
        // Events are read again and again, and never larger than a block takes.
        let may = !matches!(kind, RecordKind::Event | RecordKind::Transaction);
        let is_large = len > self.core.parts.config.ingest.max_inline_bytes;
        let is_crowded = self.bytes.saturating_add(len) > MAX_TOGETHER && len >= MIN_FILE;
        may && (is_large || is_crowded)
    }

    /// Returns how many bytes of bodies are kept in memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reports whether the sender's address may be kept.
    pub(super) fn keeps_addresses(&self) -> bool {
        !self.policy.drops_addresses
    }

    /// Returns the sender's address.
    pub(super) fn client_ip(&self) -> Option<IpAddr> {
        self.facts.client_ip
    }

    /// Ends: attachments go where their event goes.
    pub(super) fn finish(mut self) -> Result<Ready, Refusal> {
        self.name_crash()?;
        let event_id = match self.event {
            EventSlot::Kept(id) => Some(id),
            EventSlot::Gone(id, _) => id.or(self.envelope.event_id),
            EventSlot::Free => self.envelope.event_id,
        };
        let attached = std::mem::take(&mut self.attached);
        if let EventSlot::Gone(_, fate) = self.event {
            for draft in attached {
                self.refuse(draft.category, fate, draft.quantity);
                self.refuse(DataCategory::AttachmentItem, fate, 1);
            }
        } else {
            self.records.extend(attached.into_iter().map(|mut draft| {
                draft.record.head.event_id = event_id.unwrap_or_default();
                draft
            }));
        }
        if self.records.is_empty() {
            if !self.limits.is_empty() {
                return Err(Refusal::RateLimited(self.limits));
            }
            if let Some(fault) = self.fault {
                return Err(fault);
            }
        }
        Ok(Ready {
            drafts: self.records,
            event_id,
            limits: self.limits,
        })
    }

    /// Makes an event for a crash dump that came alone, so that the crash is seen.
    fn name_crash(&mut self) -> Result<(), Refusal> {
        let is_dump = |draft: &Draft| {
            let role = draft.record.head.context.attachment_type.as_deref();
            matches!(role, Some("event.minidump" | "event.applecrashreport"))
        };
        if matches!(self.event, EventSlot::Free) && self.attached.iter().any(is_dump) {
            let event = concat!(
                r#"{"platform":"native","level":"fatal","exception":{"values":[{"type":"Crash","#,
                r#""value":"the program crashed; its dump is attached","#,
                r#""mechanism":{"type":"minidump","handled":false,"synthetic":true}}]}}"#
            );
            let header = ItemHeader::new(ItemKind::Event);
            self.event_item(
                &header,
                Payload::Inline(Bytes::from_static(event.as_bytes())),
            )?;
        }
        Ok(())
    }
}

/// Under what an item is counted, when its type is known.
pub(super) fn category_of(kind: Option<&ItemKind>) -> DataCategory {
    kind.and_then(ItemKind::category)
        .unwrap_or(DataCategory::Default)
}

/// Cuts a text of a client to a length that is kept.
pub(super) fn short(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).collect()
}
