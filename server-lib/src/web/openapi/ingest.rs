//! What takes events in.

use super::Access::{InPath, Key, Open};
use super::Takes::{Bytes, Json};
use super::management::operations;
use super::{Gives, Operation, Takes};

const KEY: &[(&str, &str)] = &[("sentry_key", "The public key, where no header can be set")];
const CHECK_IN: &[(&str, &str)] = &[
    ("status", "in_progress, ok or error"),
    ("check_in_id", "Which check-in to update"),
    ("environment", "Where the job runs"),
    ("duration", "Seconds"),
    ("sentry_key", "The public key"),
];
const ENVELOPE: Takes = Bytes("application/x-sentry-envelope");

operations! { OPERATIONS:
    post "/api/{project}/envelope/", "Takes an envelope", Key, KEY, ENVELOPE => Gives::Json(200, "Receipt");
    post "/api/{project}/store/", "Takes one event", Key, KEY, Json("Object") => Gives::Json(200, "Receipt");
    get "/api/{project}/store/", "Takes one event from the query", Key, &[("sentry_data", "The event, packed"), ("sentry_key", "The public key")], Takes::Nothing => Gives::Bytes(200, "image/gif");
    post "/api/store/", "Takes one event; the key names the project", Key, KEY, Json("Object") => Gives::Json(200, "Receipt");
    get "/api/store/", "Takes one event from the query; the key names the project", Key, &[("sentry_data", "The event, packed"), ("sentry_key", "The public key")], Takes::Nothing => Gives::Bytes(200, "image/gif");
    post "/api/{project}/logs/", "Takes log entries of a shipper: one object, an array, or lines", Key, KEY, Json("Object") => Gives::Json(200, "Receipt");
    post "/api/{project}/security/", "Takes a browser's security report", Key, KEY, Bytes("application/csp-report") => Gives::Status(201);
    post "/api/{project}/csp-report/", "Takes a browser's security report", Key, KEY, Bytes("application/csp-report") => Gives::Status(201);
    post "/api/{project}/nel/", "Takes a browser's network error reports", Key, KEY, Bytes("application/reports+json") => Gives::Status(200);
    post "/api/{project}/minidump/", "Takes a minidump", Key, KEY, Bytes("multipart/form-data") => Gives::Bytes(200, "text/plain");
    post "/api/{project}/events/{event_id}/attachments/", "Takes attachments of an event that was sent before", Key, KEY, Bytes("multipart/form-data") => Gives::Status(201);
    get "/api/{project}/cron/{slug}/", "Takes a check-in of a job", Key, CHECK_IN, Takes::Nothing => Gives::Status(202);
    post "/api/{project}/cron/{slug}/", "Takes a check-in of a job", Key, CHECK_IN, Json("Object") => Gives::Status(202);
    get "/api/{project}/cron/{slug}/{key}/", "Takes a check-in of a job", Key, CHECK_IN, Takes::Nothing => Gives::Status(202);
    post "/api/{project}/cron/{slug}/{key}/", "Takes a check-in of a job", Key, CHECK_IN, Json("Object") => Gives::Status(202);
    post "/api/{project}/integration/otlp/v1/traces/", "Takes spans of OpenTelemetry", Key, KEY, Json("Object") => Gives::Status(202);
    post "/api/{project}/integration/otlp/v1/logs/", "Takes log entries of OpenTelemetry", Key, KEY, Json("Object") => Gives::Status(202);
    post "/api/{project}/otlp/v1/traces/", "Takes spans of OpenTelemetry", Key, KEY, Json("Object") => Gives::Status(202);
    post "/api/{project}/otlp/v1/logs/", "Takes log entries of OpenTelemetry", Key, KEY, Json("Object") => Gives::Status(202);
    get "/api/embed/error-page/", "Returns the dialog in which users say what happened", Open, &[("dsn", "The DSN"), ("eventId", "The event")], Takes::Nothing => Gives::Bytes(200, "text/javascript");
    post "/api/embed/error-page/", "Takes what users said in the dialog", Open, &[("dsn", "The DSN"), ("eventId", "The event")], Bytes("application/x-www-form-urlencoded") => Gives::Status(200);
    post "/api/0/projects/{organisation}/{name}/user-feedback/", "Takes what a user said about an event", Key, &[], Json("Object") => Gives::Json(200, "Object");
    post "/api/events/ingest/{slug}/", "Takes one event in Mini Sentry's own form", Key, &[], Json("NewOwnEvent") => Gives::Json(201, "OwnEventSummary");
    post "/api/events/ingest/token/{token}/", "Takes one event in Mini Sentry's own form", InPath, &[], Json("NewOwnEvent") => Gives::Json(201, "OwnEventSummary");
    post "/api/sessions/ingest/token/{token}/", "Takes an update of a session", InPath, &[], Json("Object") => Gives::Json(201, "Object");
}
