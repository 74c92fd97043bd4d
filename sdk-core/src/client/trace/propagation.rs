//! The trace that a scope belongs to while no span is active.

use std::sync::Arc;

use crate::client::random;
use crate::client::trace::headers::{Baggage, SentryTrace, TraceHeaders, TraceParent};
use crate::envelope::TraceHeader;
use crate::protocol::{SpanId, TraceContext, TraceId};

/// A trace without spans: events of one request still find each other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Propagation {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) parent_span_id: Option<SpanId>,
    pub(crate) description: Option<Arc<TraceHeader>>,
}

impl Default for Propagation {
    fn default() -> Self {
        Self {
            trace_id: random::trace_id(),
            span_id: random::span_id(),
            parent_span_id: None,
            description: None,
        }
    }
}

impl Propagation {
    /// Goes on with the trace of a caller; a new one when the headers name none.
    pub(crate) fn continued(headers: &TraceHeaders) -> Self {
        let mut out = Self::default();
        if let Some(parent) = headers.parent() {
            out.trace_id = parent.trace_id;
            out.parent_span_id = Some(parent.span_id);
            out.description = headers.description().cloned().map(Arc::new);
        }
        out
    }

    /// The headers that carry the trace on; whether it is kept is left open.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let trace = SentryTrace {
            trace_id: self.trace_id,
            span_id: self.span_id,
            sampled: None,
        };
        let parent = TraceParent {
            trace_id: self.trace_id,
            span_id: self.span_id,
            sampled: false,
        };
        let mut headers = vec![
            ("sentry-trace", trace.to_string()),
            ("traceparent", parent.to_string()),
        ];
        if let Some(trace) = &self.description {
            headers.push((
                "baggage",
                Baggage {
                    trace: (**trace).clone(),
                }
                .to_string(),
            ));
        }
        headers
    }

    pub(crate) fn trace_context(&self) -> TraceContext {
        TraceContext {
            trace_id: Some(self.trace_id),
            span_id: Some(self.span_id),
            parent_span_id: self.parent_span_id,
            ..TraceContext::default()
        }
    }
}
