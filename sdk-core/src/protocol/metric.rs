//! Measurements that belong to a trace.

use crate::protocol::ids::{SpanId, TraceId};
use crate::protocol::interface::interface;
use crate::protocol::lenient::Map;
use crate::protocol::log::Attribute;
use crate::protocol::timestamp::Timestamp;

interface! {
    /// One measurement.
    pub struct TraceMetric {
        /// When it was taken.
        pub timestamp: Option<Timestamp>,
        /// The trace that it belongs to.
        pub trace_id: Option<TraceId>,
        /// The span that it belongs to.
        pub span_id: Option<SpanId>,
        /// What is measured.
        pub name: Option<String>,
        /// `counter`, `gauge` or `distribution`.
        pub ty: Option<String> = "type",
        /// The value.
        pub value: Option<f64>,
        /// Its unit.
        pub unit: Option<String>,
        /// Typed facts.
        pub attributes: Map<String, Attribute>,
    }
}
