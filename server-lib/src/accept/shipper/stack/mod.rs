//! Stacks that are written as text, in the forms of JavaScript, Python, Java and Go.

mod go;
mod java;
mod python;
mod script;

use mini_sentry::protocol::{Exception, Frame, Stacktrace};

use super::field::cut;

/// Text beyond this is not read.
const MAX_BYTES: usize = 256 * 1024;
/// The innermost frames of an exception that are kept.
const MAX_FRAMES: usize = 128;
/// Causes that are followed.
const MAX_EXCEPTIONS: usize = 16;

/// What a text tells.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedStack {
    /// The language, as platforms are named.
    pub platform: &'static str,
    /// The exceptions, oldest cause first; at least one has frames.
    pub exceptions: Vec<Exception>,
}

/// Reads a stack; `None` when there is no frame in the text.
#[must_use]
pub fn parse(text: &str) -> Option<ParsedStack> {
    let text = cut(text, MAX_BYTES);
    let (platform, exceptions) = python::parse(text)
        .map(|found| ("python", found))
        .or_else(|| java::parse(text).map(|found| ("java", found)))
        .or_else(|| script::parse(text).map(|found| (script::platform(&found), found)))
        .or_else(|| go::parse(text).map(|found| ("go", found)))?;
    Some(ParsedStack {
        platform,
        exceptions,
    })
}

/// Exceptions as they are found in a text.
#[derive(Default)]
struct Found {
    exceptions: Vec<Exception>,
    frames: Vec<Frame>,
    has_frames: bool,
}

impl Found {
    fn frame(&mut self, frame: Frame) {
        self.has_frames = true;
        // Recursion without end writes more frames than anybody reads.
        if self.frames.len() < MAX_FRAMES.saturating_mul(8) {
            self.frames.push(frame);
        }
    }

    /// Ends an exception whose frames were written outermost first.
    fn end(&mut self, header: &str) {
        let mut frames = std::mem::take(&mut self.frames);
        let excess = frames.len().saturating_sub(MAX_FRAMES);
        frames.drain(..excess);
        if self.exceptions.len() < MAX_EXCEPTIONS {
            self.exceptions.push(exception(header, frames));
        }
    }

    /// Ends an exception whose frames were written innermost first.
    fn end_reversed(&mut self, header: &str) {
        self.frames.reverse();
        self.end(header);
    }

    /// Returns what was found, in the order of the text.
    fn finish(self) -> Option<Vec<Exception>> {
        self.has_frames.then_some(self.exceptions)
    }
}

/// Makes an exception without a stack of its header, such as `TypeError: x is not a function`.
#[must_use]
pub fn of_header(header: &str) -> Exception {
    exception(header, Vec::new())
}

fn exception(header: &str, frames: Vec<Frame>) -> Exception {
    let header = header.trim();
    let header = header.strip_prefix("Uncaught ").unwrap_or(header);
    let (ty, value) = match header.split_once(':') {
        Some((ty, value)) if is_type_name(ty) => (Some(ty), value.trim()),
        None if is_type_name(header) && header.contains(['.', 'E']) => (Some(header), ""),
        _ => (None, header),
    };
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let (module, ty) = match ty.and_then(|ty| ty.rsplit_once('.')) {
        Some((module, ty)) => (filled(module), filled(ty)),
        None => (None, ty.and_then(filled)),
    };
    Exception {
        ty,
        module,
        value: filled(value),
        stacktrace: (!frames.is_empty()).then(|| Stacktrace {
            frames,
            ..Stacktrace::default()
        }),
        ..Exception::default()
    }
}

fn is_type_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '$'))
}

fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `type|value|function@file:line…` of each exception.
    pub(super) fn outline(text: &str) -> Option<Vec<String>> {
        let parsed = parse(text)?;
        let lines = parsed.exceptions.iter().map(|exception| {
            let frames = exception.stacktrace.iter().flat_map(|stack| &stack.frames);
            let frames: Vec<String> = frames
                .map(|frame| {
                    format!(
                        "{}@{}:{}",
                        frame.function.as_deref().unwrap_or("?"),
                        frame.filename.as_deref().unwrap_or("?"),
                        frame.lineno.unwrap_or(0)
                    )
                })
                .collect();
            format!(
                "{}|{}|{}",
                exception.ty.as_deref().unwrap_or("?"),
                exception.value.as_deref().unwrap_or("?"),
                frames.join(" ")
            )
        });
        Some(lines.collect())
    }

    #[test]
    fn a_text_without_frames_is_no_stack() {
        for text in [
            "",
            "boom",
            "at last: we are at home",
            "a: b\nc: d",
            "@",
            "at (",
            "File \"",
        ] {
            assert_eq!(outline(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_header_names_type_and_text_only_when_it_looks_like_one() {
        let read = |header| {
            let exception = exception(header, Vec::new());
            (exception.module, exception.ty, exception.value)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            read("java.io.IOException: no: file"),
            (some("java.io"), some("IOException"), some("no: file"))
        );
        assert_eq!(read("KeyError"), (None, some("KeyError"), None));
        assert_eq!(
            read("cannot open /a: denied"),
            (None, None, some("cannot open /a: denied"))
        );
    }

    #[test]
    fn an_endless_recursion_keeps_the_innermost_frames() {
        let mut text = String::from("RangeError: too deep\n");
        for line in 1..=5000 {
            text.push_str(&format!("    at f (/app/a.js:{line}:1)\n"));
        }
        let parsed = parse(&text).unwrap();
        let frames = &parsed.exceptions[0].stacktrace.as_ref().unwrap().frames;
        assert_eq!(frames.len(), MAX_FRAMES);
        assert_eq!(frames.last().unwrap().lineno, Some(1));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_harm(
            text in "(at |File \"|\t|\n|Caused by: |Traceback \\(most recent call last\\):|[a-z.(:)@/1-9\u{fc}\", ]){0,60}"
        ) {
            let _ = parse(&text);
        }
    }
}
