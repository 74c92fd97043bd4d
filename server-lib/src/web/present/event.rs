//! Events as Sentry's clients read them.

use mini_sentry::protocol::{Event, EventError};
use serde_json::{Value, json};

use super::WholeEvent;
use super::entries::entries;
use super::headline::{crash_frame, message, metadata};
use super::project::merged;
use super::release::version_info;
use super::tags::{as_pairs, tags};
use crate::model::event::EventKind;

/// Shows an event in a list.
#[must_use]
pub fn summary(whole: &WholeEvent) -> Value {
    let WholeEvent { row, event, .. } = whole;
    let id = row.event_id.to_string();
    let kind = row.kind.as_str();
    json!({
        "id": id,
        "eventID": id,
        "groupID": row.issue.to_string(),
        "projectID": row.project.to_string(),
        "title": whole.title,
        "message": message(event).unwrap_or_default(),
        "culprit": whole.culprit,
        "location": crash_frame(event).and_then(|frame| frame.filename.as_deref()),
        "metadata": metadata(event, &whole.title),
        "platform": event.platform,
        "type": kind,
        "event.type": kind,
        "dateCreated": row.timestamp.to_rfc3339(),
        "dateReceived": row.received.to_rfc3339(),
        "user": user(event),
        "tags": as_pairs(&tags(row, event)),
        "crashFile": null,
    })
}

/// Shows an event with all that is known of it.
#[must_use]
pub fn detail(whole: &WholeEvent) -> Value {
    let WholeEvent { row, event, .. } = whole;
    let release = (!row.release.is_empty()).then(|| {
        json!({
            "version": row.release,
            "shortVersion": row.release,
            "versionInfo": version_info(&row.release),
            "lastCommit": null,
        })
    });
    let errors: Vec<_> = event.errors.iter().map(error).collect();
    let mut more = json!({
        "entries": entries(event),
        "contexts": contexts(event),
        "context": event.extra,
        "packages": event.modules,
        "sdk": event.sdk.as_ref().map(|sdk| json!({ "name": sdk.name, "version": sdk.version })),
        "level": row.level.as_str(),
        "environment": row.environment,
        "release": release,
        "dist": event.dist,
        "errors": errors,
        "fingerprints": event.fingerprint,
        "size": whole.record.body.len(),
        "userReport": null,
        "occurrence": null,
        "nextEventID": null,
        "previousEventID": null,
        "_meta": {},
    });
    if row.kind == EventKind::Transaction
        && let Value::Object(more) = &mut more
    {
        let seconds = |key: &str| event.other.get(key).cloned().unwrap_or_default();
        more.insert("startTimestamp".to_owned(), seconds("start_timestamp"));
        let end = event
            .timestamp
            .map(mini_sentry::protocol::Timestamp::as_seconds);
        more.insert("endTimestamp".to_owned(), json!(end));
        more.insert("measurements".to_owned(), seconds("measurements"));
    }
    merged(summary(whole), more)
}

/// Shows the event in the protocol's own form, with what the server added.
#[must_use]
pub fn protocol(whole: &WholeEvent) -> Value {
    let WholeEvent { row, event, .. } = whole;
    let more = json!({
        "event_id": row.event_id.to_string(),
        "project": row.project.0,
        "received": row.received.to_timestamp().as_seconds(),
        "level": row.level.as_str(),
        "type": row.kind.as_str(),
    });
    merged(json!(event), more)
}

/// Shows the user, as both lists and details have it.
#[must_use]
pub fn user(event: &Event) -> Option<Value> {
    let user = event.user.as_ref()?;
    Some(json!({
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "ip_address": user.ip_address,
        "name": user.name,
        "geo": user.geo,
        "data": (!user.data.is_empty()).then_some(&user.data),
    }))
}

fn contexts(event: &Event) -> Value {
    let shown = event.contexts.iter().map(|(name, context)| {
        let mut context = json!(context);
        if let Value::Object(context) = &mut context {
            context.entry("type").or_insert_with(|| json!(name));
        }
        (name.clone(), context)
    });
    Value::Object(shown.collect())
}

