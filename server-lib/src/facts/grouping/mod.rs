//! Under which key an event is put together with others. The first, simple way:
//!
//! 1. what the client asks for, with `{{ default }}` standing for the rest of this list;
//! 2. types of the exceptions, with the frames of the project's own code (all frames where none
//!    is), by module or file and function, or by the line of code where there is no function;
//! 3. types and texts of exceptions without frames;
//! 4. the message, with what varies from event to event put aside.
//!
//! Keys are kept in the database, so none of this may change without a new version of the prefix.

mod message;

use twox_hash::XxHash3_128;

use super::{FrameRules, Scan, ScannedFrame};
use crate::model::event::GroupingKey;

pub use message::append_template;

/// Distinguishes keys of this way of grouping from later ones.
const PREFIX: &str = "v0";
/// Between two parts; no text of JSON holds it unless it was meant to confuse.
const SEPARATOR: char = '\u{1f}';
/// Bytes of one part that count.
const MAX_PART_BYTES: usize = 1_000;

/// Returns the key of an event.
#[must_use]
pub fn key(scan: &Scan<'_>, rules: &FrameRules) -> GroupingKey {
    let mut parts = Parts::default();
    if scan.fingerprint.is_empty() {
        append_default(scan, rules, &mut parts);
    }
    for part in &scan.fingerprint {
        if is_default(part) {
            append_default(scan, rules, &mut parts);
        } else {
            parts.push("fingerprint", part);
        }
    }
    parts.hash()
}

/// What is hashed: named parts, one behind the other.
struct Parts {
    text: String,
}

impl Default for Parts {
    fn default() -> Self {
        let mut text = String::with_capacity(1024);
        text.push_str(PREFIX);
        Self { text }
    }
}

impl Parts {
    fn begin(&mut self, name: &str) {
        self.text.push(SEPARATOR);
        self.text.push_str(name);
        self.text.push(SEPARATOR);
    }

    fn push(&mut self, name: &str, value: &str) {
        self.begin(name);
        self.text.push_str(clip_bytes(value));
    }

    fn push_template(&mut self, name: &str, value: &str) {
        self.begin(name);
        append_template(clip_bytes(value), &mut self.text);
    }

    fn hash(&self) -> GroupingKey {
        GroupingKey(XxHash3_128::oneshot(self.text.as_bytes()).to_be_bytes())
    }
}

fn is_default(part: &str) -> bool {
    part.strip_prefix("{{")
        .and_then(|part| part.strip_suffix("}}"))
        .is_some_and(|name| name.trim() == "default")
}

fn append_default(scan: &Scan<'_>, rules: &FrameRules, parts: &mut Parts) {
    let has_frames = scan.exceptions.iter().any(|e| !e.frames.is_empty());
    for exception in &scan.exceptions {
        parts.push("type", exception.kind.as_deref().unwrap_or_default());
        append_stack(&exception.frames, rules, parts);
        if !has_frames {
            let value = exception.value.as_deref().unwrap_or_default();
            parts.push_template("value", value);
        }
    }
    if !scan.exceptions.is_empty() {
        return;
    }
    let message = scan.message_template.as_deref().or(scan.message.as_deref());
    match message.filter(|message| !message.trim().is_empty()) {
        Some(message) => parts.push_template("message", message),
        None if scan.frames.is_empty() => {
            parts.push(
                "transaction",
                scan.transaction.as_deref().unwrap_or_default(),
            );
        }
        None => append_stack(&scan.frames, rules, parts),
    }
}

fn append_stack(frames: &[ScannedFrame<'_>], rules: &FrameRules, parts: &mut Parts) {
    let is_own = |frame: &&ScannedFrame<'_>| rules.is_in_app(frame.place(), frame.in_app);
    if frames.iter().any(|frame| is_own(&frame)) {
        append_frames(frames.iter().filter(is_own), parts);
    } else {
        append_frames(frames.iter(), parts);
    }
}

/// Appends frames; one that calls itself counts once, or each depth would be a group.
fn append_frames<'f, 'a: 'f>(
    frames: impl Iterator<Item = &'f ScannedFrame<'a>>,
    parts: &mut Parts,
) {
    let mut last: Option<&ScannedFrame<'_>> = None;
    for frame in frames {
        let is_repeated = last.is_some_and(|last| {
            last.function == frame.function
                && last.module == frame.module
                && last.filename == frame.filename
                && (frame.function.is_some() || last.context_line == frame.context_line)
        });
        if !is_repeated {
            append_frame(frame, parts);
        }
        last = Some(frame);
    }
}

fn append_frame(frame: &ScannedFrame<'_>, parts: &mut Parts) {
    match (frame.module.as_deref(), frame.filename.as_deref()) {
        (Some(module), _) => parts.push("module", module),
        (None, Some(file)) => parts.push_template("file", path_of(file)),
        (None, None) => {
            let path = frame.abs_path.as_deref().unwrap_or_default();
            parts.push_template("file", path_of(path));
        }
    }
    match frame.function.as_deref() {
        Some(function) => parts.push("function", without_hash(function)),
        None => {
            let line = frame.context_line.as_deref().unwrap_or_default();
            parts.push("line", line.trim());
        }
    }
}

/// Leaves out a URL's host, query and fragment.
fn path_of(file: &str) -> &str {
    let Some((_, rest)) = file.split_once("://") else {
        return file;
    };
    let path = rest.split_once('/').map_or(rest, |(_, path)| path);
    path.split(['?', '#']).next().unwrap_or(path)
}

/// Leaves out the hash that rustc puts behind a name.
fn without_hash(function: &str) -> &str {
    match function.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            name
        }
        _ => function,
    }
}

fn clip_bytes(text: &str) -> &str {
    if text.len() <= MAX_PART_BYTES {
        return text;
    }
    let end = (0..=MAX_PART_BYTES)
        .rev()
        .find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests;
