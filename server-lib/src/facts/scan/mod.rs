//! Picks the fields of [`Scan`] out of an event's JSON.

use std::borrow::Cow;

use mini_sentry::protocol::EventId;

use super::json::{Cursor, Shape};
use super::{Scan, ScannedException, ScannedFrame, ScannedUser};
use tags::read_tags;

mod contexts;
mod owned;
mod tags;

/// Innermost frames that are kept of a stack.
const MAX_FRAMES: usize = 64;
/// Exceptions that are kept, of the end of the chain.
const MAX_EXCEPTIONS: usize = 50;
/// Parts of a fingerprint that are kept.
const MAX_FINGERPRINT: usize = 20;
/// What some editors and languages put in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a body is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// It is no JSON.
    #[error("invalid JSON at byte {position}")]
    Syntax {
        /// Where it breaks.
        position: usize,
    },
    /// Its objects and lists are nested too deeply.
    #[error(
        "JSON nested deeper than {} levels",
        mini_sentry::limits::MAX_JSON_DEPTH
    )]
    TooDeep,
    /// It is JSON, but no object.
    #[error("expected a JSON object")]
    NotAnObject,
}

impl ScanError {
    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "invalid_json",
            Self::TooDeep => "too_deep",
            Self::NotAnObject => "not_an_object",
        }
    }
}

impl<'a> Scan<'a> {
    /// Reads an event in one pass. Takes what the core's readers take: JSON, and what they mend
    /// (`NaN`, `Infinity`, half surrogate pairs, broken UTF-8, a byte order mark). A field of the
    /// wrong type counts as absent; of a field that repeats, the last readable one counts.
    ///
    /// # Errors
    ///
    /// When the bytes are no JSON object, or nested deeper than the core reads.
    pub fn read(json: &'a [u8]) -> Result<Self, ScanError> {
        let json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
        match str::from_utf8(json) {
            Ok(text) => read_event(text),
            Err(_) => {
                let mended = String::from_utf8_lossy(json);
                read_event(&mended).map(Scan::into_owned)
            }
        }
    }
}

/// Texts that may stand in two fields of the event.
#[derive(Default)]
struct Messages<'a> {
    message: Entry<'a>,
    logentry: Entry<'a>,
    threads: Option<Vec<ScannedFrame<'a>>>,
}

/// A message with the text before its parameters were put in.
#[derive(Default)]
struct Entry<'a> {
    text: Option<Cow<'a, str>>,
    template: Option<Cow<'a, str>>,
}

fn read_event(text: &str) -> Result<Scan<'_>, ScanError> {
    let mut cursor = Cursor::new(text);
    if cursor.shape() != Shape::Object {
        cursor.skip()?;
        cursor.end()?;
        return Err(ScanError::NotAnObject);
    }
    let mut scan = Scan::default();
    let mut messages = Messages::default();
    cursor.object(|cursor, key| read_field(cursor, key, &mut scan, &mut messages))?;
    cursor.end()?;
    let (first, second) = match messages.logentry.text {
        Some(_) => (messages.logentry, messages.message),
        None => (messages.message, messages.logentry),
    };
    scan.message = first.text;
    scan.message_template = first.template.or(second.template);
    if scan.frames.is_empty() {
        scan.frames = messages.threads.unwrap_or_default();
    }
    Ok(scan)
}

