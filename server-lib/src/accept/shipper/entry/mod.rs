//! From a log entry to an event.

use mini_sentry::protocol::{Context, Event, Level, Message, SpanId, TraceContext, TraceId};
use serde_json::{Map, Value};

use super::failure::{self, Failure};
use super::field::{self, Fields, take, take_text, take_word};
use super::level;
use crate::model::time::Millis;

const TIMES: &[&str] = &[
    "@timestamp",
    "timestamp",
    "time",
    "ts",
    "date",
    "datetime",
    "asctime",
    "eventTime",
    "__REALTIME_TIMESTAMP",
];
const LEVELS: &[&str] = &[
    "level",
    "log.level",
    "severity",
    "severity_text",
    "severityText",
    "levelname",
    "level_name",
    "loglevel",
    "log_level",
    "lvl",
    "@level",
    "PRIORITY",
];
const MESSAGES: &[&str] = &[
    "message",
    "msg",
    "@message",
    "event",
    "log",
    "body",
    "short_message",
    "text",
    "MESSAGE",
];
const LOGGERS: &[&str] = &[
    "logger",
    "log.logger",
    "logger_name",
    "loggerName",
    "channel",
    "SYSLOG_IDENTIFIER",
];
const HOSTS: &[&str] = &[
    "hostname",
    "host.name",
    "host.hostname",
    "host",
    "server_name",
    "_HOSTNAME",
];
const ENVIRONMENTS: &[&str] = &[
    "environment",
    "service.environment",
    "deployment.environment.name",
    "deployment.environment",
    "env",
];
const RELEASES: &[&str] = &["release", "service.version"];

/// Texts of shippers that hold what the program wrote, sometimes JSON again.
const WRAPPERS: &[&str] = &["log", "message", "MESSAGE"];

/// Characters of the tag that holds Logstash's own tags.
const MAX_TAG_BYTES: usize = 200;

/// Turns an entry into an event. Whatever has no place of its own goes to `extra`.
#[must_use]
pub fn event(mut fields: Map<String, Value>, received: Millis) -> Event {
    unwrap_inner(&mut fields);
    let timestamp = take(&mut fields, TIMES, field::time);
    let told = take_level(&mut fields);
    let message = take_text(&mut fields, MESSAGES);
    let failure = failure::take(&mut fields);
    let (platform, exceptions) = match failure {
        Some(Failure {
            platform,
            exceptions,
        }) => (platform, exceptions),
        None => ("other", Vec::new()),
    };
    let level = told.unwrap_or(if exceptions.is_empty() {
        Level::Info
    } else {
        Level::Error
    });
    // An error's own text is shown with it; once is enough.
    let message = message
        .map(|text| text.trim_end().to_owned())
        .filter(|text| {
            !exceptions
                .iter()
                .any(|exception| exception.value.as_deref() == Some(text))
        });

    let mut event = Event {
        timestamp: Some(timestamp.unwrap_or_else(|| received.to_timestamp())),
        level: Some(level),
        message: message.map(Message::Text),
        platform: Some(platform.to_owned()),
        logger: take_logger(&mut fields),
        server_name: take_text(&mut fields, HOSTS),
        environment: take_text(&mut fields, ENVIRONMENTS),
        release: take_word(&mut fields, RELEASES),
        exception: exceptions.into(),
        ..Event::default()
    };
    take_trace(&mut fields, &mut event);
    take_tags(&mut fields, &mut event);
    event.extra = fields;
    event
}

/// Replaces a text that is an object in JSON by its fields, as when a container's log is shipped.
fn unwrap_inner(fields: &mut Fields) {
    let inner = take(fields, WRAPPERS, |value| {
        let text = value.as_str()?.trim();
        if !text.starts_with('{') {
            return None;
        }
        serde_json::from_str::<Map<String, Value>>(text).ok()
    });
    fields.extend(inner.into_iter().flatten());
}

fn take_level(fields: &mut Fields) -> Option<Level> {
    take(fields, LEVELS, level::read).or_else(|| {
        take(fields, &["severity_number", "severityNumber"], |value| {
            level::from_severity_number(value.as_u64()?)
        })
    })
}

/// Pino and Bunyan call the logger `name`; elsewhere that may be anything.
fn take_logger(fields: &mut Fields) -> Option<String> {
    let is_node = fields.contains_key("pid") && fields.contains_key("hostname");
    take_text(fields, LOGGERS).or_else(|| is_node.then(|| take_text(fields, &["name"])).flatten())
}

fn take_trace(fields: &mut Fields, event: &mut Event) {
    let trace_id = take(fields, &["trace_id", "trace.id", "traceId"], |value| {
        value.as_str()?.parse::<TraceId>().ok()
    });
    let Some(trace_id) = trace_id else { return };
    let span_id = take(fields, &["span_id", "span.id", "spanId"], |value| {
        value.as_str()?.parse::<SpanId>().ok()
    });
    let context = TraceContext {
        trace_id: Some(trace_id),
        span_id,
        ..TraceContext::default()
    };
    event
        .contexts
        .insert("trace".to_owned(), Context::from(context));
}

/// Logstash's tags are words without values; other shippers send names with values.
fn take_tags(fields: &mut Fields, event: &mut Event) {
    match fields.remove("tags") {
        Some(Value::Array(words)) if words.iter().all(Value::is_string) => {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            let mut text = words.join(",");
            text.truncate(field::cut(&text, MAX_TAG_BYTES).len());
            if !text.is_empty() {
                event.tags.insert("logstash".to_owned(), text);
            }
        }
        Some(Value::Object(mut tags)) => {
            tags.retain(|name, value| match field::word(value) {
                Some(word) => {
                    event.tags.insert(name.clone(), word);
                    false
                }
                None => true,
            });
            if !tags.is_empty() {
                fields.insert("tags".to_owned(), Value::Object(tags));
            }
        }
        Some(other) => drop(fields.insert("tags".to_owned(), other)),
        None => {}
    }
}

#[cfg(test)]
mod tests;
