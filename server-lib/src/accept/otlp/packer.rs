//! Entries, put into containers of a size that is accepted.

use mini_sentry::envelope::{ItemHeader, ItemKind};
use mini_sentry::protocol::{Event, EventId};
use serde_json::{Map, Value};
use twox_hash::XxHash3_128;

use super::{Converted, Entry};
use crate::accept::{OfferedItem, shipper};
use crate::model::time::Millis;

/// Entries of one item.
pub(super) const MAX_ENTRIES: usize = 1000;
/// Bytes of one item, roughly.
const MAX_BYTES: usize = 512 * 1024;
/// Bytes of all that a request becomes. Every entry repeats what is said of its resource, so a
/// small request could become a large one.
const MAX_TOTAL: usize = 16 * 1024 * 1024;
/// Events of one request.
const MAX_EVENTS: usize = 100;

const BEGIN: &str = r#"{"items":["#;
const END: &str = "]}";

/// Collects what a request becomes.
pub(super) struct Packer {
    kind: ItemKind,
    content_type: &'static str,
    /// The container that is being filled.
    text: String,
    entries: usize,
    total: usize,
    request: u128,
    converted: Converted,
}

impl Packer {
    pub(super) fn new(kind: ItemKind, content_type: &'static str, body: &[u8]) -> Self {
        Self {
            kind,
            content_type,
            text: String::new(),
            entries: 0,
            total: 0,
            request: XxHash3_128::oneshot(body),
            converted: Converted::default(),
        }
    }

    /// Reads an entry, or counts it as rejected.
    pub(super) fn read(&mut self, entry: Entry<'_>) -> Option<Value> {
        let read = (self.total < MAX_TOTAL).then(|| entry.read()).flatten();
        if read.is_none() {
            self.reject();
        }
        read
    }

    /// Adds an entry.
    pub(super) fn entry(&mut self, entry: &Value) {
        let text = entry.to_string();
        let together = self.text.len().saturating_add(text.len());
        if self.entries >= MAX_ENTRIES || together > MAX_BYTES {
            self.pack();
        }
        self.text
            .push_str(if self.entries == 0 { BEGIN } else { "," });
        self.text.push_str(&text);
        self.entries = self.entries.saturating_add(1);
        self.total = self.total.saturating_add(text.len());
    }

    /// Adds the event of an exception, by its fields as a log entry has them. An exporter sends a
    /// request again when it has not seen the answer; an exception that `tells_time` has the same
    /// id then, and is stored once.
    pub(super) fn event(
        &mut self,
        received: Millis,
        tells_time: bool,
        fields: impl FnOnce() -> Map<String, Value>,
    ) -> Option<&mut Event> {
        let count = self.converted.events.len();
        if count >= MAX_EVENTS || self.total >= MAX_TOTAL {
            self.reject();
            return None;
        }
        let fields = fields();
        let bytes = fields.values().map(|value| value.to_string().len());
        self.total = bytes.fold(self.total, usize::saturating_add);
        let mut event = shipper::event(fields, received);
        if tells_time {
            let number = u64::try_from(count).unwrap_or(u64::MAX);
            let request = self.request.to_be_bytes();
            let id = XxHash3_128::oneshot_with_seed(number, &request);
            event.event_id = Some(EventId::from_bytes(id.to_be_bytes()));
        }
        self.converted.events.push(event);
        self.converted.events.last_mut()
    }

    /// Counts something as rejected.
    pub(super) fn reject(&mut self) {
        self.converted.rejected = self.converted.rejected.saturating_add(1);
    }

    fn pack(&mut self) {
        if self.entries == 0 {
            return;
        }
        let mut text = std::mem::take(&mut self.text);
        text.push_str(END);
        let mut header = ItemHeader::new(self.kind.clone());
        header.item_count = u64::try_from(std::mem::take(&mut self.entries)).ok();
        header.content_type = Some(self.content_type.to_owned());
        self.converted.items.push(OfferedItem {
            header,
            payload: text.into(),
        });
    }

    /// Returns what was collected.
    pub(super) fn finish(mut self) -> Converted {
        self.pack();
        self.converted
    }
}
