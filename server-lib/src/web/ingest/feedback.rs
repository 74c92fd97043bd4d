//! What a user said about an event, in the old form: by DSN from a program, or by token.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use mini_sentry::dsn::Dsn;
use mini_sentry::envelope::{ItemHeader, ItemKind};
use mini_sentry::limits::MAX_EVENT_BYTES;
use mini_sentry::protocol::EventId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answer;
use super::caller::{Caller, text};
use super::incoming::{Incoming, check_size};
use crate::accept::{OfferedItem, Receipt, Refusal, RequestFacts, Sender};
use crate::model::ids::ProjectId;
use crate::model::scope::Scope;
use crate::state::AppState;
use crate::web::access::{Access, bearer};
use crate::web::error::ApiError;

/// Bytes of name and address.
const MAX_NAME: usize = 128;
/// Bytes of the text.
const MAX_COMMENTS: usize = 4096;

/// What a user said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct UserReport {
    pub(super) event_id: EventId,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) email: String,
    pub(super) comments: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Names {
    organisation: String,
    name: String,
}

pub(super) async fn receive(
    State(state): State<AppState>,
    caller: Caller,
    Path(names): Path<Names>,
    headers: HeaderMap,
    incoming: Incoming,
) -> Result<Response, ApiError> {
    let sender = sender(&state, &caller, &names, &headers).await?;
    let body = incoming.read(&state).await?;
    check_size(&body, MAX_EVENT_BYTES)?;
    let report: UserReport = serde_json::from_slice(&body)
        .map_err(|_| ApiError::invalid("invalid_body", "the body is no user report"))?;
    check(&report)?;
    let receipt = store(&state, &sender, &caller.facts, &report).await?;
    let at = caller.facts.received.to_rfc3339();
    let id = receipt.last.map(|seq| seq.to_string());
    let told = json!({
        "id": id,
        "eventID": report.event_id,
        "event": {"id": null, "eventID": report.event_id},
        "name": report.name,
        "email": report.email,
        "comments": report.comments,
        "dateCreated": at,
        "user": null,
    });
    Ok(answer::limited(axum::Json(told).into_response(), &receipt))
}

/// Finds out who reports: a bearer token of the organisation, or a key of the project.
async fn sender(
    state: &AppState,
    caller: &Caller,
    names: &Names,
    headers: &HeaderMap,
) -> Result<Sender, ApiError> {
    if let Some(token) = bearer(headers) {
        let authorized = Access::from_text(state, token).await?;
        authorized.require(&[Scope::EventWrite, Scope::ProjectWrite])?;
        let project = authorized.project(&names.organisation, &names.name)?;
        return Ok(Sender {
            project: Arc::clone(project),
            key: None,
        });
    }
    let mut claim = caller.claim.clone();
    if let Some(dsn) = text(headers, &header::AUTHORIZATION).and_then(dsn_of) {
        claim.project = u32::try_from(dsn.project_id()).ok().map(ProjectId);
        claim.public_key = Some(dsn.public_key().to_owned());
    }
    let sender = state.acceptor.admit_fresh(&claim).await?;
    let view = state.catalog.view();
    let named = view
        .organisation(&names.organisation)
        .and_then(|organisation| view.project_named(organisation.id, &names.name));
    if named.is_some_and(|project| project.id == sender.project.id) {
        return Ok(sender);
    }
    Err(Refusal::WrongProject.into())
}

/// Reads `DSN https://key@host/1`.
fn dsn_of(value: &str) -> Option<Dsn> {
    let (scheme, rest) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("dsn") {
        return None;
    }
    Dsn::parse(rest).ok()
}

/// Insists on the bounds of a report.
pub(super) fn check(report: &UserReport) -> Result<(), ApiError> {
    let wrong = [
        ("event_id", report.event_id.is_nil()),
        ("name", report.name.len() > MAX_NAME),
        ("email", report.email.len() > MAX_NAME),
        (
            "comments",
            report.comments.trim().is_empty() || report.comments.len() > MAX_COMMENTS,
        ),
    ];
    match wrong.iter().find(|(_, is_wrong)| *is_wrong) {
        Some((field, _)) => Err(ApiError::invalid(
            "invalid_report",
            format!("the report's {field} is missing or too long"),
        )),
        None => Ok(()),
    }
}

/// Stores a report beside its event.
pub(super) async fn store(
    state: &AppState,
    sender: &Sender,
    facts: &RequestFacts,
    report: &UserReport,
) -> Result<Receipt, ApiError> {
    let item = OfferedItem {
        header: ItemHeader::new(ItemKind::UserReport),
        payload: json!(report).to_string().into(),
    };
    let receipt = state
        .acceptor
        .receive_items(sender, facts, report.event_id, vec![item])
        .await?;
    Ok(receipt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_needs_an_event_and_a_text_within_bounds() {
        let good = UserReport {
            event_id: EventId::from_bytes([1; 16]),
            comments: "it broke".to_owned(),
            ..UserReport::default()
        };
        assert_eq!(check(&good), Ok(()));
        let blank = UserReport {
            comments: " ".to_owned(),
            ..good.clone()
        };
        assert!(check(&blank).is_err());
        let no_event = UserReport {
            event_id: EventId::nil(),
            ..good.clone()
        };
        assert!(check(&no_event).is_err());
        let long = UserReport {
            name: "x".repeat(MAX_NAME + 1),
            ..good
        };
        assert!(check(&long).is_err());
    }

    #[test]
    fn a_dsn_may_stand_in_the_header() {
        let dsn = dsn_of("DSN https://aaaa@errors.example.com/7").unwrap();
        assert_eq!((dsn.public_key(), dsn.project_id()), ("aaaa", 7));
        assert!(dsn_of("Bearer x").is_none());
    }
}