fn read_field<'a>(
    cursor: &mut Cursor<'a>,
    key: &str,
    scan: &mut Scan<'a>,
    messages: &mut Messages<'a>,
) -> Result<(), ScanError> {
    match key {
        "event_id" => {
            if let Some(id) = cursor.text()?.and_then(|text| text.parse::<EventId>().ok()) {
                scan.event_id = Some(id);
            }
        }
        "timestamp" => replace(&mut scan.timestamp, cursor.scalar()?),
        "level" => replace(&mut scan.level, cursor.text()?),
        "type" => replace(&mut scan.kind, cursor.text()?),
        "platform" => replace(&mut scan.platform, cursor.text()?),
        "release" => replace(&mut scan.release, cursor.scalar()?),
        "dist" => replace(&mut scan.dist, cursor.scalar()?),
        "environment" => replace(&mut scan.environment, cursor.text()?),
        "transaction" => replace(&mut scan.transaction, cursor.text()?),
        "culprit" => replace(&mut scan.culprit, cursor.text()?),
        "logger" => replace(&mut scan.logger, cursor.text()?),
        "message" => read_message(cursor, &mut messages.message)?,
        "logentry" | "sentry.interfaces.Message" => read_message(cursor, &mut messages.logentry)?,
        "server_name" => replace(&mut scan.server_name, cursor.text()?),
        "contexts" => contexts::read_contexts(cursor, &mut scan.contexts)?,
        "fingerprint" => read_fingerprint(cursor, &mut scan.fingerprint)?,
        "exception" | "sentry.interfaces.Exception" => {
            read_exceptions(cursor, &mut scan.exceptions)?;
        }
        "stacktrace" | "sentry.interfaces.Stacktrace" => read_stack(cursor, &mut scan.frames)?,
        "threads" => read_threads(cursor, &mut messages.threads)?,
        "tags" => read_tags(cursor, &mut scan.tags)?,
        "user" | "sentry.interfaces.User" => read_user(cursor, &mut scan.user)?,
        "request" | "sentry.interfaces.Http" => read_request(cursor, scan)?,
        "sdk" => fields(cursor, |cursor, key| match key {
            "name" => put(&mut scan.sdk_name, cursor.text()),
            "version" => put(&mut scan.sdk_version, cursor.text()),
            "settings" => fields(cursor, |cursor, key| match key {
                "infer_ip" => put(&mut scan.infer_ip, cursor.text()),
                _ => cursor.skip(),
            }),
            _ => cursor.skip(),
        })?,
        _ => cursor.skip()?,
    }
    Ok(())
}

fn read_message<'a>(cursor: &mut Cursor<'a>, entry: &mut Entry<'a>) -> Result<(), ScanError> {
    if cursor.shape() != Shape::Object {
        return put(&mut entry.text, cursor.scalar());
    }
    let mut formatted = None;
    cursor.object(|cursor, key| match key {
        "message" => put(&mut entry.template, cursor.text()),
        "formatted" => put(&mut formatted, cursor.text()),
        _ => cursor.skip(),
    })?;
    entry.text = formatted.or_else(|| entry.template.clone());
    Ok(())
}

fn read_fingerprint<'a>(
    cursor: &mut Cursor<'a>,
    parts: &mut Vec<Cow<'a, str>>,
) -> Result<(), ScanError> {
    if cursor.shape() != Shape::List {
        return cursor.skip();
    }
    parts.clear();
    cursor.list(|cursor| {
        let part = cursor.scalar()?;
        if parts.len() < MAX_FINGERPRINT {
            parts.extend(part);
        }
        Ok(())
    })
}

/// Reads a list, `{"values": [...]}`, or one exception that stands alone.
fn read_exceptions<'a>(
    cursor: &mut Cursor<'a>,
    exceptions: &mut Vec<ScannedException<'a>>,
) -> Result<(), ScanError> {
    match cursor.shape() {
        Shape::List => {
            exceptions.clear();
            read_exception_list(cursor, exceptions)
        }
        Shape::Object => {
            exceptions.clear();
            let mut lone = ScannedException::default();
            let (mut is_wrapped, mut is_empty) = (false, true);
            cursor.object(|cursor, key| {
                is_empty = false;
                if key != "values" {
                    return read_exception_field(cursor, key, &mut lone);
                }
                is_wrapped = true;
                exceptions.clear();
                if cursor.shape() == Shape::List {
                    read_exception_list(cursor, exceptions)
                } else {
                    cursor.skip()
                }
            })?;
            if !is_wrapped && !is_empty {
                exceptions.push(lone);
            }
            Ok(())
        }
        Shape::Text | Shape::Other => cursor.skip(),
    }
}

fn read_exception_list<'a>(
    cursor: &mut Cursor<'a>,
    exceptions: &mut Vec<ScannedException<'a>>,
) -> Result<(), ScanError> {
    cursor.list(|cursor| {
        if cursor.shape() != Shape::Object {
            return cursor.skip();
        }
        let mut exception = ScannedException::default();
        cursor.object(|cursor, key| read_exception_field(cursor, key, &mut exception))?;
        push_bounded(exceptions, exception, MAX_EXCEPTIONS);
        Ok(())
    })?;
    keep_last(exceptions, MAX_EXCEPTIONS);
    Ok(())
}

