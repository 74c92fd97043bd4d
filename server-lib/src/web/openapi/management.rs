//! What reads and manages.

use super::Access::{InPath, Open, Token};
use super::Takes::Nothing;
use super::{Gives, Operation, Takes};

pub(super) const CURSOR: (&str, &str) = ("cursor", "Place in the list, from the Link header");
pub(super) const PER_PAGE: (&str, &str) = ("per_page", "Length of the part, at most 100");
const PAGED: &[(&str, &str)] = &[CURSOR, PER_PAGE];
const SEARCHED: &[(&str, &str)] = &[CURSOR, PER_PAGE, ("query", "Part of the slug or name")];
const TIMES: [(&str, &str); 3] = [
    ("statsPeriod", "Length of the period until now, such as 24h"),
    ("start", "Beginning of the period; UTC without a zone"),
    ("end", "End of the period"),
];

const ORG: &[&str] = &["org:read", "org:ci", "project:read", "project:releases"];
const PROJECT_READ: &[&str] = &["project:read"];
const PROJECT_WRITE: &[&str] = &["project:write"];
const PROJECT_ADMIN: &[&str] = &["project:admin"];
const EVENT_READ: &[&str] = &["event:read"];
const EVENT_ADMIN: &[&str] = &["event:admin"];
const ORG_WRITE: &[&str] = &["org:write"];
const EVENTS: &[(&str, &str)] = &[
    ("project", "Slug or number; may repeat"),
    ("level", "May repeat"),
    ("environment", "May repeat"),
    ("release", "May repeat"),
    ("from", "Beginning of the period; UTC without a zone"),
    ("to", "End of the period"),
    ("q", "A search; of words without a key one is enough"),
    ("limit", "At most 1000"),
    ("offset", "Events to leave out"),
    ("cursor", "Place in what a search finds, from next"),
];

macro_rules! operations {
    ($name:ident: $($method:ident $path:literal, $summary:literal, $access:expr, $query:expr, $takes:expr => $gives:expr;)+) => {
        pub(super) const $name: &[Operation] = &[$(Operation {
            method: stringify!($method),
            path: $path,
            summary: $summary,
            access: $access,
            query: $query,
            takes: $takes,
            gives: $gives,
        }),+];
    };
}
pub(super) use operations;

