//! Stacks: addresses taken at capture, made readable on the SDK's own thread.

use std::ffi::c_void;

use backtrace::Frame as NativeFrame;

use crate::client::{ClientOptions, Integration, RawStack, StackSource};
use crate::protocol::{Addr, DebugImage, Frame, Stacktrace};

/// Frames of one stack that are kept.
const MAX_FRAMES: usize = 250;

/// The source of stacks for Rust programs.
#[derive(Debug, Default)]
pub struct BacktraceIntegration;

impl BacktraceIntegration {
    /// The integration.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Integration for BacktraceIntegration {
    fn name(&self) -> &'static str {
        "backtrace"
    }

    fn stack_source(&self) -> Option<&dyn StackSource> {
        Some(self)
    }
}

impl StackSource for BacktraceIntegration {
    fn take(&self) -> RawStack {
        let mut addresses = Vec::with_capacity(64);
        backtrace::trace(|frame: &NativeFrame| {
            addresses.push(frame.ip() as usize);
            addresses.len() < MAX_FRAMES
        });
        RawStack { addresses }
    }

    fn resolve(&self, stack: &RawStack, _options: &ClientOptions) -> Stacktrace {
        let mut frames = Vec::with_capacity(stack.addresses.len());
        for address in stack.addresses.iter().rev() {
            backtrace::resolve(*address as *mut c_void, |symbol| {
                frames.push(Frame {
                    function: symbol.name().map(|name| name.to_string()),
                    instruction_addr: Some(Addr(*address as u64)),
                    lineno: symbol.lineno().map(u64::from),
                    abs_path: symbol
                        .filename()
                        .map(|path| path.to_string_lossy().into_owned()),
                    ..Frame::default()
                });
            });
        }
        Stacktrace {
            frames,
            ..Stacktrace::default()
        }
    }

    fn images(&self, _stack: &RawStack) -> Vec<DebugImage> {
        Vec::new()
    }
}
