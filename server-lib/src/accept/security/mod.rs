//! What browsers report of their own accord: violations of a content security policy, broken
//! certificates, and the newer Reporting API.

mod csp;
mod reports;

use serde_json::{Map, Value, json};

/// Reports of one request.
const MAX_REPORTS: usize = 100;

/// What the address that a browser reports to says of the site.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// The release.
    pub release: Option<String>,
    /// The environment.
    pub environment: Option<String>,
}

/// Turns the body of a report into events, one for each report in it. `None` when it is none that
/// is known.
#[must_use]
pub fn events(body: &[u8], site: &Site) -> Option<Vec<Value>> {
    let events = match serde_json::from_slice(body).ok()? {
        Value::Array(reports) => reports
            .into_iter()
            .take(MAX_REPORTS)
            .filter_map(one)
            .collect(),
        report => vec![one(report)?],
    };
    let mut events: Vec<Value> = events;
    for event in &mut events {
        if let Some(release) = &site.release {
            event["release"] = json!(release);
        }
        if let Some(environment) = &site.environment {
            event["environment"] = json!(environment);
        }
    }
    Some(events).filter(|events| !events.is_empty())
}

fn one(report: Value) -> Option<Value> {
    let Value::Object(mut report) = report else {
        return None;
    };
    let mut inner = |name: &str| match report.remove(name) {
        Some(Value::Object(inner)) => Some(inner),
        _ => None,
    };
    if let Some(report) = inner("csp-report") {
        return Some(csp::event(csp::Violation::from_classic(&report), report));
    }
    if let Some(report) = inner("expect-ct-report") {
        return Some(certificate("expectct", "Expect-CT", &report));
    }
    if let Some(report) = inner("expect-staple-report") {
        return Some(certificate("expectstaple", "Expect-Staple", &report));
    }
    if report.contains_key("known-pins") {
        return Some(certificate("hpkp", "Public key pinning", &report));
    }
    reports::event(report)
}

/// Makes the event of a certificate that is not as the site promised.
fn certificate(kind: &str, name: &str, report: &Map<String, Value>) -> Value {
    let host = text(report, "hostname").unwrap_or("unknown host");
    json!({
        "type": kind,
        "logger": kind,
        "message": format!("{name} failed for '{host}'"),
        "culprit": host,
        "tags": {"hostname": host},
        "fingerprint": [kind, host],
        "extra": {"report": report},
    })
}

/// Returns a field that is text and not blank.
fn text<'a>(report: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    report
        .get(name)?
        .as_str()
        .filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests;
