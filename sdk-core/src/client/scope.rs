//! What is known about the surroundings of whatever happens next.
//!
//! A scope is shared with every capture by a reference count and copied only when it changes
//! afterwards, so capturing costs the same however much a scope holds.

use std::fmt;
use std::sync::Arc;

use crate::client::breadcrumbs::Breadcrumbs;
use crate::client::session::Session;
use crate::client::trace::{Propagation, TraceHeaders, TransactionOrSpan};
use crate::envelope::TraceHeader;
use crate::protocol::{
    Attachment, Breadcrumb, Context, Contexts, Event, Level, Map, Object, Request, Transaction,
    User, Value,
};

/// Changes an event, or drops it by returning `None`. Runs on the SDK's own thread.
pub type EventProcessor = Arc<dyn Fn(Event) -> Option<Event> + Send + Sync>;

/// What is known about the surroundings: user, tags, contexts, breadcrumbs.
///
/// ```
/// mini_sentry::configure_scope(|scope| {
///     scope.set_tag("queue", "mails");
///     scope.set_transaction(Some("send-mails"));
/// });
/// ```
#[derive(Clone, Default)]
pub struct Scope {
    data: Arc<Data>,
    breadcrumbs: Breadcrumbs,
    pub(crate) span: Option<TransactionOrSpan>,
    pub(crate) session: Option<Session>,
    pub(crate) propagation: Propagation,
}

#[derive(Clone, Default)]
struct Data {
    level: Option<Level>,
    fingerprint: Vec<String>,
    transaction: Option<String>,
    user: Option<User>,
    request: Option<Request>,
    tags: Map<String, String>,
    extra: Object,
    contexts: Contexts,
    attachments: Vec<Attachment>,
    processors: Vec<EventProcessor>,
}

impl Scope {
    fn data(&mut self) -> &mut Data {
        Arc::make_mut(&mut self.data)
    }

    /// Forgets everything but the trace and the session.
    pub fn clear(&mut self) {
        self.data = Arc::default();
        self.breadcrumbs.clear();
    }

    /// Forgets the breadcrumbs.
    pub fn clear_breadcrumbs(&mut self) {
        self.breadcrumbs.clear();
    }

    /// Sets the level that every event gets, whatever its own.
    pub fn set_level(&mut self, level: Option<Level>) {
        self.data().level = level;
    }

    /// Sets the grouping key's parts.
    pub fn set_fingerprint(&mut self, fingerprint: Option<&[&str]>) {
        self.data().fingerprint = fingerprint
            .unwrap_or_default()
            .iter()
            .map(|part| (*part).to_owned())
            .collect();
    }

    /// Says what the program is doing: a route, a task name.
    pub fn set_transaction(&mut self, transaction: Option<&str>) {
        self.data().transaction = transaction.map(str::to_owned);
    }

    /// Says who is served.
    pub fn set_user(&mut self, user: Option<User>) {
        self.data().user = user;
    }

