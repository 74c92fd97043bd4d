//! Structured logs: `logger_info!("text {}", value)` and its siblings.

use crate::client::hub::Hub;
use crate::protocol::{Attribute, Log, LogLevel, Map};

/// Sends a log line with what the current scope and the options know. The macros
/// [`logger_info!`](crate::logger_info) and its siblings are the usual way.
pub fn capture_log(level: LogLevel, body: String, attributes: Map<String, Attribute>) {
    Hub::with_active(|hub| {
        let (client, scope) = hub.snapshot();
        let Some(client) = client else { return };
        if !client.is_enabled() || !client.options().enable_logs {
            return;
        }
        let trace = scope.trace_context();
        let mut log = Log {
            timestamp: Some(client.now()),
            trace_id: trace.trace_id,
            span_id: scope.span().is_some().then_some(trace.span_id).flatten(),
            level: Some(level),
            severity_number: Some(level.severity_number()),
            body: Some(body),
            attributes,
            ..Log::default()
        };
        let options = client.options();
        let facts = [
            ("sentry.release", options.release.as_deref()),
            ("sentry.environment", options.environment.as_deref()),
            ("sentry.sdk.name", Some(&*options.sdk_name)),
            ("sentry.sdk.version", Some(env!("CARGO_PKG_VERSION"))),
            ("server.address", options.server_name.as_deref()),
        ];
        for (key, value) in facts {
            if let Some(value) = value {
                log.attributes
                    .entry(key.to_owned())
                    .or_insert_with(|| value.into());
            }
        }
        if let Some(user) = scope.user() {
            for (key, value) in [
                ("user.id", &user.id),
                ("user.email", &user.email),
                ("user.name", &user.username),
            ] {
                if let Some(value) = value {
                    log.attributes
                        .entry(key.to_owned())
                        .or_insert_with(|| value.as_str().into());
                }
            }
        }
        client.capture_log(log);
    });
}

/// Sends a log line: attributes first, then the text.
///
/// ```
/// use mini_sentry::protocol::LogLevel;
/// mini_sentry::logger_log!(LogLevel::Info, db.host = "db-1", rows = 3, "read {} rows", 3);
/// ```
#[macro_export]
macro_rules! logger_log {
    ($level:expr, $($($key:ident).+ = $value:expr,)* $format:literal $(, $argument:expr)* $(,)?) => {
        if $crate::is_enabled() {
            #[allow(unused_mut)]
            let mut attributes = $crate::protocol::Map::new();
            $(
                attributes.insert(
                    ::std::string::String::from(::std::concat!($crate::logger_log!(@key $($key).+))),
                    $crate::protocol::Attribute::from($value),
                );
            )*
            $crate::capture_log($level, ::std::format!($format $(, $argument)*), attributes);
        }
    };
    (@key $first:ident $(. $rest:ident)*) => {
        ::std::concat!(::std::stringify!($first) $(, ".", ::std::stringify!($rest))*)
    };
}

macro_rules! level_macros {
    ($dollar:tt $($name:ident = $level:ident, $text:literal;)+) => {
        $(
            #[doc = $text]
            #[macro_export]
            macro_rules! $name {
                ($dollar($dollar argument:tt)*) => {
                    $crate::logger_log!($crate::protocol::LogLevel::$level, $dollar($dollar argument)*)
                };
            }
        )+
    };
}

level_macros! { $
    logger_trace = Trace, "Sends a log line of level trace; see [`logger_log!`](crate::logger_log).";
    logger_debug = Debug, "Sends a log line of level debug; see [`logger_log!`](crate::logger_log).";
    logger_info = Info, "Sends a log line of level info; see [`logger_log!`](crate::logger_log).";
    logger_warn = Warn, "Sends a log line of level warn; see [`logger_log!`](crate::logger_log).";
    logger_error = Error, "Sends a log line of level error; see [`logger_log!`](crate::logger_log).";
    logger_fatal = Fatal, "Sends a log line of level fatal; see [`logger_log!`](crate::logger_log).";
}
