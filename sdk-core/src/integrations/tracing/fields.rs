//! Reading the fields of events and spans.

use std::error::Error;
use std::fmt;

use tracing_core::Field;
use tracing_core::field::Visit;

use crate::client::event_from_error;
use crate::integrations::line::Said;
use crate::protocol::Value;

/// The field that holds the text of an event.
const MESSAGE: &str = "message";

impl Said {
    fn set(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            (MESSAGE, Value::String(text)) => self.message = Some(text),
            // What the `log` crate's bridge adds is told by the metadata.
            (name, _) if name.starts_with("log.") => {}
            (name, value) => {
                self.fields.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Said {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.into());
    }

    fn record_error(&mut self, _field: &Field, value: &(dyn Error + 'static)) {
        self.exceptions
            .extend(event_from_error(value).exception.values);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}").into());
    }
}
