//! Turns an envelope into lines for people.

use serde_json::{Map, Value};

use crate::{
    envelope::{Envelope, Item},
    fields::{clean, list, object, plain, tags, text, text_or},
};

const MAX_FRAMES: usize = 5;
const MAX_SPANS: usize = 5;
const MAX_FACTS: usize = 6;
const MAX_LOGS: usize = 10;

/// Whether to mark text with colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Style {
    Plain,
    Colour,
}

#[derive(Clone, Copy)]
enum Paint {
    Bold,
    Dim,
    Red,
    Yellow,
    Cyan,
}

impl Style {
    fn paint(self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Bold => 1,
            Paint::Dim => 2,
            Paint::Red => 31,
            Paint::Yellow => 33,
            Paint::Cyan => 36,
        };
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }

    fn level(self, level: &str) -> String {
        let paint = match level {
            "fatal" | "error" => Paint::Red,
            "warning" | "warn" => Paint::Yellow,
            _ => Paint::Cyan,
        };
        self.paint(paint, level)
    }
}

/// Where an envelope came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received<'a> {
    pub(crate) number: u64,
    pub(crate) project: &'a str,
    pub(crate) bytes: usize,
}

/// One line that names the envelope and the kinds of its items.
pub(crate) fn summary(received: Received<'_>, envelope: &Envelope<'_>, style: Style) -> String {
    let kinds: Vec<String> = envelope
        .items
        .iter()
        .map(|item| text(&item.header, "type"))
        .collect();
    let title = format!("envelope {}", received.number);
    let project = clean(received.project);
    let bytes = received.bytes;
    format!(
        "{} · project {project} · {bytes} bytes · {}\n",
        style.paint(Paint::Bold, &title),
        kinds.join(", ")
    )
}

/// The summary, the sender, and some lines for each item.
pub(crate) fn details(received: Received<'_>, envelope: &Envelope<'_>, style: Style) -> String {
    let mut out = summary(received, envelope, style);
    if let Some(Value::Object(sdk)) = envelope.header.get("sdk") {
        let sender = format!("  from {} {}", text(sdk, "name"), text(sdk, "version"));
        out.push_str(&style.paint(Paint::Dim, &sender));
        out.push('\n');
    }
    for item in &envelope.items {
        out.push_str(&item_lines(item, style).join("\n"));
        out.push('\n');
    }
    out
}

fn item_lines(item: &Item<'_>, style: Style) -> Vec<String> {
    let kind = text(&item.header, "type");
    let size = format!("{} bytes", item.payload.len());
    let mut lines = vec![String::new()];
    let headline = if kind == "attachment" {
        format!("{} {size}", text(&item.header, "filename"))
    } else {
        match serde_json::from_slice(item.payload) {
            Ok(Value::Object(payload)) => describe(&kind, &payload, style, &mut lines),
            _ => size,
        }
    };
    if let Some(first) = lines.first_mut() {
        *first = format!("  {}  {headline}", style.paint(Paint::Bold, &kind));
    }
    lines
}

/// Returns the headline of an item and appends its further lines.
fn describe(
    kind: &str,
    payload: &Map<String, Value>,
    style: Style,
    lines: &mut Vec<String>,
) -> String {
    match kind {
        "event" => {
            event_lines(payload, style, lines);
            let level = text_or(payload, "level", "error");
            format!("{}  {}", style.level(&level), event_title(payload))
        }
        "transaction" => {
            let spans = list(payload.get("spans"));
            span_lines(spans, lines);
            event_lines(payload, style, lines);
            format!(
                "{}  {}",
                text(payload, "transaction"),
                counted(spans.len(), "span", "spans")
            )
        }
        "session" => {
            let attributes = object(payload, "attrs");
            let release = attributes
                .map(|attributes| text(attributes, "release"))
                .unwrap_or_default();
            format!(
                "{}  errors {}  {release}",
                text(payload, "status"),
                text_or(payload, "errors", "0")
            )
        }
        "sessions" => {
            let count = list(payload.get("aggregates")).len();
            counted(count, "aggregate", "aggregates")
        }
        "check_in" => format!(
            "{}  {}",
            text(payload, "monitor_slug"),
            text(payload, "status")
        ),
        "user_report" => format!("{}  {}", text(payload, "name"), text(payload, "comments")),
        "feedback" => {
            let feedback =
                object(payload, "contexts").and_then(|contexts| object(contexts, "feedback"));
            feedback
                .map(|feedback| text(feedback, "message"))
                .unwrap_or_default()
        }
        "client_report" => {
            for loss in list(payload.get("discarded_events"))
                .iter()
                .filter_map(Value::as_object)
            {
                let (reason, category) = (text(loss, "reason"), text(loss, "category"));
                lines.push(format!(
                    "      lost {} × {category}: {reason}",
                    text(loss, "quantity")
                ));
            }
            String::new()
        }
        "log" => {
            let logs = list(payload.get("items"));
            for log in logs.iter().take(MAX_LOGS).filter_map(Value::as_object) {
                lines.push(format!(
                    "      {}  {}",
                    style.level(&text(log, "level")),
                    text(log, "body")
                ));
            }
            counted(logs.len(), "entry", "entries")
        }
        _ => match payload.get("items") {
            Some(items) => counted(list(Some(items)).len(), "entry", "entries"),
            None => String::new(),
        },
    }
}

