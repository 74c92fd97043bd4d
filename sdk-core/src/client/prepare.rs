//! From a draft to an envelope: the work that capturing left for later.

use std::borrow::Cow;
use std::sync::Arc;

use crate::client::callback::guarded;
use crate::client::draft::{Draft, Subject, ThreadTag, exceptions};
use crate::client::integration::RawStack;
use crate::client::options::ClientOptions;
use crate::client::pipeline::category;
use crate::client::scope::Scope;
use crate::client::session::SessionCounts;
use crate::client::surroundings::Surroundings;
use crate::clock::Clock;
use crate::dsn::Dsn;
use crate::envelope::{Envelope, Item, Payload, TraceHeader};
use crate::losses::{Contents, Losses};
use crate::protocol::{
    Context, DebugMeta, DiscardReason, Event, Level, Message, SdkInfo, SdkPackage, Stacktrace,
    Thread, Timestamp, TraceId, Transaction, Value,
};
use crate::ratelimit::DataCategory;
use crate::scrub::ScrubReport;
use crate::transport::{Transport, TransportOptions};

/// Everything that is needed to make envelopes of drafts.
pub(crate) struct Prepare {
    pub(crate) options: Arc<ClientOptions>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) losses: Arc<Losses>,
    pub(crate) sessions: Arc<SessionCounts>,
    dsn: Dsn,
    sdk: SdkInfo,
    surroundings: Surroundings,
}

/// Why a draft did not become an envelope.
type Dropped = (DataCategory, DiscardReason);

