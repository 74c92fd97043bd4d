//! Transactions and spans by number.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::client::bridge::error::BridgeError;
use crate::client::bridge::handle::Bridge;
use crate::client::bridge::read::{read_headers, read_value};
use crate::client::hub::Hub;
use crate::client::trace::{Transaction, TransactionContext, TransactionOrSpan};
use crate::protocol::SpanStatus;
use crate::ratelimit::DataCategory;

/// Spans that may run at once.
const MAX_RUNNING: usize = 65_536;

/// The spans that run.
#[derive(Default)]
pub(super) struct Spans {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: BTreeMap<u64, Running>,
    last_id: u64,
}

#[derive(Clone)]
struct Running {
    span: TransactionOrSpan,
    /// What was active in the scope before.
    before: Option<TransactionOrSpan>,
    hub: Arc<Hub>,
}

impl Spans {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a span, and makes it the active one of its scope.
    fn start(&self, span: TransactionOrSpan, hub: &Arc<Hub>) -> Result<u64, BridgeError> {
        let mut state = self.state();
        if state.running.len() >= MAX_RUNNING {
            return Err(BridgeError::TooMany {
                what: "running spans",
                limit: MAX_RUNNING,
            });
        }
        state.last_id = state.last_id.saturating_add(1);
        let id = state.last_id;
        let running = Running {
            span: span.clone(),
            before: hub.scope().span(),
            hub: Arc::clone(hub),
        };
        state.running.insert(id, running);
        drop(state);
        hub.configure_scope(|scope| scope.set_span(Some(span)));
        Ok(id)
    }

    fn get(&self, id: u64) -> Result<Running, BridgeError> {
        let running = self.state().running.get(&id).cloned();
        running.ok_or(BridgeError::UnknownSpan { id })
    }

    fn finish(&self, id: u64) -> Result<Running, BridgeError> {
        let running = self.state().running.remove(&id);
        running.ok_or(BridgeError::UnknownSpan { id })
    }
}

impl Bridge {
    /// Starts a transaction, makes it the active span of the scope, and returns its number. It
    /// goes on with the trace that a request's headers name, given as a JSON object of texts.
    ///
    /// # Errors
    /// When there is no such scope, the JSON cannot be read, or too many spans run.
    pub fn start_transaction(
        &self,
        scope: u64,
        name: &str,
        op: &str,
        headers_json: Option<&[u8]>,
    ) -> Result<u64, BridgeError> {
        self.guard(DataCategory::Transaction, || {
            let hub = self.scopes.hub(scope)?;
            let context = match headers_json {
                Some(json) => TransactionContext::continue_from(name, op, &read_headers(json)?),
                None => TransactionContext::new(name, op),
            };
            let transaction = Transaction::start(hub.client(), context);
            self.spans.start(transaction.into(), &hub)
        })
    }

    /// Starts a span inside the active one of the scope, makes it the active one, and returns its
    /// number. Without an active one it begins a transaction.
    ///
    /// # Errors
    /// When there is no such scope, or too many spans run.
    pub fn start_span(&self, scope: u64, op: &str, name: &str) -> Result<u64, BridgeError> {
        let active = self.guard(DataCategory::Transaction, || {
            Ok(self.scopes.hub(scope)?.scope().span())
        })?;
        let Some(active) = active else {
            return self.start_transaction(scope, name, op, None);
        };
        self.guard(DataCategory::Transaction, || {
            let span = active.start_child(op, name);
            self.spans.start(span.into(), &self.scopes.hub(scope)?)
        })
    }

    /// Sets a free-form fact of a running span, as JSON of any kind.
    ///
    /// # Errors
    /// When there is no such span, or the JSON cannot be read.
    pub fn set_span_data(&self, span: u64, key: &str, json: &[u8]) -> Result<(), BridgeError> {
        self.guard(DataCategory::Transaction, || {
            let value = read_value(json)?;
            self.spans.get(span)?.span.set_data(key, value);
            Ok(())
        })
    }

    /// Ends a span or transaction with a status such as `ok` or `internal_error`, and makes active
    /// again what was so before. A transaction is sent when it is sampled.
    ///
    /// # Errors
    /// When there is no such span.
    pub fn finish_span(&self, span: u64, status: Option<&str>) -> Result<(), BridgeError> {
        self.guard(DataCategory::Transaction, || {
            let Running { span, before, hub } = self.spans.finish(span)?;
            if let Some(status) = status {
                span.set_status(SpanStatus::from_name(status));
            }
            hub.configure_scope(|scope| {
                if scope.span().is_some_and(|active| active.is(&span)) {
                    scope.set_span(before);
                }
            });
            Hub::run(hub, || span.finish());
            Ok(())
        })
    }
}
