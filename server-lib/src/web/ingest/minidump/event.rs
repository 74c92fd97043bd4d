//! The event of a crash: what the SDK had prepared, the fields of the form, and the dump's own
//! words.

use bytes::Bytes;
use mini_sentry::protocol::EventId;
use serde_json::{Map, Value, json};

use super::dump::Crash;
use super::msgpack;
use crate::secret;
use crate::web::error::ApiError;

/// Names in brackets that are followed.
const MAX_DEPTH: usize = 8;
/// Breadcrumbs that are kept.
const MAX_BREADCRUMBS: usize = 100;

/// What an SDK writes beside the dump while the process is well.
#[derive(Debug, Default)]
pub(super) struct Described {
    pub(super) event: Bytes,
    pub(super) breadcrumbs: Vec<Bytes>,
}

/// An event, ready to be taken.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) id: EventId,
    pub(super) json: Bytes,
}

/// Builds the event.
pub(super) fn build(
    fields: &[(String, String)],
    described: &Described,
    crash: &Crash,
) -> Result<Made, ApiError> {
    let mut event = match msgpack::read(&described.event) {
        Some(Value::Object(event)) => event,
        _ => Map::new(),
    };
    let mut extra = Map::new();
    // Long JSON is cut into `sentry__1`, `sentry__2` … by crash handlers with short fields.
    let mut json = String::new();
    for (name, text) in fields {
        if name == "sentry" || name.starts_with("sentry__") {
            json.push_str(text);
        } else if let Some(path) = bracket_path(name) {
            insert(&mut event, &path, text);
        } else {
            extra.insert(name.clone(), json!(text));
        }
    }
    if let Ok(Value::Object(told)) = serde_json::from_str(&json) {
        event.extend(told);
    }
    if !extra.is_empty()
        && let Value::Object(all) = event.entry("extra").or_insert_with(|| json!({}))
    {
        for (name, value) in extra {
            all.entry(name).or_insert(value);
        }
    }
    add_breadcrumbs(&mut event, &described.breadcrumbs);
    add_crash(&mut event, crash);

    let told = event
        .get("event_id")
        .and_then(|id| id.as_str()?.parse().ok())
        .filter(|id: &EventId| !id.is_nil());
    let id = match told {
        Some(id) => id,
        None => EventId::from_bytes(secret::random()?),
    };
    event.insert("event_id".to_owned(), json!(id.to_string()));
    Ok(Made {
        id,
        json: Value::Object(event).to_string().into(),
    })
}

fn add_breadcrumbs(event: &mut Map<String, Value>, files: &[Bytes]) {
    let mut breadcrumbs: Vec<Value> = files
        .iter()
        .flat_map(|file| msgpack::read_all(file))
        .filter(Value::is_object)
        .collect();
    if breadcrumbs.is_empty() {
        return;
    }
    let time = |crumb: &Value| crumb.get("timestamp").map(Value::to_string);
    // Two files are filled in turn; either may be the older one.
    breadcrumbs.sort_by_key(time);
    let excess = breadcrumbs.len().saturating_sub(MAX_BREADCRUMBS);
    breadcrumbs.drain(..excess);
    event.insert("breadcrumbs".to_owned(), Value::Array(breadcrumbs));
}

fn add_crash(event: &mut Map<String, Value>, crash: &Crash) {
    let mut or_insert = |name: &str, value: Value| {
        let slot = event.entry(name).or_insert(Value::Null);
        if slot.is_null() {
            *slot = value;
        }
    };
    or_insert("platform", json!("native"));
    or_insert("level", json!("fatal"));
    if let Some(seconds) = crash.written {
        or_insert("timestamp", json!(seconds));
    }
    let mechanism = json!({"type": "minidump", "handled": false, "synthetic": true});
    or_insert(
        "exception",
        json!({"values": [{"type": "Minidump", "value": crash.name(), "mechanism": mechanism}]}),
    );
    if let Value::Object(contexts) = event.entry("contexts").or_insert_with(|| json!({})) {
        if let Some(system) = crash.system {
            contexts
                .entry("os")
                .or_insert_with(|| json!({ "name": system }));
        }
        if let Some(processor) = crash.processor {
            contexts
                .entry("device")
                .or_insert_with(|| json!({ "arch": processor }));
        }
    }
}

/// Splits `sentry[tags][x]` into `tags` and `x`.
fn bracket_path(name: &str) -> Option<Vec<&str>> {
    let mut rest = name.strip_prefix("sentry[")?;
    let mut path = Vec::new();
    loop {
        let (part, after) = rest.split_once(']')?;
        path.push(part);
        if after.is_empty() {
            break;
        }
        rest = after.strip_prefix('[')?;
    }
    (path.len() <= MAX_DEPTH).then_some(path)
}

fn insert(object: &mut Map<String, Value>, path: &[&str], text: &str) {
    match path {
        [] => {}
        [name] => drop(object.insert((*name).to_owned(), json!(text))),
        [name, rest @ ..] => {
            let inner = object.entry(*name).or_insert_with(|| json!({}));
            if let Value::Object(inner) = inner {
                insert(inner, rest, text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(fields: &[(&str, &str)], described: &Described) -> Value {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        let crash = Crash {
            written: Some(1_767_323_045),
            system: Some("Linux"),
            processor: Some("x86_64"),
            exception: Some((11, 16)),
        };
        let made = build(&fields, described, &crash).unwrap();
        serde_json::from_slice(&made.json).unwrap()
    }

    #[test]
    fn a_dump_alone_names_the_crash() {
        let event = made(&[], &Described::default());
        assert_eq!(event["platform"], "native");
        assert_eq!(event["level"], "fatal");
        let exception = &event["exception"]["values"][0];
        assert_eq!(exception["type"], "Minidump");
        assert_eq!(exception["value"], "SIGSEGV at 0x10");
        assert_eq!(exception["mechanism"]["handled"], false);
        assert_eq!(event["contexts"]["os"]["name"], "Linux");
        assert_eq!(event["event_id"].as_str().unwrap().len(), 32);
    }

    #[test]
    fn fields_in_brackets_json_and_others_find_their_places() {
        let event = made(
            &[
                ("sentry[release]", "1.0"),
                ("sentry[tags][color]", "red"),
                ("sentry", "{\"environment\":\"prod\",\"level\":"),
                ("sentry__2", "\"error\"}"),
                ("guid", "abc"),
            ],
            &Described::default(),
        );
        assert_eq!(event["release"], "1.0");
        assert_eq!(event["tags"], json!({"color": "red"}));
        assert_eq!(event["environment"], "prod");
        assert_eq!(event["level"], "error");
        assert_eq!(event["extra"], json!({"guid": "abc"}));
    }

    #[test]
    fn what_the_sdk_had_prepared_is_kept() {
        let described = Described {
            event: Bytes::from_static(b"\x82\xa7release\xa31.0\xa5level\xc0"),
            breadcrumbs: vec![
                Bytes::from_static(b"\x81\xa9timestamp\xa12"),
                Bytes::from_static(b"\x81\xa9timestamp\xa11"),
            ],
        };
        let event = made(&[], &described);
        assert_eq!(event["release"], "1.0");
        assert_eq!(event["level"], "fatal");
        assert_eq!(event["breadcrumbs"][0]["timestamp"], "1");
    }

    #[test]
    fn brackets_that_do_not_close_are_extra() {
        let event = made(
            &[("sentry[a", "b"), ("sentry[a]b", "c")],
            &Described::default(),
        );
        assert_eq!(event["extra"], json!({"sentry[a": "b", "sentry[a]b": "c"}));
    }
}
