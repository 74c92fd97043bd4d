//! Fields of payloads, whatever shape they came in, as text that is safe to print.

use serde_json::{Map, Value};

const MAX_TEXT_CHARS: usize = 160;
const MAX_TAGS: usize = 12;

/// Tags are a map, a list of pairs, or a list of objects with `key` and `value`.
pub(crate) fn tags(value: Option<&Value>) -> Vec<String> {
    let pairs: Vec<(String, String)> = match value {
        Some(Value::Object(map)) => map
            .iter()
            .map(|(key, value)| (clean(key), plain(value)))
            .collect(),
        Some(Value::Array(pairs)) => pairs
            .iter()
            .filter_map(|pair| {
                let (key, value) = match pair {
                    Value::Array(pair) => (pair.first()?, pair.get(1)?),
                    pair => (pair.get("key")?, pair.get("value")?),
                };
                Some((plain(key), plain(value)))
            })
            .collect(),
        _ => Vec::new(),
    };
    pairs
        .into_iter()
        .take(MAX_TAGS)
        .map(|(key, value)| format!("{key}={value}"))
        .collect()
}

/// A list as such or under `values`.
pub(crate) fn list(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(values)) => values,
        Some(Value::Object(map)) => map
            .get("values")
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice),
        _ => &[],
    }
}

pub(crate) fn object<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
    map.get(key).and_then(Value::as_object)
}

pub(crate) fn text(map: &Map<String, Value>, key: &str) -> String {
    text_or(map, key, "")
}

pub(crate) fn text_or(map: &Map<String, Value>, key: &str, default: &str) -> String {
    match map.get(key) {
        None | Some(Value::Null) => default.to_owned(),
        Some(value) => plain(value),
    }
}

pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => clean(text),
        other => clean(&other.to_string()),
    }
}

/// One short line without control characters, which could take over the terminal.
pub(crate) fn clean(text: &str) -> String {
    let mut chars = text
        .chars()
        .map(|next| if next.is_control() { ' ' } else { next });
    let mut short: String = chars.by_ref().take(MAX_TEXT_CHARS).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_tags_is_read() {
        for (json, expected) in [
            (r#"{"a":"b","c":1}"#, vec!["a=b", "c=1"]),
            (r#"[["a","b"],{"key":"c","value":1},3]"#, vec!["a=b", "c=1"]),
            ("4", vec![]),
        ] {
            let value: Value = serde_json::from_str(json).unwrap();
            assert_eq!(tags(Some(&value)), expected, "{json}");
        }
    }

    #[test]
    fn long_text_is_cut_and_control_characters_become_blanks() {
        assert_eq!(clean("a\u{1b}b\n"), "a b ");
        assert_eq!(clean(&"x".repeat(161)).chars().count(), 161);
        assert!(clean(&"x".repeat(161)).ends_with('…'));
        assert!(!clean(&"x".repeat(160)).ends_with('…'));
    }
}
