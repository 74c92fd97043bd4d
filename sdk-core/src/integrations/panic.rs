//! Captures panics.
//!
//! With the feature `panic`, which is on by default, every panic of any thread becomes an event
//! of level fatal, with the message, the place, the thread and its stack, also when it is caught
//! later. The hook that was there before, such as the one that prints, runs afterwards.
//! Where a spool is set, the event is on disk before the process can end; without one, it leaves
//! with the others, so keep the guard of [`init`](crate::init) in `main`.
//!
//! What a panic carries is told from its value. For values that are no text, give a function that
//! reads them:
//!
//! ```
//! use mini_sentry::integrations::panic::{PanicIntegration, event_from_panic};
//! use mini_sentry::{ClientOptions, Level};
//!
//! struct OutOfStock(u32);
//!
//! let panics = PanicIntegration::new().add_extractor(|info| {
//!     let value = info.payload().downcast_ref::<OutOfStock>()?;
//!     let mut event = event_from_panic(info, &format!("article {} is out of stock", value.0));
//!     event.level = Some(Level::Error);
//!     Some(event)
//! });
//! let options = ClientOptions::new().add_integration(panics);
//! # let _ = options;
//! ```

use std::fmt;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;

use super::reentry::Inside;
use crate::client::{ClientOptions, Hub, Integration};
use crate::protocol::{Event, Exception, Level, Mechanism};

static HOOK: Once = Once::new();

/// Makes an event of a panic, or leaves it to the next one.
type Extractor = Box<dyn Fn(&PanicHookInfo<'_>) -> Option<Event> + Send + Sync>;

/// Captures panics of any thread, and leaves them to the hook that was there before.
#[derive(Default)]
pub struct PanicIntegration {
    extractors: Vec<Extractor>,
}

impl PanicIntegration {
    /// The integration.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            extractors: Vec::new(),
        }
    }

    /// Adds a function that makes events of panics it knows; the first one that does is heard.
    /// It must not panic: that would end the process at once.
    #[must_use]
    pub fn add_extractor(
        mut self,
        extractor: impl Fn(&PanicHookInfo<'_>) -> Option<Event> + Send + Sync + 'static,
    ) -> Self {
        self.extractors.push(Box::new(extractor));
        self
    }

    fn event(&self, info: &PanicHookInfo<'_>) -> Event {
        self.extractors
            .iter()
            .find_map(|extractor| extractor(info))
            .unwrap_or_else(|| {
                event_from_panic(info, text_of(info).unwrap_or("a value that is no text"))
            })
    }
}

impl Integration for PanicIntegration {
    fn name(&self) -> &'static str {
        "panic"
    }

    fn setup(&self, _options: &mut ClientOptions) {
        HOOK.call_once(|| {
            let next = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                capture(info);
                next(info);
            }));
        });
    }
}

impl fmt::Debug for PanicIntegration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PanicIntegration")
            .field("extractors", &self.extractors.len())
            .finish()
    }
}

/// The message of a panic, when it is text.
fn text_of<'a>(info: &'a PanicHookInfo<'_>) -> Option<&'a str> {
    let payload = info.payload();
    let text = payload.downcast_ref::<&'static str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

fn capture(info: &PanicHookInfo<'_>) {
    let Some(_inside) = Inside::enter() else {
        return;
    };
    Hub::with_active(|hub| {
        let Some(client) = hub.client() else { return };
        if let Some(integration) = client.integration::<PanicIntegration>() {
            hub.capture_fatal(integration.event(info));
        }
    });
}

/// The event of a panic with a text: fatal, and not handled by anybody.
#[must_use]
pub fn event_from_panic(info: &PanicHookInfo<'_>, text: &str) -> Event {
    let mut mechanism = Mechanism {
        ty: Some("panic".to_owned()),
        handled: Some(false),
        ..Mechanism::default()
    };
    if let Some(location) = info.location() {
        mechanism
            .data
            .insert("location".to_owned(), location.to_string().into());
    }
    let exception = Exception {
        ty: Some("panic".to_owned()),
        value: Some(text.to_owned()),
        mechanism: Some(mechanism),
        ..Exception::default()
    };
    Event {
        exception: vec![exception].into(),
        level: Some(Level::Fatal),
        ..Event::default()
    }
}
