//! The client: takes what happened, cheaply, and hands it to the pipeline.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::client::callback;
use crate::client::draft::{Draft, ErrorPart, Subject, ThreadTag};
use crate::client::hub::Hub;
use crate::client::integration::{Integration, RawStack};
use crate::client::options::ClientOptions;
use crate::client::pipeline::{Job, Pipeline, is_sdk_thread};
use crate::client::prepare::Prepare;
use crate::client::scope::Scope;
use crate::client::{random, session};
use crate::clock::Clock;
use crate::envelope::{Envelope, TraceHeader};
use crate::losses::Losses;
use crate::protocol::{
    Breadcrumb, ClientReport, DiscardReason, Event, EventId, Level, Log, Timestamp, Transaction,
};
use crate::ratelimit::DataCategory;

/// Captures and sends. Usually made by `init` and reached through a [`Hub`].
pub struct Client {
    options: Arc<ClientOptions>,
    clock: Arc<dyn Clock>,
    losses: Arc<Losses>,
    sessions: Arc<session::SessionCounts>,
    pipeline: Option<Pipeline>,
    enabled: AtomicBool,
}

impl Client {
    /// Makes a client. Without a DSN, or without a way to send, it is off.
    #[must_use]
    pub fn new(mut options: ClientOptions, clock: Arc<dyn Clock>) -> Self {
        for integration in options.integrations.clone() {
            integration.setup(&mut options);
        }
        let options = Arc::new(options);
        let losses = Arc::<Losses>::default();
        let sessions = Arc::<session::SessionCounts>::default();
        let pipeline = match (&options.dsn, &options.transport) {
            (Some(dsn), Some(factory)) => {
                let prepare = Prepare::new(&options, dsn, &clock, &losses, &sessions);
                Some(Pipeline::new(prepare, factory))
            }
            _ => None,
        };
        let enabled = pipeline.is_some();
        if enabled {
            Hub::count_enabled(true);
        }
        Self {
            options,
            clock,
            losses,
            sessions,
            pipeline,
            enabled: AtomicBool::new(enabled),
        }
    }

    /// The options that the client was made with.
    #[must_use]
    pub fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// True while the client sends.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    /// True when something that happens now is captured: what the SDK itself does, and callbacks
    /// that it runs on its thread, would only lead to more of the same.
    fn listens(&self) -> bool {
        self.is_enabled() && !is_sdk_thread()
    }

    /// Now, by the client's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Now, to a few milliseconds: breadcrumbs are many, and keep their order anyway.
    pub(crate) fn now_roughly(&self) -> Timestamp {
        self.clock.now_roughly()
    }

    /// The integration of a type, when the client has one.
    #[must_use]
    pub fn integration<T: Integration>(&self) -> Option<&T> {
        self.options.integrations.iter().find_map(|integration| {
            let any: &dyn std::any::Any = &**integration;
            any.downcast_ref::<T>()
        })
    }

    /// Captures an event. Returns its id, or the nil id when it is not kept.
    pub fn capture_event(&self, event: Event, scope: Option<Arc<Scope>>) -> EventId {
        let crashed = session::Outcome::of_event(&event);
        let id = event.event_id;
        self.capture(Subject::Event(Box::new(event)), scope, id, crashed)
    }

    /// Captures a message.
    pub fn capture_message(
        &self,
        message: &str,
        level: Level,
        scope: Option<Arc<Scope>>,
    ) -> EventId {
        let outcome = if level >= Level::Error {
            session::Outcome::Errored
        } else {
            session::Outcome::Fine
        };
        self.capture(
            Subject::Message(message.into(), level),
            scope,
            None,
            outcome,
        )
    }

    /// Captures an error with its causes.
    pub fn capture_error<E: std::error::Error + ?Sized>(
        &self,
        error: &E,
        scope: Option<Arc<Scope>>,
    ) -> EventId {
        if !self.is_enabled() {
            return EventId::nil();
        }
        let parts = ErrorPart::chain(error);
        self.capture(
            Subject::Error(parts),
            scope,
            None,
            session::Outcome::Errored,
        )
    }

    /// Captures an event and sees to it that it survives the end of the process, where a spool is
    /// there for it. For panics and the like: it does the work at once, on this thread.
    pub fn capture_fatal(&self, event: Event, scope: Option<Arc<Scope>>) -> EventId {
        if !self.listens() {
            return EventId::nil();
        }
        let id = event.event_id.unwrap_or_else(random::event_id);
        session::observe(scope.as_deref(), session::Outcome::of_event(&event), self);
        let stack = self.take_stack(&event);
        let draft = Draft {
            id,
            at: event.timestamp.unwrap_or_else(|| self.now()),
            subject: Subject::Event(Box::new(event)),
            scope,
            stack,
            thread: Some(ThreadTag::current()),
        };
        if !self.keeps(DataCategory::Error) {
            return EventId::nil();
        }
        self.with_pipeline(|pipeline| pipeline.push_fatal(draft));
        id
    }

