//! Organisations, and the one team that each has.

use serde_json::{Value, json};

use crate::address::BaseUrl;
use crate::model::catalog::Organisation;

/// Shows an organisation as lists and details have it.
#[must_use]
pub fn organisation(organisation: &Organisation, base: &BaseUrl) -> Value {
    let slug = &organisation.slug;
    json!({
        "id": organisation.id.to_string(),
        "slug": slug,
        "name": organisation.name,
        "dateCreated": organisation.created.to_rfc3339(),
        "status": { "id": "active", "name": "active" },
        "avatar": { "avatarType": "letter_avatar", "avatarUuid": null },
        "isEarlyAdopter": false,
        "require2FA": false,
        "requireEmailVerification": false,
        "hasAuthProvider": false,
        "features": [],
        "links": {
            "organizationUrl": base.join(&format!("/organizations/{slug}/")),
            "regionUrl": base.to_string(),
        },
    })
}

/// Shows the organisation's one team. It stands for all members, and has the organisation's names.
#[must_use]
pub fn team(organisation: &Organisation) -> Value {
    json!({
        "id": organisation.id.to_string(),
        "slug": organisation.slug,
        "name": organisation.name,
        "dateCreated": organisation.created.to_rfc3339(),
        "isMember": true,
        "hasAccess": true,
    })
}
