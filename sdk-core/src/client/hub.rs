//! Hubs: which client and scope belong to what runs now.
//!
//! Each thread has a hub of its own, and a future can be given one (see
//! [`FutureExt`](crate::FutureExt)). A hub is a stack of scopes over a client. New threads start
//! with a copy of what the hub that called `init` knows.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use crate::client::instance::Client;
use crate::client::scope::Scope;
use crate::protocol::{Breadcrumb, Event, EventId, Level};

/// Enabled clients in this process; while there are none, everything is a quick no.
static ENABLED: AtomicUsize = AtomicUsize::new(0);
/// The hub that new threads start from: the one that called `init` first.
static MAIN: OnceLock<Arc<Hub>> = OnceLock::new();
/// The client of hubs that were never given one.
static DEFAULT_CLIENT: RwLock<Option<Arc<Client>>> = RwLock::new(None);

thread_local! {
    static CURRENT: RefCell<Option<Arc<Hub>>> = const { RefCell::new(None) };
}

/// A client and a stack of scopes.
///
/// ```
/// use std::sync::Arc;
/// use mini_sentry::Hub;
/// // Work in another thread that belongs to what happens here:
/// let hub = Arc::new(Hub::new_from_top(Hub::current()));
/// std::thread::spawn(move || Hub::run(hub, || { /* … */ })).join().unwrap();
/// ```
pub struct Hub {
    stack: Mutex<Stack>,
}

struct Stack {
    top: Layer,
    below: Vec<Layer>,
    last_event_id: Option<EventId>,
}

#[derive(Clone)]
struct Layer {
    client: Binding,
    scope: Arc<Scope>,
}

/// Which client a layer has.
#[derive(Clone)]
enum Binding {
    /// Whatever client `init` made last.
    Default,
    /// This one, or none.
    Bound(Option<Arc<Client>>),
}

