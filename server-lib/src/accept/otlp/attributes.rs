//! Attributes, and other values as OpenTelemetry writes them.

use serde_json::{Map, Value, json};

/// Values within values.
const MAX_DEPTH: usize = 16;

/// Reads `[{"key":…,"value":{"stringValue":…}}]` into plain values by name.
pub(super) fn read(holder: &Value) -> Map<String, Value> {
    let list = holder.get("attributes").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|pair| {
            let key = pair.get("key")?.as_str()?;
            Some((key.to_owned(), plain(pair.get("value")?, 0)))
        })
        .collect()
}

/// Returns the value that stands in a typed one.
pub(super) fn plain(value: &Value, depth: usize) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|object| object.iter().next()) else {
        return Value::Null;
    };
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    let deeper = depth.saturating_add(1);
    match kind.as_str() {
        // Numbers of 64 bits are written as text.
        "intValue" => match inner {
            Value::String(text) => text
                .parse::<i64>()
                .map_or_else(|_| inner.clone(), Value::from),
            other => other.clone(),
        },
        "arrayValue" => {
            let values = inner.get("values").and_then(Value::as_array);
            let values = values.into_iter().flatten();
            values.map(|value| plain(value, deeper)).collect()
        }
        "kvlistValue" => {
            let pairs = inner.get("values").and_then(Value::as_array);
            let pairs = pairs.into_iter().flatten().filter_map(|pair| {
                let key = pair.get("key")?.as_str()?;
                Some((key.to_owned(), plain(pair.get("value")?, deeper)))
            });
            Value::Object(pairs.collect())
        }
        _ => inner.clone(),
    }
}

/// Writes attributes as the protocol has them: each value with its type.
pub(super) fn typed(attributes: &Map<String, Value>) -> Map<String, Value> {
    attributes
        .iter()
        .map(|(name, value)| (name.clone(), with_type(value)))
        .collect()
}

fn with_type(value: &Value) -> Value {
    match value {
        Value::Bool(_) => json!({"value": value, "type": "boolean"}),
        Value::Number(number) if number.is_f64() => json!({"value": value, "type": "double"}),
        Value::Number(_) => json!({"value": value, "type": "integer"}),
        Value::String(_) => json!({"value": value, "type": "string"}),
        Value::Array(_) => json!({"value": value, "type": "array"}),
        Value::Object(_) | Value::Null => json!({"value": value.to_string(), "type": "string"}),
    }
}

/// Returns the text of a value, JSON of one that is none.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Reads a time in nanoseconds, a number or text, and returns seconds.
pub(super) fn seconds(holder: &Value, name: &str) -> Option<f64> {
    let nanos = match holder.get(name)? {
        Value::String(text) => text.parse().ok()?,
        other => other.as_u64()?,
    };
    #[expect(clippy::cast_precision_loss, reason = "microseconds are enough")]
    let seconds = (nanos / 1000) as f64 / 1e6;
    (nanos > 0).then_some(seconds)
}

/// Returns an identifier in lower case, unless it is missing or all zeros.
pub(super) fn id(holder: &Value, name: &str, digits: usize) -> Option<String> {
    let text = holder.get(name)?.as_str()?;
    let is_id = text.len() == digits
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.bytes().any(|byte| byte != b'0');
    is_id.then(|| text.to_ascii_lowercase())
}
