//! Stacks: addresses taken where something happens, made readable on the SDK's own thread.
//!
//! With the feature `backtrace`, which is on by default, panics carry the stack of the panicking
//! thread, and with [`ClientOptions::attach_stacktrace`](crate::ClientOptions::attach_stacktrace)
//! errors and messages carry that of their caller. Taking one costs a few microseconds: only the
//! addresses are noted. Names, files and lines are looked up later, where nobody waits, and are
//! remembered within bounds.
//!
//! Frames of the SDK, of the panic machinery and of the runtime's start are cut off. The rest are
//! marked as the program's own or not: what comes from a registry or the toolchain is not. The
//! options `in_app_include` and `in_app_exclude` say otherwise, by prefix; the longest one wins.
//!
//! ```
//! use mini_sentry::ClientOptions;
//! let mut options = ClientOptions::new().attach_stacktrace(true);
//! options.in_app_exclude.push("my_app::generated".into());
//! ```
//!
//! Events also name the loaded images that their frames lie in, with the build id where there is
//! one, so that a server that has the debug files can do better than a stripped program itself.
//! Images are found on Linux and Android.

mod build_id;
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "images_elf.rs"]
mod images;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "images_unknown.rs"]
mod images;
mod loaded;
mod source;
mod symbols;
#[cfg(not(all(unix, not(miri))))]
#[path = "walk_locked.rs"]
mod walk;
#[cfg(all(unix, not(miri)))]
#[path = "walk_unwind.rs"]
mod walk;

pub use source::BacktraceIntegration;