fn read_exception_field<'a>(
    cursor: &mut Cursor<'a>,
    key: &str,
    exception: &mut ScannedException<'a>,
) -> Result<(), ScanError> {
    match key {
        "type" => put(&mut exception.kind, cursor.text()),
        "value" => put(&mut exception.value, cursor.scalar()),
        "module" => put(&mut exception.module, cursor.text()),
        "stacktrace" => read_stack(cursor, &mut exception.frames),
        "mechanism" => read_mechanism(cursor, exception),
        _ => cursor.skip(),
    }
}

fn read_mechanism<'a>(
    cursor: &mut Cursor<'a>,
    exception: &mut ScannedException<'a>,
) -> Result<(), ScanError> {
    fields(cursor, |cursor, key| {
        match key {
            "type" => replace(&mut exception.mechanism, cursor.text()?),
            "handled" => replace(&mut exception.handled, cursor.boolean()?),
            "synthetic" => exception.is_synthetic = cursor.boolean()? == Some(true),
            "is_exception_group" => exception.is_group = cursor.boolean()? == Some(true),
            "exception_id" => exception.id = number(cursor)?,
            "parent_id" => exception.parent = number(cursor)?,
            _ => cursor.skip()?,
        }
        Ok(())
    })
}

fn number(cursor: &mut Cursor<'_>) -> Result<Option<u64>, ScanError> {
    Ok(cursor.scalar()?.and_then(|text| text.parse().ok()))
}

fn read_stack<'a>(
    cursor: &mut Cursor<'a>,
    frames: &mut Vec<ScannedFrame<'a>>,
) -> Result<(), ScanError> {
    fields(cursor, |cursor, key| {
        if key != "frames" || cursor.shape() != Shape::List {
            return cursor.skip();
        }
        frames.clear();
        cursor.list(|cursor| {
            if cursor.shape() != Shape::Object {
                return cursor.skip();
            }
            let mut frame = ScannedFrame::default();
            cursor.object(|cursor, key| read_frame_field(cursor, key, &mut frame))?;
            push_bounded(frames, frame, MAX_FRAMES);
            Ok(())
        })?;
        keep_last(frames, MAX_FRAMES);
        Ok(())
    })
}

fn read_frame_field<'a>(
    cursor: &mut Cursor<'a>,
    key: &str,
    frame: &mut ScannedFrame<'a>,
) -> Result<(), ScanError> {
    match key {
        "function" => put(&mut frame.function, cursor.text()),
        "module" => put(&mut frame.module, cursor.text()),
        "filename" => put(&mut frame.filename, cursor.text()),
        "abs_path" => put(&mut frame.abs_path, cursor.text()),
        "context_line" => put(&mut frame.context_line, cursor.text()),
        "in_app" => put(&mut frame.in_app, cursor.boolean()),
        "package" => put(&mut frame.package, cursor.text()),
        _ => cursor.skip(),
    }
}

/// Keeps the stack of the thread that crashed, else of the one that made the event, else of the
/// only one.
fn read_threads<'a>(
    cursor: &mut Cursor<'a>,
    frames: &mut Option<Vec<ScannedFrame<'a>>>,
) -> Result<(), ScanError> {
    let mut best = Best::default();
    match cursor.shape() {
        Shape::List => read_thread_list(cursor, &mut best)?,
        Shape::Object => cursor.object(|cursor, key| {
            if key == "values" && cursor.shape() == Shape::List {
                read_thread_list(cursor, &mut best)
            } else {
                cursor.skip()
            }
        })?,
        Shape::Text | Shape::Other => return cursor.skip(),
    }
    *frames = (best.rank > 0 || best.count == 1).then_some(best.frames);
    Ok(())
}

#[derive(Default)]
struct Best<'a> {
    frames: Vec<ScannedFrame<'a>>,
    rank: u8,
    count: usize,
}

fn read_thread_list<'a>(cursor: &mut Cursor<'a>, best: &mut Best<'a>) -> Result<(), ScanError> {
    cursor.list(|cursor| {
        if cursor.shape() != Shape::Object {
            return cursor.skip();
        }
        let (mut frames, mut crashed, mut current) = (Vec::new(), None, None);
        cursor.object(|cursor, key| match key {
            "crashed" => put(&mut crashed, cursor.boolean()),
            "current" => put(&mut current, cursor.boolean()),
            "stacktrace" => read_stack(cursor, &mut frames),
            _ => cursor.skip(),
        })?;
        let rank = match (crashed, current) {
            (Some(true), _) => 2,
            (_, Some(true)) => 1,
            _ => 0,
        };
        if best.count == 0 || rank > best.rank {
            best.frames = frames;
            best.rank = rank;
        }
        best.count = best.count.saturating_add(1);
        Ok(())
    })
}

