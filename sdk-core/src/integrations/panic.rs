//! Captures panics. Their events are on disk before the process can end, where a spool is set.

use std::panic::{self, PanicHookInfo};
use std::sync::Once;

use crate::client::{ClientOptions, Hub, Integration, is_sdk_thread};
use crate::protocol::{Event, Exception, Level, Mechanism};

static HOOK: Once = Once::new();

/// Captures panics of any thread, and leaves them to the hook that was there before.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct PanicIntegration;

impl PanicIntegration {
    /// The integration.
    #[must_use]
    pub const fn new() -> Self {
        Self
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

fn capture(info: &PanicHookInfo<'_>) {
    if is_sdk_thread() {
        return;
    }
    Hub::with_active(|hub| {
        let Some(client) = hub.client() else { return };
        if client.integration::<PanicIntegration>().is_some() {
            client.capture_fatal(event(info), Some(hub.scope()));
        }
    });
}

/// The event of a panic.
fn event(info: &PanicHookInfo<'_>) -> Event {
    let payload = info.payload();
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panicked with a value that is no text".to_owned());
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
        value: Some(text),
        mechanism: Some(mechanism),
        ..Exception::default()
    };
    Event {
        exception: vec![exception].into(),
        level: Some(Level::Fatal),
        ..Event::default()
    }
}
