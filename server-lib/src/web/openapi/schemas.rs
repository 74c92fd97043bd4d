//! The shapes that operations take and give.

use serde_json::{Map, Value, json};

/// Returns all schemas by name.
pub(super) fn all() -> Value {
    let mut all = Map::new();
    for part in [
        shared(),
        catalog(),
        people(),
        events(),
        super::issue_schemas::all(),
        super::releases::schemas(),
        super::discover::schemas(),
        own(),
        super::own::schemas(),
    ] {
        if let Value::Object(part) = part {
            all.extend(part);
        }
    }
    Value::Object(all)
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

pub(super) fn text_or_null() -> Value {
    json!({ "type": ["string", "null"] })
}

pub(super) fn moment() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

pub(super) fn object(fields: &[(&str, Value)]) -> Value {
    let fields: Map<_, _> = fields
        .iter()
        .map(|(name, schema)| ((*name).to_owned(), schema.clone()))
        .collect();
    json!({ "type": "object", "properties": fields })
}

fn shared() -> Value {
    json!({
        "Object": { "type": "object" },
        "Error": object(&[
            ("detail", text()),
            ("code", text()),
            ("causes", json!({ "type": "array", "items": text() })),
        ]),
        "Receipt": object(&[("id", text())]),
        "Root": object(&[
            ("version", text()),
            ("user", json!({ "type": ["object", "null"] })),
            ("auth", json!({ "type": ["object", "null"] })),
        ]),
        "User": object(&[("id", text()), ("name", text_or_null()), ("email", text())]),
        "Person": object(&[
            ("id", text()),
            ("email", text()),
            ("username", text()),
            ("ip_address", text()),
        ]),
        "Erased": object(&[
            ("erased", json!({ "type": "integer" })),
            ("complete", json!({ "type": "boolean" })),
        ]),
        "Sums": object(&[
            ("start", moment()),
            ("end", moment()),
            ("intervals", json!({ "type": "array", "items": moment() })),
            ("groups", json!({
                "type": "array",
                "items": object(&[
                    ("by", json!({ "type": "object" })),
                    ("totals", json!({ "type": "object" })),
                    ("series", json!({ "type": "object" })),
                ]),
            })),
        ]),
    })
}

fn catalog() -> Value {
    let scopes = json!({ "type": "array", "items": text() });
    let limit = json!({
        "type": ["object", "null"],
        "properties": { "window": { "type": "integer" }, "count": { "type": "integer" } },
    });
    let flag = json!({ "type": "boolean" });
    let texts = json!({ "type": "array", "items": text() });
    let project = [
        ("id", text()),
        ("slug", text()),
        ("name", text()),
        ("platform", text_or_null()),
        ("dateCreated", moment()),
    ];
    let detail = [
        ("ingestToken", text()),
        ("allowedDomains", texts.clone()),
        ("dataScrubber", flag.clone()),
        ("sensitiveFields", texts.clone()),
        ("safeFields", texts),
        ("scrubIPAddresses", flag.clone()),
        ("fingerprintingRules", text()),
        ("groupingEnhancements", text()),
        ("settings", json!({ "type": "object" })),
    ];
    let token = [
        ("id", text()),
        ("name", text()),
        ("scopes", scopes.clone()),
        ("tokenLastCharacters", text()),
        ("dateCreated", moment()),
        ("dateLastUsed", text_or_null()),
        ("expiresAt", text_or_null()),
    ];
    let made = [token.as_slice(), &[("token", text())]].concat();
    json!({
        "Organisation": object(&[
            ("id", text()),
            ("slug", text()),
            ("name", text()),
            ("dateCreated", moment()),
        ]),
        "OrganisationChange": object(&[("openMembership", flag.clone())]),
        "Project": object(&project),
        "ProjectDetail": object(&[project.as_slice(), &detail].concat()),
        "NewProject": object(&[("name", text()), ("slug", text()), ("platform", text_or_null())]),
        "ProjectChange": object(&[&project[1..4], &detail[1..]].concat()),
        "Key": object(&[
            ("id", text()),
            ("name", text()),
            ("public", text()),
            ("isActive", flag.clone()),
            ("rateLimit", limit.clone()),
            ("dsn", object(&[("public", text())])),
            ("dateCreated", moment()),
        ]),
        "KeyChange": object(&[("name", text()), ("isActive", flag), ("rateLimit", limit)]),
        "Token": object(&token),
        "MadeToken": object(&made),
        "NewToken": object(&[
            ("name", text()),
            ("scopes", scopes),
            ("expiresIn", text()),
            ("project", text()),
        ]),
    })
}

fn people() -> Value {
    let texts = json!({ "type": "array", "items": text() });
    let flag = json!({ "type": "boolean" });
    let user = [
        ("id", text()),
        ("name", text_or_null()),
        ("username", text()),
        ("email", text()),
        ("isActive", flag.clone()),
    ];
    let sender = [
        ("role", text()),
        ("scopes", texts.clone()),
        ("csrfToken", text_or_null()),
    ];
    let role = json!({ "type": "string", "enum": ["viewer", "member", "admin", "owner"] });
    let member = [
        ("id", text()),
        ("email", text()),
        ("name", text()),
        ("role", role.clone()),
        ("orgRole", role.clone()),
        ("pending", flag.clone()),
        ("dateCreated", moment()),
        ("teams", texts.clone()),
        ("inviteLink", text_or_null()),
    ];
    let change = [
        ("role", role),
        ("teams", texts),
        ("reinvite", flag.clone()),
        ("isActive", flag.clone()),
    ];
    let new_member = [("email", text()), ("name", text())];
    let entry = object(&[
        ("id", text()),
        ("event", text()),
        ("note", text()),
        ("actor", json!({ "type": "object" })),
        ("ipAddress", text()),
        ("targetProject", text_or_null()),
        ("dateCreated", moment()),
    ]);
    json!({
        "Sender": object(&[user.as_slice(), &sender].concat()),
        "Credentials": object(&[("email", text()), ("password", text())]),
        "AccountChange": object(&[("name", text()), ("email", text())]),
        "NewPassword": object(&[("password", text()), ("passwordNew", text())]),
        "Login": object(&[
            ("id", text()),
            ("dateCreated", moment()),
            ("lastSeen", moment()),
            ("expiresAt", moment()),
            ("ipAddress", text()),
            ("userAgent", text()),
            ("isCurrent", flag),
        ]),
        "Member": object(&member),
        "NewMember": object(&[new_member.as_slice(), &change[..2]].concat()),
        "MemberChange": object(&change),
        "Team": object(&[
            ("id", text()),
            ("slug", text()),
            ("name", text()),
            ("isMember", json!({ "type": "boolean" })),
            ("memberCount", json!({ "type": "integer" })),
            ("dateCreated", moment()),
        ]),
        "NewTeam": object(&[("name", text()), ("slug", text())]),
        "AuditLog": object(&[("rows", json!({ "type": "array", "items": entry }))]),
    })
}

fn events() -> Value {
    let tag = object(&[("key", text()), ("value", text())]);
    let summary = [
        ("id", text()),
        ("eventID", text()),
        ("groupID", text()),
        ("projectID", text()),
        ("title", text()),
        ("message", text()),
        ("culprit", text()),
        ("platform", text_or_null()),
        ("type", text()),
        ("dateCreated", moment()),
        ("dateReceived", moment()),
        ("user", json!({ "type": ["object", "null"] })),
        ("tags", json!({ "type": "array", "items": tag })),
        ("metadata", json!({ "type": "object" })),
    ];
    let entry = object(&[("type", text()), ("data", json!({ "type": "object" }))]);
    let more = [
        ("entries", json!({ "type": "array", "items": entry })),
        ("contexts", json!({ "type": "object" })),
        ("context", json!({ "type": "object" })),
        ("packages", json!({ "type": "object" })),
        ("sdk", json!({ "type": ["object", "null"] })),
        ("release", json!({ "type": ["object", "null"] })),
        (
            "errors",
            json!({ "type": "array", "items": { "type": "object" } }),
        ),
    ];
    json!({
        "EventSummary": object(&summary),
        "Event": object(&[summary.as_slice(), &more].concat()),
        "Attachment": object(&[
            ("id", text()),
            ("name", text()),
            ("type", text()),
            ("size", json!({ "type": "integer" })),
            ("mimetype", text()),
            ("sha1", text()),
            ("dateCreated", moment()),
        ]),
    })
}

fn own() -> Value {
    let number = json!({ "type": "integer" });
    let summary = [
        ("id", number.clone()),
        ("event_id", text()),
        ("project", text()),
        ("group", number.clone()),
        ("title", text()),
        ("message", text()),
        ("level", text()),
        ("environment", text()),
        ("release", text()),
        ("timestamp", moment()),
        ("received_at", moment()),
        ("tags", json!({ "type": "object" })),
    ];
    let more = [
        ("extra", json!({ "type": "object" })),
        (
            "exception",
            json!({ "type": "array", "items": { "type": "object" } }),
        ),
        (
            "frames",
            json!({ "type": "array", "items": { "type": "object" } }),
        ),
        ("stack", text()),
        (
            "breadcrumbs",
            json!({ "type": "array", "items": { "type": "object" } }),
        ),
    ];
    json!({
        "OwnProject": object(&[
            ("id", number.clone()),
            ("slug", text()),
            ("name", text()),
            ("platform", text_or_null()),
            ("ingest_token", text()),
            ("dsn", text_or_null()),
        ]),
        "OwnEventSummary": object(&summary),
        "OwnEvent": object(&[summary.as_slice(), &more].concat()),
        "OwnEvents": object(&[
            ("count", number),
            ("count_is_exact", json!({ "type": "boolean" })),
            ("next", text_or_null()),
            ("previous", text_or_null()),
            ("results", json!({
                "type": "array",
                "items": { "$ref": "#/components/schemas/OwnEventSummary" },
            })),
        ]),
        "NewOwnEvent": object(&[
            ("message", text()),
            ("level", text()),
            ("environment", text()),
            ("release", text()),
            ("extra", json!({ "type": "object" })),
            ("tags", json!({ "type": "object" })),
            ("stack", text()),
            ("frames", json!({ "type": "array", "items": { "type": "object" } })),
        ]),
    })
}
