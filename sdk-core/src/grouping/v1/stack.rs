//! Stacks: which frames count, and what of them.

use super::function::{is_minified, write_function};
use super::language::Language;
use super::path::{is_foreign, is_script_library, write_module, write_path};
use crate::grouping::explanation::{Part, Reason};
use crate::grouping::record::{Place, Record, clip};
use crate::grouping::rules::{FrameState, StackRules};
use crate::grouping::subject::{ExceptionPart, FramePart, InApp, Subject};

/// Bytes of a line of code that count.
const MAX_LINE_BYTES: usize = 200;
/// So many frames of others' code say little about an error.
const FEW_FRAMES: usize = 3;
/// Types of errors that say that the stack is full.
const OVERFLOWS: &[&str] = &[
    "RangeError",
    "InternalError",
    "RecursionError",
    "StackOverflowError",
    "SystemStackError",
    "StackOverflowException",
    "System.StackOverflowException",
    "InsufficientExecutionStackException",
    "System.InsufficientExecutionStackException",
];

/// How much a stack says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    /// There is nothing that counts.
    None,
    /// Too little to tell errors apart.
    Weak,
    /// Enough.
    Strong,
}

/// A frame that counts so far.
#[derive(Clone, Copy, Debug)]
struct Kept {
    hash: u64,
    start: Place,
    log: usize,
    is_named: bool,
    repeats: bool,
}

