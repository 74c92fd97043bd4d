//! Tags with how often they were seen.

use serde_json::{Map, Value, json};

use crate::model::tag::{TagSummary, TagValue};

/// Shows a tag with its most frequent values.
#[must_use]
pub fn summary(tag: &TagSummary) -> Value {
    let top: Vec<_> = tag.top.iter().map(|it| value(&tag.key, it)).collect();
    json!({
        "key": tag.key,
        "name": name(&tag.key),
        "totalValues": tag.total,
        "uniqueValues": tag.unique,
        "isExact": tag.others == 0,
        "topValues": top,
    })
}

/// Shows a tag as lists of tags have it.
#[must_use]
pub fn total(tag: &TagSummary) -> Value {
    json!({
        "key": tag.key,
        "name": name(&tag.key),
        "totalValues": tag.total,
        "uniqueValues": tag.unique,
    })
}

/// Shows a value of a tag; one of a user with its parts.
#[must_use]
pub fn value(key: &str, value: &TagValue) -> Value {
    let mut shown = Map::new();
    let mut add = |name: &str, value: Value| drop(shown.insert(name.to_owned(), value));
    add("key", json!(key));
    add("name", json!(value.value));
    add("value", json!(value.value));
    add("count", json!(value.seen.count));
    add("firstSeen", json!(value.seen.first.to_rfc3339()));
    add("lastSeen", json!(value.seen.last.to_rfc3339()));
    add("query", json!(query(key, &value.value)));
    if key == "user"
        && let Some((part, text)) = value.value.split_once(':')
    {
        let of = |name: &str| (part == name).then_some(text);
        add("id", json!(of("id")));
        add("email", json!(of("email")));
        add("username", json!(of("username")));
        add("ipAddress", json!(of("ip")));
    }
    Value::Object(shown)
}

/// Shows the tag's name for people: `server_name` is `Server Name`.
fn name(key: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    let words: Vec<_> = key.split(['_', ' ']).map(capital).collect();
    words.join(" ")
}

/// Writes the search that finds the value.
fn query(key: &str, value: &str) -> String {
    let mut quoted = String::with_capacity(value.len());
    for letter in value.chars() {
        if matches!(letter, '"' | '\\' | '*') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    match key {
        "user" => {
            let (part, text) = quoted.split_once(':').unwrap_or(("id", &quoted));
            format!("user.{part}:\"{text}\"")
        }
        _ => format!("{key}:\"{quoted}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tag::Seen;
    use crate::model::time::Millis;

    #[test]
    fn a_user_is_shown_in_parts_and_can_be_searched_for() {
        let of = |key: &str, text: &str| {
            let seen = Seen::once(Millis(0));
            value(
                key,
                &TagValue {
                    value: text.to_owned(),
                    seen,
                },
            )
        };
        let user = of("user", "id:7");
        assert_eq!(user["id"], "7");
        assert_eq!(user["email"], Value::Null);
        assert_eq!(user["query"], "user.id:\"7\"");
        let plain = of("server_name", "a\"b");
        assert_eq!(plain["query"], "server_name:\"a\\\"b\"");
        assert_eq!(plain["firstSeen"], "1970-01-01T00:00:00.000Z");
        assert!(plain.get("email").is_none());
        assert_eq!(name("server_name"), "Server Name");
    }
}
