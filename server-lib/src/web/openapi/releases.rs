//! Releases and sessions of Sentry's interface.

use serde_json::{Value, json};

use super::Access::Token;
use super::Takes::{Json, Nothing};
use super::management::operations;
use super::schemas::{moment, object, text, text_or_null};
use super::{Gives, Operation};

const READ: &[&str] = &["project:read", "project:releases", "org:read", "org:ci"];
const WRITE: &[&str] = &["project:releases", "project:write", "org:ci"];
const ADMIN: &[&str] = &["project:releases", "project:admin", "org:ci"];
const CURSOR: (&str, &str) = ("cursor", "Place in the list, from the Link header");
const PER_PAGE: (&str, &str) = ("per_page", "Length of the part, at most 100");
const PAGED: &[(&str, &str)] = &[CURSOR, PER_PAGE];
const PROJECT: (&str, &str) = ("project", "Slug or number; may repeat; -1 means all");
const PART: (&str, &str) = ("query", "Part of the name");
const STATUS: (&str, &str) = ("status", "open or archived");
const HEALTH: (&str, &str) = ("health", "1 adds the health of sessions to the projects");
const SUMMARY: (&str, &str) = (
    "summaryStatsPeriod",
    "Time of the sums of health, at most 90d",
);
const STATS: (&str, &str) = (
    "healthStatsPeriod",
    "Time of the series of health, at most 90d",
);
const STAT: (&str, &str) = ("healthStat", "sessions or users in the series of health");
const LISTED: &[(&str, &str)] = &[
    PART, PROJECT, STATUS, CURSOR, PER_PAGE, HEALTH, SUMMARY, STATS, STAT,
];
const LISTED_OF: &[(&str, &str)] = &[PART, STATUS, CURSOR, PER_PAGE, HEALTH, SUMMARY, STATS, STAT];
const WITH_HEALTH: &[(&str, &str)] = &[HEALTH, SUMMARY, STATS, STAT];
const SESSIONS: &[(&str, &str)] = &[
    (
        "field",
        "Such as sum(session), count_unique(user), crash_free_rate(user), p50(session.duration), session.all, session.crash_free_user_rate; an unknown one is answered with all names; may repeat",
    ),
    (
        "groupBy",
        "project, release, environment or session.status; may repeat",
    ),
    ("statsPeriod", "Length of the period until now, such as 24h"),
    ("start", "Beginning of the period; UTC without a zone"),
    ("end", "End of the period"),
    ("interval", "Length of an interval, such as 1h"),
    PROJECT,
    ("environment", "May repeat"),
    ("query", "release: and environment: with their values"),
    (
        "orderBy",
        "A field or a name of groupBy, behind - for the greatest first; may repeat",
    ),
    ("per_page", "Groups at most, up to 1000"),
    ("includeSeries", "0 leaves the series out"),
    ("includeTotals", "0 leaves the totals out"),
];

