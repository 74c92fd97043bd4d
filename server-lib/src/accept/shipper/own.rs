//! The event of Mini Sentry's own ingest API: a message, a level, and a few plain fields.

use mini_sentry::protocol::{Event, Exception, Frame, Level, Mechanism, Message, Stacktrace, User};
use serde_json::{Map, Value};

use super::field::{self, Fields, take, take_text, take_word};
use super::{level, stack};
use crate::model::time::Millis;

/// Frames that are kept.
const MAX_FRAMES: usize = 250;

/// Reads an event; the error says what is missing.
///
/// # Errors
///
/// When it is no object, or has neither message nor stack.
pub fn own_event(body: &[u8], received: Millis) -> Result<Event, &'static str> {
    let mut fields: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| "the body is no JSON object")?;
    let level = take_level(&mut fields);
    let message = take_word(&mut fields, &["message"]);
    let parsed = take(&mut fields, &["stack"], |value| {
        stack::parse(value.as_str()?)
    });
    let frames = take_frames(&mut fields);
    if message.is_none() && parsed.is_none() && frames.is_empty() {
        return Err("the event has no message");
    }

    let (platform, mut exceptions) = match parsed {
        Some(parsed) => (parsed.platform, parsed.exceptions),
        None => ("other", Vec::new()),
    };
    if !frames.is_empty() {
        // Frames that are sent apart are better than those in the text.
        let stacktrace = Some(Stacktrace {
            frames,
            ..Stacktrace::default()
        });
        match exceptions.last_mut() {
            Some(last) => last.stacktrace = stacktrace,
            None => exceptions.push(Exception {
                stacktrace,
                ..stack::of_header(message.as_deref().unwrap_or("Error"))
            }),
        }
    }
    if let Some(last) = exceptions.last_mut() {
        last.mechanism = Some(Mechanism {
            ty: Some("generic".to_owned()),
            handled: Some(true),
            ..Mechanism::default()
        });
        if last.ty.is_none() && last.value.is_none() {
            last.value.clone_from(&message);
        }
    }
    let mut event = Event {
        timestamp: take(&mut fields, &["timestamp"], field::time)
            .or_else(|| Some(received.to_timestamp())),
        level: Some(level),
        message: message.map(Message::Text),
        platform: take_text(&mut fields, &["platform"]).or_else(|| Some(platform.to_owned())),
        release: take_word(&mut fields, &["release"]),
        environment: take_text(&mut fields, &["environment"]),
        server_name: take_text(&mut fields, &["server_name"]),
        exception: exceptions.into(),
        user: take_user(&mut fields),
        ..Event::default()
    };
    take_tags(&mut fields, &mut event);
    event.extra = match fields.remove("extra") {
        Some(Value::Object(extra)) => extra,
        Some(Value::Null) | None => Map::new(),
        Some(other) => Map::from_iter([("extra".to_owned(), other)]),
    };
    fields.retain(|_, value| !value.is_null());
    for (name, value) in fields {
        event.extra.entry(name).or_insert(value);
    }
    Ok(event)
}

/// Takes the level in one of its forms. The API knows three: what is worse than an error is one,
/// what is less than information is information.
fn take_level(fields: &mut Fields) -> Level {
    let told = take(fields, &["level", "severity", "severity_text"], |value| {
        Some(value.as_str()?.trim().to_ascii_lowercase())
    });
    let by_number = take(fields, &["severity_number"], |value| {
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    });
    let in_extra = || {
        let level = fields.get("extra")?.get("level")?.as_str()?;
        Some(level.trim().to_ascii_lowercase())
    };
    if let Some(name) = told {
        return by_name(&name);
    }
    if let Some(number) = by_number {
        return match number {
            13..=16 => Level::Warning,
            17..=24 => Level::Error,
            _ => Level::Info,
        };
    }
    in_extra().map_or(Level::Error, |name| by_name(&name))
}

fn by_name(name: &str) -> Level {
    match level::from_name(name) {
        Some(Level::Warning) => Level::Warning,
        Some(Level::Error | Level::Fatal) => Level::Error,
        Some(Level::Info | Level::Debug) | None => Level::Info,
    }
}

/// Takes `[{file, line, column, function}]`, which begins where it happened.
fn take_frames(fields: &mut Fields) -> Vec<Frame> {
    let Some(Value::Array(list)) = fields.get("frames") else {
        return Vec::new();
    };
    let mut frames: Vec<Frame> = list.iter().take(MAX_FRAMES).filter_map(frame).collect();
    if !frames.is_empty() {
        fields.remove("frames");
    }
    frames.reverse();
    frames
}

