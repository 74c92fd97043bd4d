//! Cutting off what every stack begins and ends with.

use super::names::crate_of;
use crate::protocol::Frame;

/// What a frame is, to a reader who looks for the place where something happened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of the SDK, or of what called it for the program.
    Reporting,
    /// Of the panic machinery.
    Panicking,
    /// Of the standard library: says nothing by itself.
    Std,
    /// Anything else.
    Other,
}

/// Crates that only report for the program.
const REPORTING: &[&str] = &[
    "anyhow",
    "backtrace",
    "log",
    "mini_sentry",
    "tracing",
    "tracing_core",
    "tracing_subscriber",
];

/// Frames that every program has outside of its own first one.
const BEGIN: &str = "__rust_begin_short_backtrace";

/// True for the frame in which the runtime calls the program, or a thread its function: what is
/// outside of it does not show.
pub(crate) fn is_begin(function: Option<&str>) -> bool {
    function.is_some_and(|name| {
        name.contains(BEGIN)
            && matches!(
                crate_of(Some(name), None).as_deref(),
                None | Some("std" | "test")
            )
    })
}

/// Removes the frames of the SDK and of the panic machinery at the inner end, and those of the
/// runtime's start at the outer end. The frames come outermost first. A stack that has nothing
/// else stays whole.
pub(crate) fn trim(frames: &mut Vec<Frame>) {
    let inner = inner_end(frames);
    let outer = outer_end(frames.get(..inner).unwrap_or_default());
    frames.truncate(inner);
    frames.drain(..outer.min(inner));
}

/// How many frames there are without the inner ones to cut.
fn inner_end(frames: &[Frame]) -> usize {
    let mut end = frames.len();
    let mut panicked = false;
    let mut first_other = 0;
    for (index, frame) in frames.iter().enumerate().rev() {
        match kind(frame) {
            Kind::Reporting => end = index,
            Kind::Panicking => {
                end = index;
                panicked = true;
            }
            Kind::Std => {}
            Kind::Other => {
                first_other = index.saturating_add(1);
                break;
            }
        }
    }
    // A panic in the standard library is its caller's: `unwrap`, `[…]`, `slice::copy_from_slice`.
    if panicked && first_other > 0 {
        end = first_other;
    }
    if end == 0 { frames.len() } else { end }
}

/// How many frames of the runtime's start there are.
fn outer_end(frames: &[Frame]) -> usize {
    let Some(begin) = frames
        .iter()
        .rposition(|frame| is_begin(frame.function.as_deref()))
    else {
        return 0;
    };
    let mut end = begin.saturating_add(1);
    let calls_once = |frame: &Frame| {
        kind(frame) == Kind::Std
            && frame
                .function
                .as_deref()
                .is_some_and(|name| name.contains("call_once"))
    };
    while frames.get(end).is_some_and(calls_once) {
        end = end.saturating_add(1);
    }
    if end < frames.len() { end } else { 0 }
}

fn kind(frame: &Frame) -> Kind {
    let name = frame.function.as_deref();
    let path = frame.abs_path.as_deref();
    if name.is_some_and(is_panicking) || path.is_some_and(is_panicking_file) {
        return Kind::Panicking;
    }
    match crate_of(name, path).as_deref() {
        Some("core" | "alloc" | "std") => {
            if name.is_some_and(|name| name.starts_with("std::backtrace")) {
                Kind::Reporting
            } else {
                Kind::Std
            }
        }
        Some(root) if REPORTING.contains(&root) => Kind::Reporting,
        _ => Kind::Other,
    }
}

fn is_panicking_file(path: &str) -> bool {
    const FILES: &[&str] = &[
        "library/core/src/panic.rs",
        "library/core/src/panicking.rs",
        "library/std/src/panic.rs",
        "library/std/src/panicking.rs",
    ];
    FILES.iter().any(|file| path.ends_with(file))
}

fn is_panicking(name: &str) -> bool {
    const STARTS: &[&str] = &[
        "core::panicking::",
        "std::panicking::",
        "std::panic::",
        "std::sys::backtrace::__rust_end_short_backtrace",
        "__rust_start_panic",
        "rust_begin_unwind",
        "rust_panic",
        "panic_unwind::",
        "__rustc::rust_begin_unwind",
    ];
    STARTS.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trimmed(innermost_first: &[&str]) -> Vec<String> {
        let mut frames: Vec<Frame> = innermost_first
            .iter()
            .rev()
            .map(|name| Frame {
                function: Some((*name).to_owned()),
                ..Frame::default()
            })
            .collect();
        trim(&mut frames);
        frames
            .into_iter()
            .rev()
            .filter_map(|frame| frame.function)
            .collect()
    }

    #[test]
    fn the_sdk_and_the_runtimes_start_are_cut() {
        let stack = [
            "backtrace::backtrace::libunwind::trace",
            "<mini_sentry::integrations::backtrace::Source as mini_sentry::StackSource>::take",
            "std::thread::local::LocalKey<T>::with",
            "mini_sentry::client::api::capture_message",
            "app::cart::add",
            "core::ops::function::FnOnce::call_once",
            "mini_sentry::client::api::with_scope",
            "app::main",
            "core::ops::function::FnOnce::call_once",
            "std::sys::backtrace::__rust_begin_short_backtrace",
            "std::rt::lang_start::{{closure}}",
            "main",
            "__libc_start_main_impl",
            "_start",
        ];
        assert_eq!(
            trimmed(&stack),
            [
                "app::cart::add",
                "core::ops::function::FnOnce::call_once",
                "mini_sentry::client::api::with_scope",
                "app::main"
            ]
        );
    }

    #[test]
    fn a_panic_ends_with_the_frame_that_panicked() {
        let stack = [
            "mini_sentry::integrations::panic::capture",
            "<alloc::boxed::Box<F> as core::ops::Fn<A>>::call",
            "std::panicking::panic_with_hook",
            "std::sys::backtrace::__rust_end_short_backtrace",
            "__rustc::rust_begin_unwind",
            "core::panicking::panic_fmt",
            "core::option::unwrap_failed",
            "core::option::Option<T>::unwrap",
            "app::run",
            "std::panicking::catch_unwind",
            "std::thread::Builder::spawn",
        ];
        assert_eq!(
            trimmed(&stack),
            [
                "app::run",
                "std::panicking::catch_unwind",
                "std::thread::Builder::spawn"
            ]
        );
    }

    #[test]
    fn a_stack_of_nothing_else_stays_whole() {
        let stack = ["mini_sentry::a", "std::panicking::b", "core::c"];
        assert_eq!(trimmed(&stack).len(), 1);
        assert_eq!(trimmed(&["mini_sentry::a", "mini_sentry::b"]).len(), 2);
        assert_eq!(
            trimmed(&["std::sys::backtrace::__rust_begin_short_backtrace"]).len(),
            1
        );
        assert!(trimmed(&[]).is_empty());
    }

    #[test]
    fn frames_without_names_are_kept() {
        let mut frames = vec![Frame::default(); 3];
        trim(&mut frames);
        assert_eq!(frames.len(), 3);
    }
}
