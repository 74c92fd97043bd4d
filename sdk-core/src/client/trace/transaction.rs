//! Transactions: a request or a task, measured.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::client::callback::guarded;
use crate::client::hub::Hub;
use crate::client::instance::Client;
use crate::client::random;
use crate::client::sampling::{Rate, SamplingContext};
use crate::client::trace::headers::{Baggage, SentryTrace, TraceHeaders, TraceParent};
use crate::client::trace::span::{Span, TransactionOrSpan};
use crate::envelope::TraceHeader;
use crate::limits;
use crate::protocol::{
    self, DiscardReason, Request, SpanId, SpanStatus, Timestamp, TraceContext, TraceId,
    TransactionInfo, Value,
};
use crate::ratelimit::DataCategory;

/// What a transaction starts from.
#[derive(Clone, Debug)]
pub struct TransactionContext {
    name: String,
    op: String,
    trace_id: TraceId,
    parent_span_id: Option<SpanId>,
    span_id: SpanId,
    sampled: Option<bool>,
    description: Option<Arc<TraceHeader>>,
    source: &'static str,
}

impl TransactionContext {
    /// A new trace, with a name such as a route, and the kind of work, such as `http.server`.
    #[must_use]
    pub fn new(name: &str, op: &str) -> Self {
        Self::new_with_trace_id(name, op, random::trace_id())
    }

    /// A part of the trace of that id.
    #[must_use]
    pub fn new_with_trace_id(name: &str, op: &str, trace_id: TraceId) -> Self {
        Self {
            name: name.to_owned(),
            op: op.to_owned(),
            trace_id,
            parent_span_id: None,
            span_id: random::span_id(),
            sampled: None,
            description: None,
            source: "custom",
        }
    }

    /// Goes on with the trace that a request's headers name (`sentry-trace`, `traceparent`,
    /// `baggage`), or begins one.
    ///
    /// ```
    /// use mini_sentry::TransactionContext;
    /// let headers = [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")];
    /// let context = TransactionContext::continue_from_headers("/cart", "http.server", headers);
    /// assert_eq!(context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    /// ```
    #[must_use]
    pub fn continue_from_headers<K: AsRef<str>, V: AsRef<str>>(
        name: &str,
        op: &str,
        headers: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self::continue_from(name, op, &TraceHeaders::from_headers(headers))
    }

    /// Goes on with the trace of headers that were read already.
    #[must_use]
    pub fn continue_from(name: &str, op: &str, headers: &TraceHeaders) -> Self {
        let Some(parent) = headers.parent() else {
            return Self::new(name, op);
        };
        let mut context = Self::new_with_trace_id(name, op, parent.trace_id);
        context.parent_span_id = Some(parent.span_id);
        context.sampled = parent.sampled;
        context.description = headers.description().cloned().map(Arc::new);
        context
    }

    /// A transaction under a span, as when work moves to another thread.
    #[must_use]
    pub fn continue_from_span(name: &str, op: &str, span: Option<TransactionOrSpan>) -> Self {
        let Some(span) = span else {
            return Self::new(name, op);
        };
        let trace = span.trace_context();
        let mut context = Self::new_with_trace_id(name, op, trace.trace_id.unwrap_or_default());
        context.parent_span_id = trace.span_id;
        context.sampled = Some(span.is_sampled());
        context
    }

    /// Decides by hand whether the transaction is kept.
    pub fn set_sampled(&mut self, sampled: impl Into<Option<bool>>) {
        self.sampled = sampled.into();
    }

    /// Says where the name came from: `route`, `url`, `task`, `custom`.
    pub fn set_source(&mut self, source: &'static str) {
        self.source = source;
    }

    /// The trace.
    #[must_use]
    pub const fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn decide(&self, client: &Client) -> Decision {
        let options = client.options();
        let rate = match &options.traces_sampler {
            Some(sampler) => {
                let context = SamplingContext {
                    name: &self.name,
                    op: &self.op,
                    trace_id: self.trace_id,
                    parent_sampled: self.sampled,
                };
                guarded(|| sampler(&context)).map_or(Rate::NONE, Rate::new)
            }
            None => match self.sampled {
                Some(true) => Rate::ALL,
                Some(false) => Rate::NONE,
                None => options.traces_sample_rate,
            },
        };
        // Programs that share a trace share the number, so that they keep the same traces.
        let shared = self
            .description
            .as_ref()
            .and_then(|trace| trace.sample_rand.as_ref()?.parse().ok());
        let number = shared.unwrap_or_else(|| six_digits(random::unit()));
        Decision {
            sampled: rate.keeps_at(|| number),
            rate,
            number,
        }
    }
}

