//! Items that are neither events nor attachments: sessions, reports, logs, spans, replays, and
//! what this version does not know.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use mini_sentry::envelope::{Item, ItemHeader, ItemKind};
use mini_sentry::limits::{MAX_EVENT_BYTES, MAX_SESSIONS, MAX_TRACE_METRIC_BYTES};
use mini_sentry::protocol::EventId;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::Refusal;
use super::intake::{Intake, Payload, category_of, short};
use super::session::hide_users;
use crate::model::outcome::Outcome;
use crate::model::record::{RecordContext, RecordKind};

impl Intake<'_> {
    /// Judges an item by its type.
    pub(super) fn other_item(
        &mut self,
        header: ItemHeader,
        payload: Payload,
    ) -> Result<(), Refusal> {
        let Some(treatment) = Treatment::of(&header.kind) else {
            let category = category_of(Some(&header.kind));
            self.refuse(category, (Outcome::Invalid, "unsupported_item"), 1);
            return Ok(());
        };
        let (payload, quantity) = match (treatment.form, payload) {
            (Form::Bytes, payload) => (payload, 1),
            // Bytes that have not been looked at stand for one thing.
            (_, Payload::File(file)) => (Payload::File(file), 1),
            (Form::Session, Payload::Inline(json)) => match self.session(&header.kind, &json) {
                Ok(clean) => (Payload::Inline(clean), 1),
                Err(code) => {
                    self.invalid(&header.kind, code, 1);
                    return Ok(());
                }
            },
            (Form::Json | Form::FreeJson, Payload::Inline(json)) => {
                let json = match without_oversized(&header.kind, &json) {
                    Some((fitting, dropped)) => {
                        self.too_large_entries(&header.kind, dropped);
                        match fitting {
                            Some(fitting) => fitting,
                            None => return Ok(()),
                        }
                    }
                    None => json,
                };
                let Some(quantity) = count_entries(&header, &json) else {
                    let told = header.item_count.unwrap_or(1).clamp(1, 10_000);
                    self.invalid(&header.kind, "invalid_json", told);
                    return Ok(());
                };
                let json = match treatment.form {
                    Form::FreeJson => self.scrub(json),
                    _ => json,
                };
                (Payload::Inline(json), quantity)
            }
            (Form::Anything, Payload::Inline(bytes)) => {
                let is_json = bytes.trim_ascii_start().first() == Some(&b'{')
                    && std::str::from_utf8(&bytes).is_ok();
                let bytes = if is_json { self.scrub(bytes) } else { bytes };
                (Payload::Inline(bytes), 1)
            }
        };
        let event_id = match treatment.record {
            RecordKind::UserReport => match &payload {
                Payload::Inline(json) => reported_id(json).or(self.envelope.event_id),
                Payload::File(_) => self.envelope.event_id,
            },
            _ if treatment.belongs => self.envelope.event_id,
            _ => None,
        };
        let category = category_of(Some(&header.kind));
        let context = RecordContext {
            name: match &header.kind {
                ItemKind::Unknown(name) => Some(short(name, 64)),
                ItemKind::ProfileChunk => header.platform.map(|name| short(&name, 64)),
                _ => header.filename.map(|name| short(&name, 255)),
            },
            content_type: header.content_type.map(|name| short(&name, 127)),
            quantity: (quantity != 1).then_some(quantity),
            ..self.context()
        };
        let event_id = event_id.unwrap_or_default();
        self.keep(
            treatment.record,
            event_id,
            context,
            payload,
            (category, quantity),
        )
    }

    fn too_large_entries(&mut self, kind: &ItemKind, count: u64) {
        self.refuse(
            category_of(Some(kind)),
            (Outcome::Invalid, "too_large"),
            count,
        );
        let limit = entry_limit(kind).unwrap_or_default();
        self.blame(Refusal::TooLarge {
            what: "container's entry",
            limit: u64::try_from(limit).unwrap_or(u64::MAX),
        });
    }

    fn session(&mut self, kind: &ItemKind, json: &Bytes) -> Result<Bytes, &'static str> {
        self.sessions = self.sessions.saturating_add(1);
        if self.sessions > MAX_SESSIONS {
            return Err("too_many_sessions");
        }
        hide_users(kind, json, self.sender.project.id).map(Bytes::from)
    }
}

/// How items of a type are treated.
#[derive(Clone, Copy)]
struct Treatment {
    record: RecordKind,
    form: Form,
    /// Whether it belongs to the envelope's event.
    belongs: bool,
}

/// What the bytes of an item are.
#[derive(Clone, Copy)]
enum Form {
    /// Bytes that are not looked into.
    Bytes,
    /// JSON of names and numbers.
    Json,
    /// JSON with texts that may hold anything.
    FreeJson,
    /// A session or sums of them.
    Session,
    /// Nobody knows.
    Anything,
}

impl Treatment {
    /// Returns `None` for types that have died out and are only counted.
    fn of(kind: &ItemKind) -> Option<Self> {
        let (record, form, belongs) = match kind {
            ItemKind::Session => (RecordKind::Session, Form::Session, false),
            ItemKind::Sessions => (RecordKind::Sessions, Form::Session, false),
            ItemKind::UserReport => (RecordKind::UserReport, Form::FreeJson, true),
            ItemKind::ClientReport => (RecordKind::ClientReport, Form::Json, false),
            ItemKind::CheckIn => (RecordKind::CheckIn, Form::Json, false),
            ItemKind::Log => (RecordKind::Log, Form::FreeJson, false),
            ItemKind::TraceMetric => (RecordKind::TraceMetric, Form::FreeJson, false),
            ItemKind::Span => (RecordKind::Span, Form::FreeJson, false),
            ItemKind::OtelSpan => (RecordKind::OtelSpan, Form::FreeJson, false),
            ItemKind::ReplayEvent => (RecordKind::ReplayEvent, Form::FreeJson, true),
            ItemKind::ReplayRecording => (RecordKind::ReplayRecording, Form::Bytes, true),
            ItemKind::ReplayVideo => (RecordKind::ReplayVideo, Form::Bytes, true),
            ItemKind::Profile => (RecordKind::Profile, Form::Bytes, true),
            ItemKind::ProfileChunk => (RecordKind::ProfileChunk, Form::Bytes, false),
            ItemKind::Unknown(_) => (RecordKind::Unknown, Form::Anything, true),
            _ => return None,
        };
        Some(Self {
            record,
            form,
            belongs,
        })
    }
}