fn event_title(event: &Map<String, Value>) -> String {
    let exceptions = list(event.get("exception"));
    if let Some(exception) = exceptions.last().and_then(Value::as_object) {
        return format!("{}: {}", text(exception, "type"), text(exception, "value"));
    }
    let entry = event.get("logentry").or_else(|| event.get("message"));
    match entry {
        Some(Value::Object(entry)) => text_or(entry, "formatted", &text(entry, "message")),
        Some(entry) => plain(entry),
        None => "(no message)".to_owned(),
    }
}

fn event_lines(event: &Map<String, Value>, style: Style, lines: &mut Vec<String>) {
    for frame in newest_frames(event) {
        let (function, file) = (text_or(frame, "function", "?"), text(frame, "filename"));
        let place = match frame.get("lineno") {
            Some(line) if !file.is_empty() => format!(" ({file}:{})", plain(line)),
            _ if !file.is_empty() => format!(" ({file})"),
            _ => String::new(),
        };
        let paint = if is_ours(frame) {
            Paint::Cyan
        } else {
            Paint::Dim
        };
        lines.push(format!(
            "      {}",
            style.paint(paint, &format!("at {function}{place}"))
        ));
    }
    let tags = tags(event.get("tags"));
    if !tags.is_empty() {
        lines.push(format!("      tags {}", tags.join(" ")));
    }
    lines.extend(
        ["user", "extra"]
            .into_iter()
            .filter_map(|name| facts(event, name)),
    );
    let facts: Vec<String> = ["release", "environment", "server_name", "transaction"]
        .into_iter()
        .filter(|name| event.contains_key(*name))
        .map(|name| format!("{name} {}", text(event, name)))
        .collect();
    if !facts.is_empty() {
        lines.push(format!("      {}", facts.join(" · ")));
    }
    let breadcrumbs = list(event.get("breadcrumbs")).len();
    if breadcrumbs > 0 {
        let breadcrumbs = counted(breadcrumbs, "breadcrumb", "breadcrumbs");
        lines.push(format!("      {breadcrumbs}"));
    }
}

/// The first entries of a map of free-form facts.
fn facts(event: &Map<String, Value>, name: &str) -> Option<String> {
    let facts: Vec<String> = object(event, name)?
        .iter()
        .take(MAX_FACTS)
        .map(|(key, value)| format!("{}={}", clean(key), plain(value)))
        .collect();
    (!facts.is_empty()).then(|| format!("      {name} {}", facts.join(" ")))
}

