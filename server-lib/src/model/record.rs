//! A record: one item on its way through the journal, and at rest in the bodies' home.

use std::net::IpAddr;

use bytes::Bytes;
use mini_sentry::protocol::EventId;
use serde::{Deserialize, Serialize};

use super::event::EventFacts;
use super::ids::{KeyId, ProjectId, Seq};
use super::outcome::named;
use super::time::Millis;

named! {
    /// What a record's body is.
    RecordKind {
        /// An event as JSON: error, message, security report or log line.
        Event = "event" / 0,
        /// A transaction as JSON.
        Transaction = "transaction" / 1,
        /// Bytes that belong to an event.
        Attachment = "attachment" / 2,
        /// One session update as JSON.
        Session = "session" / 3,
        /// Session aggregates as JSON.
        Sessions = "sessions" / 4,
        /// Feedback as an event with its context, JSON.
        Feedback = "feedback" / 5,
        /// Feedback in the old form, JSON.
        UserReport = "user_report" / 6,
        /// What an SDK dropped, JSON.
        ClientReport = "client_report" / 7,
        /// A check-in of a monitor, JSON.
        CheckIn = "check_in" / 8,
        /// A container of log entries, JSON.
        Log = "log" / 9,
        /// A container of metrics, JSON.
        TraceMetric = "trace_metric" / 10,
        /// One span or a container of them, JSON.
        Span = "span" / 11,
        /// The facts of a replay, JSON.
        ReplayEvent = "replay_event" / 12,
        /// A replay's recording.
        ReplayRecording = "replay_recording" / 13,
        /// A mobile replay.
        ReplayVideo = "replay_video" / 14,
        /// A profile of a transaction, JSON.
        Profile = "profile" / 15,
        /// A piece of a continuous profile, JSON.
        ProfileChunk = "profile_chunk" / 16,
        /// An item of a kind that this version does not know, as it came.
        Unknown = "unknown" / 17,
        /// An OpenTelemetry span as JSON.
        OtelSpan = "otel_span" / 18,
    }
}

/// What is known of a record besides its body. Small: it is kept unpacked in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordHead {
    /// Whose it is.
    pub project: ProjectId,
    /// What the body is.
    pub kind: RecordKind,
    /// The event that it is or belongs to; nil when there is none.
    pub event_id: EventId,
    /// When the server read it.
    pub received: Millis,
    /// What came beside the body.
    pub context: RecordContext,
}

/// What came beside an item: request and item headers, as far as later steps need them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordContext {
    /// Milliseconds to add to the client's times to get ours; 0 when its clock is right.
    #[serde(rename = "d", default, skip_serializing_if = "is_zero")]
    pub drift_ms: i64,
    /// The key that sent it.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// The sender's address; kept only where the event asks for it and the project allows it.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<IpAddr>,
    /// The sender's `User-Agent`, when the event has none of its own and comes from a browser.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The `sdk_client` of the authentication or the envelope's `sdk`, as `name/version`.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
    /// File name of an attachment, type of an unknown item.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Media type of the body.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Role of an attachment.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub attachment_type: Option<String>,
    /// Entries of a container; 1 when absent.
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u64>,
    /// Name of the file in the blob folder that holds the body, when it was too large for a block.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<Blob>,
}

/// A body in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// The file's name: hexadecimal digits.
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

/// A record on its way into the journal.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// What is known of it.
    pub head: RecordHead,
    /// What digest needs to know of an event, taken from the body while it was in the cache.
    /// Not journaled: digest takes it from the body again after a restart.
    pub facts: Option<Box<EventFacts>>,
    /// The body: scrubbed, unpacked. Empty when it is in a blob.
    pub body: Bytes,
}

/// A record as it was read back.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its place.
    pub seq: Seq,
    /// What is known of it.
    pub head: RecordHead,
    /// The body; empty when it is in a blob.
    pub body: Bytes,
}

fn is_zero(value: &i64) -> bool {
    *value == 0
}
