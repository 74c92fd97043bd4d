//! OpenTelemetry's JSON: spans and log records as the items in which Sentry's SDKs send them, and
//! the exceptions in both as events, because an error belongs to an issue however it came.

mod attributes;
mod logs;
mod spans;

use mini_sentry::envelope::{ItemHeader, ItemKind};
use mini_sentry::protocol::Event;
use serde_json::{Value, json};

pub use logs::logs;
pub use spans::spans;

use super::OfferedItem;

/// Entries of one item.
const MAX_ENTRIES: usize = 1000;
/// Bytes of one item, roughly.
const MAX_BYTES: usize = 512 * 1024;
/// Events of one request.
const MAX_EVENTS: usize = 100;

/// What a request becomes.
#[derive(Debug, Default)]
pub struct Converted {
    /// Containers of spans or logs.
    pub items: Vec<OfferedItem>,
    /// The exceptions.
    pub events: Vec<Event>,
    /// Entries that could not be read, and exceptions beyond the bound.
    pub rejected: u64,
}

/// Puts entries into containers of a size that is accepted.
struct Packer {
    kind: ItemKind,
    content_type: &'static str,
    entries: Vec<Value>,
    bytes: usize,
    converted: Converted,
}

impl Packer {
    fn new(kind: ItemKind, content_type: &'static str) -> Self {
        Self {
            kind,
            content_type,
            entries: Vec::new(),
            bytes: 0,
            converted: Converted::default(),
        }
    }

    fn entry(&mut self, entry: Value) {
        let bytes = entry.to_string().len();
        if self.entries.len() >= MAX_ENTRIES || self.bytes.saturating_add(bytes) > MAX_BYTES {
            self.pack();
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.entries.push(entry);
    }

    fn event(&mut self, event: Event) {
        if self.converted.events.len() < MAX_EVENTS {
            self.converted.events.push(event);
        } else {
            self.reject();
        }
    }

    fn reject(&mut self) {
        self.converted.rejected = self.converted.rejected.saturating_add(1);
    }

    fn pack(&mut self) {
        if self.entries.is_empty() {
            return;
        }
        let entries = std::mem::take(&mut self.entries);
        self.bytes = 0;
        let mut header = ItemHeader::new(self.kind.clone());
        header.item_count = u64::try_from(entries.len()).ok();
        header.content_type = Some(self.content_type.to_owned());
        self.converted.items.push(OfferedItem {
            header,
            payload: json!({ "items": entries }).to_string().into(),
        });
    }

    fn finish(mut self) -> Converted {
        self.pack();
        self.converted
    }
}

/// Returns the elements of a list under one of these names.
fn list<'a>(value: &'a Value, names: &[&str]) -> impl Iterator<Item = &'a Value> {
    names
        .iter()
        .find_map(|name| value.get(*name)?.as_array())
        .into_iter()
        .flatten()
}

/// Leaves out what is null.
fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.retain(|_, field| !field.is_null());
    }
    value
}

#[cfg(test)]
mod tests;
