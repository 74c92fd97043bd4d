//! A violation of a content security policy.

use serde_json::{Map, Value, json};

use super::{object, text};

/// The parts of a violation that are shown.
#[derive(Debug, Default)]
pub(super) struct Violation {
    document: Option<String>,
    referrer: Option<String>,
    blocked: String,
    directive: String,
    policy_directive: Option<String>,
    is_report_only: bool,
}

impl Violation {
    /// Reads the form that `report-uri` sends.
    pub(super) fn from_classic(report: &Map<String, Value>) -> Self {
        let own = |name| text(report, name).map(str::to_owned);
        let violated = text(report, "violated-directive").unwrap_or_default();
        let effective = text(report, "effective-directive").unwrap_or(violated);
        Self {
            document: own("document-uri"),
            referrer: own("referrer"),
            blocked: own("blocked-uri").unwrap_or_default(),
            directive: first_word(effective).to_owned(),
            policy_directive: own("violated-directive"),
            is_report_only: text(report, "disposition") == Some("report"),
        }
    }

    /// Reads the form that the Reporting API sends.
    pub(super) fn from_body(body: &Map<String, Value>, url: Option<&str>) -> Self {
        let own = |name| text(body, name).map(str::to_owned);
        let directive = text(body, "effectiveDirective")
            .or_else(|| text(body, "violatedDirective"))
            .unwrap_or_default();
        Self {
            document: own("documentURL").or_else(|| url.map(str::to_owned)),
            referrer: own("referrer"),
            blocked: own("blockedURL").unwrap_or_default(),
            directive: first_word(directive).to_owned(),
            policy_directive: None,
            is_report_only: text(body, "disposition") == Some("report"),
        }
    }

    /// Says what was blocked, such as `Blocked 'script' from 'evil.example'`.
    fn message(&self) -> String {
        let what = subject(&self.directive);
        match self.source() {
            Source::Inline => format!("Blocked inline '{what}'"),
            Source::Eval => format!("Blocked eval() in '{what}'"),
            Source::From(source) => format!("Blocked '{what}' from '{source}'"),
            Source::Unknown => format!("Blocked '{what}'"),
        }
    }

    fn source(&self) -> Source<'_> {
        let blocked = self.blocked.trim();
        match blocked {
            "inline" => return Source::Inline,
            "eval" | "wasm-eval" => return Source::Eval,
            "" => {
                return if self.directive.starts_with("script")
                    || self.directive.starts_with("style")
                {
                    Source::Inline
                } else {
                    Source::Unknown
                };
            }
            _ => {}
        }
        let host = host_of(blocked);
        let own = self.document.as_deref().map(host_of);
        if blocked == "self" || own.is_some_and(|own| own == host && host.contains('.')) {
            return Source::From("self");
        }
        Source::From(host)
    }
}

enum Source<'a> {
    Inline,
    Eval,
    From(&'a str),
    Unknown,
}

/// Makes the event of a violation; the report itself is kept in it.
pub(super) fn event(
    violation: &Violation,
    report: &Map<String, Value>,
    user_agent: Option<&str>,
) -> Map<String, Value> {
    let directive = violation.directive.as_str();
    let culprit = violation.policy_directive.as_deref().unwrap_or(directive);
    let mut headers = Map::new();
    if let Some(referrer) = &violation.referrer {
        headers.insert("Referer".to_owned(), json!(referrer));
    }
    if let Some(agent) = user_agent {
        headers.insert("User-Agent".to_owned(), json!(agent));
    }
    object([
        ("type", json!("csp")),
        ("logger", json!("csp")),
        (
            "level",
            violation
                .is_report_only
                .then_some("info")
                .map_or(Value::Null, Value::from),
        ),
        ("message", json!(violation.message())),
        ("culprit", json!(culprit)),
        (
            "tags",
            json!({"effective-directive": directive, "blocked-uri": violation.blocked}),
        ),
        // The pages of a site run into the same rule; the page is not part of it.
        (
            "fingerprint",
            json!(["csp", directive, host_of(&violation.blocked)]),
        ),
        (
            "request",
            json!({"url": violation.document, "headers": headers}),
        ),
        ("csp", json!(report)),
    ])
}

/// Names what a directive is about.
fn subject(directive: &str) -> &str {
    let name = directive
        .trim_end_matches("-elem")
        .trim_end_matches("-attr");
    match name {
        "" => "resource",
        "img-src" => "image",
        "form-action" => "form",
        "frame-ancestors" => "frame",
        "base-uri" => "base",
        "default-src" => "resource",
        name => name.strip_suffix("-src").unwrap_or(name),
    }
}

/// Returns the host of an address, or its scheme where it has no host.
fn host_of(address: &str) -> &str {
    match address.split_once("://") {
        Some((_, rest)) => {
            let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            host.rsplit_once('@').map_or(host, |(_, host)| host)
        }
        None => match address.split_once(':') {
            Some((scheme, _)) if !scheme.contains('.') => scheme,
            _ => address.split('/').next().unwrap_or(address),
        },
    }
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}
