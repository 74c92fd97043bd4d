//! Who is to be erased, and what names that person.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::accept::hidden_did;
use crate::facts::user::Identity;
use crate::model::ids::ProjectId;

/// Who is to be erased. Several fields are taken one by one: the index knows each event by the
/// strongest of them that the event names.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::web::api0) struct Person {
    id: Option<String>,
    email: Option<String>,
    username: Option<String>,
    ip_address: Option<IpAddr>,
}

/// What a value says of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Id,
    Email,
    Username,
    Address,
}

impl Part {
    /// Returns what a member of this name says of its user, wherever it stands.
    fn of_attribute(name: &str) -> Option<Self> {
        Some(match name {
            "user.id" | "enduser.id" => Self::Id,
            "user.email" | "contact_email" => Self::Email,
            "user.name" | "user.username" => Self::Username,
            "user.ip_address" | "user.ip" | "client.address" => Self::Address,
            _ => return None,
        })
    }

    /// Returns the same for a member of an object that is a user.
    fn of_user(name: &str) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "email" => Self::Email,
            "username" | "name" => Self::Username,
            "ip_address" => Self::Address,
            _ => return None,
        })
    }
}

impl Person {
    /// Returns the hashes under which the index may know the person in a project.
    pub(super) fn hashes(&self, project: ProjectId) -> Vec<i64> {
        let (id, email, username) = (told(&self.id), told(&self.email), told(&self.username));
        let address = self.ip_address.map(|address| address.to_string());
        let identities = [
            id.map(Identity::Id),
            email.map(Identity::Email),
            username.map(Identity::Username),
            self.ip_address.map(Identity::Address),
        ];
        let mut hashes: Vec<_> = identities
            .into_iter()
            .flatten()
            .map(Identity::hash)
            .collect();
        // Sessions name a person by one text, whichever it is.
        let lower = email.map(str::to_lowercase);
        let names = [id, email, lower.as_deref(), username, address.as_deref()];
        for name in names.into_iter().flatten() {
            let hash = Identity::Session(&hidden_did(project, name)).hash();
            if !hashes.contains(&hash) {
                hashes.push(hash);
            }
        }
        hashes
    }

    /// Reports whether the person is named at all.
    pub(super) fn is_nobody(&self) -> bool {
        let texts = [&self.id, &self.email, &self.username];
        self.ip_address.is_none() && texts.into_iter().all(|text| told(text).is_none())
    }

    /// Reports whether JSON names the person: as a user, or in an attribute of a log entry or a span.
    /// At the top, `email` is the author's of a report in the old form.
    pub(super) fn is_named_in(&self, item: &Value) -> bool {
        let author = item.get("email");
        author.is_some_and(|email| self.is(Part::Email, email)) || self.is_in(item)
    }

    fn is_in(&self, value: &Value) -> bool {
        match value {
            Value::Array(values) => values.iter().any(|value| self.is_in(value)),
            Value::Object(fields) => self.is_in_fields(fields),
            _ => false,
        }
    }

    fn is_in_fields(&self, fields: &Map<String, Value>) -> bool {
        let paired = fields.get("key").and_then(Value::as_str);
        let paired = paired.and_then(Part::of_attribute).zip(fields.get("value"));
        paired.is_some_and(|(part, value)| self.is(part, value))
            || fields.iter().any(|(name, value)| match (&**name, value) {
                ("user", Value::Object(user)) => user.iter().any(|(name, value)| {
                    Part::of_user(name).is_some_and(|part| self.is(part, value))
                }),
                ("user", Value::String(user)) => self.is_tagged(user),
                _ => {
                    Part::of_attribute(name).is_some_and(|part| self.is(part, value))
                        || self.is_in(value)
                }
            })
    }

    /// Reports whether a tag such as `id:42` is the person.
    fn is_tagged(&self, tag: &str) -> bool {
        let (kind, text) = tag.split_once(':').unwrap_or(("id", tag));
        let part = match kind {
            "ip" => Some(Part::Address),
            kind => Part::of_user(kind),
        };
        part.is_some_and(|part| self.equals(part, text))
    }

    fn is(&self, part: Part, value: &Value) -> bool {
        match value {
            Value::String(text) => self.equals(part, text),
            Value::Number(number) => self.equals(part, &number.to_string()),
            // An attribute with its type.
            Value::Object(typed) => ["value", "stringValue", "intValue"]
                .into_iter()
                .filter_map(|name| typed.get(name))
                .any(|value| !value.is_object() && self.is(part, value)),
            _ => false,
        }
    }

    fn equals(&self, part: Part, text: &str) -> bool {
        let same = |sought: &Option<String>| {
            told(sought).is_some_and(|sought| sought.to_lowercase() == text.trim().to_lowercase())
        };
        match part {
            Part::Id => same(&self.id),
            Part::Email => same(&self.email),
            Part::Username => same(&self.username),
            Part::Address => {
                let told: Option<IpAddr> = text.trim().parse().ok();
                told.is_some_and(|told| Some(told) == self.ip_address)
            }
        }
    }
}

fn told(text: &Option<String>) -> Option<&str> {
    text.as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn person() -> Person {
        serde_json::from_value(json!({
            "id": "42", "email": "A@example.com", "username": "user-42", "ip_address": "192.0.2.7"
        }))
        .unwrap()
    }

    #[test]
    fn a_person_is_found_wherever_items_name_users() {
        for item in [
            json!({"user": {"id": 42}}),
            json!({"contexts": {"feedback": {"contact_email": "a@example.com"}}}),
            json!({"email": " a@EXAMPLE.com "}),
            json!({"items": [{}, {"attributes": {"user.id": {"value": "42", "type": "string"}}}]}),
            json!({"items": [{"attributes": {"user.name": "user-42"}}]}),
            json!({"sentry_tags": {"user": "ip:192.0.2.7"}}),
            json!({"attributes": [{"key": "client.address", "value": {"stringValue": "192.0.2.7"}}]}),
            json!({"data": {"enduser.id": "42"}}),
        ] {
            assert!(person().is_named_in(&item), "{item}");
        }
    }

    #[test]
    fn nobody_else_is_found() {
        for item in [
            json!({"user": {"id": "421", "email": "b@example.com", "ip_address": "192.0.2.70"}}),
            json!({"id": "42", "message": "user 42"}),
            json!({"items": [{"attributes": {"order.id": {"value": "42"}}}]}),
            json!({"sentry_tags": {"user": "username:42"}}),
            json!("42"),
        ] {
            assert!(!person().is_named_in(&item), "{item}");
        }
        let nobody: Person = serde_json::from_value(json!({"id": " "})).unwrap();
        assert!(nobody.is_nobody() && nobody.hashes(ProjectId(1)).is_empty());
        assert!(!nobody.is_named_in(&json!({"user": {"id": " ", "email": ""}})));
    }
}