/// Cuts a number to the six digits that other programs are told, so that they decide by the very
/// same number. Rounding could make it 1, which is no number to decide by.
fn six_digits(number: f64) -> f64 {
    (number * 1e6).floor() / 1e6
}

/// Whether a transaction is kept, and by which rate and number that was decided.
struct Decision {
    sampled: bool,
    rate: Rate,
    number: f64,
}

impl Decision {
    const OFF: Self = Self {
        sampled: false,
        rate: Rate::NONE,
        number: 0.0,
    };
}

/// A running transaction. It is sent when it is finished; one that is dropped is forgotten.
#[derive(Clone)]
pub struct Transaction {
    pub(super) inner: Arc<Mutex<Inner>>,
}

pub(super) struct Inner {
    client: Option<Arc<Client>>,
    decision: Decision,
    pub(super) trace: TraceContext,
    description: Option<Arc<TraceHeader>>,
    data: Option<Box<protocol::Transaction>>,
    unkept_spans: u64,
    /// The name that it had at its end; events captured before may still ask.
    ended_as: Option<String>,
}

impl Inner {
    pub(super) const fn sampled(&self) -> bool {
        self.decision.sampled
    }

    pub(super) fn now(&self) -> Option<Timestamp> {
        self.client.as_ref().map(|client| client.now())
    }

    pub(super) fn add_span(&mut self, span: protocol::Span) {
        match &mut self.data {
            Some(data) if data.spans.len() < limits::MAX_SPANS => data.spans.push(span),
            _ => self.count_span(),
        }
    }

    /// Counts a span that is not sent, because its transaction is not.
    pub(super) fn count_span(&mut self) {
        self.unkept_spans = self.unkept_spans.saturating_add(1);
    }

    pub(super) fn name(&self) -> Option<String> {
        match &self.data {
            Some(data) => data.transaction.clone(),
            None => self.ended_as.clone(),
        }
    }

    pub(super) fn headers(&self, span_id: Option<SpanId>) -> Vec<(&'static str, String)> {
        let trace_id = self.trace.trace_id.unwrap_or_default();
        let span_id = span_id.or(self.trace.span_id).unwrap_or_default();
        let sentry = SentryTrace {
            trace_id,
            span_id,
            sampled: Some(self.sampled()),
        };
        let parent = TraceParent {
            trace_id,
            span_id,
            sampled: self.sampled(),
        };
        let mut headers = vec![
            ("sentry-trace", sentry.to_string()),
            ("traceparent", parent.to_string()),
        ];
        if let Some(trace) = self.description() {
            headers.push((
                "baggage",
                Baggage {
                    trace: (*trace).clone(),
                }
                .to_string(),
            ));
        }
        headers
    }

    /// The trace as its first program described it; that may be this one.
    pub(super) fn description(&self) -> Option<Arc<TraceHeader>> {
        if self.description.is_some() {
            return self.description.clone();
        }
        let client = self.client.as_ref()?;
        let options = client.options();
        Some(Arc::new(TraceHeader {
            trace_id: self.trace.trace_id,
            public_key: options.dsn.as_ref().map(|dsn| dsn.public_key().to_owned()),
            release: options.release.as_ref().map(ToString::to_string),
            environment: options.environment.as_ref().map(ToString::to_string),
            transaction: self.name(),
            sampled: Some(self.sampled().to_string()),
            sample_rate: Some(self.decision.rate.get().to_string()),
            sample_rand: Some(format!("{:.6}", self.decision.number)),
            ..TraceHeader::default()
        }))
    }
}

impl Transaction {
    pub(crate) fn start(client: Option<Arc<Client>>, context: TransactionContext) -> Self {
        let client = client.filter(|client| client.is_enabled());
        let decision = client
            .as_ref()
            .map_or(Decision::OFF, |client| context.decide(client));
        let trace = TraceContext {
            trace_id: Some(context.trace_id),
            span_id: Some(context.span_id),
            parent_span_id: context.parent_span_id,
            op: Some(context.op),
            ..TraceContext::default()
        };
        let data = client.as_ref().map(|client| {
            Box::new(protocol::Transaction {
                transaction: Some(context.name),
                transaction_info: Some(TransactionInfo {
                    source: Some(context.source.to_owned()),
                    ..TransactionInfo::default()
                }),
                start_timestamp: Some(client.now()),
                ..protocol::Transaction::default()
            })
        });
        let inner = Inner {
            client,
            decision,
            trace,
            description: context.description,
            data,
            unkept_spans: 0,
            ended_as: None,
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, f: impl FnOnce(&mut protocol::Transaction)) {
        if let Some(data) = &mut self.inner().data {
            f(data);
        }
    }

    /// True when it will be sent.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.inner().sampled()
    }

