//! What an event can be found by, as names with values.

use super::{FactsInput, NameAndVersion, Scan};
use crate::model::event::EventFacts;
use crate::model::tag::Tags;

/// Exceptions of a chain whose types are kept.
const MAX_TYPES: usize = 5;
/// Bytes of the longest pair of name and version that is put together.
const MAX_PROGRAM: usize = 200;

/// Names that only the server gives; a client's own tags of these names are passed over.
const CERTAIN: &[&str] = &[
    "level",
    "environment",
    "release",
    "dist",
    "platform",
    "event.type",
    "user",
    "user.id",
    "user.email",
    "user.username",
    "user.ip",
    "error.type",
];

/// Makes the tags of an event from what was read and what is known already.
pub(super) fn tags(scan: &Scan<'_>, facts: &EventFacts, input: &FactsInput<'_>) -> Tags {
    let mut tags = Tags::default();
    tags.push("level", facts.level.as_str());
    tags.push("environment", &facts.environment);
    tags.push("release", &facts.release);
    tags.push("dist", &facts.dist);
    tags.push("platform", &facts.platform);
    tags.push("event.type", facts.kind.as_str());
    users(scan, input, &mut tags);
    for exception in scan.exceptions.iter().rev().take(MAX_TYPES) {
        tags.push("error.type", exception.kind.as_deref().unwrap_or_default());
    }
    let mechanism = scan
        .exceptions
        .iter()
        .rev()
        .find_map(|exception| exception.mechanism.as_deref());
    tags.push("mechanism", mechanism.unwrap_or_default());
    if let Some(handled) = facts.handled {
        tags.push("handled", if handled { "yes" } else { "no" });
    }
    // What the client calls by one of these names is as good.
    let mut told = |key: &str, value: Option<&str>| {
        let is_own = || scan.tags.iter().any(|(own, _)| own.trim() == key);
        if let Some(value) = value
            && !is_own()
        {
            tags.push(key, value);
        }
    };
    told("transaction", scan.transaction.as_deref());
    told("url", scan.url.as_deref().map(without_query));
    told("server_name", scan.server_name.as_deref());
    told("logger", scan.logger.as_deref());
    told("sdk", scan.sdk_name.as_deref());
    let contexts = &scan.contexts;
    told("device", contexts.device.as_deref());
    told("device.family", contexts.device_family.as_deref());
    let mut text = String::new();
    for (key, key_of_name, program) in [
        ("browser", "browser.name", &contexts.browser),
        ("os", "os.name", &contexts.os),
        ("client_os", "client_os.name", &contexts.client_os),
        ("runtime", "runtime.name", &contexts.runtime),
        ("app", "app.name", &contexts.app),
    ] {
        told(key_of_name, program.name.as_deref());
        told(key, whole(program, &mut text));
    }
    for (key, value) in &scan.tags {
        if !CERTAIN.contains(&key.trim()) {
            tags.push(key, value);
        }
    }
    tags
}

fn users(scan: &Scan<'_>, input: &FactsInput<'_>, tags: &mut Tags) {
    let user = &scan.user;
    if let Some(identity) = user.identity(input.client_ip) {
        tags.push("user", &identity.to_string());
    }
    for (key, value) in [
        ("user.id", &user.id),
        ("user.email", &user.email),
        ("user.username", &user.username),
    ] {
        tags.push(key, value.as_deref().unwrap_or_default());
    }
    if let Some(address) = user.address(input.client_ip) {
        tags.push("user.ip", &address.to_string());
    }
}

/// Puts name and version together.
fn whole<'t>(program: &'t NameAndVersion<'_>, text: &'t mut String) -> Option<&'t str> {
    let name = program.name.as_deref()?;
    match program.version.as_deref() {
        Some(version) if name.len().saturating_add(version.len()) < MAX_PROGRAM => {
            text.clear();
            text.push_str(name);
            text.push(' ');
            text.push_str(version);
            Some(text)
        }
        _ => Some(name),
    }
}

/// What follows the question mark differs from call to call.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}
