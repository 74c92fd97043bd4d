//! Groups, releases, deployments and dashboards of Mini Sentry's own interface.

use serde_json::{Value, json};

use super::Access::Token;
use super::Takes::{Json, Nothing};
use super::management::operations;
use super::schemas::{moment, object, text, text_or_null};
use super::{Gives, Operation};

const READ: &[&str] = &["event:read"];
const WRITE: &[&str] = &["event:write"];
const READ_RELEASES: &[&str] = &["project:read", "project:releases", "org:read", "org:ci"];
const WRITE_RELEASES: &[&str] = &["project:releases", "project:write", "org:ci"];
const PROJECT: (&str, &str) = ("project", "Slug or number; may repeat");
const FROM: (&str, &str) = ("from", "Beginning of the period; UTC without a zone");
const TO: (&str, &str) = ("to", "End of the period");
const RANGE: (&str, &str) = ("range", "Length of the period until now, such as 24h");
const INTERVAL: (&str, &str) = (
    "interval",
    "Length of an interval, such as 5m; 1h by default",
);
const CURSOR: (&str, &str) = ("cursor", "Place in the list, from the Link header");
const LIMIT: (&str, &str) = ("limit", "Length of the part, at most 100");
const ENVIRONMENT: (&str, &str) = ("environment", "May repeat");
const VERSION: (&str, &str) = ("version", "Name of a release; may repeat");
const PAGED: &[(&str, &str)] = &[CURSOR, LIMIT];
const GROUPS: &[(&str, &str)] = &[
    PROJECT,
    ("status", "open, resolved, ignored or all; all by default"),
    FROM,
    TO,
    ("q", "A search for issues"),
    ("sort", "date, new, freq, user or priority"),
    ENVIRONMENT,
    CURSOR,
    LIMIT,
];

operations! { OPERATIONS:
    post "/api/projects/{project}/grouping/try/", "Tells what another way of grouping would do to the groups of the latest events; changes nothing", Token(&["project:write"]), &[], Json("OtherGrouping") => Gives::Json(200, "GroupingTrial");
    get "/api/groups/", "Lists groups", Token(READ), GROUPS, Nothing => Gives::List("Group");
    get "/api/groups/{group}/", "Shows a group, by number or short id", Token(READ), &[], Nothing => Gives::Json(200, "Group");
    post "/api/groups/{group}/resolve/", "Calls a group mended", Token(WRITE), &[], Nothing => Gives::Json(200, "Group");
    post "/api/groups/{group}/unresolve/", "Opens a group", Token(WRITE), &[], Nothing => Gives::Json(200, "Group");
    post "/api/groups/{group}/ignore/", "Puts a group aside", Token(WRITE), &[], Nothing => Gives::Json(200, "Group");
    post "/api/groups/{group}/bookmark/", "Bookmarks a group", Token(WRITE), &[], Nothing => Gives::Json(200, "Group");
    post "/api/groups/{group}/unbookmark/", "Takes a bookmark away", Token(WRITE), &[], Nothing => Gives::Json(200, "Group");
    post "/api/groups/{group}/assign/", "Gives a group to somebody, or to nobody", Token(WRITE), &[], Json("Assignment") => Gives::Json(200, "Group");
    get "/api/groups/{group}/comments/", "Lists comments, newest first", Token(READ), PAGED, Nothing => Gives::List("GroupComment");
    post "/api/groups/{group}/comments/", "Comments on a group", Token(WRITE), &[], Json("Comment") => Gives::Json(201, "GroupComment");
    get "/api/releases/", "Lists releases, newest first", Token(READ_RELEASES), &[PROJECT, ("q", "Part of the name"), FROM, TO, CURSOR, LIMIT], Nothing => Gives::List("OwnRelease");
    post "/api/releases/", "Makes a release known; 200 when it was", Token(WRITE_RELEASES), &[], Json("NewOwnRelease") => Gives::Json(201, "OwnRelease");
    get "/api/releases/health/", "Tells how many sessions of releases crashed; of 90 days by default", Token(READ_RELEASES), &[PROJECT, RANGE, FROM, TO, ENVIRONMENT, VERSION], Nothing => Gives::List("ReleaseHealth");
    get "/api/releases/health/series/", "Tells how many sessions crashed over time; of a day by default", Token(READ_RELEASES), &[PROJECT, RANGE, INTERVAL, FROM, TO, ENVIRONMENT, VERSION], Nothing => Gives::List("HealthBucket");
    get "/api/deployments/", "Lists deployments, latest first", Token(READ_RELEASES), &[PROJECT, ("release", "Name of a release"), CURSOR, LIMIT], Nothing => Gives::List("Deployment");
    post "/api/deployments/", "Notes a deployment", Token(WRITE_RELEASES), &[], Json("NewDeployment") => Gives::Json(201, "Deployment");
    get "/api/dashboard/series/", "Counts events by level over time; of a day by default", Token(READ), &[PROJECT, RANGE, INTERVAL, FROM, TO], Nothing => Gives::List("EventBucket");
    get "/api/dashboard/top-groups/", "Lists the groups with the most events; of a day by default", Token(READ), &[PROJECT, RANGE, FROM, TO, ("limit", "10 by default, at most 50")], Nothing => Gives::List("TopGroup");
}