operations! { OPERATIONS:
    get "/api/0/", "Tells the version and what the sender may do", Token(&[]), &[], Nothing => Gives::Json(200, "Root");
    get "/api/0/users/me/regions/", "Tells that there are no regions", Token(&[]), &[], Nothing => Gives::Json(200, "Object");
    get "/api/0/organizations/", "Lists organisations", Token(ORG), SEARCHED, Nothing => Gives::List("Organisation");
    get "/api/0/organizations/{organisation}/", "Shows an organisation", Token(ORG), &[], Nothing => Gives::Json(200, "Organisation");
    get "/api/0/organizations/{organisation}/region/", "Tells where an organisation lives", Token(&[]), &[], Nothing => Gives::Json(200, "Object");
    get "/api/0/organizations/{organisation}/repos/", "Lists no repositories: clients tell commits whole", Token(ORG), PAGED, Nothing => Gives::List("Object");
    put "/api/0/organizations/{organisation}/", "Changes an organisation", Token(ORG_WRITE), &[], Takes::Json("OrganisationChange") => Gives::Json(200, "Organisation");
    get "/api/0/organizations/{organisation}/projects/", "Lists projects of an organisation", Token(ORG), SEARCHED, Nothing => Gives::List("Project");
    post "/api/0/organizations/{organisation}/projects/", "Makes a project", Token(PROJECT_WRITE), &[], Takes::Json("NewProject") => Gives::Json(201, "Project");
    get "/api/0/teams/{organisation}/{team}/projects/", "Lists projects of a team", Token(ORG), SEARCHED, Nothing => Gives::List("Project");
    post "/api/0/teams/{organisation}/{team}/projects/", "Makes a project of a team", Token(PROJECT_WRITE), &[], Takes::Json("NewProject") => Gives::Json(201, "Project");
    get "/api/0/organizations/{organisation}/eventids/{event}/", "Finds the project of an event", Token(EVENT_READ), &[], Nothing => Gives::Json(200, "Object");
    get "/api/0/organizations/{organisation}/events/{event}/json/", "Shows an event in the protocol's form", Token(EVENT_READ), &[], Nothing => Gives::Json(200, "Object");
    get "/api/0/organizations/{organisation}/stats_v2/", "Adds up outcomes", Token(&["org:read", "project:read"]), &[
        TIMES[0], TIMES[1], TIMES[2],
        ("interval", "Length of an interval, such as 1h"),
        ("field", "sum(quantity) or sum(times_seen); may repeat"),
        ("groupBy", "outcome, category, reason or project; may repeat"),
        ("project", "Slug or number; may repeat"),
        ("category", "Such as error; may repeat"),
        ("outcome", "Such as accepted; may repeat"),
        ("reason", "May repeat"),
    ], Nothing => Gives::Json(200, "Sums");
    get "/api/0/organizations/{organisation}/org-auth-tokens/", "Lists tokens", Token(ORG_WRITE), PAGED, Nothing => Gives::List("Token");
    post "/api/0/organizations/{organisation}/org-auth-tokens/", "Makes a token that names its organisation", Token(ORG_WRITE), &[], Takes::Json("NewToken") => Gives::Json(201, "MadeToken");
    get "/api/0/organizations/{organisation}/org-auth-tokens/{token}/", "Shows a token", Token(ORG_WRITE), &[], Nothing => Gives::Json(200, "Token");
    delete "/api/0/organizations/{organisation}/org-auth-tokens/{token}/", "Deletes a token", Token(ORG_WRITE), &[], Nothing => Gives::Status(204);
    get "/api/0/api-tokens/", "Lists tokens", Token(&[]), PAGED, Nothing => Gives::List("Token");
    post "/api/0/api-tokens/", "Makes a token", Token(&[]), &[], Takes::Json("NewToken") => Gives::Json(201, "MadeToken");
    delete "/api/0/api-tokens/", "Deletes the token that the body names", Token(&[]), &[], Takes::Json("Object") => Gives::Status(204);
    get "/api/0/api-tokens/{token}/", "Shows a token", Token(&[]), &[], Nothing => Gives::Json(200, "Token");
    delete "/api/0/api-tokens/{token}/", "Deletes a token", Token(&[]), &[], Nothing => Gives::Status(204);
    get "/api/0/projects/", "Lists projects", Token(ORG), SEARCHED, Nothing => Gives::List("Project");
    get "/api/0/projects/{organisation}/{project}/", "Shows a project with its settings", Token(PROJECT_READ), &[], Nothing => Gives::Json(200, "ProjectDetail");
    put "/api/0/projects/{organisation}/{project}/", "Changes a project", Token(PROJECT_WRITE), &[], Takes::Json("ProjectChange") => Gives::Json(200, "ProjectDetail");
    delete "/api/0/projects/{organisation}/{project}/", "Deletes a project with all that it has", Token(PROJECT_ADMIN), &[], Nothing => Gives::Status(204);
    get "/api/0/projects/{organisation}/{project}/keys/", "Lists keys", Token(PROJECT_READ), &[CURSOR, PER_PAGE, ("status", "active or inactive")], Nothing => Gives::List("Key");
    post "/api/0/projects/{organisation}/{project}/keys/", "Makes a key", Token(PROJECT_WRITE), &[], Takes::Json("KeyChange") => Gives::Json(201, "Key");
    get "/api/0/projects/{organisation}/{project}/keys/{key}/", "Shows a key", Token(PROJECT_READ), &[], Nothing => Gives::Json(200, "Key");
    put "/api/0/projects/{organisation}/{project}/keys/{key}/", "Changes a key", Token(PROJECT_WRITE), &[], Takes::Json("KeyChange") => Gives::Json(200, "Key");
    delete "/api/0/projects/{organisation}/{project}/keys/{key}/", "Deletes a key", Token(PROJECT_ADMIN), &[], Nothing => Gives::Status(204);
    get "/api/0/projects/{organisation}/{project}/events/", "Lists events, newest first", Token(EVENT_READ), &[CURSOR, PER_PAGE, TIMES[0], TIMES[1], TIMES[2], ("environment", "May repeat"), ("query", "A search for events"), ("full", "1: with all that is known of each event")], Nothing => Gives::List("EventSummary");
    get "/api/0/projects/{organisation}/{project}/events/{event}/", "Shows an event", Token(EVENT_READ), &[], Nothing => Gives::Json(200, "Event");
    delete "/api/0/projects/{organisation}/{project}/events/{event}/", "Erases an event with all that belongs to it", Token(EVENT_ADMIN), &[], Nothing => Gives::Status(204);
    get "/api/0/projects/{organisation}/{project}/events/{event}/json/", "Shows an event in the protocol's form", Token(EVENT_READ), &[], Nothing => Gives::Json(200, "Object");
    get "/api/0/projects/{organisation}/{project}/events/{event}/attachments/", "Lists attachments", Token(EVENT_READ), PAGED, Nothing => Gives::List("Attachment");
    get "/api/0/projects/{organisation}/{project}/events/{event}/attachments/{attachment}/", "Shows an attachment, or its bytes", Token(EVENT_READ), &[("download", "Present: the bytes")], Nothing => Gives::Json(200, "Attachment");
    delete "/api/0/projects/{organisation}/{project}/events/{event}/attachments/{attachment}/", "Erases an attachment", Token(EVENT_ADMIN), &[], Nothing => Gives::Status(204);
    post "/api/0/projects/{organisation}/{project}/erase-user/", "Erases the data of a person; 202 when the work goes on after the answer", Token(EVENT_ADMIN), &[], Takes::Json("Person") => Gives::Json(200, "Erased");
    post "/api/0/projects/{organisation}/{project}/ingest-token/", "Replaces the ingest token", Token(PROJECT_WRITE), &[], Nothing => Gives::Json(200, "Object");
}

