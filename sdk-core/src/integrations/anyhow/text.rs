//! The standard library's stacks, which it gives as text only.

use crate::client::ClientOptions;
use crate::integrations::frames::{crate_of, in_app, is_own, module_of, short_path, trim};
use crate::protocol::Frame;

/// Frames of one stack that are kept.
const MAX_FRAMES: usize = 256;

/// Reads a stack from text such as
///
/// ```text
///    0: app::cart::add
///              at ./src/cart.rs:7:9
/// ```
///
/// The frames come outermost first, trimmed and marked.
pub(super) fn frames(text: &str, options: &ClientOptions) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(place) = line.strip_prefix("at ") {
            if let Some(frame) = frames.last_mut() {
                set_place(frame, place);
            }
        } else if let Some((number, name)) = line.split_once(": ")
            && number.parse::<u32>().is_ok()
        {
            if frames.len() >= MAX_FRAMES {
                break;
            }
            frames.push(Frame {
                function: Some(name.trim().to_owned()),
                ..Frame::default()
            });
        }
    }
    for frame in &mut frames {
        let (function, path) = (frame.function.as_deref(), frame.abs_path.as_deref());
        frame.in_app = Some(in_app(function, is_own(function, path), options));
        frame.package = crate_of(function, path).map(|name| name.into_owned());
        frame.module = function.and_then(module_of).map(str::to_owned);
        frame.filename = path.map(|path| short_path(path).to_owned());
    }
    frames.reverse();
    trim(&mut frames);
    frames
}

/// Reads `path:line:column`, of which the path may have colons of its own.
fn set_place(frame: &mut Frame, place: &str) {
    let mut parts = place.rsplitn(3, ':');
    let (last, middle, path) = (parts.next(), parts.next(), parts.next());
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u64>().ok());
    let path = match (number(middle), number(last), path) {
        (Some(line), Some(column), Some(path)) => {
            frame.lineno = Some(line);
            frame.colno = Some(column);
            path
        }
        (None, Some(line), _) => {
            frame.lineno = Some(line);
            place.rsplit_once(':').map_or(place, |(path, _)| path)
        }
        _ => place,
    };
    let path = path.strip_prefix("./").unwrap_or(path);
    frame.abs_path = Some(path.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "   0: anyhow::error::<impl anyhow::Error>::msg
             at /c/registry/src/index-0/anyhow-1.0.104/src/backtrace.rs:10:14
   1: app::cart::add
             at ./src/cart.rs:7:9
   2: app::main
             at C:\\app\\src\\main.rs:3
   3: core::ops::function::FnOnce::call_once
             at /rustc/0123/library/core/src/ops/function.rs:250:5
   4: std::sys::backtrace::__rust_begin_short_backtrace
   5: main
";

    #[test]
    fn names_and_places_are_read_and_the_rest_is_cut() {
        let frames = frames(TEXT, &ClientOptions::new());
        let read: Vec<_> = frames
            .iter()
            .map(|it| {
                (
                    it.function.as_deref(),
                    it.abs_path.as_deref(),
                    it.lineno,
                    it.colno,
                )
            })
            .collect();
        assert_eq!(
            read,
            [
                (
                    Some("app::main"),
                    Some("C:\\app\\src\\main.rs"),
                    Some(3),
                    None
                ),
                (
                    Some("app::cart::add"),
                    Some("src/cart.rs"),
                    Some(7),
                    Some(9)
                ),
            ]
        );
        assert!(frames.iter().all(|frame| frame.in_app == Some(true)));
    }

    #[test]
    fn text_that_is_no_stack_has_no_frames() {
        for text in ["", "disabled backtrace", "at x:1:2", "x: y", "\n\n: \n"] {
            assert!(frames(text, &ClientOptions::new()).is_empty(), "{text}");
        }
        let endless = "1: a\n".repeat(10_000);
        assert_eq!(frames(&endless, &ClientOptions::new()).len(), MAX_FRAMES);
    }
}
