//! What adds itself to the SDK: a panic hook, a source of stacks, contexts.

use std::any::Any;
use std::fmt;

use crate::client::options::ClientOptions;
use crate::protocol::{DebugImage, Event, Stacktrace};

/// Something that adds itself to the SDK.
pub trait Integration: Send + Sync + Any + 'static {
    /// Its name, as events carry it.
    fn name(&self) -> &'static str;

    /// Called once when a client is made, before anything is captured.
    fn setup(&self, options: &mut ClientOptions) {
        let _ = options;
    }

    /// Looks at each event before `before_send` does, on the SDK's own thread; may drop it.
    fn process_event(&self, event: Event, options: &ClientOptions) -> Option<Event> {
        let _ = options;
        Some(event)
    }

    /// Where stacks come from, when this integration is their source.
    fn stack_source(&self) -> Option<&dyn StackSource> {
        None
    }
}

/// Takes stacks cheaply where things happen, and makes them readable later, on the SDK's thread.
pub trait StackSource: Send + Sync {
    /// The addresses of the calls that lead here, innermost first.
    fn take(&self) -> RawStack;

    /// The frames of a stack, outermost first, with in-app marks.
    fn resolve(&self, stack: &RawStack, options: &ClientOptions) -> Stacktrace;

    /// The loaded images that these addresses lie in.
    fn images(&self, stack: &RawStack) -> Vec<DebugImage>;
}

/// The addresses of a stack, innermost call first.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RawStack {
    /// Instruction addresses.
    pub addresses: Vec<usize>,
}

impl fmt::Debug for RawStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawStack({} frames)", self.addresses.len())
    }
}
