//! OpenTelemetry's requests: spans and log records as the items in which Sentry's SDKs send them,
//! and the exceptions in both as events, because an error belongs to an issue however it came.
//!
//! A request comes as JSON or in the binary form of protocol buffers. Both are walked to their
//! entries without building the whole, and each entry becomes the same JSON object, so there is one
//! mapping and the memory of one entry at a time.

mod attributes;
mod json;
mod logs;
mod packer;
mod protobuf;
mod spans;
mod wire;

use mini_sentry::protocol::Event;
use serde_json::{Map, Value};

pub use logs::logs;
pub use spans::spans;

use super::OfferedItem;
use packer::Packer;

/// Bytes of one entry, or of what is said of a resource. As values they take up to a hundred times
/// as much.
const MAX_ENTRY_BYTES: usize = 256 * 1024;

/// How a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As JSON.
    Json,
    /// In the binary form of protocol buffers.
    Protobuf,
}

/// Why a request cannot be read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// It is no JSON, or its lists are none.
    #[error("the body is no OTLP request as JSON")]
    Json,
    /// It is no message, or ends early.
    #[error("the body is no OTLP request as protobuf")]
    Protobuf,
    /// It says too much of a resource.
    #[error("the attributes of a resource are larger than {MAX_ENTRY_BYTES} bytes")]
    ResourceTooLarge,
}

impl Unreadable {
    /// Returns the stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Json => "invalid_json",
            Self::Protobuf => "invalid_protobuf",
            Self::ResourceTooLarge => "resource_too_large",
        }
    }
}

/// What a request becomes.
#[derive(Debug, Default)]
pub struct Converted {
    /// Containers of spans or logs.
    pub items: Vec<OfferedItem>,
    /// The exceptions.
    pub events: Vec<Event>,
    /// Entries that could not be read, and what is beyond the bounds of one request.
    pub rejected: u64,
}

/// What the entries of a request are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Logs,
    Spans,
}

/// One span or log record, still as it came.
#[derive(Clone, Copy, Debug)]
enum Entry<'a> {
    Json(&'a str),
    Binary(&'a [u8], Signal),
}

impl Entry<'_> {
    /// Reads it as an object.
    fn read(self) -> Option<Value> {
        match self {
            Self::Json(text) if text.len() <= MAX_ENTRY_BYTES => {
                serde_json::from_str(text).ok().filter(Value::is_object)
            }
            Self::Binary(bytes, signal) if bytes.len() <= MAX_ENTRY_BYTES => {
                protobuf::entry(bytes, signal)
            }
            Self::Json(_) | Self::Binary(..) => None,
        }
    }
}

/// Gets each entry with the attributes of its resource.
type Take<'t> = dyn FnMut(&Map<String, Value>, Entry<'_>) + 't;

/// Walks a request down to its entries.
fn walk(
    body: &[u8],
    format: Format,
    signal: Signal,
    take: &mut Take<'_>,
) -> Result<(), Unreadable> {
    match format {
        Format::Json => json::walk(body, signal, take),
        Format::Protobuf => protobuf::walk(body, signal, take),
    }
}

/// Returns the elements of a list.
fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(name)
        .and_then(Value::as_array)
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
