//! Erasing: one event, or all events of a person. Gone from all answers at once; the bytes follow
//! with the next compaction.

use std::net::IpAddr;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::events::event_id;
use crate::facts::user::Identity;
use crate::model::ids::{ProjectId, Seq};
use crate::model::record::{Record, RecordKind};
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
const STEP: u64 = 100;

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
    state.store.upkeep.erase(&[row.seq]).await?;
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
        let id = told(self.id.as_ref()).map(Identity::Id);
        let email = told(self.email.as_ref()).map(Identity::Email);
        let username = told(self.username.as_ref()).map(Identity::Username);
        let address = self.ip_address.map(Identity::Address);
        [id, email, username, address]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Reports whether a feedback is this person's, by what it says of its author.
    fn wrote(&self, feedback: &Record) -> bool {
        let Ok(body) = serde_json::from_slice::<Value>(&feedback.body) else {
            return false;
        };
        let said = |pointers: &[&str], sought: Option<&str>| {
            let sought = sought.map(str::to_lowercase);
            let says = |pointer: &&str| {
                let value = body.pointer(pointer)?;
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                Some(text.trim().to_lowercase())
            };
            sought.is_some_and(|sought| pointers.iter().filter_map(says).any(|text| text == sought))
        };
        let address = self.ip_address.map(|address| address.to_string());
        said(&["/user/id"], told(self.id.as_ref()))
            || said(
                &["/email", "/contexts/feedback/contact_email", "/user/email"],
                told(self.email.as_ref()),
            )
            || said(&["/user/username"], told(self.username.as_ref()))
            || said(&["/user/ip_address"], address.as_deref())
    }
}

fn told(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// Erases all events and feedback of a person.
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
    let feedback = feedback_of(&state, project.id, &person).await?;
    if !feedback.is_empty() {
        erased = erased.saturating_add(state.store.upkeep.erase(&feedback).await?);
    }
    tracing::info!(
        project.id = project.id.0,
        events = erased,
        "a person's events were erased"
    );
    Ok(Json(json!({ "erased": erased })))
}

/// Returns the places of a person's feedback. There is little of it, so all of it is read.
async fn feedback_of(
    state: &AppState,
    project: ProjectId,
    person: &Person,
) -> Result<Vec<Seq>, ApiError> {
    let filter = ItemFilter {
        projects: vec![project],
        kinds: vec![RecordKind::Feedback, RecordKind::UserReport],
        event_id: None,
    };
    let mut found = Vec::new();
    let mut page = Page::first(STEP);
    loop {
        let items = state.store.events.items(&filter, page).await?;
        let seqs: Vec<_> = items.iter().map(|item| item.seq).collect();
        let records = state.bodies.read(&seqs).await?.into_iter().flatten();
        found.extend(
            records
                .filter(|record| person.wrote(record))
                .map(|record| record.seq),
        );
        if (seqs.len() as u64) < STEP {
            return Ok(found);
        }
        page.offset = page.offset.saturating_add(STEP);
    }
}
