//! Spans: the parts of a transaction.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::client::random;
use crate::client::trace::transaction::Transaction;
use crate::envelope::TraceHeader;
use crate::protocol::{self, SpanId, SpanStatus, Timestamp, TraceContext, Value};

/// A running span. It belongs to its transaction when it is finished; one that is dropped is
/// forgotten.
#[derive(Clone)]
pub struct Span {
    transaction: Transaction,
    span_id: SpanId,
    parent: Option<SpanId>,
    data: Arc<Mutex<Option<Box<protocol::Span>>>>,
}

impl Span {
    pub(super) fn start(
        transaction: Transaction,
        parent: Option<SpanId>,
        op: &str,
        description: &str,
    ) -> Self {
        let inner = transaction.inner();
        let span_id = random::span_id();
        let data = inner.sampled().then(|| {
            Box::new(protocol::Span {
                span_id: Some(span_id),
                trace_id: inner.trace.trace_id,
                parent_span_id: parent,
                op: Some(op.to_owned()),
                description: (!description.is_empty()).then(|| description.to_owned()),
                start_timestamp: inner.now(),
                ..protocol::Span::default()
            })
        });
        drop(inner);
        Self {
            transaction,
            span_id,
            parent,
            data: Arc::new(Mutex::new(data)),
        }
    }

    fn data(&self) -> MutexGuard<'_, Option<Box<protocol::Span>>> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a tag.
    pub fn set_tag(&self, key: &str, value: impl fmt::Display) {
        if let Some(data) = &mut *self.data() {
            data.tags.insert(key.to_owned(), value.to_string());
        }
    }

    /// Sets a free-form fact.
    pub fn set_data(&self, key: &str, value: impl Into<Value>) {
        if let Some(data) = &mut *self.data() {
            data.data.insert(key.to_owned(), value.into());
        }
    }

    /// Says how it ended.
    pub fn set_status(&self, status: SpanStatus) {
        if let Some(data) = &mut *self.data() {
            data.status = Some(status);
        }
    }

    /// True when it will be sent.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.transaction.is_sampled()
    }

    /// Its place in the trace.
    #[must_use]
    pub fn trace_context(&self) -> TraceContext {
        let trace_id = self.transaction.inner().trace.trace_id;
        let data = self.data();
        TraceContext {
            trace_id,
            span_id: Some(self.span_id),
            parent_span_id: self.parent,
            op: data.as_ref().and_then(|data| data.op.clone()),
            description: data.as_ref().and_then(|data| data.description.clone()),
            status: data.as_ref().and_then(|data| data.status.clone()),
            ..TraceContext::default()
        }
    }

    /// The transaction that it is part of.
    #[must_use]
    pub fn transaction(&self) -> Transaction {
        self.transaction.clone()
    }

    /// Starts a span inside it.
    #[must_use = "a span that is dropped is forgotten"]
    pub fn start_child(&self, op: &str, description: &str) -> Self {
        Self::start(
            self.transaction.clone(),
            Some(self.span_id),
            op,
            description,
        )
    }

    /// The headers that carry the trace to another program.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        self.transaction.inner().headers(Some(self.span_id))
    }

    /// Ends it now.
    pub fn finish(self) {
        let now = self.transaction.inner().now();
        self.finish_at(now.unwrap_or_default());
    }

    /// Ends it at a given time.
    pub fn finish_at(self, at: Timestamp) {
        let data = self.data().take();
        if !self.is_sampled() {
            self.transaction.inner().count_span();
        }
        if let Some(mut data) = data {
            data.timestamp = Some(at);
            data.status.get_or_insert(SpanStatus::Ok);
            self.transaction.inner().add_span(*data);
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Span")
            .field("span_id", &self.span_id)
            .finish_non_exhaustive()
    }
}

/// Either of the two, where it does not matter which.
#[derive(Clone, Debug)]
pub enum TransactionOrSpan {
    /// A transaction.
    Transaction(Transaction),
    /// A span.
    Span(Span),
}

impl From<Transaction> for TransactionOrSpan {
    fn from(transaction: Transaction) -> Self {
        Self::Transaction(transaction)
    }
}

impl From<Span> for TransactionOrSpan {
    fn from(span: Span) -> Self {
        Self::Span(span)
    }
}

impl TransactionOrSpan {
    /// Starts a span inside it.
    #[must_use = "a span that is dropped is forgotten"]
    pub fn start_child(&self, op: &str, description: &str) -> Span {
        match self {
            Self::Transaction(transaction) => transaction.start_child(op, description),
            Self::Span(span) => span.start_child(op, description),
        }
    }

    /// Its place in the trace.
    #[must_use]
    pub fn trace_context(&self) -> TraceContext {
        match self {
            Self::Transaction(transaction) => transaction.trace_context(),
            Self::Span(span) => span.trace_context(),
        }
    }

    /// Says how it ended.
    pub fn set_status(&self, status: SpanStatus) {
        match self {
            Self::Transaction(transaction) => transaction.set_status(status),
            Self::Span(span) => span.set_status(status),
        }
    }

    /// Sets a free-form fact.
    pub fn set_data(&self, key: &str, value: impl Into<Value>) {
        match self {
            Self::Transaction(transaction) => transaction.set_data(key, value),
            Self::Span(span) => span.set_data(key, value),
        }
    }

    /// True when it will be sent.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        match self {
            Self::Transaction(transaction) => transaction.is_sampled(),
            Self::Span(span) => span.is_sampled(),
        }
    }

    /// The headers that carry the trace to another program.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Transaction(transaction) => transaction.headers(),
            Self::Span(span) => span.headers(),
        }
    }

    /// Ends it now.
    pub fn finish(self) {
        match self {
            Self::Transaction(transaction) => transaction.finish(),
            Self::Span(span) => span.finish(),
        }
    }

    /// True when both are the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Transaction(a), Self::Transaction(b)) => Arc::ptr_eq(&a.inner, &b.inner),
            (Self::Span(a), Self::Span(b)) => Arc::ptr_eq(&a.data, &b.data),
            _ => false,
        }
    }

    fn root(&self) -> &Transaction {
        match self {
            Self::Transaction(transaction) => transaction,
            Self::Span(span) => &span.transaction,
        }
    }

    pub(crate) fn transaction_name(&self) -> Option<String> {
        self.root().inner().name()
    }

    pub(crate) fn description(&self) -> Option<Arc<TraceHeader>> {
        self.root().inner().description()
    }
}
