//! Projects.

use serde_json::{Value, json};

use crate::address::BaseUrl;
use crate::model::catalog::{Organisation, Project, ProjectKey};
use crate::model::scope::Scopes;

/// Shows a project as lists have it, with the environments that its events named.
#[must_use]
pub fn summary(
    project: &Project,
    owner: &Organisation,
    teams: &[Value],
    environments: &[String],
) -> Value {
    json!({
        "id": project.id.to_string(),
        "slug": project.slug,
        "name": project.name,
        "platform": project.platform,
        "dateCreated": project.created.to_rfc3339(),
        "status": "active",
        "hasAccess": true,
        "isMember": true,
        "isBookmarked": false,
        "isInternal": false,
        "isPublic": false,
        "features": [],
        "environments": environments,
        "firstEvent": null,
        "avatar": { "avatarType": "letter_avatar", "avatarUuid": null },
        "team": teams.first(),
        "teams": teams,
        "organization": {
            "id": owner.id.to_string(),
            "slug": owner.slug,
            "name": owner.name,
        },
    })
}

/// Shows a project with its settings: those that Sentry's clients know by their names, and all of
/// them as `settings`.
#[must_use]
pub fn detail(
    project: &Project,
    owner: &Organisation,
    teams: &[Value],
    environments: &[String],
    scopes: Scopes,
) -> Value {
    let settings = &project.settings;
    let filters = &settings.filters;
    let scrubbing = &settings.scrubbing;
    let more = json!({
        "access": scopes,
        "allowedDomains": settings.allowed_domains,
        "dataScrubber": scrubbing.defaults,
        "dataScrubberDefaults": scrubbing.defaults,
        "sensitiveFields": scrubbing.sensitive_fields,
        "safeFields": scrubbing.safe_fields,
        "scrubIPAddresses": scrubbing.ip_addresses,
        "options": {
            "filters:blacklisted_ips": filters.ip_addresses.join("\n"),
            "filters:releases": filters.releases.join("\n"),
            "filters:error_messages": filters.messages.join("\n"),
        },
        "fingerprintingRules": settings.grouping.now.fingerprint_rules,
        "groupingEnhancements": settings.grouping.now.stack_rules,
        "groupingConfig": settings.grouping.now.version,
        "secondaryGroupingConfig": settings.grouping.previous.as_ref().map(|p| p.rules.version),
        "secondaryGroupingExpiry": settings.grouping.previous.as_ref().map(|p| p.until.0 / 1000),
        "ingestToken": project.ingest_token,
        "settings": settings,
    });
    merged(summary(project, owner, teams, environments), more)
}

/// Shows a project as Mini Sentry's own API has it.
#[must_use]
pub fn own(
    project: &Project,
    owner: &Organisation,
    key: Option<&ProjectKey>,
    base: &BaseUrl,
) -> Value {
    json!({
        "id": project.id,
        "slug": project.slug,
        "name": project.name,
        "organization": owner.slug,
        "platform": project.platform,
        "created_at": project.created.to_rfc3339(),
        "ingest_token": project.ingest_token,
        "dsn": key.map(|key| base.dsn(&key.public_key, project.id)),
    })
}

/// Adds the fields of one object to another.
#[must_use]
pub(crate) fn merged(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}
