//! The shapes of issues and of what belongs to them.

use serde_json::{Value, json};

use super::schemas::{moment, object, text, text_or_null};

/// Returns the schemas by name.
pub(super) fn all() -> Value {
    let number = json!({ "type": "integer" });
    let flag = json!({ "type": "boolean" });
    let anything = json!({ "type": "object" });
    let perhaps = json!({ "type": ["object", "null"] });
    let list = |name: &str| {
        json!({
            "type": "array",
            "items": { "$ref": format!("#/components/schemas/{name}") },
        })
    };
    let issue = issue(&number, &flag);
    let detail = [
        ("activity", list("Activity")),
        ("seenBy", json!({ "type": "array", "items": anything })),
        ("tags", list("Tag")),
        ("firstRelease", perhaps.clone()),
        ("lastRelease", perhaps.clone()),
    ];
    let seen = [
        ("key", text()),
        ("name", text()),
        ("value", text()),
        ("count", number.clone()),
        ("firstSeen", moment()),
        ("lastSeen", moment()),
    ];
    let tag = [
        ("key", text()),
        ("name", text()),
        ("totalValues", number.clone()),
        ("uniqueValues", number.clone()),
    ];
    let top = [("isExact", flag), ("topValues", list("TagValue"))];
    let activity = [
        ("id", text()),
        ("type", text()),
        ("user", perhaps.clone()),
        ("data", anything),
        ("dateCreated", moment()),
    ];
    json!({
        "Issue": object(&issue),
        "IssueDetail": object(&[issue.as_slice(), &detail].concat()),
        "IssueChange": object(&change()),
        "IssueChanged": object(&[
            ("status", text()),
            ("statusDetails", json!({ "type": "object" })),
            ("assignedTo", perhaps),
            ("priority", text()),
            ("merge", object(&[
                ("parent", text()),
                ("children", json!({ "type": "array", "items": text() })),
            ])),
        ]),
        "Tag": object(&tag),
        "TagDetail": object(&[tag.as_slice(), &top].concat()),
        "TagValue": object(&seen),
        "Activity": object(&activity),
        "Activities": object(&[("activity", list("Activity"))]),
        "Comment": object(&[("text", text())]),
        "Hash": object(&[
            ("id", text()),
            ("latestEvent", json!({ "type": ["object", "null"] })),
            ("count", text()),
            ("firstSeen", moment()),
            ("lastSeen", moment()),
        ]),
        "Point": { "type": "array", "items": number },
    })
}

fn issue(number: &Value, flag: &Value) -> Vec<(&'static str, Value)> {
    vec![
        ("id", text()),
        ("shortId", text()),
        ("title", text()),
        ("culprit", text()),
        ("permalink", json!({ "type": "string", "format": "uri" })),
        ("level", text()),
        (
            "status",
            json!({ "type": "string", "enum": ["unresolved", "resolved", "ignored"] }),
        ),
        ("statusDetails", json!({ "type": "object" })),
        ("substatus", text_or_null()),
        ("platform", text()),
        ("project", json!({ "type": "object" })),
        ("type", text()),
        ("metadata", json!({ "type": "object" })),
        ("numComments", number.clone()),
        ("assignedTo", json!({ "type": ["object", "null"] })),
        ("isBookmarked", flag.clone()),
        ("isSubscribed", flag.clone()),
        ("hasSeen", flag.clone()),
        ("isUnhandled", flag.clone()),
        ("priority", text()),
        ("count", text()),
        ("userCount", number.clone()),
        ("userCountIsExact", flag.clone()),
        ("firstSeen", moment()),
        ("lastSeen", moment()),
        ("stats", json!({ "type": "object" })),
    ]
}

fn change() -> Vec<(&'static str, Value)> {
    let flag = json!({ "type": "boolean" });
    let number = json!({ "type": "integer", "minimum": 0 });
    let details = object(&[
        ("inNextRelease", flag.clone()),
        ("inRelease", text()),
        (
            "inCommit",
            object(&[("commit", text()), ("repository", text())]),
        ),
        ("ignoreDuration", number.clone()),
        ("ignoreUntil", moment()),
        ("ignoreCount", number.clone()),
        ("ignoreWindow", number.clone()),
        ("ignoreUserCount", number.clone()),
        ("ignoreUserWindow", number),
        ("ignoreUntilEscalating", flag.clone()),
    ]);
    vec![
        (
            "status",
            json!({
                "type": "string",
                "enum": ["resolved", "unresolved", "ignored", "resolvedInNextRelease"],
            }),
        ),
        ("statusDetails", details),
        ("substatus", text()),
        ("assignedTo", text_or_null()),
        (
            "priority",
            json!({ "type": "string", "enum": ["low", "medium", "high"] }),
        ),
        ("hasSeen", flag.clone()),
        ("isBookmarked", flag.clone()),
        ("isSubscribed", flag.clone()),
        ("merge", json!({ "type": ["integer", "boolean"] })),
        ("discard", flag),
    ]
}
