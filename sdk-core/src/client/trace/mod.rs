//! Traces: transactions and spans, and the headers that carry a trace from program to program.

mod headers;
mod propagation;
mod span;
mod transaction;

pub use headers::{Baggage, SentryTrace, TraceHeaders, TraceParent};
pub(crate) use propagation::Propagation;
pub use span::{Span, TransactionOrSpan};
pub use transaction::{Transaction, TransactionContext};
