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
    let reports = match serde_json::from_slice(body).ok()? {
        Value::Array(reports) => reports,
        report => vec![report],
    };
    let about_site = [
        ("release", &site.release),
        ("environment", &site.environment),
    ];
    let events: Vec<Value> = reports
        .into_iter()
        .take(MAX_REPORTS)
        .filter_map(one)
        .map(|mut event| {
            for (name, value) in about_site {
                if let Some(value) = value {
                    event.insert(name.to_owned(), json!(value));
                }
            }
            Value::Object(event)
        })
        .collect();
    Some(events).filter(|events| !events.is_empty())
}

fn one(report: Value) -> Option<Map<String, Value>> {
    let Value::Object(report) = report else {
        return None;
    };
    let inner = |name: &str| report.get(name).and_then(Value::as_object);
    if let Some(report) = inner("csp-report") {
        let violation = csp::Violation::from_classic(report);
        return Some(csp::event(&violation, report, None));
    }
    if let Some(report) = inner("expect-ct-report") {
        return Some(certificate("expectct", "Expect-CT", report));
    }
    if let Some(report) = inner("expect-staple-report") {
        return Some(certificate("expectstaple", "Expect-Staple", report));
    }
    if report.contains_key("known-pins") {
        return Some(certificate("hpkp", "Public key pinning", &report));
    }
    reports::event(report)
}

/// Makes the event of a certificate that is not as the site promised.
fn certificate(kind: &str, name: &str, report: &Map<String, Value>) -> Map<String, Value> {
    let host = text(report, "hostname").unwrap_or("unknown host");
    object([
        ("type", json!(kind)),
        ("logger", json!(kind)),
        ("message", json!(format!("{name} failed for '{host}'"))),
        ("culprit", json!(host)),
        ("tags", json!({"hostname": host})),
        ("fingerprint", json!([kind, host])),
        ("extra", json!({"report": report})),
    ])
}

/// Makes an object, without what is null.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
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
