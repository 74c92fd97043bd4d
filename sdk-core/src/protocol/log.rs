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
        let value = value.into();
        let ty = match &value {
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "double",
            Value::Number(_) => "integer",
            Value::Array(_) => "array",
            Value::Null | Value::String(_) | Value::Object(_) => "string",
        };
        let value = match value {
            Value::Object(_) => Value::String(value.to_string()),
            other => other,
        };
        Self {
            value: Some(value),
            ty: Some(ty.to_owned()),
            ..Self::default()
        }
    }
}
