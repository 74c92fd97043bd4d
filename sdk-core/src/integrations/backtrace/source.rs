//! The source of stacks for Rust programs.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::loaded::Images;
use super::symbols::{Symbol, Symbols};
use super::walk::walk;
use crate::client::{ClientOptions, Integration, RawStack, StackSource, generation, guarded};
use crate::integrations::frames::{in_app, trim};
use crate::protocol::{Addr, DebugImage, Frame, Stacktrace};

/// Innermost frames of one stack that are kept.
const MAX_FRAMES: usize = 256;

/// Takes stacks, and makes them readable on the SDK's own thread.
///
/// ```
/// use mini_sentry::StackSource;
/// use mini_sentry::integrations::backtrace::BacktraceIntegration;
/// let source = BacktraceIntegration::new();
/// let stack = source.take();
/// let readable = source.resolve(&stack, &mini_sentry::ClientOptions::new());
/// assert!(!readable.frames.is_empty());
/// ```
#[derive(Default)]
pub struct BacktraceIntegration {
    known: Mutex<Known>,
    /// One more than the process generation that holds `known`, or 0. A fork may copy the lock
    /// while a thread holds it that the child does not have.
    holder: AtomicU64,
}

/// What was found out about addresses so far.
#[derive(Default)]
struct Known {
    symbols: Symbols,
    images: Images,
}

impl BacktraceIntegration {
    /// The integration.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a function with what is known; `None` in a child of a fork that can never have it.
    fn with_known<R>(&self, f: impl FnOnce(&mut Known) -> R) -> Option<R> {
        let own = generation().saturating_add(1);
        let holder = self.holder.load(Ordering::Acquire);
        if holder != 0 && holder != own {
            return None;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.holder.store(own, Ordering::Release);
        let result = guarded(|| f(&mut known));
        self.holder.store(0, Ordering::Release);
        result
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
        let mut buffer = [0; MAX_FRAMES];
        let mut count = 0_usize;
        walk(|address| match buffer.get_mut(count) {
            Some(slot) => {
                *slot = address;
                count = count.saturating_add(1);
                true
            }
            None => false,
        });
        RawStack {
            addresses: buffer.get(..count).unwrap_or_default().to_vec(),
        }
    }

    fn resolve(&self, stack: &RawStack, options: &ClientOptions) -> Stacktrace {
        let resolved = self.with_known(|known| {
            let mut frames = Vec::with_capacity(stack.addresses.len());
            for address in &stack.addresses {
                let image = known.images.start_of(*address);
                let symbols = known.symbols.find(*address);
                if symbols.is_empty() {
                    frames.push(bare_frame(*address, image));
                }
                for symbol in &*symbols {
                    frames.push(frame(*address, image, symbol, options));
                }
                // Names of the system's own start would cost its debug information in memory.
                if symbols.iter().any(|symbol| symbol.is_begin) {
                    break;
                }
            }
            known.symbols.end_stack();
            frames
        });
        let mut frames = resolved.unwrap_or_else(|| {
            let addresses = stack.addresses.iter();
            addresses
                .map(|address| bare_frame(*address, None))
                .collect()
        });
        frames.reverse();
        trim(&mut frames);
        Stacktrace {
            frames,
            ..Stacktrace::default()
        }
    }

    fn images(&self, stack: &RawStack) -> Vec<DebugImage> {
        self.with_known(|known| known.images.of(&stack.addresses))
            .unwrap_or_default()
    }
}

impl fmt::Debug for BacktraceIntegration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BacktraceIntegration")
            .finish_non_exhaustive()
    }
}

/// A frame of which only the address is known.
fn bare_frame(address: usize, image: Option<usize>) -> Frame {
    Frame {
        instruction_addr: Some(Addr(address as u64)),
        image_addr: image.map(|start| Addr(start as u64)),
        in_app: Some(false),
        ..Frame::default()
    }
}

fn frame(address: usize, image: Option<usize>, symbol: &Symbol, options: &ClientOptions) -> Frame {
    let owned = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    Frame {
        function: owned(&symbol.function),
        module: owned(&symbol.module),
        package: owned(&symbol.package),
        filename: owned(&symbol.short_path),
        abs_path: owned(&symbol.path),
        lineno: symbol.line.map(u64::from),
        colno: symbol.column.map(u64::from),
        in_app: Some(in_app(symbol.function.as_deref(), symbol.is_own, options)),
        ..bare_frame(address, image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_of_a_fork_that_copied_a_held_lock_still_gets_addresses() {
        let source = BacktraceIntegration::new();
        let held = source.known.lock().unwrap();
        source
            .holder
            .store(generation().saturating_add(2), Ordering::Release);
        let stack = source.take();
        let options = ClientOptions::new();
        let frames = source.resolve(&stack, &options).frames;
        assert_eq!(frames.len(), stack.addresses.len());
        assert!(frames.iter().all(|frame| frame.function.is_none()));
        assert!(frames.iter().all(|frame| frame.instruction_addr.is_some()));
        assert!(source.images(&stack).is_empty());
        drop(held);
    }

    #[test]
    fn what_is_remembered_says_the_same_again() {
        let source = BacktraceIntegration::new();
        let stack = source.take();
        let options = ClientOptions::new();
        let first = source.resolve(&stack, &options);
        // Long enough that the debug information is let go in between.
        for _ in 0..300 {
            source.resolve(&stack, &options);
        }
        let known = source.known.lock().unwrap();
        assert!(!known.symbols.has_debug_information());
        drop(known);
        assert_eq!(source.resolve(&stack, &options), first);
        let other = source.take();
        assert!(
            source
                .resolve(&other, &options)
                .frames
                .iter()
                .any(|frame| frame.lineno.is_some())
        );
    }
}