    fn capture(
        &self,
        subject: Subject,
        scope: Option<Arc<Scope>>,
        id: Option<EventId>,
        outcome: session::Outcome,
    ) -> EventId {
        if !self.listens() {
            return EventId::nil();
        }
        session::observe(scope.as_deref(), outcome, self);
        let is_feedback = matches!(&subject, Subject::Event(event) if event.is_feedback());
        if !is_feedback && !self.keeps(DataCategory::Error) {
            return EventId::nil();
        }
        let id = id.unwrap_or_else(random::event_id);
        let stack = match &subject {
            Subject::Event(event) => self.take_stack(event),
            Subject::Message(..) | Subject::Error(_) if self.options.attach_stacktrace => {
                self.take_addresses()
            }
            _ => None,
        };
        let thread = stack.is_some().then(ThreadTag::current);
        let draft = Draft {
            id,
            at: self.now(),
            subject,
            scope,
            stack,
            thread,
        };
        self.push(Job::Draft(draft));
        id
    }

    fn keeps(&self, category: DataCategory) -> bool {
        let keeps = self.options.sample_rate.keeps();
        if !keeps {
            self.losses.record(category, DiscardReason::SampleRate, 1);
        }
        keeps
    }

    fn take_stack(&self, event: &Event) -> Option<RawStack> {
        let has_stack = event.stacktrace.is_some()
            || event
                .exception
                .iter()
                .any(|exception| exception.stacktrace.is_some())
            || event
                .threads
                .iter()
                .any(|thread| thread.stacktrace.is_some());
        let is_panic = event.exception.iter().any(|exception| {
            exception
                .mechanism
                .as_ref()
                .is_some_and(|mechanism| mechanism.ty.as_deref() == Some("panic"))
        });
        if has_stack || !(self.options.attach_stacktrace || is_panic) {
            return None;
        }
        self.take_addresses()
    }

    fn take_addresses(&self) -> Option<RawStack> {
        let source = self
            .options
            .integrations
            .iter()
            .find_map(|integration| integration.stack_source())?;
        Some(source.take())
    }

    pub(crate) fn capture_transaction(
        &self,
        transaction: Transaction,
        description: Option<Arc<TraceHeader>>,
        scope: Option<Arc<Scope>>,
    ) -> EventId {
        if !self.listens() {
            return EventId::nil();
        }
        let id = transaction.event_id.unwrap_or_else(random::event_id);
        let draft = Draft {
            id,
            at: self.now(),
            subject: Subject::Transaction(Box::new(transaction), description),
            scope,
            stack: None,
            thread: None,
        };
        self.push(Job::Draft(draft));
        id
    }

    /// Sends a log line with others, when logs are on.
    pub fn capture_log(&self, log: Log) {
        if !self.listens() || !self.options.enable_logs {
            return;
        }
        match &self.options.before_send_log {
            None => self.push(Job::Log(Box::new(log))),
            Some(before) => match callback::ask(&callback::LOG, |log| before(log), log) {
                Some(Some(log)) => self.push(Job::Log(Box::new(log))),
                Some(None) => {
                    self.losses
                        .record(DataCategory::LogItem, DiscardReason::BeforeSend, 1)
                }
                None => {
                    self.losses
                        .record(DataCategory::LogItem, DiscardReason::InternalSdkError, 1)
                }
            },
        }
    }

    /// Sends an envelope as it is, beside what is captured.
    pub fn send_envelope(&self, envelope: impl Into<Envelope>) {
        self.push(Job::Envelope(Box::new(envelope.into())));
    }

    /// Counts something that was dropped, for the next client report.
    pub fn record_loss(&self, category: DataCategory, reason: DiscardReason, quantity: u64) {
        self.losses.record(category, reason, quantity);
    }

    /// What was lost and is not reported yet.
    #[must_use]
    pub fn pending_losses(&self) -> Option<ClientReport> {
        self.losses.peek(self.now())
    }

    pub(crate) fn sessions(&self) -> &session::SessionCounts {
        &self.sessions
    }

    pub(crate) fn before_breadcrumb(&self, breadcrumb: Breadcrumb) -> Option<Breadcrumb> {
        match &self.options.before_breadcrumb {
            Some(before) => {
                callback::ask(&callback::BREADCRUMB, |crumb| before(crumb), breadcrumb).flatten()
            }
            None => Some(breadcrumb),
        }
    }

    pub(crate) fn push(&self, job: Job) {
        self.with_pipeline(|pipeline| pipeline.push(job));
    }

    fn with_pipeline<R>(&self, f: impl FnOnce(&Pipeline) -> R) -> Option<R> {
        self.pipeline.as_ref().filter(|_| self.is_enabled()).map(f)
    }

    /// Waits until everything captured so far has left; false when the time ran out.
    pub fn flush(&self, timeout: Option<Duration>) -> bool {
        let timeout = timeout.unwrap_or(self.options.shutdown_timeout);
        self.with_pipeline(|pipeline| pipeline.flush(timeout))
            .unwrap_or(true)
    }

    /// Sends what waits, as far as the time allows, and turns the client off.
    pub fn close(&self, timeout: Option<Duration>) -> bool {
        let timeout = timeout.unwrap_or(self.options.shutdown_timeout);
        if !self.enabled.swap(false, Ordering::Relaxed) {
            return true;
        }
        Hub::count_enabled(false);
        self.pipeline
            .as_ref()
            .is_none_or(|pipeline| pipeline.shutdown(timeout))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.close(Some(Duration::ZERO));
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("enabled", &self.is_enabled())
            .field("dsn", &self.options.dsn)
            .finish_non_exhaustive()
    }
}
