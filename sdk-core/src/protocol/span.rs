//! Spans: the older kind inside transactions, and the newer kind that travels by itself.

use serde_json::Value;

use crate::protocol::ids::{SpanId, TraceId};
use crate::protocol::interface::{interface, names};
use crate::protocol::lenient::{Map, Object};
use crate::protocol::log::Attribute;
use crate::protocol::tags::TagsForm;
use crate::protocol::timestamp::Timestamp;

interface! {
    /// A piece of work within a transaction.
    pub struct Span {
        /// The span.
        pub span_id: Option<SpanId>,
        /// The trace that it belongs to.
        pub trace_id: Option<TraceId>,
        /// The span above it.
        pub parent_span_id: Option<SpanId>,
        /// The transaction's span.
        pub segment_id: Option<SpanId>,
        /// What kind of work, such as `db.query`.
        pub op: Option<String>,
        /// What it did.
        pub description: Option<String>,
        /// How it ended.
        pub status: Option<SpanStatus>,
        /// When it began.
        pub start_timestamp: Option<Timestamp>,
        /// When it ended.
        pub timestamp: Option<Timestamp>,
        /// What made the span.
        pub origin: Option<String>,
        /// False when it came from another process than its parent.
        pub same_process_as_parent: Option<bool>,
        /// Indexed key and value pairs.
        pub tags: Map<String, String> = "tags" as TagsForm,
        /// Free-form facts.
        pub data: Object,
        /// Measured values.
        pub measurements: Map<String, Measurement>,
    }
}

interface! {
    /// A measured value.
    pub struct Measurement {
        /// The value.
        pub value: Option<f64>,
        /// Its unit, such as `millisecond`.
        pub unit: Option<String>,
    }
}

names! {
    /// How a span ended.
    pub enum SpanStatus {
        /// Well.
        Ok = "ok",
        /// The caller gave up.
        Cancelled = "cancelled",
        /// For a reason not known.
        Unknown = "unknown" | "unknown_error",
        /// The caller sent something wrong.
        InvalidArgument = "invalid_argument",
        /// It took too long.
        DeadlineExceeded = "deadline_exceeded",
        /// Something was not there.
        NotFound = "not_found",
        /// Something was there already.
        AlreadyExists = "already_exists",
        /// The caller may not.
        PermissionDenied = "permission_denied",
        /// Something ran out.
        ResourceExhausted = "resource_exhausted",
        /// The state did not allow it.
        FailedPrecondition = "failed_precondition",
        /// It was aborted.
        Aborted = "aborted",
        /// It went past a valid range.
        OutOfRange = "out_of_range",
        /// It does not exist here.
        Unimplemented = "unimplemented",
        /// Something broke inside.
        InternalError = "internal_error" | "internal",
        /// The service was not there.
        Unavailable = "unavailable",
        /// Data were lost.
        DataLoss = "data_loss",
        /// The caller did not say who it is.
        Unauthenticated = "unauthenticated",
        ..
        /// A status that this version does not know.
        Other,
    }
}

impl SpanStatus {
    /// The status that an HTTP status stands for.
    #[must_use]
    pub fn from_http(status: u16) -> Self {
        match status {
            400 => Self::InvalidArgument,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 => Self::NotFound,
            409 => Self::AlreadyExists,
            413 => Self::FailedPrecondition,
            429 => Self::ResourceExhausted,
            499 => Self::Cancelled,
            501 => Self::Unimplemented,
            503 => Self::Unavailable,
            504 => Self::DeadlineExceeded,
            500..=599 => Self::InternalError,
            402..=499 => Self::InvalidArgument,
            _ => Self::Ok,
        }
    }
}

interface! {
    /// A span that travels by itself, with typed attributes.
    pub struct SpanV2 {
        /// The trace that it belongs to.
        pub trace_id: Option<TraceId>,
        /// The span.
        pub span_id: Option<SpanId>,
        /// The span above it.
        pub parent_span_id: Option<SpanId>,
        /// What it did.
        pub name: Option<String>,
        /// `ok` or `error`.
        pub status: Option<String>,
        /// True for the first span of a service.
        pub is_segment: Option<bool>,
        /// When it began.
        pub start_timestamp: Option<Timestamp>,
        /// When it ended.
        pub end_timestamp: Option<Timestamp>,
        /// Typed facts.
        pub attributes: Map<String, Attribute>,
        /// Spans that it has to do with.
        pub links: Vec<Value>,
    }
}