operations! { OPERATIONS:
    get "/api/0/organizations/{organisation}/releases/", "Lists releases", Token(READ), LISTED, Nothing => Gives::List("Release");
    post "/api/0/organizations/{organisation}/releases/", "Makes a release known; 208 when it was", Token(WRITE), &[], Json("NewRelease") => Gives::Json(201, "Release");
    get "/api/0/organizations/{organisation}/releases/{version}/", "Shows a release", Token(READ), WITH_HEALTH, Nothing => Gives::Json(200, "Release");
    put "/api/0/organizations/{organisation}/releases/{version}/", "Changes a release", Token(WRITE), &[], Json("ReleaseChange") => Gives::Json(200, "Release");
    delete "/api/0/organizations/{organisation}/releases/{version}/", "Deletes a release that no issue names", Token(ADMIN), &[], Nothing => Gives::Status(204);
    get "/api/0/organizations/{organisation}/releases/{version}/commits/", "Lists commits, latest first", Token(READ), PAGED, Nothing => Gives::List("Commit");
    get "/api/0/organizations/{organisation}/releases/{version}/previous-with-commits/", "Shows the release before that has commits, if any", Token(READ), &[], Nothing => Gives::Json(200, "Release");
    get "/api/0/organizations/{organisation}/releases/{version}/deploys/", "Lists deployments, latest first", Token(READ), PAGED, Nothing => Gives::List("Deploy");
    post "/api/0/organizations/{organisation}/releases/{version}/deploys/", "Notes a deployment", Token(WRITE), &[], Json("NewDeploy") => Gives::Json(201, "Deploy");
    get "/api/0/projects/{organisation}/{project}/releases/", "Lists releases of a project", Token(READ), LISTED_OF, Nothing => Gives::List("Release");
    post "/api/0/projects/{organisation}/{project}/releases/", "Makes a release of a project known; 208 when it was", Token(WRITE), &[], Json("NewRelease") => Gives::Json(201, "Release");
    get "/api/0/projects/{organisation}/{project}/releases/{version}/", "Shows a release of a project", Token(READ), WITH_HEALTH, Nothing => Gives::Json(200, "Release");
    put "/api/0/projects/{organisation}/{project}/releases/{version}/", "Changes a release of a project", Token(WRITE), &[], Json("ReleaseChange") => Gives::Json(200, "Release");
    delete "/api/0/projects/{organisation}/{project}/releases/{version}/", "Deletes a release of a project that no issue names", Token(ADMIN), &[], Nothing => Gives::Status(204);
    get "/api/0/projects/{organisation}/{project}/releases/{version}/commits/", "Lists commits, latest first", Token(READ), PAGED, Nothing => Gives::List("Commit");
    get "/api/0/projects/{organisation}/{project}/releases/{version}/deploys/", "Lists deployments, latest first", Token(READ), PAGED, Nothing => Gives::List("Deploy");
    post "/api/0/projects/{organisation}/{project}/releases/{version}/deploys/", "Notes a deployment", Token(WRITE), &[], Json("NewDeploy") => Gives::Json(201, "Deploy");
    get "/api/0/organizations/{organisation}/sessions/", "Adds up sessions", Token(READ), SESSIONS, Nothing => Gives::Json(200, "Sums");
    get "/api/0/organizations/{organisation}/metrics/data/", "Adds up sessions for dashboards", Token(READ), SESSIONS, Nothing => Gives::Json(200, "Sums");
}

/// Returns the schemas by name.
pub(super) fn schemas() -> Value {
    let number = json!({ "type": "integer" });
    let moment_or_null = json!({ "type": ["string", "null"], "format": "date-time" });
    let perhaps = json!({ "type": ["object", "null"] });
    let names = json!({ "type": "array", "items": { "type": ["string", "integer"] } });
    let commits = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Commit" } });
    let told = [
        ("url", text_or_null()),
        ("ref", text_or_null()),
        ("dateStarted", moment_or_null.clone()),
        ("dateReleased", moment_or_null.clone()),
        (
            "status",
            json!({ "type": "string", "enum": ["open", "archived"] }),
        ),
        ("projects", names.clone()),
        ("commits", commits),
        (
            "refs",
            json!({ "type": "array", "items": { "type": "object" } }),
        ),
    ];
    let deploy = [
        ("environment", text()),
        ("name", text_or_null()),
        ("url", text_or_null()),
        ("dateStarted", moment_or_null.clone()),
        ("dateFinished", moment_or_null.clone()),
    ];
    json!({
        "Release": object(&[
            ("id", number.clone()),
            ("version", text()),
            ("shortVersion", text()),
            ("versionInfo", json!({ "type": "object" })),
            ("status", text()),
            ("ref", text_or_null()),
            ("url", text_or_null()),
            ("dateCreated", moment()),
            ("dateStarted", moment_or_null.clone()),
            ("dateReleased", moment_or_null.clone()),
            ("firstEvent", moment_or_null.clone()),
            ("lastEvent", moment_or_null),
            ("newGroups", number.clone()),
            ("commitCount", number.clone()),
            ("deployCount", number),
            ("lastCommit", perhaps.clone()),
            ("lastDeploy", perhaps),
            ("projects", json!({ "type": "array", "items": { "type": "object" } })),
        ]),
        "NewRelease": object(&[&[("version", text())], &told[..]].concat()),
        "ReleaseChange": object(&told),
        "Commit": object(&[
            ("id", text()),
            ("repository", json!({ "type": ["object", "null"] })),
            ("author_name", text_or_null()),
            ("author_email", text_or_null()),
            ("message", text_or_null()),
            ("timestamp", text_or_null()),
            ("dateCreated", moment()),
        ]),
        "Deploy": object(&[&[("id", text())], &deploy[..]].concat()),
        "NewDeploy": object(&[&deploy[..], &[("projects", names)]].concat()),
    })
}
