//! Options as JSON: the names of [`ClientOptions`], values of JSON's own kinds.

use std::time::Duration;

use crate::client::bridge::error::BridgeError;
use crate::client::options::ClientOptions;
use crate::client::session::SessionMode;
use crate::protocol::{Object, Value};
use crate::transport::SpoolOptions;

/// The names that are known here.
const NAMES: &[&str] = &[
    "dsn",
    "release",
    "dist",
    "environment",
    "server_name",
    "platform",
    "sdk_name",
    "sample_rate",
    "traces_sample_rate",
    "trace_propagation_targets",
    "max_breadcrumbs",
    "send_default_pii",
    "in_app_include",
    "in_app_exclude",
    "ignore_errors",
    "max_queue_bytes",
    "spool",
    "http_proxy",
    "https_proxy",
    "ca_certs",
    "accept_invalid_certs",
    "request_timeout",
    "shutdown_timeout",
    "auto_session_tracking",
    "session_mode",
    "enable_logs",
    "debug",
];

/// Edits by which a name may be off and still be meant.
const MAX_EDITS: usize = 3;

/// An option that is not known, and the known one that it resembles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnknownOption {
    pub(super) name: String,
    pub(super) nearest: Option<&'static str>,
}

/// Reads options; what is null is left at its default.
pub(crate) fn read(json: &str) -> Result<(ClientOptions, Vec<UnknownOption>), BridgeError> {
    let fields: Object =
        serde_json::from_str(json).map_err(|error| BridgeError::InvalidOptions {
            line: error.line(),
            column: error.column(),
        })?;
    let mut options = ClientOptions::new().default_integrations(false);
    let mut unknown = Vec::new();
    for (name, value) in fields {
        let Some(known) = NAMES.iter().copied().find(|known| *known == name) else {
            let nearest = nearest(&name);
            unknown.push(UnknownOption { name, nearest });
            continue;
        };
        if !value.is_null() {
            options = set(options, known, value)?;
        }
    }
    match options.dsn_error {
        Some(error) => Err(error.into()),
        None => Ok((options, unknown)),
    }
}

fn set(
    options: ClientOptions,
    name: &'static str,
    value: Value,
) -> Result<ClientOptions, BridgeError> {
    let value = Given { name, value };
    Ok(match name {
        "dsn" => options.dsn(value.text()?),
        "release" => options.release(value.text()?),
        "dist" => options.dist(value.text()?),
        "environment" => options.environment(value.text()?),
        "server_name" => options.server_name(value.text()?),
        "platform" => options.platform(value.text()?.into()),
        "sdk_name" => options.sdk_name(value.text()?.into()),
        "sample_rate" => options.sample_rate(value.number()?),
        "traces_sample_rate" => options.traces_sample_rate(value.number()?),
        "trace_propagation_targets" => options.trace_propagation_targets(value.texts()?),
        "max_breadcrumbs" => options.max_breadcrumbs(value.count()?),
        "send_default_pii" => options.send_default_pii(value.flag()?),
        "in_app_include" => {
            options.in_app_include(value.texts()?.into_iter().map(Into::into).collect())
        }
        "in_app_exclude" => {
            options.in_app_exclude(value.texts()?.into_iter().map(Into::into).collect())
        }
        "ignore_errors" => options.ignore_errors(value.texts()?),
        "max_queue_bytes" => options.max_queue_bytes(value.count()?),
        "spool" => options.spool(SpoolOptions::new(value.text()?)),
        "http_proxy" => options.http_proxy(value.text()?),
        "https_proxy" => options.https_proxy(value.text()?),
        "ca_certs" => options.ca_certs(value.text()?),
        "accept_invalid_certs" => options.accept_invalid_certs(value.flag()?),
        "request_timeout" => options.request_timeout(value.seconds()?),
        "shutdown_timeout" => options.shutdown_timeout(value.seconds()?),
        "auto_session_tracking" => options.auto_session_tracking(value.flag()?),
        "session_mode" => options.session_mode(value.session_mode()?),
        "enable_logs" => options.enable_logs(value.flag()?),
        "debug" => options.debug(value.flag()?),
        _ => options,
    })
}

/// The value of an option.
struct Given {
    name: &'static str,
    value: Value,
}

impl Given {
    fn wrong(&self, expected: &'static str) -> BridgeError {
        BridgeError::InvalidOption {
            name: self.name,
            expected,
        }
    }

    fn text(&self) -> Result<String, BridgeError> {
        let text = self.value.as_str().map(str::to_owned);
        text.ok_or_else(|| self.wrong("a text"))
    }

    fn texts(&self) -> Result<Vec<String>, BridgeError> {
        let texts = self.value.as_array().and_then(|list| {
            let texts = list.iter().map(|entry| entry.as_str().map(str::to_owned));
            texts.collect()
        });
        texts.ok_or_else(|| self.wrong("a list of texts"))
    }

    fn flag(&self) -> Result<bool, BridgeError> {
        self.value
            .as_bool()
            .ok_or_else(|| self.wrong("true or false"))
    }

    fn number(&self) -> Result<f64, BridgeError> {
        self.value.as_f64().ok_or_else(|| self.wrong("a number"))
    }

    fn count(&self) -> Result<usize, BridgeError> {
        let count = self.value.as_u64().and_then(|n| usize::try_from(n).ok());
        count.ok_or_else(|| self.wrong("a whole number"))
    }

    fn seconds(&self) -> Result<Duration, BridgeError> {
        let seconds = self.value.as_f64();
        seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| self.wrong("a number of seconds"))
    }

    fn session_mode(&self) -> Result<SessionMode, BridgeError> {
        match self.value.as_str() {
            Some("application") => Ok(SessionMode::Application),
            Some("request") => Ok(SessionMode::Request),
            _ => Err(self.wrong("application or request")),
        }
    }
}

/// The known name that is the fewest edits away; camel case is no edit.
fn nearest(name: &str) -> Option<&'static str> {
    let mut snake = String::with_capacity(name.len().saturating_add(4));
    // Longer than any known name by far: not worth comparing.
    for c in name.chars().take(64) {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(if c == '-' {
            '_'
        } else {
            c.to_ascii_lowercase()
        });
    }
    let distances = NAMES.iter().map(|known| (edits(&snake, known), *known));
    let (distance, nearest) = distances.min()?;
    (distance <= MAX_EDITS).then_some(nearest)
}

/// How many letters must be added, removed or changed to make one word of the other.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let changed = diagonal.saturating_add(usize::from(x != y));
            diagonal = *cell;
            left = changed.min(left.min(*cell).saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_known_is_set() {
        // A name that `set` forgets would take a value of any kind.
        for name in NAMES {
            let json = format!(r#"{{"{name}": {{"no": "option is an object"}}}}"#);
            let error = read(&json).err().map(|error| error.code());
            assert_eq!(error, Some("invalid_option"), "{name}");
        }
    }

    #[test]
    fn names_that_are_off_by_little_are_recognised() {
        for (name, wanted) in [
            ("sampleRate", Some("sample_rate")),
            ("relase", Some("release")),
            ("max-breadcrumbs", Some("max_breadcrumbs")),
            ("traceSampleRate", Some("traces_sample_rate")),
            ("profiles_sampler", None),
            ("", Some("dsn")),
        ] {
            assert_eq!(nearest(name), wanted, "{name}");
        }
    }

    #[test]
    fn edits_are_counted_as_the_fewest() {
        for (a, b, count) in [
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("ä", "a", 1),
        ] {
            assert_eq!(edits(a, b), count, "{a} {b}");
        }
    }
}
