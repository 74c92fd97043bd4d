//! The error of a log entry: an object, a stack as text, or a list of exceptions.

use mini_sentry::protocol::{Exception, Frame, Mechanism, Stacktrace};
use serde_json::Value;

use super::field::{self, Fields, take_text, take_word};
use super::stack;

/// Causes that are followed.
const MAX_CAUSES: usize = 16;

const OBJECTS: &[&str] = &["err", "error", "exception", "exc", "throwable", "thrown"];
const STACKS: &[&str] = &[
    "stack",
    "stack_trace",
    "stackTrace",
    "stacktrace",
    "error.stack_trace",
    "exception.stacktrace",
    "exception",
    "exc_info",
    "exc_text",
    "traceback",
    "errorVerbose",
    "trace",
    "backtrace",
];
const TYPES: &[&str] = &["error.type", "error.kind", "exception.type", "errorType"];
const TEXTS: &[&str] = &["error.message", "exception.message", "error", "err"];

/// An error.
pub(super) struct Failure {
    /// The language of its stack.
    pub(super) platform: &'static str,
    /// The error and its causes, oldest cause first.
    pub(super) exceptions: Vec<Exception>,
}

/// Takes the error out of an entry.
pub(super) fn take(fields: &mut Fields) -> Option<Failure> {
    let mut failure = take_object(fields)
        .or_else(|| take_list(fields))
        .or_else(|| take_stack(fields))
        .or_else(|| take_flat(fields))?;
    let mechanism = Mechanism {
        ty: Some("logging".to_owned()),
        handled: Some(true),
        ..Mechanism::default()
    };
    if let Some(last) = failure.exceptions.last_mut() {
        last.mechanism = Some(mechanism);
    }
    Some(failure)
}

/// Takes an object such as Pino's `err`; fields of it that are not known stay.
fn take_object(fields: &mut Fields) -> Option<Failure> {
    OBJECTS.iter().find_map(|name| {
        let object = fields.get_mut(*name)?.as_object_mut()?;
        if !looks_like_error(object) {
            return None;
        }
        let failure = from_object(object, 0);
        if object.is_empty() {
            fields.remove(*name);
        }
        Some(failure)
    })
}

fn looks_like_error(object: &Fields) -> bool {
    let has = |names: &[&str]| {
        names
            .iter()
            .any(|name| object.get(*name).and_then(field::text).is_some())
    };
    has(&["stack", "stack_trace", "stackTrace", "stacktrace"]) || has(&["message", "msg"])
}

fn from_object(object: &mut Fields, depth: usize) -> Failure {
    let ty = take_text(object, &["type", "name", "class", "kind"]);
    let value = take_word(object, &["message", "msg", "reason"]);
    let parsed = take_parsed(
        object,
        &["stack", "stack_trace", "stackTrace", "stacktrace"],
    );
    let mut failure = parsed.unwrap_or(Failure {
        platform: "other",
        exceptions: vec![Exception::default()],
    });
    let tells_causes = failure.exceptions.len() > 1;
    if let Some(last) = failure.exceptions.last_mut() {
        if let Some(ty) = ty {
            last.ty = Some(ty);
        }
        // The texts of Pino hold those of the causes as well.
        if last.value.is_none() || !tells_causes {
            last.value = value.or(last.value.take());
        }
    }
    if tells_causes || depth >= MAX_CAUSES {
        return failure;
    }
    if let Some(Value::Object(cause)) = object.get_mut("cause")
        && looks_like_error(cause)
    {
        let mut inner = from_object(cause, depth.saturating_add(1));
        if cause.is_empty() {
            object.remove("cause");
        }
        inner.exceptions.append(&mut failure.exceptions);
        failure.exceptions = inner.exceptions;
    }
    failure
}

/// Takes the list that `structlog` makes of a Python exception and its causes, latest first.
fn take_list(fields: &mut Fields) -> Option<Failure> {
    let list = fields.get("exception")?.as_array()?;
    let mut exceptions: Vec<Exception> = list
        .iter()
        .take(MAX_CAUSES)
        .filter_map(from_structlog)
        .collect();
    if exceptions.is_empty() {
        return None;
    }
    exceptions.reverse();
    fields.remove("exception");
    Some(Failure {
        platform: "python",
        exceptions,
    })
}

fn from_structlog(value: &Value) -> Option<Exception> {
    let text = |value: &Value, name: &str| Some(field::text(value.get(name)?)?.to_owned());
    let frames = value.get("frames").and_then(Value::as_array);
    let frames = frames.into_iter().flatten().map(|frame| Frame {
        filename: text(frame, "filename"),
        abs_path: text(frame, "filename"),
        function: text(frame, "name"),
        lineno: frame.get("lineno").and_then(Value::as_u64),
        context_line: text(frame, "line"),
        ..Frame::default()
    });
    Some(Exception {
        ty: Some(text(value, "exc_type")?),
        value: text(value, "exc_value"),
        stacktrace: Some(Stacktrace {
            frames: frames.collect(),
            ..Stacktrace::default()
        }),
        ..Exception::default()
    })
}

/// Takes a stack that stands beside the message, with type and text of the error if they do too.
fn take_stack(fields: &mut Fields) -> Option<Failure> {
    let mut failure = take_parsed(fields, STACKS)?;
    if let Some(last) = failure.exceptions.last_mut() {
        if last.ty.is_none() {
            last.ty = take_text(fields, TYPES);
        }
        if last.value.is_none() {
            last.value = take_text(fields, TEXTS);
        }
    }
    Some(failure)
}

/// Takes an error of which only type and text are told.
fn take_flat(fields: &mut Fields) -> Option<Failure> {
    let exception = Exception {
        ty: Some(take_text(fields, TYPES)?),
        value: take_text(fields, TEXTS),
        ..Exception::default()
    };
    Some(Failure {
        platform: "other",
        exceptions: vec![exception],
    })
}

/// Takes the first text of these names that is a stack, or a list of its lines.
fn take_parsed(fields: &mut Fields, names: &[&str]) -> Option<Failure> {
    let parsed = field::take(fields, names, |value| match value {
        Value::String(text) => stack::parse(text),
        Value::Array(lines) => {
            let lines: Option<Vec<&str>> = lines.iter().map(Value::as_str).collect();
            stack::parse(&lines?.join("\n"))
        }
        _ => None,
    })?;
    Some(Failure {
        platform: parsed.platform,
        exceptions: parsed.exceptions,
    })
}