operations! { OWN:
    get "/api/projects/", "Lists projects with what it takes to send to them", Token(PROJECT_READ), &[], Nothing => Gives::List("OwnProject");
    post "/api/projects/", "Makes a project", Token(PROJECT_WRITE), &[], Takes::Json("NewProject") => Gives::Json(201, "OwnProject");
    get "/api/events/", "Lists events, newest first", Token(EVENT_READ), EVENTS, Nothing => Gives::Json(200, "OwnEvents");
    get "/api/events/clickhouse/", "Lists events, as the path without the name of a store does; whichever store there is", Token(EVENT_READ), EVENTS, Nothing => Gives::Json(200, "OwnEvents");
    get "/api/events/{event}/", "Shows an event, by id or number", Token(EVENT_READ), &[("project", "Slug or number; may repeat")], Nothing => Gives::Json(200, "OwnEvent");
    get "/ws/events/{project}/", "Sends each new event of a project over a websocket", InPath, &[("token", "The token, where no header can be set")], Nothing => Gives::Status(101);
    get "/api/health/", "Tells that the server runs", Open, &[], Nothing => Gives::Json(200, "Object");
    get "/_health/", "Tells that the server runs", Open, &[], Nothing => Gives::Json(200, "Object");
    get "/api/relay/healthcheck/live/", "Tells that the server runs", Open, &[], Nothing => Gives::Json(200, "Object");
    get "/api/relay/healthcheck/ready/", "Tells whether the server takes and answers", Open, &[], Nothing => Gives::Json(200, "Object");
    get "/metrics/", "Counts and times of the server, as Prometheus reads them", Token(&["org:read"]), &[], Nothing => Gives::Bytes(200, "application/openmetrics-text");
    get "/docs/", "Shows this document to people", Token(&[]), &[], Nothing => Gives::Bytes(200, "text/html");
    get "/docs/openapi.yaml/", "Shows this document as YAML", Token(&[]), &[], Nothing => Gives::Bytes(200, "application/yaml");
    get "/docs/postman.json/", "Shows this document as a collection for Postman", Token(&[]), &[], Nothing => Gives::Json(200, "Object");
    get "/docs/openapi.json/", "Shows this document", Token(&[]), &[], Nothing => Gives::Json(200, "Object");
}
