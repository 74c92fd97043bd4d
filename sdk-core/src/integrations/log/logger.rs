//! The logger.

use std::fmt;

use log::{Log, Metadata, Record};

use crate::client::Hub;
use crate::integrations::filter::EventFilter;
use crate::integrations::line::{Kind, Line, REPORTING, Said};
use crate::integrations::reentry::Inside;
use crate::protocol::{Level, LogLevel};

const KIND: Kind = Kind {
    mechanism: "log",
    origin: "auto.log.log",
    fields: "Rust Log Fields",
    place: "Rust Log Location",
};

type FilterFn = Box<dyn Fn(&Metadata<'_>) -> EventFilter + Send + Sync>;

/// A logger in front of another one.
pub struct Logger<L = NoDestination> {
    dest: L,
    filter: FilterFn,
}

/// Where records end that go nowhere else.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NoDestination;

impl Log for NoDestination {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        false
    }

    fn log(&self, _record: &Record<'_>) {}

    fn flush(&self) {}
}

impl Logger {
    /// A logger that hands nothing on.
    #[must_use]
    pub fn new() -> Self {
        Self::with_dest(NoDestination)
    }
}

impl Default for Logger {
    fn default() -> Self {
        Self::new()
    }
}

impl<L: Log> Logger<L> {
    /// A logger that hands every record on that the other one wants.
    #[must_use]
    pub fn with_dest(dest: L) -> Self {
        Self {
            dest,
            filter: Box::new(default_filter),
        }
    }

    /// Says what becomes of each record.
    #[must_use]
    pub fn filter(
        mut self,
        filter: impl Fn(&Metadata<'_>) -> EventFilter + Send + Sync + 'static,
    ) -> Self {
        self.filter = Box::new(filter);
        self
    }
}

/// Errors become events, warnings and infos breadcrumbs.
#[must_use]
pub fn default_filter(metadata: &Metadata<'_>) -> EventFilter {
    match metadata.level() {
        log::Level::Error => EventFilter::Event,
        log::Level::Warn | log::Level::Info => EventFilter::Breadcrumb,
        log::Level::Debug | log::Level::Trace => EventFilter::Ignore,
    }
}

impl<L: Log> Log for Logger<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.dest.enabled(metadata) || (self.filter)(metadata) != EventFilter::Ignore
    }

    fn log(&self, record: &Record<'_>) {
        Hub::with_active(|hub| {
            let filter = (self.filter)(record.metadata());
            if filter == EventFilter::Ignore {
                return;
            }
            let Some(_inside) = Inside::enter(&REPORTING) else {
                return;
            };
            let mut said = Said {
                message: Some(record.args().to_string()),
                ..Said::default()
            };
            // Reading the values of a record into JSON cannot fail.
            let _ = record.key_values().visit(&mut said);
            line(record).report(hub, filter, said);
        });
        if self.dest.enabled(record.metadata()) {
            self.dest.log(record);
        }
    }

    fn flush(&self) {
        self.dest.flush();
    }
}

fn line<'a>(record: &Record<'a>) -> Line<'a> {
    let (level, log_level) = match record.level() {
        log::Level::Error => (Level::Error, LogLevel::Error),
        log::Level::Warn => (Level::Warning, LogLevel::Warn),
        log::Level::Info => (Level::Info, LogLevel::Info),
        log::Level::Debug => (Level::Debug, LogLevel::Debug),
        log::Level::Trace => (Level::Debug, LogLevel::Trace),
    };
    Line {
        kind: &KIND,
        level,
        log_level,
        target: record.target(),
        module: record.module_path(),
        file: record.file(),
        line: record.line(),
    }
}

impl<L: fmt::Debug> fmt::Debug for Logger<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logger")
            .field("dest", &self.dest)
            .finish_non_exhaustive()
    }
}