fn span_lines(spans: &[Value], lines: &mut Vec<String>) {
    for span in spans.iter().take(MAX_SPANS).filter_map(Value::as_object) {
        let (op, description) = (text(span, "op"), text(span, "description"));
        lines.push(format!("      span {op}  {description}"));
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn is_ours(frame: &Map<String, Value>) -> bool {
    frame.get("in_app").and_then(Value::as_bool) == Some(true)
}

/// The frames of the newest exception, the crash first; events keep them the other way round.
/// Where the program's own frames are marked, those of libraries are passed over.
fn newest_frames(event: &Map<String, Value>) -> Vec<&Map<String, Value>> {
    let of_exception = list(event.get("exception"))
        .last()
        .and_then(|exception| exception.get("stacktrace"));
    let of_thread = || {
        list(event.get("threads"))
            .iter()
            .find_map(|thread| thread.get("stacktrace"))
    };
    let trace = of_exception
        .or_else(of_thread)
        .or_else(|| event.get("stacktrace"));
    let frames = list(trace.and_then(|trace| trace.get("frames")));
    let frames = || frames.iter().rev().filter_map(Value::as_object);
    let has_ours = frames().any(is_ours);
    frames()
        .filter(|frame| !has_ours || is_ours(frame))
        .take(MAX_FRAMES)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::parse;

    const RECEIVED: Received<'_> = Received {
        number: 1,
        project: "42",
        bytes: 9,
    };

    fn printed(body: &str) -> String {
        details(RECEIVED, &parse(body.as_bytes()).unwrap(), Style::Plain)
    }

    #[test]
    fn an_event_shows_title_newest_frames_tags_and_facts() {
        let body = concat!(
            r#"{"sdk":{"name":"mini-sentry.rust","version":"0.1.0"}}"#,
            "\n",
            r#"{"type":"event"}"#,
            "\n",
            r#"{"level":"error","release":"shop@1","tags":{"a":"b"},"exception":{"values":[{"type":"IoError","#,
            r#""value":"disk full","stacktrace":{"frames":[{"function":"main"},"#,
            r#"{"function":"save","filename":"src/save.rs","lineno":7}]}}]}}"#,
        );
        assert_eq!(
            printed(body),
            "envelope 1 · project 42 · 9 bytes · event\n  from mini-sentry.rust 0.1.0\n  \
             event  error  IoError: disk full\n      at save (src/save.rs:7)\n      at main\n      \
             tags a=b\n      release shop@1\n"
        );
    }

    #[test]
    fn every_shape_of_message_is_read() {
        for message in [
            r#""message":"hi""#,
            r#""logentry":{"formatted":"hi"}"#,
            r#""message":{"message":"hi"}"#,
        ] {
            let text = printed(&format!("{{}}\n{{\"type\":\"event\"}}\n{{{message}}}"));
            assert!(text.contains("error  hi\n"), "{text}");
        }
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        let text = printed(
            "{}\n{\"type\":\"event\"}\n{\"message\":\"a\\u001b[2Jb\\nc\"}\n{\"type\":\"\\u0007\"}\nx",
        );
        assert!(text.contains("a [2Jb c"), "{text}");
        assert!(
            !text.contains('\u{7}') && !text.contains('\u{1b}'),
            "{text}"
        );
    }

    #[test]
    fn payloads_of_the_wrong_shape_are_shown_by_size() {
        let text = printed(
            "{}\n{\"type\":\"event\"}\nnot json\n{\"type\":\"event\"}\n{\"exception\":3,\"tags\":4}",
        );
        assert!(text.contains("  event  8 bytes\n"), "{text}");
        assert!(text.contains("(no message)"), "{text}");
    }

    #[test]
    fn spans_user_and_extra_are_shown() {
        let text = printed(concat!(
            "{}\n{\"type\":\"transaction\"}\n",
            r#"{"transaction":"import","spans":[{"op":"db","description":"SELECT 1"}],"#,
            r#""user":{"id":"user-42"},"extra":{"api_key":"[Filtered]"}}"#,
        ));
        assert!(
            text.contains("import  1 span\n      span db  SELECT 1\n"),
            "{text}"
        );
        assert!(
            text.contains("      user id=user-42\n      extra api_key=[Filtered]\n"),
            "{text}"
        );
    }

    #[test]
    fn frames_of_libraries_are_passed_over_when_the_programs_own_are_marked() {
        let frames: Vec<_> = (0..9)
            .map(|n| serde_json::json!({"function": format!("f{n}"), "in_app": n % 3 == 1}))
            .collect();
        let event = serde_json::json!({"stacktrace": {"frames": frames}});
        let text = printed(&format!("{{}}\n{{\"type\":\"event\"}}\n{event}"));
        assert!(text.contains("at f7\n      at f4\n      at f1\n"), "{text}");
        assert!(!text.contains("f8"), "{text}");
    }
}