impl Prepare {
    pub(crate) fn new(
        options: &Arc<ClientOptions>,
        dsn: &Dsn,
        clock: &Arc<dyn Clock>,
        losses: &Arc<Losses>,
        sessions: &Arc<SessionCounts>,
    ) -> Self {
        let integrations = options
            .integrations
            .iter()
            .map(|integration| integration.name().to_owned());
        let package = SdkPackage {
            name: Some("cargo:mini-sentry".to_owned()),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            ..SdkPackage::default()
        };
        let sdk = SdkInfo {
            name: Some(options.sdk_name.to_string()),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            integrations: integrations.collect(),
            packages: vec![package],
            ..SdkInfo::default()
        };
        Self {
            options: Arc::clone(options),
            clock: Arc::clone(clock),
            losses: Arc::clone(losses),
            sessions: Arc::clone(sessions),
            dsn: dsn.clone(),
            sdk,
            surroundings: Surroundings::of(&options.platform),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn transport_options(&self) -> TransportOptions {
        let options = &self.options;
        let mut out = TransportOptions::new(self.dsn.clone(), Arc::clone(&self.losses));
        out.user_agent = format!("{}/{}", options.sdk_name, env!("CARGO_PKG_VERSION"));
        out.http_proxy.clone_from(&options.http_proxy);
        out.https_proxy.clone_from(&options.https_proxy);
        out.ca_certs.clone_from(&options.ca_certs);
        out.accept_invalid_certs = options.accept_invalid_certs;
        out.spool.clone_from(&options.spool);
        out.request_timeout = options.request_timeout;
        out
    }

    /// Makes the envelope of a draft; what is dropped on the way is counted.
    pub(crate) fn envelope(&self, draft: Draft) -> Option<Envelope> {
        match self.build(draft) {
            Ok(envelope) => Some(self.seal(envelope)),
            Err((category, reason)) => {
                self.losses.record(category, reason, 1);
                None
            }
        }
    }

    fn build(&self, draft: Draft) -> Result<Envelope, Dropped> {
        let category = category(&draft);
        let dropped = |reason| (category, reason);
        let Draft {
            id,
            at,
            subject,
            scope,
            stack,
            thread,
        } = draft;
        let scope = scope.as_deref();
        let mut event = match subject {
            Subject::Transaction(mut transaction, description) => {
                transaction.event_id = Some(id);
                if let Some(scope) = scope {
                    scope.apply_to_transaction(&mut transaction);
                }
                return Ok(self.transaction(*transaction, description));
            }
            Subject::Event(event) => *event,
            Subject::Message(text, level) => Event::from_message(text, level),
            Subject::Error(parts) => Event {
                exception: exceptions(&parts),
                level: Some(Level::Error),
                ..Event::default()
            },
        };
        event.event_id = Some(id);
        event.timestamp.get_or_insert(at);
        if let Some(thread) = &thread {
            let stack = stack.and_then(|stack| self.resolve(&mut event, &stack));
            add_thread(&mut event, thread, stack);
        }
        if let Some(scope) = scope {
            let applied = guarded(|| scope.apply(event, self.options.max_breadcrumbs));
            event = applied
                .ok_or(dropped(DiscardReason::InternalSdkError))?
                .ok_or(dropped(DiscardReason::EventProcessor))?;
        }
        for integration in &self.options.integrations {
            let processed = guarded(|| integration.process_event(event, &self.options));
            event = processed
                .ok_or(dropped(DiscardReason::InternalSdkError))?
                .ok_or(dropped(DiscardReason::EventProcessor))?;
        }
        self.add_defaults(&mut event);
        if self.is_ignored(&event) {
            return Err(dropped(DiscardReason::Ignored));
        }
        if let Some(callback) = &self.options.before_send {
            event = guarded(|| callback(event))
                .ok_or(dropped(DiscardReason::InternalSdkError))?
                .ok_or(dropped(DiscardReason::BeforeSend))?;
        }
        let trace = match scope.and_then(Scope::trace_description) {
            Some(trace) => Some(Arc::unwrap_or_clone(trace)),
            None => self.trace_header(&event),
        };
        let mut envelope = Envelope::from(event);
        envelope.header.event_id = Some(id);
        envelope.header.trace = trace;
        for attachment in scope.map(Scope::attachments).unwrap_or_default() {
            envelope.add(attachment.clone());
        }
        Ok(envelope)
    }

    /// Makes a stack readable, and adds the images that it lies in.
    fn resolve(&self, event: &mut Event, stack: &RawStack) -> Option<Stacktrace> {
        let integrations = &self.options.integrations;
        let source = integrations
            .iter()
            .find_map(|integration| integration.stack_source())?;
        let images = source.images(stack);
        if !images.is_empty() {
            event
                .debug_meta
                .get_or_insert_with(DebugMeta::default)
                .images
                .extend(images);
        }
        Some(source.resolve(stack, &self.options))
    }

    fn add_defaults(&self, event: &mut Event) {
        let options = &self.options;
        let owned = |value: &Option<Cow<'static, str>>| {
            value.as_ref().map(|value| value.clone().into_owned())
        };
        event.level.get_or_insert(if event.is_feedback() {
            Level::Info
        } else {
            Level::Error
        });
        event
            .platform
            .get_or_insert_with(|| options.platform.clone().into_owned());
        if event.release.is_none() {
            event.release = owned(&options.release);
        }
        if event.dist.is_none() {
            event.dist = owned(&options.dist);
        }
        if event.environment.is_none() {
            event.environment = owned(&options.environment);
        }
        if event.server_name.is_none() {
            event.server_name = owned(&options.server_name)
                .or_else(|| self.surroundings.server_name().map(str::to_owned));
        }
        for (name, context) in self.surroundings.contexts() {
            if !event.contexts.contains_key(name) {
                event.contexts.insert(name.clone(), context.clone());
            }
        }
        if event.sdk.is_none() {
            event.sdk = Some(self.sdk.clone());
        }
    }

    fn is_ignored(&self, event: &Event) -> bool {
        let patterns = &self.options.ignore_errors;
        if patterns.is_empty() {
            return false;
        }
        let message = event.message.as_ref().map(Message::text);
        let entry = event.logentry.as_ref();
        let entry = entry.and_then(|entry| entry.formatted.as_ref().or(entry.message.as_ref()));
        let last = event.exception.values.last();
        let texts = [
            message,
            entry.map(String::as_str),
            last.and_then(|exception| exception.ty.as_deref()),
            last.and_then(|exception| exception.value.as_deref()),
        ];
        let mut texts = texts.into_iter().flatten();
        texts.any(|text| {
            patterns
                .iter()
                .any(|pattern| !pattern.is_empty() && text.contains(pattern))
        })
    }

    fn transaction(
        &self,
        mut transaction: Transaction,
        trace: Option<Arc<TraceHeader>>,
    ) -> Envelope {
        let options = &self.options;
        let owned = |value: &Option<Cow<'static, str>>| {
            value.as_ref().map(|value| value.clone().into_owned())
        };
        transaction.ty = Some("transaction".to_owned());
        if transaction.spans.is_empty() {
            // Some readers insist on the list.
            let none = Value::Array(Vec::new());
            transaction.other.entry("spans").or_insert(none);
        }
        // Bindings bring transactions that say some of this themselves.
        transaction
            .platform
            .get_or_insert_with(|| options.platform.clone().into_owned());
        if transaction.release.is_none() {
            transaction.release = owned(&options.release);
        }
        if transaction.dist.is_none() {
            transaction.dist = owned(&options.dist);
        }
        if transaction.environment.is_none() {
            transaction.environment = owned(&options.environment);
        }
        if transaction.server_name.is_none() {
            transaction.server_name = owned(&options.server_name)
                .or_else(|| self.surroundings.server_name().map(str::to_owned));
        }
        for (name, context) in self.surroundings.contexts() {
            if !transaction.contexts.contains_key(name) {
                transaction.contexts.insert(name.clone(), context.clone());
            }
        }
        transaction.sdk.get_or_insert_with(|| self.sdk.clone());
        let mut envelope = Envelope::from(transaction);
        envelope.header.trace = trace.map(Arc::unwrap_or_clone);
        envelope
    }

