//! The history of an issue.

use serde_json::{Map, Value, json};

use crate::model::activity::{Activity, ActivityKind};
use crate::model::issue::{Actor, Issue};
use crate::model::time::Millis;
use crate::web::actors::{Directory, split};

/// Shows an entry of the history.
#[must_use]
pub fn activity(entry: &Activity, directory: &Directory) -> Value {
    json!({
        "id": entry.id.to_string(),
        "type": entry.kind.as_str(),
        "user": entry.actor.as_ref().map(|actor| directory.user(actor)),
        "sentry_app": null,
        "data": data(entry, directory),
        "dateCreated": entry.at.to_rfc3339(),
    })
}

/// Shows how every history begins.
#[must_use]
pub fn first_seen(issue: &Issue) -> Value {
    json!({
        "id": "0",
        "type": ActivityKind::FirstSeen.as_str(),
        "user": null,
        "sentry_app": null,
        "data": { "priority": issue.priority.as_str() },
        "dateCreated": issue.first_seen.to_rfc3339(),
    })
}

/// Returns everyone whom entries name.
pub fn named(entries: &[Activity]) -> impl Iterator<Item = &Actor> {
    entries.iter().filter_map(|entry| entry.actor.as_ref())
}

/// Shows what clients know under names of their own beside what was noted.
fn data(entry: &Activity, directory: &Directory) -> Value {
    let Ok(Value::Object(mut data)) = serde_json::from_str(&entry.data) else {
        return json!({});
    };
    match entry.kind {
        ActivityKind::Assigned => {
            let name = data.get("assignee").and_then(Value::as_str);
            if let Some(actor) = name.and_then(Actor::new) {
                let (kind, id) = split(&actor);
                let email = directory.email(&actor);
                let email = (!email.is_empty()).then_some(email);
                data.insert("assignee".to_owned(), json!(id));
                data.insert("assigneeType".to_owned(), json!(kind));
                data.insert("assigneeEmail".to_owned(), json!(email));
            }
        }
        ActivityKind::Ignored => data = conditions(&data),
        ActivityKind::Merge => {
            let issues = data.get("issues").and_then(Value::as_array);
            let issues: Value = issues
                .into_iter()
                .flatten()
                .map(|id| json!({ "id": id }))
                .collect();
            data.insert("issues".to_owned(), issues);
        }
        _ => {}
    }
    Value::Object(data)
}

fn conditions(noted: &Map<String, Value>) -> Map<String, Value> {
    let mut shown = Map::new();
    let mut add = |name: &str, value: Option<&Value>| {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            shown.insert(name.to_owned(), value.clone());
        }
    };
    let until = noted.get("until").and_then(Value::as_i64);
    let until = until.map(|at| json!(Millis(at).to_rfc3339()));
    add("ignoreUntil", until.as_ref());
    let part = |name: &str, place: usize| noted.get(name).and_then(|pair| pair.get(place));
    add("ignoreCount", part("events", 0));
    add("ignoreWindow", part("events", 1));
    add("ignoreUserCount", part("users", 0));
    add("ignoreUserWindow", part("users", 1));
    let is_escalating = noted.get("escalating").filter(|it| **it == json!(true));
    add("ignoreUntilEscalating", is_escalating);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::{ActivityId, IssueId};

    fn shown(kind: ActivityKind, data: &str) -> Value {
        let entry = Activity {
            id: ActivityId(4),
            issue: IssueId(2),
            kind,
            actor: Actor::new("a@example.com"),
            at: Millis(1_767_323_045_678),
            data: data.to_owned(),
        };
        activity(&entry, &Directory::default())
    }

    #[test]
    fn entries_have_the_names_that_clients_know() {
        let note = shown(ActivityKind::Note, r#"{"text":"hi"}"#);
        assert_eq!(note["data"], json!({ "text": "hi" }));
        assert_eq!(note["id"], "4");
        assert_eq!(note["user"]["email"], "a@example.com");
        assert_eq!(note["dateCreated"], "2026-01-02T03:04:05.678Z");
        let given = shown(ActivityKind::Assigned, r#"{"assignee":"team:7"}"#);
        assert_eq!(given["data"]["assignee"], "7");
        assert_eq!(given["data"]["assigneeType"], "team");
        let ignored = shown(
            ActivityKind::Ignored,
            r#"{"events":[10,60],"escalating":false}"#,
        );
        let conditions = json!({ "ignoreCount": 10, "ignoreWindow": 60 });
        assert_eq!(ignored["data"], conditions);
        let merged = shown(ActivityKind::Merge, r#"{"issues":["5"]}"#);
        assert_eq!(merged["data"]["issues"], json!([{ "id": "5" }]));
        assert_eq!(shown(ActivityKind::Note, "no json")["data"], json!({}));
    }
}
