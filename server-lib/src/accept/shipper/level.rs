//! How bad it is, by the names and numbers of many loggers.

use mini_sentry::protocol::Level;
use serde_json::Value;

/// Reads a level as loggers write it: a name, Pino's or Bunyan's number, or syslog's.
pub(super) fn read(value: &Value) -> Option<Level> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            text.parse()
                .ok()
                .map_or_else(|| from_name(text), from_number)
        }
        Value::Number(number) => from_number(number.as_f64()?),
        _ => None,
    }
}

/// Reads the name of a level. What stands behind it, such as the `+2` of Go's `slog`, does not
/// count.
#[must_use]
pub fn from_name(text: &str) -> Option<Level> {
    let name = text.split(['+', '-', '(', ' ']).next()?;
    Some(match name.to_ascii_lowercase().as_str() {
        "trace" | "debug" | "fine" | "finer" | "finest" | "silly" | "verbose" | "dbg" | "trc" => {
            Level::Debug
        }
        "info" | "information" | "informational" | "log" | "notice" | "http" | "inf" | "config"
        | "default" => Level::Info,
        "warn" | "warning" | "wrn" => Level::Warning,
        "error" | "err" | "severe" | "eror" => Level::Error,
        "fatal" | "critical" | "crit" | "alert" | "emerg" | "emergency" | "panic" | "dpanic"
        | "ftl" => Level::Fatal,
        _ => return None,
    })
}

/// Reads the severity number of OpenTelemetry, 1 to 24.
#[must_use]
pub fn from_severity_number(number: u64) -> Option<Level> {
    Some(match number {
        1..=8 => Level::Debug,
        9..=12 => Level::Info,
        13..=16 => Level::Warning,
        17..=20 => Level::Error,
        21..=24 => Level::Fatal,
        _ => return None,
    })
}

/// Pino and Bunyan count up in tens, syslog counts down from 7 to 0; the ranges do not meet.
fn from_number(number: f64) -> Option<Level> {
    if !(0.0..=100.0).contains(&number) {
        return None;
    }
    Some(match number {
        n if n >= 60.0 => Level::Fatal,
        n if n >= 50.0 => Level::Error,
        n if n >= 40.0 => Level::Warning,
        n if n >= 30.0 => Level::Info,
        n if n >= 7.0 => Level::Debug,
        n if n >= 5.0 => Level::Info,
        n if n >= 4.0 => Level::Warning,
        n if n >= 3.0 => Level::Error,
        _ => Level::Fatal,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_numbers_of_many_loggers_mean_the_same() {
        for (given, expected) in [
            (json!("WARN"), Level::Warning),
            (json!("ERROR+2"), Level::Error),
            (json!("dpanic"), Level::Fatal),
            (json!("Information"), Level::Info),
            (json!(10), Level::Debug),
            (json!(30), Level::Info),
            (json!(50), Level::Error),
            (json!("60"), Level::Fatal),
            (json!(3), Level::Error),
            (json!(7), Level::Debug),
        ] {
            assert_eq!(read(&given), Some(expected), "{given}");
        }
        assert_eq!(read(&json!("loud")), None);
        assert_eq!(read(&json!(-1)), None);
        assert_eq!(read(&json!(null)), None);
    }
}