/// Returns the schemas by name.
pub(super) fn schemas() -> Value {
    let number = json!({ "type": "integer" });
    let flag = json!({ "type": "boolean" });
    let moment_or_null = json!({ "type": ["string", "null"], "format": "date-time" });
    let name = json!({ "type": ["string", "integer"] });
    let group = [
        ("id", number.clone()),
        ("short_id", text()),
        ("project", text()),
        ("title", text()),
        ("culprit", text()),
        ("level", text()),
        ("platform", text()),
        ("status", text()),
        ("substatus", text()),
        ("priority", text()),
        ("assignee", text_or_null()),
        ("is_bookmarked", flag.clone()),
        ("comments", number.clone()),
        ("count", number.clone()),
        ("users", number.clone()),
        ("users_are_exact", flag.clone()),
        ("first_seen", moment()),
        ("last_seen", moment()),
        ("first_release", text()),
        ("last_release", text()),
    ];
    let deployment = [
        ("id", number.clone()),
        ("project", text()),
        ("release", text()),
        ("environment", text()),
        ("name", text()),
        ("url", text()),
        ("started_at", moment_or_null.clone()),
        ("finished_at", moment()),
        ("created_at", moment()),
    ];
    let sessions = [
        ("total_sessions", number.clone()),
        ("crashed_sessions", number.clone()),
        ("errored_sessions", number.clone()),
        ("abnormal_sessions", number.clone()),
        ("crash_free_rate", json!({ "type": ["number", "null"] })),
        ("total_users", number.clone()),
        ("crashed_users", number.clone()),
        ("errored_users", number.clone()),
        ("abnormal_users", number.clone()),
        (
            "crash_free_users_rate",
            json!({ "type": ["number", "null"] }),
        ),
        ("users_are_exact", flag.clone()),
        ("duration_p50_ms", json!({ "type": ["integer", "null"] })),
        ("duration_p95_ms", json!({ "type": ["integer", "null"] })),
    ];
    let of_release = [
        ("project", text()),
        ("version", text()),
        ("environment", text()),
    ];
    let bucket = [("bucket", moment())];
    let levels = ["total", "fatal", "error", "warning", "info", "debug"]
        .map(|level| (level, number.clone()));
    let of_group = object(&[
        ("id", number.clone()),
        ("short_id", text()),
        ("title", text()),
    ]);
    let split = object(&[("group", of_group.clone()), ("parts", number.clone())]);
    let merge = object(&[("groups", json!({ "type": "array", "items": of_group }))]);
    json!({
        "OtherGrouping": object(&[
            ("version", json!({ "type": "string", "enum": ["v1"] })),
            ("fingerprint_rules", text()),
            ("stack_rules", text()),
            ("events", json!({ "type": "integer", "minimum": 1, "maximum": 5000 })),
        ]),
        "GroupingTrial": object(&[
            ("events", number.clone()),
            ("events_left_out", number.clone()),
            ("events_stored", number.clone()),
            ("groups_now", number.clone()),
            ("groups_then", number.clone()),
            ("split", number.clone()),
            ("merged", number.clone()),
            ("splits", json!({ "type": "array", "items": split })),
            ("merges", json!({ "type": "array", "items": merge })),
        ]),
        "Group": object(&group),
        "TopGroup": object(&[&group[..], &[("events_in_range", number.clone())]].concat()),
        "Assignment": object(&[("assignee", json!({ "type": ["string", "integer", "null"] }))]),
        "GroupComment": object(&[
            ("id", number.clone()),
            ("group", number.clone()),
            ("author", text_or_null()),
            ("text", text()),
            ("created_at", moment()),
        ]),
        "OwnRelease": object(&[
            ("id", number.clone()),
            ("project", text()),
            ("version", text()),
            ("url", text()),
            ("ref", text()),
            ("is_archived", flag),
            ("created_at", moment()),
            ("started_at", moment_or_null.clone()),
            ("released_at", moment_or_null.clone()),
            ("first_event", moment_or_null.clone()),
            ("last_event", moment_or_null),
            ("new_groups", number.clone()),
            ("commits", number),
            ("last_commit", text()),
            ("last_deployment", json!({ "type": ["object", "null"] })),
        ]),
        "NewOwnRelease": object(&[
            ("project", name.clone()),
            ("version", text()),
            ("url", text()),
            ("ref", text()),
            ("started_at", moment()),
            ("released_at", moment()),
        ]),
        "ReleaseHealth": object(&[&of_release[..], &sessions].concat()),
        "HealthBucket": object(&[&bucket[..], &sessions].concat()),
        "EventBucket": object(&[&bucket[..], &levels].concat()),
        "Deployment": object(&deployment),
        "NewDeployment": object(&[
            ("project", name.clone()),
            ("release", name),
            ("environment", text()),
            ("name", text()),
            ("url", text()),
            ("started_at", moment()),
            ("finished_at", moment()),
        ]),
    })
}
