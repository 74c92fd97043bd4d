//! Bodies as a client would send them: the document shows them, and requests can begin with them.

use serde_json::{Value, json};

use super::{Operation, Takes};

const ENVELOPE: &str = concat!(
    r#"{"sdk":{"name":"example","version":"1.0"}}"#,
    "\n",
    r#"{"type":"event"}"#,
    "\n",
    r#"{"message":"stock of article 12 is low","level":"warning","release":"shop@1.2.3"}"#,
    "\n",
);

/// Returns an example of the body that an operation takes.
pub(super) fn of(operation: &Operation) -> Option<Value> {
    match operation.takes {
        Takes::Nothing => None,
        Takes::Json("Object") => of_path(operation.path),
        Takes::Json(schema) => of_schema(schema),
        Takes::Bytes("application/x-sentry-envelope") => Some(Value::from(ENVELOPE)),
        Takes::Bytes("application/csp-report") => Some(json!({
            "csp-report": {
                "document-uri": "https://shop.example.com/cart",
                "effective-directive": "img-src",
                "blocked-uri": "https://images.example.com/logo.png",
            },
        })),
        Takes::Bytes("application/reports+json") => Some(json!([{
            "type": "network-error",
            "age": 10,
            "url": "https://shop.example.com/cart",
            "body": { "type": "tcp.timed_out", "phase": "connection", "elapsed_time": 3000 },
        }])),
        Takes::Bytes(_) => None,
    }
}

fn of_schema(schema: &str) -> Option<Value> {
    Some(match schema {
        "AccountChange" => json!({ "name": "user-42" }),
        "Assignment" => json!({ "assignee": "a@example.com" }),
        "Comment" => json!({ "text": "seen again after the last deployment" }),
        "Credentials" => json!({ "email": "a@example.com", "password": "{{password}}" }),
        "IssueChange" => json!({ "status": "resolved", "assignedTo": "a@example.com" }),
        "KeyChange" => json!({ "name": "backend", "rateLimit": { "window": 60, "count": 1000 } }),
        "MemberChange" => json!({ "role": "admin" }),
        "NewDeploy" => json!({ "environment": "production", "name": "blue" }),
        "NewDeployment" => json!({
            "project": "shop",
            "release": "shop@1.2.3",
            "environment": "production",
        }),
        "NewMember" => json!({ "email": "b@example.com", "role": "member" }),
        "NewOwnEvent" => json!({
            "message": "stock of article 12 is low",
            "level": "warning",
            "environment": "production",
            "tags": { "feature": "stock" },
        }),
        "NewOwnRelease" => json!({ "project": "shop", "version": "shop@1.2.3" }),
        "NewPassword" => json!({ "password": "{{password}}", "passwordNew": "{{newPassword}}" }),
        "NewProject" => json!({ "name": "Shop", "slug": "shop" }),
        "NewRelease" => json!({ "version": "shop@1.2.3", "projects": ["shop"] }),
        "NewTeam" => json!({ "name": "Backend", "slug": "backend" }),
        "NewToken" => json!({ "name": "deploy", "scopes": ["project:releases", "org:ci"] }),
        "OrganisationChange" => json!({ "openMembership": false }),
        "OtherGrouping" => json!({
            "fingerprint_rules": "error.type:Timeout -> timeout",
            "events": 1000,
        }),
        "Person" => json!({ "email": "a@example.com" }),
        "ProjectChange" => json!({ "name": "Shop", "platform": "python" }),
        "ReleaseChange" => json!({ "dateReleased": "2026-01-02T03:04:05Z" }),
        _ => return None,
    })
}

fn of_path(path: &str) -> Option<Value> {
    Some(match path {
        "/api/0/api-tokens/" => json!({ "tokenId": "2" }),
        "/api/{project}/store/" | "/api/store/" => json!({
            "message": "stock of article 12 is low",
            "level": "warning",
            "release": "shop@1.2.3",
        }),
        "/api/{project}/logs/" => json!({
            "level": "error",
            "message": "order 17 is lost",
            "service": "shop",
        }),
        "/api/{project}/cron/{slug}/" | "/api/{project}/cron/{slug}/{key}/" => json!({
            "status": "ok",
            "environment": "production",
            "duration": 12.5,
        }),
        "/api/{project}/integration/otlp/v1/traces/" | "/api/{project}/otlp/v1/traces/" => {
            json!({ "resourceSpans": [] })
        }
        "/api/{project}/integration/otlp/v1/logs/" | "/api/{project}/otlp/v1/logs/" => {
            json!({ "resourceLogs": [] })
        }
        "/api/0/projects/{organisation}/{name}/user-feedback/" => json!({
            "event_id": "9c1f3b8e2d4a4c0f8b7a6e5d4c3b2a19",
            "name": "user-42",
            "email": "a@example.com",
            "comments": "the cart was empty",
        }),
        "/api/sessions/ingest/token/{token}/" => json!({
            "session_id": "session-17",
            "status": "ok",
            "release": "shop@1.2.3",
            "environment": "production",
        }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{operations, schemas};
    use super::*;

    #[test]
    fn every_json_body_has_an_example_with_fields_that_its_schema_knows() {
        let schemas = schemas::all();
        for operation in operations() {
            let Takes::Json(schema) = operation.takes else {
                continue;
            };
            let example = of(operation).unwrap_or_else(|| panic!("{operation:?}"));
            for field in example.as_object().unwrap().keys() {
                let known = &schemas[schema]["properties"];
                assert!(
                    schema == "Object" || known[field].is_object(),
                    "{schema}.{field}"
                );
            }
        }
    }
}
