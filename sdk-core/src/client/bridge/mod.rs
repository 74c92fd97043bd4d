//! The string-and-bytes face of the SDK, for bindings in other languages.
//!
//! The Python, Node and browser packages wrap a [`Bridge`] and nothing else, so behaviour exists
//! once and is tested here. Its methods take and return texts, bytes, numbers and booleans; there
//! are no generics, lifetimes or callbacks. JSON goes in as it comes from the host, read as
//! leniently as a server reads it. Errors are one enum with a stable [`code`](BridgeError::code).
//! No panic crosses the bridge: it is counted as a loss and becomes [`BridgeError::Internal`].
//!
//! # Two modes
//!
//! - **Outbox** ([`Bridge::with_outbox`]): the host sends. It takes envelopes with
//!   [`take_envelope`](Bridge::take_envelope), tells how it went with
//!   [`response`](Bridge::response), and tells the time with [`set_now`](Bridge::set_now), best
//!   before each call. Without the feature `worker` there are no threads and no clocks of ours,
//!   so this works in a browser; log lines, counted sessions and loss reports then wait for the
//!   next [`flush`](Bridge::flush), which a host calls every few seconds and when the page hides.
//!   Where random numbers come from is the binding's choice (a backend of `getrandom`).
//! - **Worker** (`Bridge::with_worker`, features `worker` and a network transport): a thread of ours
//!   sends, options are completed from the environment, and the system tells the time.
//!
//! # Scopes
//!
//! Every call names a scope: [`GLOBAL`], or one that [`fork_scope`](Bridge::fork_scope) made. A
//! host keeps the number where it keeps its context (a context variable, an async local storage)
//! and drops the scope with the request or task. [`push_scope`](Bridge::push_scope) and
//! [`pop_scope`](Bridge::pop_scope) are for changes that last a block.
//!
//! # Threads
//!
//! A bridge may be used from any thread. Nothing waits but `flush` and `close`, and these at most
//! as long as they may; a host with an interpreter lock releases it around them.

mod capture;
mod error;
mod handle;
mod host_clock;
mod options;
mod read;
mod scopes;
mod spans;

pub use error::BridgeError;
pub use handle::Bridge;
#[cfg(feature = "worker")]
pub(crate) use options::read as read_options;
pub use scopes::GLOBAL;

pub use crate::transport::outbox::Outgoing;
