//! Scopes by number: the host keeps one per request or task, and names it in every call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::client::bridge::error::BridgeError;
use crate::client::bridge::handle::Bridge;
use crate::client::bridge::read::{read_headers, read_value};
use crate::client::hub::{Hub, ScopeGuard};
use crate::client::instance::Client;
use crate::client::scope::Scope;
use crate::protocol::read::{from_json, from_value};
use crate::protocol::{Attachment, Breadcrumb, Event, User, Value};
use crate::ratelimit::DataCategory;

/// The scope that every host has.
pub const GLOBAL: u64 = 0;

/// Scopes that a host may keep at once; one that needs more forgets to drop them.
const MAX_SCOPES: usize = 65_536;
/// Scopes that may be pushed on top of each other.
const MAX_PUSHED: usize = 256;

/// All scopes of one bridge.
pub(super) struct Scopes {
    global: Arc<Hub>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    forked: BTreeMap<u64, Arc<Hub>>,
    pushed: BTreeMap<u64, Vec<ScopeGuard>>,
    last_id: u64,
}

impl Scopes {
    pub(super) fn new(client: &Arc<Client>) -> Self {
        Self {
            global: Arc::new(Hub::new(Some(Arc::clone(client)), Arc::<Scope>::default())),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hub(&self, id: u64) -> Result<Arc<Hub>, BridgeError> {
        if id == GLOBAL {
            return Ok(Arc::clone(&self.global));
        }
        let hub = self.state().forked.get(&id).cloned();
        hub.ok_or(BridgeError::UnknownScope { id })
    }

    fn fork(&self, from: u64) -> Result<u64, BridgeError> {
        let hub = Arc::new(Hub::new_from_top(self.hub(from)?));
        let mut state = self.state();
        if state.forked.len() >= MAX_SCOPES {
            return Err(BridgeError::TooMany {
                what: "scopes",
                limit: MAX_SCOPES,
            });
        }
        state.last_id = state.last_id.saturating_add(1);
        let id = state.last_id;
        state.forked.insert(id, hub);
        Ok(id)
    }

    fn drop(&self, id: u64) -> Result<(), BridgeError> {
        let mut state = self.state();
        let dropped = state.forked.remove(&id);
        let pushed = state.pushed.remove(&id);
        drop(state);
        drop(pushed);
        match dropped {
            Some(_) => Ok(()),
            None => Err(BridgeError::UnknownScope { id }),
        }
    }

    fn push(&self, id: u64) -> Result<(), BridgeError> {
        let guard = self.hub(id)?.push_scope();
        let mut state = self.state();
        let pushed = state.pushed.entry(id).or_default();
        if pushed.len() >= MAX_PUSHED {
            drop(state);
            return Err(BridgeError::TooMany {
                what: "pushed scopes",
                limit: MAX_PUSHED,
            });
        }
        pushed.push(guard);
        Ok(())
    }

    fn pop(&self, id: u64) -> Result<bool, BridgeError> {
        self.hub(id)?;
        let guard = self.state().pushed.get_mut(&id).and_then(Vec::pop);
        Ok(guard.is_some())
    }
}

impl Bridge {
    /// Makes a scope that starts as a copy of another, and returns its number.
    ///
    /// # Errors
    /// When there is no such scope, or there are too many.
    pub fn fork_scope(&self, from: u64) -> Result<u64, BridgeError> {
        self.guard(DataCategory::Internal, || self.scopes.fork(from))
    }

    /// Forgets a scope that was forked.
    ///
    /// # Errors
    /// When there is no such scope; the global one stays.
    pub fn drop_scope(&self, scope: u64) -> Result<(), BridgeError> {
        self.guard(DataCategory::Internal, || self.scopes.drop(scope))
    }

    /// Lets changes to a scope last until [`pop_scope`](Self::pop_scope).
    ///
    /// # Errors
    /// When there is no such scope, or too many were pushed.
    pub fn push_scope(&self, scope: u64) -> Result<(), BridgeError> {
        self.guard(DataCategory::Internal, || self.scopes.push(scope))
    }

    /// Takes back what changed since the last push; false when nothing was pushed.
    ///
    /// # Errors
    /// When there is no such scope.
    pub fn pop_scope(&self, scope: u64) -> Result<bool, BridgeError> {
        self.guard(DataCategory::Internal, || self.scopes.pop(scope))
    }

    fn configure(
        &self,
        scope: u64,
        f: impl FnOnce(&mut Scope) -> Result<(), BridgeError>,
    ) -> Result<(), BridgeError> {
        self.guard(DataCategory::Internal, || {
            self.scopes.hub(scope)?.configure_scope(f)
        })
    }

    /// Sets a tag; `None` removes it.
    ///
    /// # Errors
    /// When there is no such scope.
    pub fn set_tag(&self, scope: u64, key: &str, value: Option<&str>) -> Result<(), BridgeError> {
        self.configure(scope, |scope| {
            match value {
                Some(value) => scope.set_tag(key, value),
                None => scope.remove_tag(key),
            }
            Ok(())
        })
    }

    /// Says who is served, as the JSON of a user; `None` for nobody.
    ///
    /// # Errors
    /// When there is no such scope, or the JSON cannot be read.
    pub fn set_user(&self, scope: u64, json: Option<&[u8]>) -> Result<(), BridgeError> {
        self.configure(scope, |scope| {
            scope.set_user(
                json.map(from_json::<User>)
                    .transpose()?
                    .map(|(user, _)| user),
            );
            Ok(())
        })
    }

    /// Sets a context, as a JSON object; `None` removes it.
    ///
    /// # Errors
    /// When there is no such scope, or the JSON cannot be read.
    pub fn set_context(
        &self,
        scope: u64,
        key: &str,
        json: Option<&[u8]>,
    ) -> Result<(), BridgeError> {
        self.configure(scope, |scope| {
            let Some(json) = json else {
                scope.remove_context(key);
                return Ok(());
            };
            // Reading it inside an event gives the context the type that its name calls for.
            let contexts = serde_json::json!({"contexts": {key: read_value(json)?}});
            let event: Event = from_value(contexts).unwrap_or_default();
            for (key, context) in event.contexts {
                scope.set_context(&key, context);
            }
            Ok(())
        })
    }

    /// Sets a free-form fact, as JSON of any kind; `None` removes it.
    ///
    /// # Errors
    /// When there is no such scope, or the JSON cannot be read.
    pub fn set_extra(&self, scope: u64, key: &str, json: Option<&[u8]>) -> Result<(), BridgeError> {
        self.configure(scope, |scope| {
            match json {
                Some(json) => scope.set_extra(key, read_value(json)?),
                None => scope.remove_extra(key),
            }
            Ok(())
        })
    }

    /// Sets `level`, `fingerprint`, `transaction` and `request`, as the fields of an event. What
    /// the object does not name stays; what is null in it is forgotten.
    ///
    /// # Errors
    /// When there is no such scope, or the JSON cannot be read.
    pub fn set_fields(&self, scope: u64, json: &[u8]) -> Result<(), BridgeError> {
        self.configure(scope, |scope| {
            let event = Event::from_json(json)?;
            let named = read_value(json)?;
            let is_named = |name: &str| named.get(name).is_some();
            if is_named("level") {
                scope.set_level(event.level);
            }
            if is_named("fingerprint") {
                let parts: Vec<&str> = event.fingerprint.iter().map(String::as_str).collect();
                scope.set_fingerprint(Some(&parts));
            }
            if is_named("transaction") {
                scope.set_transaction(event.transaction.as_deref());
            }
            if is_named("request") {
                scope.set_request(event.request);
            }
            Ok(())
        })
    }

    /// Adds a file that travels with every event of the scope.
    ///
    /// # Errors
    /// When there is no such scope.
    pub fn add_attachment(
        &self,
        scope: u64,
        filename: &str,
        content_type: Option<&str>,
        data: &[u8],
    ) -> Result<(), BridgeError> {
        self.configure(scope, |scope| {
            let mut attachment = Attachment::new(filename, data);
            attachment.content_type = content_type.map(str::to_owned);
            scope.add_attachment(attachment);
            Ok(())
        })
    }

    /// Adds a breadcrumb, as JSON.
    ///
    /// # Errors
    /// When there is no such scope, or the JSON cannot be read.
    pub fn add_breadcrumb(&self, scope: u64, json: &[u8]) -> Result<(), BridgeError> {
        self.guard(DataCategory::Internal, || {
            let (breadcrumb, _) = from_json::<Breadcrumb>(json)?;
            self.scopes.hub(scope)?.add_breadcrumb(breadcrumb);
            Ok(())
        })
    }

    /// Goes on with the trace that a request's headers name, given as a JSON object of texts; or
    /// begins a new one.
    ///
    /// # Errors
    /// When there is no such scope, or the JSON cannot be read.
    pub fn continue_trace(&self, scope: u64, headers_json: &[u8]) -> Result<(), BridgeError> {
        self.configure(scope, |scope| {
            scope.continue_trace(&read_headers(headers_json)?);
            Ok(())
        })
    }

    /// The headers that carry the scope's trace to another program, as a JSON object of texts.
    ///
    /// # Errors
    /// When there is no such scope.
    pub fn trace_headers(&self, scope: u64) -> Result<String, BridgeError> {
        self.guard(DataCategory::Internal, || {
            let headers = self.scopes.hub(scope)?.scope().trace_headers();
            let object = headers
                .into_iter()
                .map(|(name, text)| (name.to_owned(), text.into()));
            Ok(Value::Object(object.collect()).to_string())
        })
    }
}
