//! Erasing: one event, or all data of a person. Gone from all answers at once; the bytes follow
//! with the next compaction.

mod person;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};

use super::events::event_id;
use crate::error::{Error, ErrorKind};
use crate::model::ids::{ProjectId, Seq};
use crate::model::record::{Record, RecordKind};
use crate::model::scope::Scope;
use crate::state::AppState;
use crate::store::query::{ItemFilter, Page};
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Body, Names};
use crate::web::reading;

use person::Person;

/// How long an erasure waits for digest, which might bring what it should find.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest wait for the answer; what is left is done after it.
const ANSWER: Duration = Duration::from_secs(10);
/// How many items are looked at in one step.
const STEP: u64 = 100;
/// Parts of one replay.
const MOST_RECORDINGS: u64 = 10_000;
/// Items that are JSON and may name a person.
const NAMING: &[RecordKind] = &[
    RecordKind::Feedback,
    RecordKind::UserReport,
    RecordKind::Log,
    RecordKind::TraceMetric,
    RecordKind::Span,
    RecordKind::OtelSpan,
    RecordKind::CheckIn,
    RecordKind::ReplayEvent,
    RecordKind::Profile,
    RecordKind::ProfileChunk,
    RecordKind::Unknown,
];

/// Erases an event with everything that belongs to it.
pub(super) async fn event(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name, id)): Names<(String, String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.require(&[Scope::EventAdmin])?;
    let project = caller.project(&organisation, &name)?;
    let id = event_id(&id)?;
    reading::settle(&state, PATIENCE).await?;
    let row = reading::find(&state, project.id, id).await?;
    let row = row.ok_or_else(ApiError::not_found)?;
    state.store.upkeep.erase(&[row.seq]).await?;
    caller
        .note(&state, "event.erase", id.to_string(), Some(project.id))
        .await;
    tracing::info!(project.id = project.id.0, event.id = %id, "an event was erased");
    Ok(StatusCode::NO_CONTENT)
}

/// Erases what the index and the items know of a person: events, sessions, and items that name the
/// person. What takes long goes on after the answer, which is 202 then.
pub(super) async fn person(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name)): Names<(String, String)>,
    Body(person): Body<Person>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require(&[Scope::EventAdmin])?;
    let project = caller.project(&organisation, &name)?.id;
    if person.is_nobody() {
        let detail = "name the person by id, email, username or ip_address";
        return Err(ApiError::invalid("nobody_named", detail));
    }
    reading::settle(&state, PATIENCE).await?;
    // Who it is has to be forgotten, so the log does not tell.
    caller
        .note(&state, "person.erase", "a person", Some(project))
        .await;
    let patience = (state.config.http.request_timeout / 3).min(ANSWER);
    let erased = Arc::new(AtomicU64::new(0));
    let mut work = tokio::spawn(erase_person(state, project, person, Arc::clone(&erased)));
    let status = match tokio::time::timeout(patience, &mut work).await {
        Ok(ended) => {
            ended.map_err(|error| Error::new(ErrorKind::System, error))??;
            StatusCode::OK
        }
        Err(_) => StatusCode::ACCEPTED,
    };
    let count = erased.load(Ordering::Relaxed);
    let told = json!({ "erased": count, "complete": status == StatusCode::OK });
    Ok((status, Json(told)))
}

async fn erase_person(
    state: AppState,
    project: ProjectId,
    person: Person,
    erased: Arc<AtomicU64>,
) -> Result<(), Error> {
    let upkeep = &state.store.upkeep;
    let work = async {
        for hash in person.hashes(project) {
            erased.fetch_add(upkeep.erase_user(project, hash).await?, Ordering::Relaxed);
        }
        erase_items(&state, project, &person, &erased).await
    };
    match work.await {
        Ok(()) => {
            let rows = erased.load(Ordering::Relaxed);
            tracing::info!(project.id = project.0, rows, "a person's data was erased");
            Ok(())
        }
        Err(error) => {
            tracing::error!(project.id = project.0, error = %error, "a person's data was not erased");
            Err(error)
        }
    }
}

/// Erases the items whose bodies name a person. No index has who is named in them, so all are read.
async fn erase_items(
    state: &AppState,
    project: ProjectId,
    person: &Person,
    erased: &AtomicU64,
) -> Result<(), Error> {
    let upkeep = &state.store.upkeep;
    let mut after = Seq(0);
    loop {
        let seqs = state
            .store
            .events
            .item_places(project, NAMING, after, STEP)
            .await?;
        let Some(last) = seqs.last() else {
            return Ok(());
        };
        after = *last;
        let records = state.bodies.read(&seqs).await?;
        let mut found = Vec::new();
        for record in records.into_iter().flatten() {
            let Ok(body) = serde_json::from_slice::<Value>(&record.body) else {
                continue;
            };
            if person.is_named_in(&body) {
                found.push(record.seq);
                found.extend(recordings(state, &record).await?);
            }
            tokio::task::yield_now().await;
        }
        if !found.is_empty() {
            erased.fetch_add(upkeep.erase(&found).await?, Ordering::Relaxed);
        }
    }
}

/// Returns the places of what belongs to the facts of a replay.
async fn recordings(state: &AppState, record: &Record) -> Result<Vec<Seq>, Error> {
    let head = &record.head;
    if head.kind != RecordKind::ReplayEvent || head.event_id.is_nil() {
        return Ok(Vec::new());
    }
    let filter = ItemFilter {
        projects: vec![head.project],
        kinds: vec![RecordKind::ReplayRecording, RecordKind::ReplayVideo],
        event_id: Some(head.event_id),
    };
    let items = state
        .store
        .events
        .items(&filter, Page::first(MOST_RECORDINGS))
        .await?;
    Ok(items.iter().map(|item| item.seq).collect())
}