/// Appends the frames of a stack that count.
pub(super) fn append(
    subject: &Subject<'_>,
    exception: Option<(usize, &ExceptionPart<'_>)>,
    frames: &[FramePart<'_>],
    language: Language,
    rules: &StackRules,
    record: &mut Record,
) -> Strength {
    if frames.is_empty() {
        return Strength::None;
    }
    let log = record.log_len();
    let mut states: Vec<_> = frames
        .iter()
        .map(|frame| state_of(frame, language))
        .collect();
    let max_frames = if rules.is_empty() {
        None
    } else {
        let thrown = exception.map(|(_, exception)| exception);
        rules.apply(subject.platform, thrown, frames, &mut states)
    };
    let has_own = states.iter().any(|state| state.counts(true));
    let is_overflow = exception.is_some_and(|(_, exception)| is_overflow(exception));
    let limit = Limit::new(&states, has_own, max_frames);
    let mut walk = Walk {
        language,
        file: ("", String::new()),
        kept: Vec::with_capacity(frames.len().min(64)),
        is_overflow,
    };
    for (index, (frame, state)) in frames.iter().zip(&states).enumerate() {
        if let Some(reason) = limit.dismisses(index, state, has_own) {
            if record.is_logged() {
                record.note(dismissed(frame, index, reason));
            }
            continue;
        }
        walk.frame(frame, index, record);
    }
    if !has_own {
        record.amend(log, |part| {
            if part.counts {
                part.reason = Some(Reason::NoneInApp);
            }
        });
    }
    let strength = walk.finish(has_own, record);
    if let Some((index, _)) = exception {
        record.amend(log, |part| part.exception = Some(index));
    }
    strength
}

/// Returns the frame that failed: the innermost of the program's own, else the innermost.
pub(in super::super) fn crashing_frame<'s, 'a>(
    subject: &'s Subject<'a>,
) -> Option<&'s FramePart<'a>> {
    let language = Language::of(subject.platform);
    let stacks = || {
        let of_exceptions = subject.exceptions.iter().rev().map(|e| e.frames.as_slice());
        of_exceptions.chain([subject.frames.as_slice()])
    };
    let innermost = || stacks().flat_map(|frames| frames.iter().rev());
    innermost()
        .find(|frame| state_of(frame, language).counts(true))
        .or_else(|| innermost().next())
}

/// Goes through all frames with what is known about them without rules.
pub(in super::super) fn frame_states<'s, 'a>(
    subject: &'s Subject<'a>,
) -> impl Iterator<Item = (&'s FramePart<'a>, FrameState)> {
    let language = Language::of(subject.platform);
    let of_exceptions = subject.exceptions.iter().map(|e| e.frames.as_slice());
    of_exceptions
        .chain([subject.frames.as_slice()])
        .flatten()
        .map(move |frame| (frame, state_of(frame, language)))
}

fn state_of(frame: &FramePart<'_>, language: Language) -> FrameState {
    let is_generated = is_generated(frame, language);
    let in_app = match frame.in_app {
        InApp::Ruled(is_own) => is_own,
        InApp::Told(is_own) => {
            is_own
                && !(language == Language::JavaScript
                    && frame
                        .filename
                        .or(frame.abs_path)
                        .is_some_and(is_script_library))
        }
        InApp::Unknown => ![frame.module, frame.filename, frame.abs_path]
            .into_iter()
            .flatten()
            .any(is_foreign),
    };
    FrameState {
        in_app,
        group: None,
        is_generated,
    }
}

/// Reports whether a compiler, a proxy or an engine made the frame, so that it comes and goes.
fn is_generated(frame: &FramePart<'_>, language: Language) -> bool {
    let function = frame.function.unwrap_or_default();
    match language {
        Language::JavaScript => {
            let file = frame.filename.or(frame.abs_path).unwrap_or_default();
            matches!(
                file,
                "<anonymous>" | "[native code]" | "native" | "self-hosted"
            ) || matches!(function, "__webpack_require__" | "__webpack_exec__")
        }
        Language::Python => {
            ["<listcomp>", "<dictcomp>", "<setcomp>"]
                .iter()
                .any(|made| function.ends_with(made))
                || frame
                    .filename
                    .is_some_and(|file| file.starts_with("<frozen "))
        }
        Language::Java => frame.module.is_some_and(|module| {
            module.contains("$$")
                || module.contains("$Proxy")
                || module.contains("GeneratedMethodAccessor")
                || module.contains("GeneratedConstructorAccessor")
                || [
                    "jdk.internal.reflect.",
                    "sun.reflect.",
                    "java.lang.reflect.",
                ]
                .iter()
                .any(|start| module.starts_with(start))
        }),
        Language::Go
        | Language::Ruby
        | Language::Php
        | Language::DotNet
        | Language::Native
        | Language::Other => false,
    }
}

fn is_overflow(exception: &ExceptionPart<'_>) -> bool {
    let kind = exception.kind.unwrap_or_default();
    if !OVERFLOWS.contains(&kind) {
        return false;
    }
    let value = exception.value.unwrap_or_default();
    match kind {
        "RangeError" => value.starts_with("Maximum call stack"),
        "InternalError" => value.starts_with("too much recursion"),
        _ => true,
    }
}

/// Where frames stop to count because a rule allows only so many.
struct Limit {
    first: usize,
}

impl Limit {
    fn new(states: &[FrameState], has_own: bool, max_frames: Option<usize>) -> Self {
        let first = max_frames.and_then(|max| {
            let counting = states.iter().enumerate().rev();
            let mut counting = counting.filter(|(_, state)| state.counts(has_own));
            let last_kept = counting.nth(max.checked_sub(1)?)?;
            Some(last_kept.0)
        });
        Self {
            first: first.unwrap_or_default(),
        }
    }

    fn dismisses(&self, index: usize, state: &FrameState, has_own: bool) -> Option<Reason> {
        if !state.counts(has_own) {
            return Some(if state.group == Some(false) {
                Reason::Rule
            } else if state.is_generated {
                Reason::Generated
            } else {
                Reason::NotInApp
            });
        }
        (index < self.first).then_some(Reason::MaxFrames)
    }
}

/// Goes from the outermost frame inwards.
struct Walk<'a> {
    language: Language,
    /// The file of the frame before, as it came and as it counts: most scripts are one file.
    file: (&'a str, String),
    kept: Vec<Kept>,
    is_overflow: bool,
}

impl<'a> Walk<'a> {
    fn frame(&mut self, frame: &FramePart<'a>, index: usize, record: &mut Record) {
        let start = record.place();
        let mut is_named = false;
        record.push_with("frame", |out| {
            is_named = write_frame(frame, self.language, &mut self.file, out);
        });
        let log = record.log_len().saturating_sub(1);
        record.amend(log, |part| part.frame = Some(index));
        let hash = record.hash_from(start);
        let known = if is_named {
            self.kept.iter().rposition(|kept| kept.hash == hash)
        } else {
            // Two functions without names need not be the same one.
            let last = self.kept.len().checked_sub(1);
            last.filter(|last| self.kept.get(*last).is_some_and(|kept| kept.hash == hash))
        };
        match known {
            None => self.kept.push(Kept {
                hash,
                start,
                log,
                is_named,
                repeats: false,
            }),
            Some(known) => self.again(known, start, log, record),
        }
    }

    /// A frame that counts already comes again: what lies between is a loop, and how often a
    /// program went round says nothing about its error.
    fn again(&mut self, known: usize, start: Place, log: usize, record: &mut Record) {
        if self.is_overflow {
            // All of the loop counts, wherever the stack was full and the SDK cut it.
            record.back_to(start);
            record.dismiss(log, Reason::Recursion);
            for kept in self.kept.iter_mut().skip(known) {
                kept.repeats = true;
            }
            return;
        }
        let behind = known.saturating_add(1);
        let (back, from) = self
            .kept
            .get(behind)
            .map_or((start, log), |next| (next.start, next.log));
        record.back_to(back);
        record.dismiss(from, Reason::Recursion);
        self.kept.truncate(behind);
    }

    fn finish(self, has_own: bool, record: &mut Record) -> Strength {
        let Some(first) = self.kept.first() else {
            return Strength::None;
        };
        if self.is_overflow && self.kept.iter().any(|kept| kept.repeats) {
            let mut hashes: Vec<_> = self
                .kept
                .iter()
                .filter(|kept| kept.repeats)
                .map(|kept| kept.hash)
                .collect();
            hashes.sort_unstable();
            record.back_to(first.start);
            for kept in self.kept.iter().filter(|kept| !kept.repeats) {
                record.amend_one(kept.log, |part| {
                    part.counts = false;
                    part.reason = Some(Reason::Recursion);
                });
            }
            hashes.into_iter().for_each(|hash| record.push_hash(hash));
            return Strength::Strong;
        }
        let is_telling = self.kept.iter().any(|kept| kept.is_named);
        if is_telling && (has_own || self.kept.len() > FEW_FRAMES) {
            Strength::Strong
        } else {
            Strength::Weak
        }
    }
}

/// Appends a frame's place and function, or its line where it has no function; reports whether
/// that tells it from others.
fn write_frame<'a>(
    frame: &FramePart<'a>,
    language: Language,
    last: &mut (&'a str, String),
    out: &mut String,
) -> bool {
    match (frame.module, frame.filename.or(frame.abs_path)) {
        (Some(module), _) if language != Language::JavaScript && !module.is_empty() => {
            write_module(module, language, out);
        }
        (_, Some(file)) => {
            if last.0 != file {
                last.0 = file;
                last.1.clear();
                write_path(file, language, &mut last.1);
            }
            out.push_str(&last.1);
        }
        (_, None) => {
            let package = frame.package.unwrap_or_default();
            out.push_str(package.rsplit(['/', '\\']).next().unwrap_or(package));
        }
    }
    out.push('\u{1f}');
    let start = out.len();
    let has_name = frame
        .function
        .is_some_and(|function| write_function(function, frame.module, language, out));
    if has_name {
        return !is_minified(out.get(start..).unwrap_or_default(), language);
    }
    let line = frame.context_line.unwrap_or_default().trim();
    out.push_str(clip(line, MAX_LINE_BYTES));
    !line.is_empty()
}

fn dismissed(frame: &FramePart<'_>, index: usize, reason: Reason) -> Part {
    let place = frame.module.or(frame.filename).or(frame.abs_path);
    let function = frame.function.unwrap_or_default();
    let text = format!("{} {function}", place.unwrap_or_default());
    Part {
        frame: Some(index),
        ..Part::dismissed("frame", text.trim(), reason)
    }
}