    /// Who is served.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        self.data.user.as_ref()
    }

    /// Says which HTTP request is served.
    pub fn set_request(&mut self, request: Option<Request>) {
        self.data().request = request;
    }

    /// Sets a tag.
    pub fn set_tag(&mut self, key: &str, value: impl fmt::Display) {
        self.data().tags.insert(key.to_owned(), value.to_string());
    }

    /// Forgets a tag.
    pub fn remove_tag(&mut self, key: &str) {
        self.data().tags.remove(key);
    }

    /// Sets a context.
    pub fn set_context(&mut self, key: &str, context: impl Into<Context>) {
        self.data().contexts.insert(key.to_owned(), context.into());
    }

    /// Forgets a context.
    pub fn remove_context(&mut self, key: &str) {
        self.data().contexts.remove(key);
    }

    /// Sets a free-form fact.
    pub fn set_extra(&mut self, key: &str, value: impl Into<Value>) {
        self.data().extra.insert(key.to_owned(), value.into());
    }

    /// Forgets a free-form fact.
    pub fn remove_extra(&mut self, key: &str) {
        self.data().extra.remove(key);
    }

    /// Adds a file that travels with every event.
    pub fn add_attachment(&mut self, attachment: Attachment) {
        self.data().attachments.push(attachment);
    }

    /// Forgets the files.
    pub fn clear_attachments(&mut self) {
        self.data().attachments.clear();
    }

    /// Adds a function that may change or drop every event. It runs on the SDK's own thread.
    pub fn add_event_processor(
        &mut self,
        processor: impl Fn(Event) -> Option<Event> + Send + Sync + 'static,
    ) {
        self.data().processors.push(Arc::new(processor));
    }

    /// Sets the span that new spans and events belong to.
    pub fn set_span(&mut self, span: Option<TransactionOrSpan>) {
        self.span = span;
    }

    /// The span that new spans and events belong to.
    #[must_use]
    pub fn span(&self) -> Option<TransactionOrSpan> {
        self.span.clone()
    }

    /// The trace as its first program described it, where that is known.
    pub(crate) fn trace_description(&self) -> Option<Arc<TraceHeader>> {
        match &self.span {
            Some(span) => span.description(),
            None => self.propagation.description.clone(),
        }
    }

    /// Goes on with the trace that a request's headers name, or begins a new one.
    pub fn continue_trace(&mut self, headers: &TraceHeaders) {
        self.span = None;
        self.propagation = Propagation::continued(headers);
    }

    /// The headers that carry the trace to another program: those of the active span, else of
    /// the scope's own trace.
    #[must_use]
    pub fn trace_headers(&self) -> Vec<(&'static str, String)> {
        match &self.span {
            Some(span) => span.headers(),
            None => self.propagation.headers(),
        }
    }

    pub(crate) fn push_breadcrumb(&mut self, breadcrumb: Breadcrumb, max: usize) {
        self.breadcrumbs.push(breadcrumb, max);
    }

    /// Prepares for being shared, so that the next change copies as little as can be.
    pub(crate) fn finish_breadcrumbs(&mut self) {
        self.breadcrumbs.finish();
    }

    /// About how many bytes the scope adds to what others share with it.
    #[cfg(feature = "worker")]
    pub(crate) fn weight(&self) -> usize {
        let data = &*self.data;
        let entries = data
            .tags
            .len()
            .saturating_add(data.extra.len())
            .saturating_add(data.contexts.len());
        let files = data
            .attachments
            .iter()
            .map(|attachment| attachment.data.len())
            .sum::<usize>();
        let bytes = size_of::<Data>()
            .saturating_add(entries.saturating_mul(200))
            .saturating_add(files);
        let share = bytes
            .checked_div(Arc::strong_count(&self.data))
            .unwrap_or(bytes);
        share
            .saturating_add(self.breadcrumbs.weight())
            .saturating_add(size_of::<Self>())
    }

    /// Takes over what `theirs` changed since `base`, where this scope did not change the same.
    pub(crate) fn take_over(&mut self, base: &Self, theirs: &Self) {
        if !Arc::ptr_eq(&base.data, &theirs.data) {
            if Arc::ptr_eq(&base.data, &self.data) {
                self.data = Arc::clone(&theirs.data);
            } else {
                self.data().take_over(&base.data, &theirs.data);
            }
        }
        self.breadcrumbs
            .take_over(&base.breadcrumbs, &theirs.breadcrumbs);
        let is_same = |span: &Option<TransactionOrSpan>| match (span, &base.span) {
            (Some(span), Some(base)) => span.is(base),
            (None, None) => true,
            _ => false,
        };
        if is_same(&self.span) {
            self.span.clone_from(&theirs.span);
        }
        take_over(&mut self.session, &base.session, &theirs.session);
        take_over(
            &mut self.propagation,
            &base.propagation,
            &theirs.propagation,
        );
    }

    pub(crate) fn attachments(&self) -> &[Attachment] {
        &self.data.attachments
    }

    pub(crate) fn session_user(&self) -> Option<&str> {
        let user = self.data.user.as_ref()?;
        user.id
            .as_deref()
            .or(user.email.as_deref())
            .or(user.username.as_deref())
    }

    /// Adds what the scope knows to an event; what the event already says stays.
    #[must_use]
    pub fn apply_to_event(&self, event: Event) -> Option<Event> {
        self.apply(event, crate::limits::MAX_BREADCRUMBS)
    }

    pub(crate) fn apply(&self, mut event: Event, max_breadcrumbs: usize) -> Option<Event> {
        let data = &*self.data;
        if data.level.is_some() {
            event.level = data.level;
        }
        if event.fingerprint.is_empty() {
            event.fingerprint.clone_from(&data.fingerprint);
        }
        if event.transaction.is_none() {
            event.transaction = data.transaction.clone().or_else(|| {
                self.span
                    .as_ref()
                    .and_then(TransactionOrSpan::transaction_name)
            });
        }
        if event.user.is_none() {
            event.user.clone_from(&data.user);
        }
        if event.request.is_none() {
            event.request.clone_from(&data.request);
        }
        event
            .breadcrumbs
            .values
            .splice(0..0, self.breadcrumbs.newest(max_breadcrumbs).cloned());
        fill(&mut event.tags, &data.tags);
        fill_object(&mut event.extra, &data.extra);
        fill(&mut event.contexts, &data.contexts);
        if !event.contexts.contains_key("trace") {
            event
                .contexts
                .insert("trace".to_owned(), self.trace_context().into());
        }
        data.processors
            .iter()
            .try_fold(event, |event, processor| processor(event))
    }

    pub(crate) fn apply_to_transaction(&self, transaction: &mut Transaction) {
        let data = &*self.data;
        if transaction.user.is_none() {
            transaction.user.clone_from(&data.user);
        }
        if transaction.request.is_none() {
            transaction.request.clone_from(&data.request);
        }
        fill(&mut transaction.tags, &data.tags);
        fill_object(&mut transaction.extra, &data.extra);
        fill(&mut transaction.contexts, &data.contexts);
    }

    /// The trace and span that an event captured now belongs to.
    pub(crate) fn trace_context(&self) -> crate::protocol::TraceContext {
        match &self.span {
            Some(span) => span.trace_context(),
            None => self.propagation.trace_context(),
        }
    }
}

