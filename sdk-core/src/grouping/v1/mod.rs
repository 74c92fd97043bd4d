//! The first way of grouping. What it does is told in `docs/grouping.md`; none of it may change, or
//! the same error would come as a new issue.

mod browser;
mod chain;
mod digits;
mod function;
mod language;
mod message;
mod path;
mod stack;

use super::explanation::Variant;
use super::record::Record;
use super::rules::StackRules;
use super::subject::Subject;

pub(super) use language::Language;
pub(super) use message::write_endpoint;
use message::write_template;
pub use path::is_foreign;
pub(super) use stack::{crashing_frame, frame_states};

/// Appends what counts of an event that nobody has made a fingerprint for.
pub(super) fn append_default(
    subject: &Subject<'_>,
    rules: &StackRules,
    record: &mut Record,
) -> Variant {
    let language = Language::of(subject.platform);
    if !subject.exceptions.is_empty()
        && let Some(variant) = chain::append(subject, language, rules, record)
    {
        return variant;
    }
    if let Some(message) = subject.template.or(subject.message)
        && !message.trim().is_empty()
    {
        let start = record.place();
        record.push_with("message", |out| {
            let canonical = browser::canonical(language, None, message);
            write_template(canonical.value, out);
            canonical.write_subject(out);
        });
        let tells = has_words(record.text_from(start));
        if tells || subject.frames.is_empty() {
            return Variant::Message;
        }
    }
    if !subject.frames.is_empty() {
        stack::append(subject, None, &subject.frames, language, rules, record);
        return Variant::Stack;
    }
    record.push("transaction", subject.transaction.unwrap_or_default());
    Variant::Transaction
}

/// Reports whether anything but placeholders is in a text, its part's name aside.
fn has_words(text: &str) -> bool {
    let text = text.rsplit('\u{1f}').next().unwrap_or_default();
    let mut is_inside = false;
    text.chars().any(|c| {
        match c {
            '<' => is_inside = true,
            '>' => is_inside = false,
            _ => {}
        }
        !is_inside && c.is_alphabetic()
    })
}
