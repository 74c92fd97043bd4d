//! Session items: who it was is replaced by a hash before anything is written.

use mini_sentry::envelope::ItemKind;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::model::ids::ProjectId;
use crate::secret::to_hex;

/// Hides the users of a session item; the code says why it is no session.
pub(super) fn hide_users(
    kind: &ItemKind,
    json: &[u8],
    project: ProjectId,
) -> Result<Vec<u8>, &'static str> {
    let mut fields: Map<String, Value> =
        serde_json::from_slice(json).map_err(|_| "invalid_json")?;
    if *kind == ItemKind::Sessions {
        let aggregates = fields.get_mut("aggregates").and_then(Value::as_array_mut);
        for bucket in aggregates.ok_or("invalid_session")? {
            if let Value::Object(bucket) = bucket {
                hide(bucket, project);
            }
        }
    } else {
        if !fields.get("sid").is_some_and(Value::is_string) || !fields.contains_key("started") {
            return Err("invalid_session");
        }
        hide(&mut fields, project);
    }
    if let Some(Value::Object(attributes)) = fields.get_mut("attrs") {
        attributes.remove("ip_address");
    }
    serde_json::to_vec(&fields).map_err(|_| "invalid_session")
}

fn hide(fields: &mut Map<String, Value>, project: ProjectId) {
    let Some(did) = fields.get_mut("did") else {
        return;
    };
    let text = match did {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    if text.is_empty() {
        fields.remove("did");
        return;
    }
    *did = Value::String(hidden_did(project, &text));
}

/// Returns what stands on disk for the `did` of a session. The project's number keeps the same
/// person apart in two projects.
#[must_use]
pub fn hidden_did(project: ProjectId, did: &str) -> String {
    let hash = Sha256::digest(format!("did:{project}:{did}"));
    let short = hash.first_chunk::<16>().map(|bytes| to_hex(bytes));
    short.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(kind: &ItemKind, json: &str) -> Value {
        let bytes = hide_users(kind, json.as_bytes(), ProjectId(1)).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn users_become_hashes_that_tell_them_apart_and_all_else_stays() {
        let of = |did: &str| {
            let json = format!(
                r#"{{"sid":"s","started":1,"did":"{did}","x":[1],"attrs":{{"release":"a","ip_address":"192.0.2.1"}}}}"#
            );
            hidden(&ItemKind::Session, &json)
        };
        let (first, again, other) = (of("a@example.com"), of(" a@example.com"), of("b"));
        assert_eq!(first, again);
        assert_ne!(first["did"], other["did"]);
        assert_eq!(first["did"].as_str().unwrap().len(), 32);
        assert_eq!(first["x"], serde_json::json!([1]));
        assert_eq!(first["attrs"], serde_json::json!({"release": "a"}));
        let buckets = r#"{"aggregates":[{"started":1,"did":7},{"started":2,"did":null}]}"#;
        let buckets = hidden(&ItemKind::Sessions, buckets);
        assert_eq!(buckets["aggregates"][0]["did"].as_str().unwrap().len(), 32);
        assert!(buckets["aggregates"][1].get("did").is_none());
    }

    #[test]
    fn what_is_no_session_is_named() {
        let code = |kind, json: &str| hide_users(&kind, json.as_bytes(), ProjectId(1)).unwrap_err();
        assert_eq!(code(ItemKind::Session, "[]"), "invalid_json");
        assert_eq!(
            code(ItemKind::Session, r#"{"started":1}"#),
            "invalid_session"
        );
        assert_eq!(code(ItemKind::Sessions, "{}"), "invalid_session");
    }
}
