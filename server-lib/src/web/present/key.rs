//! Keys of projects, and the addresses that are made of them.

use serde_json::{Value, json};

use crate::address::BaseUrl;
use crate::model::catalog::ProjectKey;

/// Shows a key. Its name in addresses is the public key, as clients expect.
#[must_use]
pub fn key(key: &ProjectKey, base: &BaseUrl) -> Value {
    let public = &key.public_key;
    let project = key.project;
    let dsn = base.dsn(public, project);
    let below = |path: &str| base.join(&format!("/api/{project}/{path}"));
    let with_key = |path: &str| format!("{}?sentry_key={public}", below(path));
    json!({
        "id": public,
        "name": key.label,
        "label": key.label,
        "public": public,
        "secret": public,
        "projectId": project.0,
        "isActive": key.active,
        "rateLimit": key.rate_limit,
        "dateCreated": key.created.to_rfc3339(),
        "dsn": {
            "public": dsn,
            "secret": dsn,
            "csp": with_key("security/"),
            "security": with_key("security/"),
            "minidump": with_key("minidump/"),
            "nel": with_key("nel/"),
            "unreal": below(&format!("unreal/{public}/")),
            "crons": below(&format!("cron/___MONITOR_SLUG___/{public}/")),
            "otlp_traces": below("integration/otlp/v1/traces"),
            "otlp_logs": below("integration/otlp/v1/logs"),
        },
    })
}