/// Returns what one entry of a container may have.
fn entry_limit(kind: &ItemKind) -> Option<usize> {
    match kind {
        ItemKind::TraceMetric => Some(MAX_TRACE_METRIC_BYTES),
        ItemKind::Log | ItemKind::Span => Some(MAX_EVENT_BYTES),
        _ => None,
    }
}

/// Leaves out the entries of a container that are too large: what stays, if anything does, and how
/// many do not. `None` when all of them fit.
fn without_oversized(kind: &ItemKind, json: &[u8]) -> Option<(Option<Bytes>, u64)> {
    let limit = entry_limit(kind).filter(|limit| json.len() > *limit)?;
    let mut container: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(json).ok()?;
    let entries: Vec<&RawValue> = serde_json::from_str(container.get("items")?.get()).ok()?;
    let count = entries.len();
    let fitting: Vec<_> = entries
        .into_iter()
        .filter(|entry| entry.get().len() <= limit)
        .collect();
    let dropped = count.saturating_sub(fitting.len());
    if dropped == 0 {
        return None;
    }
    let dropped = u64::try_from(dropped).unwrap_or(u64::MAX);
    if fitting.is_empty() {
        return Some((None, dropped));
    }
    let fitting = serde_json::value::to_raw_value(&fitting).ok()?;
    container.insert(Cow::Borrowed("items"), &fitting);
    let rest = serde_json::to_vec(&container).ok()?;
    Some((Some(rest.into()), dropped))
}

/// Counts the entries of a container; 1 for other JSON, `None` for what is no JSON.
fn count_entries(header: &ItemHeader, json: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Container {
        items: Vec<IgnoredAny>,
    }
    let is_container = match header.kind {
        ItemKind::Log | ItemKind::TraceMetric => true,
        ItemKind::Span => header.item_count.is_some(),
        _ => false,
    };
    let strict = if is_container {
        serde_json::from_slice(json)
            .map(|container: Container| u64::try_from(container.items.len()).unwrap_or(u64::MAX))
    } else {
        serde_json::from_slice(json).map(|_: IgnoredAny| 1)
    };
    // What other languages write into JSON, such as `NaN`, the core's readers mend.
    strict
        .or_else(|_| Item::read(header.clone(), json).map(|item| item.quantity()))
        .ok()
}

/// Returns which event an old feedback is about.
fn reported_id(json: &[u8]) -> Option<EventId> {
    #[derive(Deserialize)]
    struct Report {
        event_id: EventId,
    }
    let report: Report = serde_json::from_slice(json).ok()?;
    (!report.event_id.is_nil()).then_some(report.event_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_counted_and_not_believed() {
        let mut header = ItemHeader::new(ItemKind::Log);
        header.item_count = Some(1_000_000);
        assert_eq!(count_entries(&header, br#"{"items":[{},{}]}"#), Some(2));
        assert_eq!(
            count_entries(&header, br#"{"items":[{"v":NaN},{}]}"#),
            Some(2)
        );
        assert_eq!(count_entries(&header, br#"{"items":[{},{}]"#), None);
        let span = ItemHeader::new(ItemKind::Span);
        assert_eq!(count_entries(&span, br#"{"span_id":"a"}"#), Some(1));
    }

    #[test]
    fn entries_that_are_too_large_are_left_out() {
        let large = "x".repeat(MAX_TRACE_METRIC_BYTES);
        let json = format!(r#"{{"version":2,"items":[{{"n":1}},{{"l":"{large}"}},{{"n":2}}]}}"#);
        let kind = ItemKind::TraceMetric;
        let (fitting, dropped) = without_oversized(&kind, json.as_bytes()).unwrap();
        let expected = r#"{"items":[{"n":1},{"n":2}],"version":2}"#;
        assert_eq!((fitting.unwrap(), dropped), (expected.into(), 1));
        assert_eq!(without_oversized(&ItemKind::Log, json.as_bytes()), None);
        let json = format!(r#"{{"items":["{large}"]}}"#);
        let all = without_oversized(&kind, json.as_bytes());
        assert_eq!(all, Some((None, 1)));
        let json = format!(r#"{{"items":[{}1]}}"#, "1,".repeat(2000));
        assert_eq!(without_oversized(&kind, json.as_bytes()), None);
    }

    #[test]
    fn every_known_type_is_stored_or_known_to_be_dead() {
        let dead = [
            "statsd",
            "metric_buckets",
            "metric_meta",
            "nel",
            "form_data",
            "unreal_report",
        ];
        let elsewhere = [
            "event",
            "transaction",
            "feedback",
            "raw_security",
            "attachment",
        ];
        for kind in ItemKind::KNOWN {
            let name = kind.as_str();
            let is_stored = Treatment::of(kind).is_some();
            assert_eq!(
                is_stored,
                !dead.contains(&name) && !elsewhere.contains(&name),
                "{name}"
            );
        }
    }
}
