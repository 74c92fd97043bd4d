//! Spans of `tracing` as spans of ours, and which of them is entered on a thread.

use std::cell::RefCell;
use std::sync::Arc;

use tracing_core::span::{Attributes, Id, Record};

use crate::client::{
    Hub, Rate, SentryTrace, TraceHeaders, TransactionContext, TransactionOrSpan, start_transaction,
};
use crate::integrations::line::Said;
use crate::protocol::{Object, Value};

/// Kind of work of spans that name none.
const DEFAULT_OP: &str = "default";

thread_local! {
    /// What was entered on this thread and not left yet, innermost last.
    static ENTERED: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

struct Entered {
    id: Id,
    hub: Arc<Hub>,
    /// What the scope had before.
    previous: Option<TransactionOrSpan>,
}

/// Our span of a span of `tracing`, kept in its extensions.
pub(super) struct SpanData(pub(super) TransactionOrSpan);

/// The fields that mean something to us, and the others.
struct SpanFields {
    name: Option<String>,
    op: Option<String>,
    trace: Option<String>,
    data: Object,
}

impl SpanFields {
    fn read(record: impl FnOnce(&mut Said)) -> Self {
        let mut said = Said::default();
        record(&mut said);
        let mut data = said.fields;
        if let Some(message) = said.message {
            data.insert("message".to_owned(), message.into());
        }
        if let Some(error) = said.exceptions.last() {
            let text = error.value.clone().unwrap_or_default();
            data.insert("error".to_owned(), text.into());
        }
        let mut take = |key| match data.remove(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        Self {
            name: take("sentry.name"),
            op: take("sentry.op"),
            trace: take("sentry.trace"),
            data,
        }
    }
}

/// Starts a span of ours; `None` when traces are off and nothing is being traced.
pub(super) fn start(
    hub: &Arc<Hub>,
    attributes: &Attributes<'_>,
    parent: Option<TransactionOrSpan>,
) -> Option<SpanData> {
    let client = hub.client()?;
    let options = client.options();
    let parent = parent.or_else(|| {
        let is_root = attributes.is_root();
        hub.scope().span().filter(|_| !is_root)
    });
    if parent.is_none()
        && options.traces_sample_rate == Rate::NONE
        && options.traces_sampler.is_none()
    {
        return None;
    }
    let metadata = attributes.metadata();
    let fields = SpanFields::read(|said| attributes.record(said));
    let name = fields.name.as_deref().unwrap_or_else(|| metadata.name());
    let op = fields.op.as_deref().unwrap_or(DEFAULT_OP);
    let span: TransactionOrSpan = match parent {
        Some(parent) => parent.start_child(op, name).into(),
        None => {
            let header = fields
                .trace
                .as_deref()
                .filter(|it| SentryTrace::parse(it).is_some());
            let headers = TraceHeaders::from_headers(header.map(|it| ("sentry-trace", it)));
            let context = TransactionContext::continue_from(name, op, &headers);
            start_transaction(context).into()
        }
    };
    if span.is_sampled() {
        for (key, value) in fields.data {
            span.set_data(&key, value);
        }
        span.set_data("code.module.name", metadata.target());
        if let Some((file, line)) = metadata.file().zip(metadata.line()) {
            span.set_data("code.file.path", file);
            span.set_data("code.line.number", line);
        }
    }
    Some(SpanData(span))
}

impl SpanData {
    /// Adds fields that were not known at the start.
    pub(super) fn record(&self, values: &Record<'_>) {
        if !self.0.is_sampled() {
            return;
        }
        let fields = SpanFields::read(|said| values.record(said));
        if let (Some(name), TransactionOrSpan::Transaction(transaction)) = (&fields.name, &self.0) {
            transaction.set_name(name);
        }
        for (key, value) in fields.data {
            self.0.set_data(&key, value);
        }
    }
}

/// Makes a span the one that captures belong to.
pub(super) fn enter(id: &Id, span: TransactionOrSpan) {
    let hub = Hub::current();
    let entered = Entered {
        id: id.clone(),
        previous: hub.scope().span(),
        hub: Arc::clone(&hub),
    };
    // A thread that is ending has lost its list already; then the span stays out of the scope.
    let is_noted = ENTERED.try_with(|list| list.borrow_mut().push(entered));
    if is_noted.is_ok() {
        hub.change_scope(|scope| scope.set_span(Some(span)));
    }
}

/// Brings back what the scope had before a span was entered.
pub(super) fn exit(id: &Id) {
    let left = ENTERED.try_with(|list| {
        let mut list = list.borrow_mut();
        let index = list.iter().rposition(|entered| entered.id == *id)?;
        let left = list.remove(index);
        // Left out of order: the one that was entered after it goes back further.
        match list.get_mut(index) {
            Some(after) if Arc::ptr_eq(&after.hub, &left.hub) => {
                after.previous = left.previous;
                None
            }
            _ => Some(left),
        }
    });
    if let Ok(Some(left)) = left {
        left.hub.change_scope(|scope| scope.set_span(left.previous));
    }
}