fn frame(value: &Value) -> Option<Frame> {
    let object = value.as_object()?;
    let text = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| field::text(object.get(*name)?).map(str::to_owned))
    };
    let number = |names: &[&str]| {
        names.iter().find_map(|name| {
            let value = object.get(*name)?;
            value.as_u64().or_else(|| value.as_str()?.parse().ok())
        })
    };
    let file = text(&["file", "filename", "abs_path"]);
    let frame = Frame {
        function: text(&["function", "func", "name"]),
        module: text(&["module"]),
        filename: file.clone(),
        abs_path: file,
        lineno: number(&["line", "lineno"]),
        colno: number(&["column", "colno", "col"]),
        in_app: object.get("in_app").and_then(Value::as_bool),
        context_line: text(&["context_line"]),
        ..Frame::default()
    };
    (frame.function.is_some() || frame.filename.is_some()).then_some(frame)
}

fn take_user(fields: &mut Fields) -> Option<User> {
    take(fields, &["user"], |value| match value {
        Value::Object(_) => serde_json::from_value(value.clone()).ok(),
        other => Some(User {
            id: Some(field::word(other)?),
            ..User::default()
        }),
    })
}

/// Takes names with values, or words, each of which becomes a tag that is set.
fn take_tags(fields: &mut Fields, event: &mut Event) {
    match fields.remove("tags") {
        Some(Value::Object(tags)) => {
            let tags = tags
                .into_iter()
                .filter_map(|(name, value)| Some((name, field::word(&value)?)));
            event.tags.extend(tags);
        }
        Some(Value::Array(words)) => {
            let words = words.iter().filter_map(field::word);
            event
                .tags
                .extend(words.map(|word| (word, "true".to_owned())));
        }
        Some(other) => drop(event.extra.insert("tags".to_owned(), other)),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Value {
        let body = body.to_string();
        let event = own_event(body.as_bytes(), Millis(1_767_323_045_678)).unwrap();
        serde_json::to_value(event).unwrap()
    }

    #[test]
    fn the_plain_fields_find_their_places() {
        let event = read(&json!({
            "message": "Example error", "level": "warn", "extra": {"foo": "bar"},
            "release": "1.0.0", "environment": "production", "tags": {"a": 1, "b": null},
            "user": "user-42", "other": true,
        }));
        assert_eq!(event["message"], "Example error");
        assert_eq!(event["level"], "warning");
        assert_eq!(event["extra"], json!({"foo": "bar", "other": true}));
        assert_eq!(event["release"], "1.0.0");
        assert_eq!(event["environment"], "production");
        assert_eq!(event["tags"], json!({"a": "1"}));
        assert_eq!(event["user"]["id"], "user-42");
        assert_eq!(event["timestamp"], "2026-01-02T03:04:05.678Z");
    }

    #[test]
    fn the_level_is_one_of_three_however_it_is_told() {
        for (fields, expected) in [
            (json!({"level": "fatal"}), "error"),
            (json!({"severity": "ERR"}), "error"),
            (json!({"severity_text": "notice"}), "info"),
            (json!({"level": "trace"}), "info"),
            (json!({"severity_number": 13}), "warning"),
            (json!({"severity_number": 24}), "error"),
            (json!({"severity_number": 9}), "info"),
            (json!({"extra": {"level": "warning"}}), "warning"),
            (json!({}), "error"),
        ] {
            let mut fields = fields.as_object().unwrap().clone();
            fields.insert("message".to_owned(), json!("m"));
            assert_eq!(read(&json!(fields))["level"], expected, "{fields:?}");
        }
    }

    #[test]
    fn frames_begin_where_it_happened_and_are_turned_around() {
        let event = read(&json!({"message": "TypeError: no", "frames": [
            {"file": "app.js", "line": 10, "column": 120, "function": "t"},
            {"filename": "main.js", "lineno": "3"}, 7,
        ]}));
        let exception = &event["exception"]["values"][0];
        assert_eq!(exception["type"], "TypeError");
        assert_eq!(exception["value"], "no");
        let frames = exception["stacktrace"]["frames"].as_array().unwrap();
        assert_eq!(frames[1]["function"], "t");
        assert_eq!(frames[1]["colno"], 120);
        assert_eq!(frames[0]["lineno"], 3);
    }

    #[test]
    fn a_stack_is_parsed_and_one_that_cannot_be_is_kept() {
        let parsed = read(&json!({"stack": "Error: m\n    at f (http://x/a.js:1:2)"}));
        assert_eq!(parsed["platform"], "javascript");
        assert_eq!(parsed["exception"]["values"][0]["value"], "m");
        let kept = read(&json!({"message": "m", "stack": "somewhere"}));
        assert_eq!(kept["extra"], json!({"stack": "somewhere"}));
    }

    #[test]
    fn an_event_without_anything_is_refused() {
        for body in [
            "",
            "7",
            "[]",
            "{}",
            r#"{"message":" "}"#,
            r#"{"frames":[{}]}"#,
        ] {
            assert!(own_event(body.as_bytes(), Millis(0)).is_err(), "{body}");
        }
    }
}
