//! The words that full-text search looks into.

use super::{FrameRules, Scan};

/// Bytes that are kept.
const MAX_BYTES: usize = 2_000;
/// Bytes of one message or exception's text.
const MAX_PART: usize = 600;

/// Puts message, exceptions, and frames of the project's own code together, a line each.
pub(super) fn text(scan: &Scan<'_>, rules: &FrameRules) -> String {
    let mut text = Text(String::with_capacity(256));
    text.add(scan.message.as_deref());
    for exception in scan.exceptions.iter().rev() {
        text.add(exception.kind.as_deref());
        text.add(exception.value.as_deref());
    }
    let stacks = scan
        .exceptions
        .iter()
        .rev()
        .map(|exception| &exception.frames);
    let frames = stacks
        .chain([&scan.frames])
        .flat_map(|frames| frames.iter().rev());
    let (mut last_module, mut last_file) = (None, None);
    for frame in frames {
        if text.0.len() >= MAX_BYTES || !rules.is_in_app(frame.place(), frame.in_app) {
            continue;
        }
        text.add(frame.function.as_deref());
        // Neighbours are often of one file.
        if frame.module != *last_module.unwrap_or(&None) {
            text.add(frame.module.as_deref());
        }
        if frame.filename != *last_file.unwrap_or(&None) {
            text.add(frame.filename.as_deref());
        }
        (last_module, last_file) = (Some(&frame.module), Some(&frame.filename));
    }
    text.add(scan.transaction.as_deref());
    text.0
}

struct Text(String);

impl Text {
    fn add(&mut self, part: Option<&str>) {
        let part = part.unwrap_or_default().trim();
        let room = MAX_BYTES.saturating_sub(self.0.len()).min(MAX_PART);
        let end = (0..=room.min(part.len()))
            .rev()
            .find(|end| part.is_char_boundary(*end));
        let part = end.and_then(|end| part.get(..end)).unwrap_or_default();
        if part.is_empty() {
            return;
        }
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        // Some databases refuse NUL.
        if part.contains('\0') {
            self.0
                .extend(part.chars().map(|c| if c == '\0' { ' ' } else { c }));
        } else {
            self.0.push_str(part);
        }
    }
}
