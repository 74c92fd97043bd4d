//! The Reporting API: an envelope of its own around violations, crashes, deprecations and others.

use serde_json::{Map, Value, json};

use super::csp::{self, Violation};
use super::{object, text};

/// Makes the event of one report; `None` when it is none.
pub(super) fn event(mut report: Map<String, Value>) -> Option<Map<String, Value>> {
    let kind = text(&report, "type")?.to_owned();
    let Some(Value::Object(body)) = report.remove("body") else {
        return None;
    };
    let url = text(&report, "url").map(str::to_owned);
    let agent = text(&report, "user_agent");
    if kind == "csp-violation" {
        let violation = Violation::from_body(&body, url.as_deref());
        return Some(csp::event(&violation, &body, agent));
    }
    Some(other(&kind, url.as_deref(), agent, &body))
}

/// Makes the event of a report that is not about a policy of contents.
fn other(
    kind: &str,
    url: Option<&str>,
    agent: Option<&str>,
    body: &Map<String, Value>,
) -> Map<String, Value> {
    let told = ["message", "reason", "type"]
        .iter()
        .find_map(|name| text(body, name));
    let message = match told {
        Some(told) => format!("{kind}: {told}"),
        None => kind.to_owned(),
    };
    let id = text(body, "id").or(told).unwrap_or_default();
    let level = if kind == "crash" { "fatal" } else { "warning" };
    let headers: Map<String, Value> = agent
        .map(|agent| ("User-Agent".to_owned(), json!(agent)))
        .into_iter()
        .collect();
    object([
        ("type", json!("default")),
        ("logger", json!("browser-report")),
        ("level", json!(level)),
        ("message", json!(message)),
        ("tags", json!({"report": kind})),
        ("fingerprint", json!(["browser-report", kind, id])),
        ("request", json!({"url": url, "headers": headers})),
        ("extra", json!({"report": body})),
    ])
}
