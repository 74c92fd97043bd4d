//! Envelopes that are wholly in memory.

use bytes::Bytes;
use mini_sentry::envelope::{EnvelopeError, EnvelopeReader, ItemHeader, ItemKind};
use mini_sentry::limits::EnvelopeLimits;
use mini_sentry::protocol::{EventId, Timestamp};
use serde_json::{Map, Value};

use super::intake::{Intake, Payload, short};
use super::{Refusal, RequestFacts};
use crate::model::time::Millis;

/// Clocks that are off by less than this are called right: requests take time, too.
const MIN_DRIFT_MS: i64 = 60_000;

/// What an envelope's header says that matters here.
#[derive(Clone, Debug, Default)]
pub(super) struct EnvelopeFacts {
    /// The event that the items belong to.
    pub(super) event_id: Option<EventId>,
    /// Milliseconds to add to the client's times.
    pub(super) drift_ms: i64,
    /// The SDK, as `name/version`.
    pub(super) sdk: Option<String>,
}

impl EnvelopeFacts {
    /// Reads the header's fields; unreadable ones count as absent.
    pub(super) fn read(fields: &Map<String, Value>, facts: &RequestFacts) -> Self {
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let sent_at = match fields.get("sent_at") {
            Some(Value::String(text)) => Timestamp::parse(text),
            Some(Value::Number(number)) => number.as_f64().and_then(Timestamp::from_seconds),
            _ => None,
        };
        let drift_ms = sent_at.map_or(0, |sent| facts.received.since(Millis::from(sent)));
        let is_off = drift_ms.checked_abs().is_none_or(|off| off >= MIN_DRIFT_MS);
        Self {
            event_id: text("event_id").and_then(read_id),
            drift_ms: if is_off { drift_ms } else { 0 },
            sdk: sdk_of(fields).or_else(|| facts.sdk.as_deref().map(|sdk| short(sdk, 128))),
        }
    }

    /// Says what is known of items that came without an envelope.
    pub(super) fn bare(event_id: Option<EventId>, facts: &RequestFacts) -> Self {
        Self {
            event_id: event_id.filter(|id| !id.is_nil()),
            drift_ms: 0,
            sdk: facts.sdk.as_deref().map(|sdk| short(sdk, 128)),
        }
    }
}

/// Returns the `dsn` of an envelope's header.
pub(super) fn dsn_of(fields: &Map<String, Value>) -> Option<&str> {
    fields.get("dsn").and_then(Value::as_str)
}

/// Judges all items of an envelope. What follows a broken frame is lost, what precedes it is not.
pub(super) fn walk(
    intake: &mut Intake<'_>,
    reader: EnvelopeReader<'_>,
    body: &Bytes,
) -> Result<(), Refusal> {
    for item in reader {
        match item {
            Ok(item) => {
                let payload = Payload::Inline(body.slice_ref(item.payload));
                intake.item(item.header, payload)?;
            }
            Err(error) => {
                let kind = kind_at(body, error);
                intake.frame_fault(error, kind.as_ref());
            }
        }
    }
    Ok(())
}

/// Says that a whole envelope cannot be read.
pub(super) fn unreadable(error: EnvelopeError, limits: &EnvelopeLimits) -> Refusal {
    if let EnvelopeError::TooLarge { .. } = error {
        return Refusal::TooLarge {
            what: "envelope",
            limit: u64::try_from(limits.max_envelope_bytes).unwrap_or(u64::MAX),
        };
    }
    Refusal::Malformed {
        code: error.code(),
        detail: error.to_string(),
    }
}

/// Looks up the type of an item that was refused for its size.
fn kind_at(body: &Bytes, error: EnvelopeError) -> Option<ItemKind> {
    let EnvelopeError::ItemTooLarge { position, .. } = error else {
        return None;
    };
    let line = body.get(position..)?.split(|byte| *byte == b'\n').next()?;
    ItemHeader::from_json(line).map(|header| header.kind)
}

fn read_id(text: &str) -> Option<EventId> {
    text.parse().ok().filter(|id: &EventId| !id.is_nil())
}

fn sdk_of(fields: &Map<String, Value>) -> Option<String> {
    let sdk = fields.get("sdk")?;
    let name = sdk.get("name")?.as_str()?;
    let version = sdk
        .get("version")
        .and_then(Value::as_str)
        .unwrap_or("unknown");
    Some(format!("{}/{}", short(name, 64), short(version, 63)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> EnvelopeFacts {
        let facts = RequestFacts {
            received: Millis(1_767_323_045_000),
            sdk: Some("auth/1".to_owned()),
            ..RequestFacts::default()
        };
        EnvelopeFacts::read(&serde_json::from_str(json).unwrap(), &facts)
    }

    #[test]
    fn a_clock_is_corrected_when_it_is_off_by_a_minute_and_not_before() {
        assert_eq!(read(r#"{"sent_at":"2026-01-02T03:04:00Z"}"#).drift_ms, 0);
        assert_eq!(read(r#"{"sent_at":"2026-01-02T03:05:00Z"}"#).drift_ms, 0);
        assert_eq!(
            read(r#"{"sent_at":"2026-01-02T02:04:05Z"}"#).drift_ms,
            3_600_000
        );
        assert_eq!(read(r#"{"sent_at":1767330245}"#).drift_ms, -7_200_000);
        assert_eq!(read(r#"{"sent_at":"soon"}"#).drift_ms, 0);
    }

    #[test]
    fn a_nil_or_broken_id_counts_as_none_and_the_envelope_s_sdk_wins() {
        assert_eq!(
            read(r#"{"event_id":"00000000-0000-0000-0000-000000000000"}"#).event_id,
            None
        );
        assert_eq!(read(r#"{"event_id":7}"#).event_id, None);
        assert!(
            read(r#"{"event_id":"fc6d8c0c43fc4630ad850ee518f1b9d0"}"#)
                .event_id
                .is_some()
        );
        assert_eq!(read("{}").sdk.as_deref(), Some("auth/1"));
        let sdk = read(r#"{"sdk":{"name":"sentry.python","version":"2.1"}}"#).sdk;
        assert_eq!(sdk.as_deref(), Some("sentry.python/2.1"));
    }
}
