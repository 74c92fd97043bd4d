//! Tags: the client's own, and those that the server reads out of the rest of an event.

use std::collections::BTreeMap;

use mini_sentry::protocol::{Context, Event};
use serde_json::{Value, json};

use super::headline::last_exception;
use crate::model::event::EventRow;

/// Returns all tags by name. What the server knows for certain wins over the client's words.
#[must_use]
pub fn tags(row: &EventRow, event: &Event) -> BTreeMap<String, String> {
    let mut tags = derived(event);
    tags.extend(
        event
            .tags
            .iter()
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    let mut certain = |key: &str, value: &str| {
        if !value.is_empty() {
            tags.insert(key.to_owned(), value.to_owned());
        }
    };
    certain("level", row.level.as_str());
    certain("environment", &row.environment);
    certain("release", &row.release);
    tags
}

/// Shows tags as a list of pairs.
#[must_use]
pub fn as_pairs(tags: &BTreeMap<String, String>) -> Value {
    tags.iter()
        .map(|(key, value)| json!({ "key": key, "value": value }))
        .collect()
}

fn derived(event: &Event) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::new();
    let mut add = |key: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            tags.insert(key.to_owned(), value.to_owned());
        }
    };
    add("dist", event.dist.as_deref());
    add("server_name", event.server_name.as_deref());
    add("logger", event.logger.as_deref());
    add("transaction", event.transaction.as_deref());
    let request = event.request.as_ref();
    add("url", request.and_then(|request| request.url.as_deref()));
    add("user", user(event).as_deref());
    let mechanism = last_exception(event).and_then(|exception| exception.mechanism.as_ref());
    if let Some(mechanism) = mechanism {
        add("mechanism", mechanism.ty.as_deref());
        let handled = mechanism
            .handled
            .map(|handled| if handled { "yes" } else { "no" });
        add("handled", handled);
    }
    for context in event.contexts.values() {
        match context {
            Context::Browser(it) => pair(&mut add, "browser", &it.name, &it.version),
            Context::Os(it) => pair(&mut add, "os", &it.name, &it.version),
            Context::Runtime(it) => pair(&mut add, "runtime", &it.name, &it.version),
            Context::Device(it) => {
                add("device", it.model.as_deref());
                add("device.family", it.family.as_deref());
            }
            _ => {}
        }
    }
    tags
}

fn pair(
    add: &mut impl FnMut(&str, Option<&str>),
    key: &str,
    name: &Option<String>,
    version: &Option<String>,
) {
    let (Some(name), version) = (name, version) else {
        return;
    };
    add(&format!("{key}.name"), Some(name));
    match version {
        Some(version) => add(key, Some(&format!("{name} {version}"))),
        None => add(key, Some(name)),
    }
}

/// Returns the user in one word, by what names them best.
fn user(event: &Event) -> Option<String> {
    let user = event.user.as_ref()?;
    [
        ("id", &user.id),
        ("email", &user.email),
        ("username", &user.username),
        ("ip", &user.ip_address),
    ]
    .into_iter()
    .find_map(|(key, value)| {
        let value = value.as_deref().filter(|value| !value.is_empty())?;
        Some(format!("{key}:{value}"))
    })
}
