//! Requests as protocol buffers. Of each message the fields that are mapped are read, under the
//! names that they have in JSON; others are passed over.

#![warn(clippy::arithmetic_side_effects)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::wire::{Malformed, Wire, fields, messages};
use super::{Entry, MAX_ENTRY_BYTES, Signal, Take, Unreadable, attributes};
use crate::secret::to_hex;

/// Messages within messages. A value within a value takes two.
const MAX_DEPTH: usize = 48;

/// The lists of a request: groups in the request, and in each the resource and its scopes.
const GROUPS: u32 = 1;
const RESOURCE: u32 = 1;
const SCOPES: u32 = 2;
/// The list of entries in a scope.
const ENTRIES: u32 = 2;

/// A field: its number, its name in JSON, and what its value is.
struct Field(u32, &'static str, Shape);

enum Shape {
    Text,
    /// Bytes that JSON has in hexadecimal digits: ids.
    Hex,
    /// Bytes that JSON has as Base64.
    Base64,
    Bool,
    Unsigned,
    Signed,
    /// Nanoseconds.
    Time,
    Double,
    One(&'static [Field]),
    Many(&'static [Field]),
}

static ABOUT: [Field; 1] = [Field(1, "attributes", Shape::Many(&PAIR))];
static PAIR: [Field; 2] = [
    Field(1, "key", Shape::Text),
    Field(2, "value", Shape::One(&VALUE)),
];
static VALUE: [Field; 7] = [
    Field(1, "stringValue", Shape::Text),
    Field(2, "boolValue", Shape::Bool),
    Field(3, "intValue", Shape::Signed),
    Field(4, "doubleValue", Shape::Double),
    Field(5, "arrayValue", Shape::One(&VALUES)),
    Field(6, "kvlistValue", Shape::One(&PAIRS)),
    Field(7, "bytesValue", Shape::Base64),
];
static VALUES: [Field; 1] = [Field(1, "values", Shape::Many(&VALUE))];
static PAIRS: [Field; 1] = [Field(1, "values", Shape::Many(&PAIR))];

static RECORD: [Field; 8] = [
    Field(1, "timeUnixNano", Shape::Time),
    Field(2, "severityNumber", Shape::Unsigned),
    Field(3, "severityText", Shape::Text),
    Field(5, "body", Shape::One(&VALUE)),
    Field(6, "attributes", Shape::Many(&PAIR)),
    Field(9, "traceId", Shape::Hex),
    Field(10, "spanId", Shape::Hex),
    Field(11, "observedTimeUnixNano", Shape::Time),
];

static SPAN: [Field; 10] = [
    Field(1, "traceId", Shape::Hex),
    Field(2, "spanId", Shape::Hex),
    Field(4, "parentSpanId", Shape::Hex),
    Field(5, "name", Shape::Text),
    Field(7, "startTimeUnixNano", Shape::Time),
    Field(8, "endTimeUnixNano", Shape::Time),
    Field(9, "attributes", Shape::Many(&PAIR)),
    Field(11, "events", Shape::Many(&NOTED)),
    Field(13, "links", Shape::Many(&LINK)),
    Field(15, "status", Shape::One(&STATUS)),
];
static NOTED: [Field; 3] = [
    Field(1, "timeUnixNano", Shape::Time),
    Field(2, "name", Shape::Text),
    Field(3, "attributes", Shape::Many(&PAIR)),
];
static LINK: [Field; 3] = [
    Field(1, "traceId", Shape::Hex),
    Field(2, "spanId", Shape::Hex),
    Field(4, "attributes", Shape::Many(&PAIR)),
];
static STATUS: [Field; 2] = [
    Field(2, "message", Shape::Text),
    Field(3, "code", Shape::Unsigned),
];

impl From<Malformed> for Unreadable {
    fn from(_: Malformed) -> Self {
        Self::Protobuf
    }
}

/// Gives every entry to `take`.
pub(super) fn walk(body: &[u8], signal: Signal, take: &mut Take<'_>) -> Result<(), Unreadable> {
    for group in messages(body, GROUPS) {
        let group = group?;
        let about = about(group)?;
        for scope in messages(group, SCOPES) {
            for entry in messages(scope?, ENTRIES) {
                take(&about, Entry::Binary(entry?, signal));
            }
        }
    }
    Ok(())
}

/// Reads an entry as the object that JSON would have; `None` when it is broken.
pub(super) fn entry(bytes: &[u8], signal: Signal) -> Option<Value> {
    let known: &[Field] = match signal {
        Signal::Logs => &RECORD,
        Signal::Spans => &SPAN,
    };
    object(bytes, known, 0).ok()
}

fn about(group: &[u8]) -> Result<Map<String, Value>, Unreadable> {
    let Some(resource) = messages(group, RESOURCE).next() else {
        return Ok(Map::new());
    };
    let resource = resource?;
    if resource.len() > MAX_ENTRY_BYTES {
        return Err(Unreadable::ResourceTooLarge);
    }
    Ok(attributes::read(&object(resource, &ABOUT, 0)?))
}

fn object(message: &[u8], known: &[Field], depth: usize) -> Result<Value, Malformed> {
    if depth > MAX_DEPTH {
        return Err(Malformed);
    }
    let deeper = depth.saturating_add(1);
    let mut read = Map::new();
    for field in fields(message) {
        let (number, value) = field?;
        let Some(Field(_, name, shape)) = known.iter().find(|known| known.0 == number) else {
            continue;
        };
        match (shape, value) {
            (Shape::One(inner), Wire::Bytes(bytes)) => {
                read.insert((*name).to_owned(), object(bytes, inner, deeper)?);
            }
            (Shape::Many(inner), Wire::Bytes(bytes)) => {
                let element = object(bytes, inner, deeper)?;
                match read.get_mut(*name) {
                    Some(Value::Array(list)) => list.push(element),
                    _ => drop(read.insert((*name).to_owned(), Value::Array(vec![element]))),
                }
            }
            (shape, value) => {
                read.insert((*name).to_owned(), scalar(shape, value)?);
            }
        }
    }
    Ok(Value::Object(read))
}

fn scalar(shape: &Shape, value: Wire<'_>) -> Result<Value, Malformed> {
    Ok(match (shape, value) {
        (Shape::Text, Wire::Bytes(bytes)) => String::from_utf8_lossy(bytes).into(),
        (Shape::Hex, Wire::Bytes(bytes)) => to_hex(bytes).into(),
        (Shape::Base64, Wire::Bytes(bytes)) => STANDARD.encode(bytes).into(),
        (Shape::Bool, Wire::Varint(number)) => (number != 0).into(),
        (Shape::Unsigned, Wire::Varint(number)) | (Shape::Time, Wire::Fixed64(number)) => {
            number.into()
        }
        (Shape::Signed, Wire::Varint(number)) => number.cast_signed().into(),
        (Shape::Double, Wire::Fixed64(bits)) => double(f64::from_bits(bits)),
        _ => return Err(Malformed),
    })
}

/// Writes what JSON has no number for as a word, as it is written there.
fn double(number: f64) -> Value {
    if number.is_nan() {
        "NaN".into()
    } else if number.is_infinite() {
        let word = if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        };
        word.into()
    } else {
        number.into()
    }
}
