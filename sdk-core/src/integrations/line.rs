//! A line of `tracing` or `log`, and what is made of it.

use std::cell::Cell;

use super::filter::EventFilter;
use crate::client::{Hub, capture_log};
use crate::protocol::{
    Attribute, Breadcrumb, Context, Event, Exception, Level, LogLevel, Map, Object, Value,
};

/// Fields with this in front become tags.
const TAG_PREFIX: &str = "tags.";

thread_local! {
    /// Set while a line is reported: what that logs itself is not reported again.
    pub(super) static REPORTING: Cell<bool> = const { Cell::new(false) };
}

/// Which crate logged a line: the names under which its facts are shown.
#[derive(Debug)]
pub(super) struct Kind {
    /// How the event came to be reported.
    pub(super) mechanism: &'static str,
    /// Where a log line came from.
    pub(super) origin: &'static str,
    /// The context that holds the fields.
    pub(super) fields: &'static str,
    /// The context that holds the place.
    pub(super) place: &'static str,
}

/// A line, as far as it is known without its fields.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) kind: &'static Kind,
    pub(super) level: Level,
    pub(super) log_level: LogLevel,
    pub(super) target: &'a str,
    pub(super) module: Option<&'a str>,
    pub(super) file: Option<&'a str>,
    pub(super) line: Option<u32>,
}

/// What a line says.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) message: Option<String>,
    pub(super) fields: Object,
    /// Errors among the fields, each with its causes.
    pub(super) exceptions: Vec<Exception>,
}

impl Line<'_> {
    /// Makes what the filter asks for. The breadcrumb comes last, so that an event does not have
    /// itself as a breadcrumb.
    pub(super) fn report(&self, hub: &Hub, filter: EventFilter, said: Said) {
        let wants = |what| filter.contains(what);
        if wants(EventFilter::Log) {
            let body = said.message.clone().unwrap_or_default();
            capture_log(self.log_level, body, self.attributes(&said));
        }
        match (wants(EventFilter::Event), wants(EventFilter::Breadcrumb)) {
            (true, true) => {
                let breadcrumb = self.breadcrumb(Said {
                    message: said.message.clone(),
                    fields: said.fields.clone(),
                    exceptions: said.exceptions.clone(),
                });
                hub.capture_event(self.event(said));
                hub.add_breadcrumb(breadcrumb);
            }
            (true, false) => {
                hub.capture_event(self.event(said));
            }
            (false, true) => hub.add_breadcrumb(self.breadcrumb(said)),
            (false, false) => {}
        }
    }

    fn event(&self, said: Said) -> Event {
        let mut event = Event {
            level: Some(self.level),
            logger: Some(self.target.to_owned()),
            message: said.message.map(Into::into),
            exception: said.exceptions.into(),
            ..Event::default()
        };
        for exception in &mut event.exception.values {
            if let Some(mechanism) = &mut exception.mechanism {
                mechanism.ty = Some(self.kind.mechanism.to_owned());
            }
        }
        let mut fields = Object::new();
        for (key, value) in said.fields {
            match key.strip_prefix(TAG_PREFIX).zip(plain_text(&value)) {
                Some((tag, text)) => {
                    event.tags.insert(tag.to_owned(), text);
                }
                None => {
                    fields.insert(key, value);
                }
            }
        }
        let mut place = Object::new();
        for (key, value) in self.place() {
            place.insert(key.to_owned(), value);
        }
        for (name, facts) in [(self.kind.fields, fields), (self.kind.place, place)] {
            if !facts.is_empty() {
                event.contexts.insert(name.to_owned(), Context::from(facts));
            }
        }
        event
    }

    fn breadcrumb(&self, said: Said) -> Breadcrumb {
        let mut data = said.fields;
        if let Some(error) = said.exceptions.last() {
            let text = error.value.clone().unwrap_or_default();
            data.insert("error".to_owned(), text.into());
        }
        Breadcrumb {
            ty: Some("log".into()),
            level: Some(self.level),
            category: Some(self.target.to_owned().into()),
            message: said.message.map(Into::into),
            data,
            ..Breadcrumb::default()
        }
    }

    fn attributes(&self, said: &Said) -> Map<String, Attribute> {
        let fields = said.fields.iter();
        let mut attributes: Map<String, Attribute> = fields
            .map(|(key, value)| (key.clone(), Attribute::from(value.clone())))
            .collect();
        if let Some(error) = said.exceptions.last() {
            let text = error.value.clone().unwrap_or_default();
            attributes.insert("error".to_owned(), text.into());
        }
        let code = [
            ("code.module.name", self.module.map(Value::from)),
            ("code.file.path", self.file.map(Value::from)),
            ("code.line.number", self.line.map(Value::from)),
            ("logger.name", Some(self.target.into())),
            ("sentry.origin", Some(self.kind.origin.into())),
        ];
        for (key, value) in code {
            if let Some(value) = value {
                attributes.insert(key.to_owned(), value.into());
            }
        }
        attributes
    }

    fn place(&self) -> impl Iterator<Item = (&'static str, Value)> {
        [
            ("module_path", self.module.map(Value::from)),
            ("file", self.file.map(Value::from)),
            ("line", self.line.map(Value::from)),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
    }
}

/// The text of a value that can be a tag.
fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
