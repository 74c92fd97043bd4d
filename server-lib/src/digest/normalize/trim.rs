//! What is shown of an event is bounded, whatever its client sent.

use mini_sentry::limits::{MAX_BREADCRUMBS, MAX_TAG_KEY_CHARS, MAX_TAG_VALUE_CHARS};
use mini_sentry::protocol::{
    Breadcrumb, Event, EventError, Frame, LogEntry, Map, Message, Stacktrace, User, Value,
};

use super::{each_frame, fault};
use crate::facts::{MAX_NAME, MAX_RELEASE};

/// Characters of a message or an exception's value.
const MAX_MESSAGE: usize = 8192;
/// Characters of a breadcrumb's message.
const MAX_BREADCRUMB: usize = 2048;
/// Characters of a line of source code.
const MAX_LINE: usize = 1024;
/// Lines of source code on each side.
const MAX_LINES: usize = 10;
/// Characters of a name: of a function, a file, a transaction.
const MAX_SYMBOL: usize = 512;
/// Characters of a user's names.
const MAX_USER: usize = 250;
/// Frames of a stack; of a longer one both ends stay.
const MAX_FRAMES: usize = 250;
/// Exceptions of a chain; of a longer one the end stays, where the last one was raised.
const MAX_EXCEPTIONS: usize = 50;
/// What stands for what was cut.
const CUT: char = '…';

/// Trims an event; what loses elements is noted in `errors`.
pub(super) fn event(event: &mut Event) {
    let mut notes = Vec::new();
    clip(&mut event.release, MAX_RELEASE);
    for name in [&mut event.dist, &mut event.environment, &mut event.platform] {
        clip(name, MAX_NAME);
    }
    for name in [
        &mut event.transaction,
        &mut event.culprit,
        &mut event.logger,
        &mut event.server_name,
    ] {
        clip(name, MAX_SYMBOL);
    }
    match &mut event.message {
        Some(Message::Text(text)) => clip_text(text, MAX_MESSAGE),
        Some(Message::Entry(entry)) => log_entry(entry),
        None => {}
    }
    event.logentry.iter_mut().for_each(log_entry);
    event.user.iter_mut().for_each(user);
    tags(&mut event.tags, &mut notes);
    keep_last(
        &mut event.breadcrumbs.values,
        MAX_BREADCRUMBS,
        "breadcrumbs",
        &mut notes,
    );
    event.breadcrumbs.values.iter_mut().for_each(breadcrumb);
    keep_last(
        &mut event.exception.values,
        MAX_EXCEPTIONS,
        "exception",
        &mut notes,
    );
    for exception in &mut event.exception.values {
        clip(&mut exception.ty, MAX_SYMBOL);
        clip(&mut exception.value, MAX_MESSAGE);
        clip(&mut exception.module, MAX_SYMBOL);
        stack(exception.stacktrace.as_mut());
        stack(exception.raw_stacktrace.as_mut());
    }
    for thread in &mut event.threads.values {
        stack(thread.stacktrace.as_mut());
        stack(thread.raw_stacktrace.as_mut());
    }
    stack(event.stacktrace.as_mut());
    each_frame(event, &mut frame);
    event.errors.append(&mut notes);
}

fn log_entry(entry: &mut LogEntry) {
    clip(&mut entry.message, MAX_MESSAGE);
    clip(&mut entry.formatted, MAX_MESSAGE);
}

fn user(user: &mut User) {
    for name in [
        &mut user.id,
        &mut user.email,
        &mut user.username,
        &mut user.name,
        &mut user.ip_address,
    ] {
        clip(name, MAX_USER);
    }
}

/// Two keys that are the same after trimming cannot both stay.
fn tags(tags: &mut Map<String, String>, notes: &mut Vec<EventError>) {
    let is_long = |key: &String| key.chars().nth(MAX_TAG_KEY_CHARS).is_some();
    if tags.keys().any(is_long) {
        let before = tags.len();
        *tags = std::mem::take(tags)
            .into_iter()
            .map(|(mut key, value)| {
                clip_text(&mut key, MAX_TAG_KEY_CHARS);
                (key, value)
            })
            .collect();
        if tags.len() < before {
            notes.push(fault("too_long", Some("tags"), None));
        }
    }
    for value in tags.values_mut() {
        clip_text(value, MAX_TAG_VALUE_CHARS);
    }
}

fn breadcrumb(breadcrumb: &mut Breadcrumb) {
    if let Some(message) = &mut breadcrumb.message
        && message.len() > MAX_BREADCRUMB
    {
        clip_text(message.to_mut(), MAX_BREADCRUMB);
    }
}

fn stack(stack: Option<&mut Stacktrace>) {
    let Some(stack) = stack else {
        return;
    };
    let count = stack.frames.len();
    if count <= MAX_FRAMES {
        return;
    }
    let (from, to) = (MAX_FRAMES / 2, count.saturating_sub(MAX_FRAMES / 2));
    stack.frames.drain(from..to);
    stack.frames_omitted = Some(Value::from(vec![from, to]));
}

fn frame(frame: &mut Frame) {
    for name in [
        &mut frame.function,
        &mut frame.raw_function,
        &mut frame.module,
        &mut frame.package,
        &mut frame.filename,
        &mut frame.abs_path,
    ] {
        clip(name, MAX_SYMBOL);
    }
    clip(&mut frame.context_line, MAX_LINE);
    let surplus = frame.pre_context.len().saturating_sub(MAX_LINES);
    frame.pre_context.drain(..surplus);
    frame.post_context.truncate(MAX_LINES);
    for line in frame.pre_context.iter_mut().chain(&mut frame.post_context) {
        clip_text(line, MAX_LINE);
    }
}

fn keep_last<T>(list: &mut Vec<T>, keep: usize, name: &str, notes: &mut Vec<EventError>) {
    let surplus = list.len().saturating_sub(keep);
    if surplus > 0 {
        list.drain(..surplus);
        notes.push(fault("too_many_items", Some(name), None));
    }
}

fn clip(text: &mut Option<String>, max_chars: usize) {
    if let Some(text) = text {
        clip_text(text, max_chars);
    }
}

/// Cuts a text so that it has at most so many characters, the sign for what was cut included.
fn clip_text(text: &mut String, max_chars: usize) {
    if text.len() <= max_chars || text.chars().nth(max_chars).is_none() {
        return;
    }
    let last = text.char_indices().nth(max_chars.saturating_sub(1));
    text.truncate(last.map_or(0, |(end, _)| end));
    text.push(CUT);
}
