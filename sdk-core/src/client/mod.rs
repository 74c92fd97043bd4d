//! The SDK proper: hub, scope, client, and the way from capture to transport.

mod api;
mod breadcrumbs;
#[cfg(feature = "bridge")]
pub mod bridge;
mod callback;
mod check_in;
mod draft;
mod fork;
mod future;
mod guard;
mod hub;
mod instance;
mod integration;
mod logger;
mod options;
mod pipeline;
mod prepare;
mod random;
mod sampling;
mod scope;
mod session;
mod surroundings;
#[cfg(feature = "test")]
pub mod test;
mod trace;

pub use api::*;
#[cfg(feature = "backtrace")]
pub(crate) use callback::guarded;
pub use draft::event_from_error;
#[cfg(feature = "backtrace")]
pub(crate) use fork::generation;
pub use future::{FutureExt, WithHub};
pub use guard::ClientGuard;
pub use hub::{Hub, ScopeGuard};
pub use instance::Client;
pub use integration::{Integration, RawStack, StackSource};
pub use logger::capture_log;
pub use options::{BeforeBreadcrumb, BeforeSend, BeforeSendLog, ClientOptions, TracesSampler};
#[cfg(any(feature = "log", feature = "panic", feature = "tracing"))]
pub(crate) use pipeline::is_sdk_thread;
pub use sampling::{Rate, SamplingContext};
pub use scope::{EventProcessor, Scope};
pub use session::SessionMode;
pub use trace::{
    Baggage, SentryTrace, Span, TraceHeaders, TraceParent, Transaction, TransactionContext,
    TransactionOrSpan,
};