fn error(it: &EventError) -> Value {
    json!({
        "type": it.ty,
        "message": it.reason,
        "data": { "name": it.name, "value": it.value, "reason": it.reason },
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use mini_sentry::protocol::{EventId, Level};

    use super::*;
    use crate::model::catalog::Project;
    use crate::model::event::EventRow;
    use crate::model::ids::{GroupId, IssueId, OrganisationId, ProjectId, Seq};
    use crate::model::record::{Record, RecordContext, RecordHead, RecordKind};
    use crate::model::time::Millis;

    fn shown(json: &str) -> Value {
        let id: EventId = "fc6d8c0c43fc4630ad850ee518f1b9d0".parse().unwrap();
        let at = Millis(1_767_323_045_678);
        let row = EventRow {
            seq: Seq(5),
            project: ProjectId(3),
            event_id: id,
            group: GroupId(8),
            issue: IssueId(8),
            kind: EventKind::Error,
            timestamp: at,
            received: at,
            level: Level::Error,
            environment: "production".to_owned(),
            release: "shop@1.2.3".to_owned(),
            user: None,
        };
        let record = Record {
            seq: Seq(5),
            head: RecordHead {
                project: row.project,
                kind: RecordKind::Event,
                event_id: id,
                received: at,
                context: RecordContext::default(),
            },
            body: Bytes::copy_from_slice(json.as_bytes()),
        };
        let project = Project {
            id: row.project,
            organisation: OrganisationId(1),
            slug: "shop".to_owned(),
            name: "Shop".to_owned(),
            platform: None,
            created: at,
            ingest_token: String::new(),
            settings: crate::model::settings::ProjectSettings::default(),
        };
        detail(&WholeEvent {
            row,
            project: Arc::new(project),
            event: Event::from_json(&record.body).unwrap(),
            record,
            title: "hi".to_owned(),
            culprit: String::new(),
            indexed: crate::model::tag::Tags::default(),
        })
    }

    #[test]
    fn identifiers_are_text_and_times_end_in_z() {
        let event = shown(r#"{"platform":"rust","message":"hi"}"#);
        assert_eq!(event["id"], "fc6d8c0c43fc4630ad850ee518f1b9d0");
        assert_eq!(event["eventID"], event["id"]);
        assert_eq!(event["groupID"], "8");
        assert_eq!(event["projectID"], "3");
        assert_eq!(event["dateCreated"], "2026-01-02T03:04:05.678Z");
        assert_eq!(event["message"], "hi");
        assert_eq!(event["release"]["version"], "shop@1.2.3");
        assert_eq!(event["release"]["versionInfo"]["description"], "1.2.3");
        assert!(event["user"].is_null() && event["sdk"].is_null());
    }

    #[test]
    fn tags_hold_the_clients_own_and_what_the_server_knows() {
        let event = shown(
            r#"{"tags":{"a":"b","level":"mine"},"user":{"id":7},"contexts":{
                "browser":{"name":"Firefox","version":"130"},"x":{"y":1}},
                "exception":[{"type":"E","mechanism":{"type":"panic","handled":false}}]}"#,
        );
        let tag = |key: &str| {
            let tags = event["tags"].as_array().unwrap();
            let mut found = tags.iter().filter(|tag| tag["key"] == key);
            let value = found.next().map(|tag| tag["value"].clone());
            assert!(found.next().is_none(), "{key} is there twice");
            value.unwrap_or_default()
        };
        assert_eq!(tag("a"), "b");
        assert_eq!(tag("level"), "error");
        assert_eq!(tag("browser"), "Firefox 130");
        assert_eq!(tag("browser.name"), "Firefox");
        assert_eq!(tag("user"), "id:7");
        assert_eq!(tag("handled"), "no");
        assert_eq!(tag("environment"), "production");
        assert_eq!(event["contexts"]["x"], json!({"y": 1, "type": "x"}));
        assert_eq!(event["user"]["id"], "7");
    }
}
