//! API tokens. The secret is shown by the answer that made it, and by no other.

use serde_json::{Value, json};

use super::project::merged;
use crate::model::catalog::ApiToken;
use crate::model::time::Millis;
use crate::secret::Secret;

/// Shows a token.
#[must_use]
pub fn token(token: &ApiToken) -> Value {
    json!({
        "id": token.id.to_string(),
        "name": token.label,
        "scopes": token.scopes,
        "tokenLastCharacters": token.hint,
        "dateCreated": token.created.to_rfc3339(),
        "dateLastUsed": token.last_used.map(Millis::to_rfc3339),
        "expiresAt": token.expires.map(Millis::to_rfc3339),
        "projectId": token.project.map(|project| project.to_string()),
        "projectLastUsedId": null,
        "application": null,
        "state": null,
    })
}

/// Shows a token that was just made, with its secret.
#[must_use]
pub fn made(row: &ApiToken, secret: &Secret) -> Value {
    let text = secret.reveal();
    merged(token(row), json!({ "token": text, "refreshToken": null }))
}