fn default_client() -> Option<Arc<Client>> {
    DEFAULT_CLIENT
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

impl Layer {
    fn client(&self) -> Option<Arc<Client>> {
        match &self.client {
            Binding::Bound(client) => client.clone(),
            Binding::Default => default_client(),
        }
    }
}

impl Hub {
    /// A hub with a client and a scope.
    #[must_use]
    pub fn new(client: Option<Arc<Client>>, scope: Arc<Scope>) -> Self {
        Self::from_layer(Layer {
            client: Binding::Bound(client),
            scope,
        })
    }

    /// A hub that starts with what another one knows now.
    #[must_use]
    pub fn new_from_top(other: impl AsRef<Self>) -> Self {
        Self::from_layer(other.as_ref().stack().top.clone())
    }

    fn from_layer(top: Layer) -> Self {
        Self {
            stack: Mutex::new(Stack {
                top,
                below: Vec::new(),
                last_event_id: None,
            }),
        }
    }

    fn stack(&self) -> MutexGuard<'_, Stack> {
        self.stack.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hub of what runs now.
    #[must_use]
    pub fn current() -> Arc<Self> {
        Self::with(Arc::clone)
    }

    /// The hub that new threads start from.
    #[must_use]
    pub fn main() -> Arc<Self> {
        Arc::clone(MAIN.get_or_init(|| {
            Arc::new(Self::from_layer(Layer {
                client: Binding::Default,
                scope: Arc::default(),
            }))
        }))
    }

    /// Calls a function with the hub of what runs now.
    pub fn with<R>(f: impl FnOnce(&Arc<Self>) -> R) -> R {
        let current = CURRENT.try_with(|current| {
            if let Ok(hub) = current.try_borrow()
                && let Some(hub) = &*hub
            {
                return Some(Arc::clone(hub));
            }
            let mut current = current.try_borrow_mut().ok()?;
            Some(Arc::clone(current.get_or_insert_with(Self::for_new_thread)))
        });
        // A thread that is ending has lost its own hub already.
        match current {
            Ok(Some(hub)) => f(&hub),
            Ok(None) | Err(_) => f(&Self::main()),
        }
    }

    /// Adds a breadcrumb to the hub of what runs now, if any client is on. Spares the reference
    /// count that [`with`](Self::with) takes, unless a callback of the host has to be asked.
    pub(crate) fn add_breadcrumb_here(breadcrumb: Breadcrumb) {
        if ENABLED.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut breadcrumb = Some(breadcrumb);
        let _ = CURRENT.try_with(|current| {
            if let Ok(hub) = current.try_borrow()
                && let Some(hub) = &*hub
            {
                hub.try_add_breadcrumb(&mut breadcrumb);
            }
        });
        if let Some(breadcrumb) = breadcrumb {
            Self::with(|hub| hub.add_breadcrumb(breadcrumb));
        }
    }

    fn for_new_thread() -> Arc<Self> {
        match MAIN.get() {
            Some(main) => Arc::new(Self::new_from_top(main)),
            // The first thread that asks is the main one.
            None => Self::main(),
        }
    }

    /// Calls a function with the hub of what runs now, if any client is on; else returns the
    /// default at once.
    pub fn with_active<R: Default>(f: impl FnOnce(&Arc<Self>) -> R) -> R {
        if ENABLED.load(Ordering::Relaxed) == 0 {
            return R::default();
        }
        Self::with(|hub| f(hub))
    }

    /// Runs a function with this hub as the current one.
    pub fn run<R>(hub: Arc<Self>, f: impl FnOnce() -> R) -> R {
        let _guard = SwitchGuard::new(hub);
        f()
    }

    /// The client of the innermost scope.
    #[must_use]
    pub fn client(&self) -> Option<Arc<Client>> {
        self.stack().top.client()
    }

    /// Gives the innermost scope another client.
    pub fn bind_client(&self, client: Option<Arc<Client>>) {
        self.stack().top.client = Binding::Bound(client);
    }

    /// Gives this hub, and all hubs that were never given one, a client.
    pub(crate) fn bind_default_client(&self, client: &Arc<Client>) {
        *DEFAULT_CLIENT
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(client));
        self.bind_client(Some(Arc::clone(client)));
    }

    /// Lets go of a client that is closed, where it is the default.
    pub(crate) fn forget_default_client(client: &Arc<Client>) {
        let mut default = DEFAULT_CLIENT
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if default
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, client))
        {
            *default = None;
        }
    }

    pub(crate) fn count_enabled(on: bool) {
        if on {
            ENABLED.fetch_add(1, Ordering::Relaxed);
        } else {
            ENABLED.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The client and the innermost scope, as they are now.
    pub(crate) fn snapshot(&self) -> (Option<Arc<Client>>, Arc<Scope>) {
        let mut stack = self.stack();
        if let Some(scope) = Arc::get_mut(&mut stack.top.scope) {
            scope.finish_breadcrumbs();
        }
        (stack.top.client(), Arc::clone(&stack.top.scope))
    }

    /// The innermost scope, as it is now.
    #[must_use]
    pub fn scope(&self) -> Arc<Scope> {
        Arc::clone(&self.stack().top.scope)
    }

    /// Changes the innermost scope.
    pub fn configure_scope<R>(&self, f: impl FnOnce(&mut Scope) -> R) -> R {
        // The closure works on a copy, so that what it drops or calls cannot meet our lock.
        let mut base = self.scope();
        let mut scope = Arc::clone(&base);
        let result = f(Arc::make_mut(&mut scope));
        loop {
            let mut stack = self.stack();
            if Arc::ptr_eq(&stack.top.scope, &base) {
                let replaced = std::mem::replace(&mut stack.top.scope, scope);
                drop(stack);
                drop(replaced);
                return result;
            }
            // Somebody changed the scope in the meantime: another thread, or the closure itself.
            let theirs = Arc::clone(&stack.top.scope);
            drop(stack);
            Arc::make_mut(&mut scope).take_over(&base, &theirs);
            base = theirs;
        }
    }

    /// Changes the innermost scope by code of ours, which does not call back.
    pub(crate) fn change_scope(&self, f: impl FnOnce(&mut Scope)) {
        f(Arc::make_mut(&mut self.stack().top.scope));
    }

    /// Adds a scope, which is dropped again with the guard.
    #[must_use = "the scope lasts as long as the guard"]
    pub fn push_scope(self: &Arc<Self>) -> ScopeGuard {
        let mut stack = self.stack();
        let copy = stack.top.clone();
        let depth = stack.below.len();
        stack.below.push(copy);
        drop(stack);
        ScopeGuard {
            hub: Arc::clone(self),
            depth,
        }
    }

    /// Runs a function within a scope of its own.
    pub fn with_scope<R>(
        self: &Arc<Self>,
        configure: impl FnOnce(&mut Scope),
        run: impl FnOnce() -> R,
    ) -> R {
        let _guard = self.push_scope();
        self.configure_scope(configure);
        run()
    }

    fn pop_scope(&self, depth: usize) {
        let mut stack = self.stack();
        if depth < stack.below.len() {
            stack.below.truncate(depth.saturating_add(1));
            if let Some(layer) = stack.below.pop() {
                let dropped = std::mem::replace(&mut stack.top, layer);
                drop(stack);
                drop(dropped);
            }
        }
    }

    /// Adds a breadcrumb to the innermost scope.
    pub fn add_breadcrumb(&self, breadcrumb: Breadcrumb) {
        let mut breadcrumb = Some(breadcrumb);
        let client = self.try_add_breadcrumb(&mut breadcrumb);
        let (Some(breadcrumb), Some(client)) = (breadcrumb, client) else {
            return;
        };
        // The callback may call us again, so it runs without the lock.
        let max = client.options().max_breadcrumbs;
        if let Some(breadcrumb) = client.before_breadcrumb(breadcrumb) {
            Arc::make_mut(&mut self.stack().top.scope).push_breadcrumb(breadcrumb, max);
        }
    }

    /// Adds a breadcrumb, or lets it go when the SDK is off; leaves it there and returns the
    /// client when a callback has to see it first.
    fn try_add_breadcrumb(&self, breadcrumb: &mut Option<Breadcrumb>) -> Option<Arc<Client>> {
        let mut stack = self.stack();
        let Layer { client, scope } = &mut stack.top;
        let defaulted;
        let client = match client {
            Binding::Bound(client) => client.as_ref(),
            Binding::Default => {
                defaulted = default_client();
                defaulted.as_ref()
            }
        };
        let Some(client) = client.filter(|client| client.is_enabled()) else {
            *breadcrumb = None;
            return None;
        };
        let timestamp = &mut breadcrumb.as_mut()?.timestamp;
        if timestamp.is_none() {
            *timestamp = Some(client.now_roughly());
        }
        if client.options().before_breadcrumb.is_some() {
            return Some(Arc::clone(client));
        }
        let max = client.options().max_breadcrumbs;
        Arc::make_mut(scope).push_breadcrumb(breadcrumb.take()?, max);
        None
    }

    /// Captures an event.
    pub fn capture_event(&self, event: Event) -> EventId {
        self.capture(|client, scope| client.capture_event(event, Some(scope)))
    }

    /// Captures a message.
    pub fn capture_message(&self, message: &str, level: Level) -> EventId {
        self.capture(|client, scope| client.capture_message(message, level, Some(scope)))
    }

    /// Captures an error with its causes.
    pub fn capture_error<E: std::error::Error + ?Sized>(&self, error: &E) -> EventId {
        self.capture(|client, scope| client.capture_error(error, Some(scope)))
    }

    fn capture(&self, capture: impl FnOnce(&Client, Arc<Scope>) -> EventId) -> EventId {
        let (client, scope) = self.snapshot();
        let Some(client) = client else {
            return EventId::nil();
        };
        let id = capture(&client, scope);
        if !id.is_nil() {
            self.stack().last_event_id = Some(id);
        }
        id
    }

    /// Captures an event that may be the program's last; see [`Client::capture_fatal`].
    pub fn capture_fatal(&self, event: Event) -> EventId {
        self.capture(|client, scope| client.capture_fatal(event, Some(scope)))
    }

    /// The id of the event that this hub captured last.
    #[must_use]
    pub fn last_event_id(&self) -> Option<EventId> {
        self.stack().last_event_id
    }
}

impl AsRef<Self> for Hub {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

/// Drops a pushed scope at its end.
#[derive(Debug)]
pub struct ScopeGuard {
    hub: Arc<Hub>,
    depth: usize,
}

impl Drop for ScopeGuard {
    fn drop(&mut self) {
        self.hub.pop_scope(self.depth);
    }
}

/// Makes a hub the current one of this thread for as long as it lives.
#[derive(Debug)]
pub(crate) struct SwitchGuard {
    previous: Option<Arc<Hub>>,
    // Only the thread that switched can switch back.
    not_send: std::marker::PhantomData<*const ()>,
}

impl SwitchGuard {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        let previous = CURRENT
            .try_with(|current| current.replace(Some(hub)))
            .ok()
            .flatten();
        Self {
            previous,
            not_send: std::marker::PhantomData,
        }
    }
}

impl Drop for SwitchGuard {
    fn drop(&mut self) {
        let previous = self.previous.take();
        // What is dropped here may run code of the host, so no borrow is held.
        let ours = CURRENT.try_with(|current| current.replace(previous));
        drop(ours);
    }
}
