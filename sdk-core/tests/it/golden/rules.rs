//! What may change when a payload is read and written again: a short list, and nothing else.

use mini_sentry::protocol::Timestamp;
use serde_json::{Map, Value};

use super::is_same;

/// Keys below which everything stays as sent, nulls and empty values included.
const FREE_FORM: &[&str] = &["extra", "data", "vars", "env", "attributes"];

/// One change of form that is allowed under a key.
enum Rule {
    /// A bare list is wrapped as `{"values": […]}`.
    Wrapped,
    /// A point in time is written as RFC 3339 in UTC.
    Time,
    /// An identifier loses its hyphens.
    Id,
    /// The values of a map become text.
    Texts,
}

/// Under which key what may change; each line is needed by a vector.
const RULES: &[(&str, Rule)] = &[
    ("breadcrumbs", Rule::Wrapped),
    ("timestamp", Rule::Time),
    ("start_timestamp", Rule::Time),
    ("end_timestamp", Rule::Time),
    ("started", Rule::Time),
    ("event_id", Rule::Id),
    ("sid", Rule::Id),
    ("tags", Rule::Texts),
];

/// Fails unless `written` says all that `sent` says, in the forms that the rules allow.
pub(super) fn assert_kept(sent: &Value, written: &Value, context: &str) {
    if let Err(lost) = compare(sent, written, "") {
        panic!("{context}: {lost}\nsent    {sent}\nwritten {written}");
    }
}

fn compare(sent: &Value, written: &Value, key: &str) -> Result<(), String> {
    let rules = RULES.iter().filter(|(name, _)| *name == key);
    if is_same(sent, written) || rules.clone().any(|(_, rule)| rule.allows(sent, written)) {
        return Ok(());
    }
    match (sent, written) {
        _ if FREE_FORM.contains(&key) => Err(format!("{key} is no longer what it was")),
        (Value::Object(sent), Value::Object(written)) => compare_fields(sent, written),
        (Value::Array(sent), Value::Array(written)) if sent.len() == written.len() => sent
            .iter()
            .zip(written)
            .try_for_each(|(sent, written)| compare(sent, written, key)),
        (Value::Array(_), Value::Object(map)) if rules.clone().any(|(_, r)| r.wraps()) => {
            compare(sent, map.get("values").unwrap_or(&Value::Null), key)
        }
        _ => Err(format!("{key}: {sent} became {written}")),
    }
}

fn compare_fields(sent: &Map<String, Value>, written: &Map<String, Value>) -> Result<(), String> {
    if let Some(key) = written.keys().find(|key| !sent.contains_key(*key)) {
        return Err(format!("{key} was not sent"));
    }
    for (key, value) in sent {
        match written.get(key) {
            Some(written) => compare(value, written, key)?,
            None if is_nothing(value) => {}
            None => return Err(format!("{key} got lost")),
        }
    }
    Ok(())
}

/// Null and empty fields are left out.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.values().all(is_nothing),
        _ => false,
    }
}

impl Rule {
    fn wraps(&self) -> bool {
        matches!(self, Self::Wrapped)
    }

    fn allows(&self, sent: &Value, written: &Value) -> bool {
        let text = written.as_str().unwrap_or_default();
        match self {
            Self::Wrapped => false,
            Self::Time => {
                let sent = serde_json::from_value::<Timestamp>(sent.clone());
                text.ends_with('Z') && sent.ok() == Timestamp::parse(text)
            }
            Self::Id => sent
                .as_str()
                .is_some_and(|id| id.replace('-', "").to_ascii_lowercase() == text),
            Self::Texts => sent.as_object().is_some_and(|sent| {
                let texts = sent
                    .iter()
                    .map(|(key, value)| (key.clone(), as_text(value)));
                written.as_object() == Some(&texts.collect())
            }),
        }
    }
}

fn as_text(value: &Value) -> Value {
    match value {
        Value::String(_) => value.clone(),
        other => other.to_string().into(),
    }
}

#[test]
fn a_change_that_no_rule_allows_is_found() {
    let sent: Value = serde_json::json!({
        "sid": "A-1", "user": {"a": 1}, "extra": {"n": null}, "breadcrumbs": [{"type": "E"}],
    });
    let good = serde_json::json!({
        "sid": "a1", "user": {"a": 1.0}, "extra": {"n": null}, "breadcrumbs": {"values": [{"type": "E"}]},
    });
    assert_eq!(compare(&sent, &good, ""), Ok(()));
    for (key, worse) in [
        ("sid", serde_json::json!("a2")),
        ("user", serde_json::json!({})),
        ("user", serde_json::json!({"a": 1, "b": 2})),
        ("extra", serde_json::json!({})),
        ("breadcrumbs", serde_json::json!({"values": []})),
        ("breadcrumbs", serde_json::json!([{"type": "F"}])),
    ] {
        let mut bad = good.clone();
        bad[key] = worse;
        assert!(compare(&sent, &bad, "").is_err(), "{bad}");
    }
}