    /// Gives it another name.
    pub fn set_name(&self, name: &str) {
        self.change(|data| data.transaction = Some(name.to_owned()));
    }

    /// Says where the name came from: `route`, `url`, `task`, `custom`.
    pub fn set_source(&self, source: &str) {
        let info = TransactionInfo {
            source: Some(source.to_owned()),
            ..TransactionInfo::default()
        };
        self.change(|data| data.transaction_info = Some(info));
    }

    /// Sets a tag.
    pub fn set_tag(&self, key: &str, value: impl fmt::Display) {
        self.change(|data| {
            data.tags.insert(key.to_owned(), value.to_string());
        });
    }

    /// Sets a free-form fact of the transaction's own span.
    pub fn set_data(&self, key: &str, value: impl Into<Value>) {
        self.inner().trace.data.insert(key.to_owned(), value.into());
    }

    /// Sets a free-form fact of the whole transaction.
    pub fn set_extra(&self, key: &str, value: impl Into<Value>) {
        self.change(|data| {
            data.extra.insert(key.to_owned(), value.into());
        });
    }

    /// Says which HTTP request is served.
    pub fn set_request(&self, request: Request) {
        self.change(|data| data.request = Some(request));
    }

    /// Says how it ended.
    pub fn set_status(&self, status: SpanStatus) {
        self.inner().trace.status = Some(status);
    }

    /// How it ended, as far as it is said.
    #[must_use]
    pub fn status(&self) -> Option<SpanStatus> {
        self.inner().trace.status.clone()
    }

    /// Its place in the trace.
    #[must_use]
    pub fn trace_context(&self) -> TraceContext {
        self.inner().trace.clone()
    }

    /// Starts a span inside it.
    #[must_use = "a span that is dropped is forgotten"]
    pub fn start_child(&self, op: &str, description: &str) -> Span {
        let parent = self.inner().trace.span_id;
        Span::start(self.clone(), parent, op, description)
    }

    /// The headers that carry the trace to another program.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        self.inner().headers(None)
    }

    /// Ends it now, and sends it when it is sampled.
    pub fn finish(self) {
        let now = self.inner().now();
        self.finish_at(now.unwrap_or_default());
    }

    /// Ends it at a given time, and sends it when it is sampled.
    pub fn finish_at(self, at: Timestamp) {
        let mut inner = self.inner();
        let Some(mut data) = inner.data.take() else {
            return;
        };
        inner.ended_as.clone_from(&data.transaction);
        let Some(client) = inner.client.clone() else {
            return;
        };
        if !inner.sampled() {
            let spans = inner.unkept_spans.saturating_add(1);
            drop(inner);
            client.record_loss(DataCategory::Transaction, DiscardReason::SampleRate, 1);
            client.record_loss(DataCategory::Span, DiscardReason::SampleRate, spans);
            return;
        }
        client.record_loss(
            DataCategory::Span,
            DiscardReason::BufferOverflow,
            inner.unkept_spans,
        );
        data.timestamp = Some(at);
        let mut trace = inner.trace.clone();
        trace.status.get_or_insert(SpanStatus::Ok);
        data.contexts.insert("trace".to_owned(), trace.into());
        let name = data.transaction.clone();
        let mut description = inner.description();
        if inner.description.is_none()
            && let Some(description) = &mut description
        {
            Arc::make_mut(description).transaction = name;
        }
        drop(inner);
        let scope = Hub::with(|hub| hub.scope());
        client.capture_transaction(*data, description, Some(scope));
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner();
        f.debug_struct("Transaction")
            .field("trace_id", &inner.trace.trace_id)
            .field("sampled", &inner.sampled())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::six_digits;

    #[test]
    fn the_sampling_number_is_the_one_that_others_are_told() {
        for (number, told) in [
            (0.999_999_9, "0.999999"),
            (0.25, "0.250000"),
            (0.0, "0.000000"),
        ] {
            let number = six_digits(number);
            assert_eq!(format!("{number:.6}"), told);
            assert_eq!(told.parse(), Ok(number));
        }
    }
}
