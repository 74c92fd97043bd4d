//! Messages and errors, as plain as they come.

use std::fmt;
use std::process::Command;

use mini_sentry::Level;
use serde_json::json;

use super::expected::{Spelled, TraceIds, facts, with};
use super::stage::{SERVER, Stage};
use super::{Sample, Samples};

/// An error with a cause.
#[derive(Debug)]
struct OrderLost {
    cause: OutOfPaper,
}

impl fmt::Display for OrderLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("order 4711 is lost")
    }
}

impl std::error::Error for OrderLost {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

#[derive(Debug)]
struct OutOfPaper;

impl fmt::Display for OutOfPaper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no paper\nin tray \"2\" ☂")
    }
}

impl std::error::Error for OutOfPaper {}

pub(super) fn samples() -> Samples {
    let mut samples = vec![message()?, error()?];
    if cfg!(target_os = "linux") {
        samples.push(machine()?);
    }
    Ok(samples)
}

fn message() -> Result<Sample, String> {
    let stage = Stage::new(|options| options.server_name(SERVER));
    let ((id, trace), bytes) = stage.play_one(|| {
        let text = "the cache is cold \u{2028}\u{1f40c}\t\"quoted\" \\ <b>";
        let id = mini_sentry::capture_message(text, Level::Warning);
        (id, TraceIds::current())
    })?;
    let payload = with(
        facts(&id, &trace.context()),
        json!({
            "level": "warning",
            "message": "the cache is cold \u{2028}\u{1f40c}\t\"quoted\" \\ <b>",
        }),
    );
    let spelled = Spelled::of_event(&id, &trace.header()).item("event", payload);
    Ok(Sample::new("message", bytes, spelled))
}

fn error() -> Result<Sample, String> {
    let stage = Stage::new(|options| options.server_name(SERVER));
    let ((id, trace), bytes) = stage.play_one(|| {
        let id = mini_sentry::capture_error(&OrderLost { cause: OutOfPaper });
        (id, TraceIds::current())
    })?;
    let mechanism = json!({"type": "generic", "handled": true});
    let payload = with(
        facts(&id, &trace.context()),
        json!({
            "level": "error",
            "exception": {"values": [
                {"type": "OutOfPaper", "value": "no paper\nin tray \"2\" ☂", "mechanism": mechanism},
                {"type": "OrderLost", "value": "order 4711 is lost", "mechanism": mechanism},
            ]},
        }),
    );
    let spelled = Spelled::of_event(&id, &trace.header()).item("event", payload);
    Ok(Sample::new("error", bytes, spelled))
}

/// What the SDK finds out about the machine, against what the system's own tools say.
fn machine() -> Result<Sample, String> {
    let stage = Stage::bare(|options| options);
    let ((id, trace), bytes) = stage.play_one(|| {
        let id = mini_sentry::capture_message("hello", Level::Info);
        (id, TraceIds::current())
    })?;
    let mut payload = facts(&id, &trace.context());
    if let Some(facts) = payload.as_object_mut() {
        facts.remove("contexts");
    }
    let processors = std::thread::available_parallelism().map_err(|error| error.to_string())?;
    let memory = told("awk '/^MemTotal:/ {printf \"%.0f\", $2 * 1024}' /proc/meminfo")?;
    let memory: u64 = memory.parse().map_err(|_| "memory is no number")?;
    let own = json!({
        "level": "info",
        "message": "hello",
        "server_name": told("uname -n")?,
        "contexts": {
            "os": {
                "name": told("uname -s")?,
                "version": told("uname -r | sed 's/[^0-9.].*//; s/[.]*$//'")?,
                "kernel_version": told("uname -r")?,
                "distribution_name": told(". /etc/os-release; echo $ID")?,
                "distribution_version": told(". /etc/os-release; echo $VERSION_ID")?,
                "distribution_pretty_name": told(". /etc/os-release; echo $PRETTY_NAME")?,
            },
            "device": {
                "arch": told("uname -m")?,
                "processor_count": processors.get(),
                "memory_size": memory,
            },
            "runtime": {"name": "rustc", "version": told("rustc --version | cut -d' ' -f2")?},
            "trace": trace.context(),
        },
    });
    let payload = with(payload, own);
    let spelled = Spelled::of_event(&id, &trace.header()).item("event", payload);
    Ok(Sample::new("machine", bytes, spelled))
}

/// What a command prints.
fn told(command: &str) -> Result<String, String> {
    let output = Command::new("sh").args(["-c", command]).output();
    let output = output.map_err(|error| format!("{command}: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