impl Data {
    fn take_over(&mut self, base: &Self, theirs: &Self) {
        take_over(&mut self.level, &base.level, &theirs.level);
        take_over(
            &mut self.fingerprint,
            &base.fingerprint,
            &theirs.fingerprint,
        );
        take_over(
            &mut self.transaction,
            &base.transaction,
            &theirs.transaction,
        );
        take_over(&mut self.user, &base.user, &theirs.user);
        take_over(&mut self.request, &base.request, &theirs.request);
        take_over_entries(&mut self.tags, &base.tags, &theirs.tags);
        take_over_entries(&mut self.contexts, &base.contexts, &theirs.contexts);
        let as_map = |object: &Object| object.clone().into_iter().collect::<Map<_, _>>();
        let mut extra = as_map(&self.extra);
        take_over_entries(&mut extra, &as_map(&base.extra), &as_map(&theirs.extra));
        self.extra = extra.into_iter().collect();
        take_over(
            &mut self.attachments,
            &base.attachments,
            &theirs.attachments,
        );
        let new = theirs.processors.iter().skip(base.processors.len());
        self.processors.extend(new.cloned());
    }
}

/// Takes over a value that changed there and not here.
fn take_over<T: Clone + PartialEq>(ours: &mut T, base: &T, theirs: &T) {
    if ours == base {
        ours.clone_from(theirs);
    }
}

fn take_over_entries<T: Clone + PartialEq>(
    ours: &mut Map<String, T>,
    base: &Map<String, T>,
    theirs: &Map<String, T>,
) {
    for key in base.keys().chain(theirs.keys()) {
        if ours.get(key) == base.get(key) {
            match theirs.get(key) {
                Some(value) => ours.insert(key.clone(), value.clone()),
                None => ours.remove(key),
            };
        }
    }
}

fn fill<T: Clone>(into: &mut Map<String, T>, from: &Map<String, T>) {
    for (key, value) in from {
        if !into.contains_key(key) {
            into.insert(key.clone(), value.clone());
        }
    }
}

fn fill_object(into: &mut Object, from: &Object) {
    for (key, value) in from {
        if !into.contains_key(key) {
            into.insert(key.clone(), value.clone());
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("level", &self.data.level)
            .field("transaction", &self.data.transaction)
            .field("tags", &self.data.tags)
            .finish_non_exhaustive()
    }
}
