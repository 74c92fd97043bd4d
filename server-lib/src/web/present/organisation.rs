//! Organisations.

use serde_json::{Value, json};

use crate::address::BaseUrl;
use crate::model::catalog::Organisation;

/// Shows an organisation as lists and details have it.
#[must_use]
pub fn organisation(organisation: &Organisation, is_open: bool, base: &BaseUrl) -> Value {
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
        "openMembership": is_open,
        "links": {
            "organizationUrl": base.join(&format!("/organizations/{slug}/")),
            "regionUrl": base.to_string(),
        },
    })
}
