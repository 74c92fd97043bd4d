//! Tells a raw log entry from a Sentry event, because some shippers post to Sentry's address.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};

/// Reports whether the body holds log entries and not a Sentry event: an array, several lines, or
/// an object with fields that only loggers use.
#[must_use]
pub fn is_log(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    match body.first() {
        Some(b'[') => return true,
        Some(b'{') => {}
        _ => return false,
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let Ok(keys) = (&mut reader).deserialize_map(KeyVisitor) else {
        return false;
    };
    if keys.of_sentry {
        return false;
    }
    keys.of_logger || reader.end().is_err()
}

#[derive(Default)]
struct Keys {
    of_sentry: bool,
    of_logger: bool,
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
        let mut keys = Keys::default();
        while let Some(key) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            map.next_value::<IgnoredAny>()?;
            keys.of_sentry |= is_sentrys(&key);
            keys.of_logger |= is_loggers(&key);
        }
        Ok(keys)
    }
}

/// Fields that no logger writes in these words.
fn is_sentrys(key: &str) -> bool {
    matches!(
        key,
        "event_id"
            | "exception"
            | "logentry"
            | "platform"
            | "sdk"
            | "contexts"
            | "breadcrumbs"
            | "threads"
            | "debug_meta"
            | "fingerprint"
            | "culprit"
            | "modules"
            | "extra"
    ) || key.starts_with("sentry.interfaces.")
}

/// Fields that no Sentry client writes at the top.
fn is_loggers(key: &str) -> bool {
    matches!(
        key,
        "@timestamp"
            | "@version"
            | "@message"
            | "@level"
            | "msg"
            | "time"
            | "ts"
            | "date"
            | "log"
            | "log.level"
            | "severity"
            | "severity_text"
            | "severity_number"
            | "levelname"
            | "hostname"
            | "host"
            | "pid"
            | "source_type"
            | "stack_trace"
            | "stack"
            | "err"
            | "error"
            | "short_message"
            | "logger_name"
            | "kubernetes"
            | "stream"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loggers_and_sentry_clients_are_told_apart_by_their_fields() {
        for log in [
            r#"{"@timestamp":"2026-01-02T03:04:05Z","@version":"1","message":"m"}"#,
            r#"{"level":50,"time":1767323045678,"pid":1,"hostname":"h","msg":"m"}"#,
            r#"{"date":1767323045.6,"log":"line"}"#,
            r#"{"message":"m","host":"h","source_type":"file","timestamp":"x"}"#,
            "{\"message\":\"a\"}\n{\"message\":\"b\"}",
            r#"[{"message":"a"}]"#,
        ] {
            assert!(is_log(log.as_bytes()), "{log}");
        }
        for event in [
            r#"{"message":"m"}"#,
            r#"{"message":"m","level":"error","timestamp":1767323045,"tags":{}}"#,
            r#"{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","time":1}"#,
            r#"{"exception":[],"@timestamp":"x"}"#,
            "",
            "nonsense",
            "{\"time\":",
        ] {
            assert!(!is_log(event.as_bytes()), "{event}");
        }
    }
}
