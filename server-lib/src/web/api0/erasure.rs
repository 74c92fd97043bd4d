//! Erasing: one event, or all events of a person. Gone from all answers at once; the bytes follow
//! with the next compaction.

use std::net::IpAddr;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use mini_sentry::protocol::EventId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::events::event_id;
use crate::facts::user::Identity;
use crate::model::ids::{ProjectId, Seq};
use crate::model::scope::Scope;
use crate::state::AppState;
use crate::store::query::{ItemFilter, Page};
use crate::web::auth::Authorized;
use crate::web::error::ApiError;
use crate::web::extract::{Body, Names};
use crate::web::reading;

/// How long an erasure waits for digest, which might bring what it should find.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many items are looked at in one step.
const STEP: u64 = 500;

/// Erases an event with everything that belongs to it.
pub(super) async fn event(
    State(state): State<AppState>,
    caller: Authorized,
    Names((organisation, name, id)): Names<(String, String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.require(&[Scope::EventAdmin])?;
    let project = caller.project(&organisation, &name)?;
    let id = event_id(&id)?;
    reading::settle(&state, PATIENCE).await?;
    let row = reading::find(&state, project.id, id).await?;
    let row = row.ok_or_else(ApiError::not_found)?;
    let mut seqs = items_of(&state, project.id, id).await?;
    seqs.push(row.seq);
    state.store.upkeep.erase(&seqs).await?;
    tracing::info!(project.id = project.id.0, event.id = %id, "an event was erased");
    Ok(StatusCode::NO_CONTENT)
}

/// Who is to be erased. Several fields are taken one by one: the index knows each event by the
/// strongest of them that the event names.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Person {
    id: Option<String>,
    email: Option<String>,
    username: Option<String>,
    ip_address: Option<IpAddr>,
}

impl Person {
    fn identities(&self) -> Vec<Identity<'_>> {
        let told = |text: &'_ Option<String>| text.as_deref().is_some_and(|t| !t.trim().is_empty());
        let mut identities = Vec::new();
        identities.extend(
            self.id
                .as_deref()
                .filter(|_| told(&self.id))
                .map(Identity::Id),
        );
        identities.extend(
            self.email
                .as_deref()
                .filter(|_| told(&self.email))
                .map(Identity::Email),
        );
        identities.extend(
            self.username
                .as_deref()
                .filter(|_| told(&self.username))
                .map(Identity::Username),
        );
        identities.extend(self.ip_address.map(Identity::Address));
        identities
    }
}

/// Erases all events of a person.
pub(super) async fn person(
    State(state): State<AppState>,
    caller: Authorized,
    Names((organisation, name)): Names<(String, String)>,
    Body(person): Body<Person>,
) -> Result<Json<Value>, ApiError> {
    caller.require(&[Scope::EventAdmin])?;
    let project = caller.project(&organisation, &name)?;
    let identities = person.identities();
    if identities.is_empty() {
        let detail = "name the person by id, email, username or ip_address";
        return Err(ApiError::invalid("nobody_named", detail));
    }
    reading::settle(&state, PATIENCE).await?;
    let mut erased: u64 = 0;
    for identity in identities {
        let count = state.store.upkeep.erase_user(project.id, identity.hash());
        erased = erased.saturating_add(count.await?);
    }
    tracing::info!(
        project.id = project.id.0,
        events = erased,
        "a person's events were erased"
    );
    Ok(Json(json!({ "erased": erased })))
}

/// Returns the places of all items that belong to an event.
async fn items_of(
    state: &AppState,
    project: ProjectId,
    event: EventId,
) -> Result<Vec<Seq>, ApiError> {
    let filter = ItemFilter {
        projects: vec![project],
        kinds: Vec::new(),
        event_id: Some(event),
    };
    let mut seqs = Vec::new();
    loop {
        let offset = seqs.len() as u64;
        let page = Page {
            offset,
            limit: STEP,
        };
        let items = state.store.events.items(&filter, page).await?;
        let is_last = (items.len() as u64) < STEP;
        seqs.extend(items.into_iter().map(|item| item.seq));
        if is_last {
            return Ok(seqs);
        }
    }
}