fn read_user<'a>(cursor: &mut Cursor<'a>, user: &mut ScannedUser<'a>) -> Result<(), ScanError> {
    fields(cursor, |cursor, key| match key {
        "id" => put(&mut user.id, cursor.scalar()),
        "email" => put(&mut user.email, cursor.text()),
        "username" => put(&mut user.username, cursor.scalar()),
        "ip_address" => put(&mut user.ip_address, cursor.text()),
        _ => cursor.skip(),
    })
}

fn read_request<'a>(cursor: &mut Cursor<'a>, scan: &mut Scan<'a>) -> Result<(), ScanError> {
    fields(cursor, |cursor, key| match key {
        "url" => put(&mut scan.url, cursor.text()),
        "method" => put(&mut scan.method, cursor.text()),
        "headers" => read_headers(cursor, &mut scan.user_agent),
        _ => cursor.skip(),
    })
}

/// Finds the `User-Agent` in a map, a list of pairs, or a list of `{"key", "value"}`.
fn read_headers<'a>(
    cursor: &mut Cursor<'a>,
    user_agent: &mut Option<Cow<'a, str>>,
) -> Result<(), ScanError> {
    match cursor.shape() {
        Shape::Object => cursor.object(|cursor, key| {
            if is_user_agent(key) {
                put(user_agent, first_text(cursor))
            } else {
                cursor.skip()
            }
        }),
        Shape::List => cursor.list(|cursor| {
            let (mut name, mut value) = (None, None);
            match cursor.shape() {
                Shape::List => {
                    let mut place = 0_usize;
                    cursor.list(|cursor| {
                        place = place.saturating_add(1);
                        match place {
                            1 => put(&mut name, cursor.text()),
                            2 => put(&mut value, first_text(cursor)),
                            _ => cursor.skip(),
                        }
                    })?;
                }
                Shape::Object => cursor.object(|cursor, key| match key {
                    "key" | "name" => put(&mut name, cursor.text()),
                    "value" => put(&mut value, first_text(cursor)),
                    _ => cursor.skip(),
                })?,
                Shape::Text | Shape::Other => cursor.skip()?,
            }
            if name.is_some_and(|name| is_user_agent(&name)) {
                replace(user_agent, value);
            }
            Ok(())
        }),
        Shape::Text | Shape::Other => cursor.skip(),
    }
}

fn is_user_agent(name: &str) -> bool {
    name.eq_ignore_ascii_case("user-agent")
}

/// Reads a string, or the first string of a list.
fn first_text<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Cow<'a, str>>, ScanError> {
    if cursor.shape() != Shape::List {
        return cursor.text();
    }
    let mut first = None;
    cursor.list(|cursor| {
        let text = cursor.text()?;
        first = first.take().or(text);
        Ok(())
    })?;
    Ok(first)
}

/// Walks an object; anything else is passed over.
fn fields<'a>(
    cursor: &mut Cursor<'a>,
    each: impl FnMut(&mut Cursor<'a>, &str) -> Result<(), ScanError>,
) -> Result<(), ScanError> {
    if cursor.shape() == Shape::Object {
        cursor.object(each)
    } else {
        cursor.skip()
    }
}

fn put<T>(field: &mut Option<T>, read: Result<Option<T>, ScanError>) -> Result<(), ScanError> {
    replace(field, read?);
    Ok(())
}

fn replace<T>(field: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *field = value;
    }
}

/// Pushes, and lets the oldest go in bulk before there are twice as many as are kept.
fn push_bounded<T>(list: &mut Vec<T>, element: T, keep: usize) {
    if list.len() >= keep.saturating_mul(2) {
        keep_last(list, keep);
    }
    list.push(element);
}

fn keep_last<T>(list: &mut Vec<T>, keep: usize) {
    let surplus = list.len().saturating_sub(keep);
    list.drain(..surplus);
}

#[cfg(test)]
mod tests;
