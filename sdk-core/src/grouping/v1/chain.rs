//! Exceptions: chains of causes, and groups of which any order and number is the same error.

use super::browser::{self, Canonical};
use super::language::Language;
use super::message::write_template;
use super::stack::{self, Strength};
use crate::grouping::explanation::{Part, Reason, Variant};
use crate::grouping::record::{Place, Record};
use crate::grouping::rules::StackRules;
use crate::grouping::subject::{ExceptionPart, Subject};

/// Appends what counts of the exceptions; `None` when none of them says anything.
pub(super) fn append(
    subject: &Subject<'_>,
    language: Language,
    rules: &StackRules,
    record: &mut Record,
) -> Option<Variant> {
    let start = record.place();
    let exceptions = subject.exceptions.iter().enumerate();
    let says_something =
        |e: &ExceptionPart<'_>| e.kind.is_some() || e.value.is_some() || !e.frames.is_empty();
    let is_group = subject.exceptions.iter().any(|e| e.is_group);
    let any_frames = subject.exceptions.iter().any(|e| !e.frames.is_empty());
    let mut chain = Chain {
        start,
        members: Vec::new(),
        last: None,
        is_group,
    };
    let one = One {
        subject,
        language,
        rules,
        any_frames,
    };
    let mut holder = None;
    for (index, exception) in exceptions.filter(|(_, e)| says_something(e)) {
        if exception.is_group {
            holder = holder.or(Some((index, exception)));
            continue;
        }
        chain.add(index, exception, &one, record);
    }
    if let Some((index, exception)) = holder {
        if chain.distinct() == 1 {
            if record.is_logged() {
                let kind = exception.kind.unwrap_or_default();
                record.note(Part {
                    exception: Some(index),
                    ..Part::dismissed("type", kind, Reason::OnlyHoldsGroup)
                });
            }
        } else {
            chain.add(index, exception, &one, record);
        }
    }
    chain.finish(record).then_some(if any_frames {
        Variant::ExceptionStack
    } else {
        Variant::ExceptionText
    })
}

/// The exceptions so far.
struct Chain {
    start: Place,
    members: Vec<u64>,
    last: Option<u64>,
    is_group: bool,
}

impl Chain {
    fn add(
        &mut self,
        index: usize,
        exception: &ExceptionPart<'_>,
        one: &One<'_, '_>,
        record: &mut Record,
    ) {
        let place = record.place();
        let log = record.log_len();
        one.append(index, exception, record);
        let hash = record.hash_from(place);
        if self.is_group {
            let is_known = self.members.contains(&hash);
            record.back_to(place);
            if is_known {
                record.dismiss(log, Reason::SameInGroup);
            } else {
                self.members.push(hash);
            }
            return;
        }
        if self.last == Some(hash) {
            record.back_to(place);
            record.dismiss(log, Reason::Repeated);
        }
        self.last = Some(hash);
    }

    fn distinct(&self) -> usize {
        self.members.len()
    }

    /// Ends the chain; reports whether there was anything.
    fn finish(mut self, record: &mut Record) -> bool {
        if !self.is_group {
            return self.last.is_some();
        }
        record.back_to(self.start);
        self.members.sort_unstable();
        self.members.iter().for_each(|hash| record.push_hash(*hash));
        !self.members.is_empty()
    }
}

/// What all exceptions of an event share.
struct One<'e, 'a> {
    subject: &'e Subject<'a>,
    language: Language,
    rules: &'e StackRules,
    any_frames: bool,
}

impl One<'_, '_> {
    fn append(&self, index: usize, exception: &ExceptionPart<'_>, record: &mut Record) {
        let log = record.log_len();
        let kind = exception.kind.unwrap_or_default();
        let value = exception.value.unwrap_or_default();
        let canonical = browser::canonical(self.language, Some(kind), value);
        let name = type_name(canonical.kind.unwrap_or(kind));
        if !exception.is_synthetic {
            record.push("type", name);
        }
        let strength = stack::append(
            self.subject,
            Some((index, exception)),
            &exception.frames,
            self.language,
            self.rules,
            record,
        );
        if exception.is_synthetic && strength != Strength::Strong {
            record.push("type", name);
        } else if exception.is_synthetic {
            record.note(Part::dismissed("type", name, Reason::Synthetic));
        }
        let counts = match strength {
            Strength::Strong => false,
            Strength::Weak => true,
            // Beside the stacks of others a type is enough, but not beside one that was left out.
            Strength::None => !self.any_frames || !exception.frames.is_empty(),
        };
        Self::append_value(value, canonical, counts, strength, record);
        record.amend(log, |part| part.exception = Some(index));
    }

    fn append_value(
        value: &str,
        canonical: Canonical<'_>,
        counts: bool,
        strength: Strength,
        record: &mut Record,
    ) {
        if counts {
            let at = record.log_len();
            record.push_with("value", |out| {
                write_template(canonical.value, out);
                canonical.write_subject(out);
            });
            if strength == Strength::Weak {
                record.amend_one(at, |part| part.reason = Some(Reason::WeakStack));
            }
        } else if record.is_logged() && !value.is_empty() {
            record.note(Part::dismissed("value", value, Reason::StackDecides));
        }
    }
}

/// Leaves out what varies in the names of classes without names.
fn type_name(kind: &str) -> &str {
    match kind.find("@anonymous") {
        Some(at) => kind
            .get(..at.saturating_add("@anonymous".len()))
            .unwrap_or(kind),
        None => kind,
    }
}
