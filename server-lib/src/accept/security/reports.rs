//! The Reporting API: an envelope of its own around violations, crashes, deprecations and others.

use serde_json::{Map, Value, json};

use super::csp::{self, Violation};
use super::text;

/// Makes the event of one report; `None` when it is none.
pub(super) fn event(mut report: Map<String, Value>) -> Option<Value> {
    let kind = text(&report, "type")?.to_owned();
    let Some(Value::Object(body)) = report.remove("body") else {
        return None;
    };
    let url = text(&report, "url").map(str::to_owned);
    let mut event = if kind == "csp-violation" {
        csp::event(Violation::from_body(&body, url.as_deref()), body)
    } else {
        other(&kind, url.as_deref(), &body)
    };
    if let Some(agent) = text(&report, "user_agent") {
        event["request"]["headers"]["User-Agent"] = json!(agent);
    }
    Some(event)
}

/// Makes the event of a report that is not about a policy of contents.
fn other(kind: &str, url: Option<&str>, body: &Map<String, Value>) -> Value {
    let told = ["message", "reason", "type"]
        .iter()
        .find_map(|name| text(body, name));
    let message = match told {
        Some(told) => format!("{kind}: {told}"),
        None => kind.to_owned(),
    };
    let id = text(body, "id").or(told).unwrap_or_default();
    json!({
        "type": "default",
        "logger": "browser-report",
        "message": message,
        "level": if kind == "crash" { "fatal" } else { "warning" },
        "tags": {"report": kind},
        "fingerprint": ["browser-report", kind, id],
        "request": {"url": url},
        "extra": {"report": body},
    })
}
