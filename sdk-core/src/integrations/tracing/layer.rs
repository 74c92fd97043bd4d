//! The layer.

use std::fmt;

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Level as TracingLevel, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::spans::{self, SpanData};
use crate::client::Hub;
use crate::integrations::filter::EventFilter;
use crate::integrations::line::{Kind, Line, REPORTING, Said};
use crate::integrations::reentry::Inside;
use crate::protocol::{Level, LogLevel};

const KIND: Kind = Kind {
    mechanism: "tracing",
    origin: "auto.log.tracing",
    fields: "Rust Tracing Fields",
    place: "Rust Tracing Location",
};

type EventFilterFn = Box<dyn Fn(&Metadata<'_>) -> EventFilter + Send + Sync>;
type SpanFilterFn = Box<dyn Fn(&Metadata<'_>) -> bool + Send + Sync>;

/// A layer that turns events and spans of `tracing` into ours. Made by [`layer`].
pub struct SentryLayer {
    event_filter: EventFilterFn,
    span_filter: SpanFilterFn,
}

/// The layer with its defaults.
///
/// ```
/// use mini_sentry::integrations::tracing::EventFilter;
/// use tracing::Level;
/// let layer = mini_sentry::integrations::tracing::layer()
///     .event_filter(|metadata| match *metadata.level() {
///         Level::ERROR => EventFilter::Event | EventFilter::Log,
///         Level::WARN => EventFilter::Breadcrumb | EventFilter::Log,
///         _ => EventFilter::Ignore,
///     })
///     .span_filter(|metadata| metadata.target().starts_with("my_app"));
/// # let _ = layer;
/// ```
#[must_use]
pub fn layer() -> SentryLayer {
    SentryLayer {
        event_filter: Box::new(default_event_filter),
        span_filter: Box::new(default_span_filter),
    }
}

/// Errors become events, warnings and infos breadcrumbs.
#[must_use]
pub fn default_event_filter(metadata: &Metadata<'_>) -> EventFilter {
    match *metadata.level() {
        TracingLevel::ERROR => EventFilter::Event,
        TracingLevel::WARN | TracingLevel::INFO => EventFilter::Breadcrumb,
        _ => EventFilter::Ignore,
    }
}

/// Spans of the levels info and above are measured.
#[must_use]
pub fn default_span_filter(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= TracingLevel::INFO
}

impl SentryLayer {
    /// Says what becomes of each event.
    #[must_use]
    pub fn event_filter(
        mut self,
        filter: impl Fn(&Metadata<'_>) -> EventFilter + Send + Sync + 'static,
    ) -> Self {
        self.event_filter = Box::new(filter);
        self
    }

    /// Says which spans are measured.
    #[must_use]
    pub fn span_filter(
        mut self,
        filter: impl Fn(&Metadata<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.span_filter = Box::new(filter);
        self
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SentryLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        Hub::with_active(|hub| {
            let metadata = event.metadata();
            let filter = (self.event_filter)(metadata);
            if filter == EventFilter::Ignore {
                return;
            }
            let Some(_inside) = Inside::enter(&REPORTING) else {
                return;
            };
            let mut said = Said::default();
            event.record(&mut said);
            line(metadata).report(hub, filter, said);
        });
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        Hub::with_active(|hub| {
            if !(self.span_filter)(attributes.metadata()) {
                return;
            }
            let Some(_inside) = Inside::enter(&REPORTING) else {
                return;
            };
            let Some(span) = context.span(id) else { return };
            // Without a parent by name, it is the one that the scope knows.
            let named = attributes.parent().and_then(|parent| context.span(parent));
            let parent = named.and_then(|parent| {
                let mut scope = parent.scope();
                scope.find_map(|span| span.extensions().get().map(|SpanData(span)| span.clone()))
            });
            if let Some(data) = spans::start(hub, attributes, parent) {
                span.extensions_mut().replace(data);
            }
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(data) = span.extensions().get::<SpanData>()
        {
            data.record(values);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let ours = span.extensions().get().map(|SpanData(span)| span.clone());
        if let Some(ours) = ours {
            spans::enter(id, ours);
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let is_ours = |span: &tracing_subscriber::registry::SpanRef<'_, S>| {
            span.extensions().get::<SpanData>().is_some()
        };
        if context.span(id).is_some_and(|span| is_ours(&span)) {
            spans::exit(id);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else {
            return;
        };
        let data = span.extensions_mut().remove::<SpanData>();
        if let Some(SpanData(ours)) = data {
            ours.finish();
        }
    }
}

fn line<'a>(metadata: &'a Metadata<'_>) -> Line<'a> {
    let (level, log_level) = match *metadata.level() {
        TracingLevel::ERROR => (Level::Error, LogLevel::Error),
        TracingLevel::WARN => (Level::Warning, LogLevel::Warn),
        TracingLevel::INFO => (Level::Info, LogLevel::Info),
        TracingLevel::DEBUG => (Level::Debug, LogLevel::Debug),
        TracingLevel::TRACE => (Level::Debug, LogLevel::Trace),
    };
    Line {
        kind: &KIND,
        level,
        log_level,
        target: metadata.target(),
        module: metadata.module_path(),
        file: metadata.file(),
        line: metadata.line(),
    }
}

impl fmt::Debug for SentryLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryLayer").finish_non_exhaustive()
    }
}
