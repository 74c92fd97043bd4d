//! Structured logs, and the typed attributes that logs, spans and metrics share.

use serde_json::Value;

use crate::protocol::ids::{SpanId, TraceId};
use crate::protocol::interface::{interface, names};
use crate::protocol::lenient::Map;
use crate::protocol::timestamp::Timestamp;

names! {
    /// Severity of a log line, least first.
    pub enum LogLevel {
        /// Every step.
        Trace = "trace",
        /// For developers.
        Debug = "debug",
        /// For the record.
        Info = "info",
        /// Odd, but handled.
        Warn = "warn" | "warning",
        /// Something failed.
        Error = "error",
        /// The program ended.
        Fatal = "fatal",
    }
}

impl LogLevel {
    /// The number that OpenTelemetry gives to the level.
    #[must_use]
    pub const fn severity_number(self) -> u64 {
        match self {
            Self::Trace => 1,
            Self::Debug => 5,
            Self::Info => 9,
            Self::Warn => 13,
            Self::Error => 17,
            Self::Fatal => 21,
        }
    }
}

interface! {
    /// One log line.
    pub struct Log {
        /// When it was written.
        pub timestamp: Option<Timestamp>,
        /// The trace that it belongs to.
        pub trace_id: Option<TraceId>,
        /// The span that it belongs to.
        pub span_id: Option<SpanId>,
        /// Severity.
        pub level: Option<LogLevel>,
        /// The same as a number.
        pub severity_number: Option<u64>,
        /// The text.
        pub body: Option<String>,
        /// Typed facts.
        pub attributes: Map<String, Attribute>,
    }
}

interface! {
    /// A typed fact.
    pub struct Attribute {
        /// The value.
        pub value: Option<Value>,
        /// `string`, `boolean`, `integer`, `double` or `array`.
        pub ty: Option<String> = "type",
        /// Unit of the value.
        pub unit: Option<String>,
    }
}

impl<T: Into<Value>> From<T> for Attribute {
    fn from(value: T) -> Self {
        let value = match value.into() {
            Value::Object(object) => Value::Object(object).to_string().into(),
            // Integers have 64 bits and a sign; text keeps all digits of what is larger.
            Value::Number(number) if !number.is_i64() && !number.is_f64() => {
                number.to_string().into()
            }
            other => other,
        };
        let ty = match &value {
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "double",
            Value::Number(_) => "integer",
            Value::Array(_) => "array",
            Value::Null | Value::String(_) | Value::Object(_) => "string",
        };
        Self {
            value: Some(value),
            ty: Some(ty.to_owned()),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_beyond_64_bits_with_a_sign_become_text() {
        for (number, ty, value) in [
            (Value::from(i64::MAX), "integer", Value::from(i64::MAX)),
            (Value::from(i64::MIN), "integer", Value::from(i64::MIN)),
            (
                Value::from(u64::MAX),
                "string",
                Value::from("18446744073709551615"),
            ),
        ] {
            let attribute = Attribute::from(number);
            assert_eq!(attribute.ty.as_deref(), Some(ty));
            assert_eq!(attribute.value, Some(value));
        }
    }
}