    fn trace_header(&self, event: &Event) -> Option<TraceHeader> {
        match event.contexts.get("trace") {
            Some(Context::Trace(trace)) => Some(self.trace_header_of(trace.trace_id)),
            _ => None,
        }
    }

    fn trace_header_of(&self, trace_id: Option<TraceId>) -> TraceHeader {
        let text = |value: &Option<Cow<'static, str>>| {
            value.as_ref().map(|value| value.clone().into_owned())
        };
        TraceHeader {
            trace_id,
            public_key: Some(self.dsn.public_key().to_owned()),
            release: text(&self.options.release),
            environment: text(&self.options.environment),
            ..TraceHeader::default()
        }
    }

    /// Turns typed payloads into scrubbed bytes; nothing unscrubbed goes further. Client reports
    /// stay typed, so that an undelivered one can be counted back in. Empty payloads are left out:
    /// some readers take a length of 0 for none.
    pub(crate) fn seal(&self, mut envelope: Envelope) -> Envelope {
        if envelope.header.sdk.is_none() {
            envelope.header.sdk = Some(SdkInfo {
                name: self.sdk.name.clone(),
                version: self.sdk.version.clone(),
                ..SdkInfo::default()
            });
        }
        let items = std::mem::take(&mut envelope.items);
        envelope.items = items
            .into_iter()
            .filter(|item| !matches!(&item.payload, Payload::Raw(bytes) if bytes.is_empty()))
            .filter_map(|item| self.seal_item(item))
            .collect();
        envelope
    }

    /// Gives an envelope to the transport. One that panics over it has lost it.
    pub(crate) fn hand_over(&self, envelope: Envelope, transport: &dyn Transport) {
        let contents = Contents::of(&envelope);
        if guarded(|| transport.send(envelope)).is_none() {
            self.losses
                .record_contents(contents, DiscardReason::InternalSdkError);
        }
    }

    fn seal_item(&self, item: Item) -> Option<Item> {
        if matches!(item.payload, Payload::Raw(_) | Payload::ClientReport(_)) {
            return Some(item);
        }
        let mut json = Vec::with_capacity(1024);
        if item.payload.write_json(&mut json).is_err() {
            if let Some(category) = item.category() {
                self.losses
                    .record(category, DiscardReason::Invalid, item.quantity());
            }
            return None;
        }
        let scrubbed = match self
            .options
            .scrubber
            .scrub(&json, &mut ScrubReport::default())
        {
            Cow::Borrowed(_) => None,
            Cow::Owned(scrubbed) => Some(scrubbed),
        };
        Some(Item::raw(item.header, scrubbed.unwrap_or(json)))
    }
}

/// Adds the thread that captured, and its stack where it belongs.
fn add_thread(event: &mut Event, thread: &ThreadTag, stack: Option<Stacktrace>) {
    let mut entry = Thread {
        id: thread.id().map(Into::into),
        name: thread.name().map(str::to_owned),
        current: Some(true),
        ..Thread::default()
    };
    match event.exception.values.last_mut() {
        Some(exception) => {
            exception.thread_id.clone_from(&entry.id);
            exception.stacktrace = exception.stacktrace.take().or(stack);
            let mechanism = exception.mechanism.as_ref();
            let handled = mechanism.and_then(|mechanism| mechanism.handled);
            entry.crashed = (handled == Some(false)).then_some(true);
        }
        None => entry.stacktrace = stack,
    }
    event.threads.push(entry);
}
