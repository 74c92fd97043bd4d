//! From a question to events: waiting for digest where that makes an answer complete, reading
//! bodies, and building the events of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mini_sentry::protocol::EventId;

use super::error::ApiError;
use super::present::WholeEvent;
use crate::digest::normalize;
use crate::error::{Error, ErrorKind};
use crate::facts::{FactsInput, FrameRules, Scan, derive};
use crate::model::catalog::Project;
use crate::model::event::EventRow;
use crate::model::ids::{ProjectId, Seq};
use crate::model::record::Record;
use crate::model::tag::Tags;
use crate::state::AppState;
use crate::store::Bodies;
use crate::store::query::EventFilter;

/// How long the search for one thing waits at least, once it is not found.
const FIND_PATIENCE: Duration = Duration::from_secs(1);
/// How many bodies are in memory at once.
pub(super) const CHUNK: usize = 50;
/// The title of an event whose body cannot be read.
const UNREADABLE: &str = "<unreadable event>";

/// Waits shortly until what was accepted before now is in the store. While events come fast it does
/// not: the answer then lacks the last moment.
pub async fn settle_list(state: &AppState) {
    if state.progress.is_fast() {
        return;
    }
    let tail = state.journal.tail();
    let patience = state.config.http.read_patience;
    state.progress.reached(tail, patience).await;
}

/// Waits shortly until what was accepted before now is in the store and in the search index, where
/// that is little. While events come fast, answers of the index lack the last seconds.
pub async fn settle_search(state: &AppState) {
    if state.progress.is_fast() {
        return;
    }
    settle_list(state).await;
    state.feed.settle(state.config.http.read_patience).await;
}

/// Waits until what was accepted before now is in the store, or `patience` is over.
///
/// # Errors
///
/// 503 when digest is further behind.
pub async fn settle(state: &AppState, patience: Duration) -> Result<(), ApiError> {
    let tail = state.journal.tail();
    if state.progress.reached(tail, patience).await {
        return Ok(());
    }
    let busy = ApiError::new(
        http::StatusCode::SERVICE_UNAVAILABLE,
        "digest_behind",
        "what was accepted before is not digested yet",
    );
    Err(busy.retry_after(Duration::from_secs(5)))
}

/// Finds the event of an id in a project.
///
/// # Errors
///
/// When the store cannot be read.
pub async fn find(
    state: &AppState,
    project: ProjectId,
    id: EventId,
) -> Result<Option<EventRow>, ApiError> {
    Ok(find_in(state, &[project], id).await?.into_iter().next())
}

/// Finds the events of an id in projects: at most one in each.
///
/// # Errors
///
/// When the store cannot be read.
pub async fn find_in(
    state: &AppState,
    projects: &[ProjectId],
    id: EventId,
) -> Result<Vec<EventRow>, ApiError> {
    let tail = state.journal.tail();
    let is_behind = state.progress.position() < tail;
    let found = state.store.events.find(id, projects).await?;
    if !found.is_empty() || !is_behind {
        return Ok(found);
    }
    state.progress.reached(tail, find_patience(state)).await;
    Ok(state.store.events.find(id, projects).await?)
}

fn find_patience(state: &AppState) -> Duration {
    FIND_PATIENCE.max(state.config.http.read_patience)
}

/// Finds an event by its place.
///
/// # Errors
///
/// When the store cannot be read.
pub async fn get(state: &AppState, seq: Seq) -> Result<Option<EventRow>, ApiError> {
    let is_behind = state.progress.position() < seq && seq <= state.journal.tail();
    if is_behind {
        state.progress.reached(seq, find_patience(state)).await;
    }
    Ok(state.store.events.get(seq).await?)
}

/// Reads the body of an event and builds the event of it.
///
/// # Errors
///
/// 404 when the body is gone meanwhile.
pub async fn load(
    state: &AppState,
    row: EventRow,
    project: &Arc<Project>,
) -> Result<WholeEvent, ApiError> {
    let mut read = state.bodies.read(&[row.seq]).await?;
    let record = read.pop().flatten().ok_or_else(ApiError::not_found)?;
    let rules = FrameRules::from_settings(&project.settings);
    Ok(whole(row, record, Arc::clone(project), &rules))
}

/// Reads the bodies of events and shows each; those whose body is gone meanwhile are left out.
/// However many there are, only a few bodies are in memory at once.
///
/// # Errors
///
/// When the bodies cannot be read.
pub async fn show_all<T, F>(
    bodies: &dyn Bodies,
    rows: Vec<EventRow>,
    project_of: impl Fn(ProjectId) -> Option<Arc<Project>>,
    show: F,
) -> Result<Vec<T>, ApiError>
where
    T: Send + 'static,
    F: Fn(&WholeEvent) -> T + Clone + Send + 'static,
{
    let mut shown = Vec::with_capacity(rows.len());
    for chunk in rows.chunks(CHUNK) {
        let seqs: Vec<_> = chunk.iter().map(|row| row.seq).collect();
        let records = bodies.read(&seqs).await?;
        let work: Vec<_> = chunk
            .iter()
            .zip(records)
            .filter_map(|(row, record)| Some((row.clone(), record?, project_of(row.project)?)))
            .collect();
        let show = show.clone();
        // Building fifty events takes milliseconds, too long for a thread that answers others.
        let part = tokio::task::spawn_blocking(move || show_part(work, &show));
        shown.extend(part.await.map_err(|error| {
            ApiError::from(Error::new(ErrorKind::System, error).during("build events"))
        })?);
    }
    Ok(shown)
}

fn show_part<T>(
    work: Vec<(EventRow, Record, Arc<Project>)>,
    show: &impl Fn(&WholeEvent) -> T,
) -> Vec<T> {
    let mut rules = HashMap::new();
    work.into_iter()
        .map(|(row, record, project)| {
            let rules = rules
                .entry(project.id)
                .or_insert_with(|| FrameRules::from_settings(&project.settings));
            show(&whole(row, record, project, rules))
        })
        .collect()
}

fn whole(row: EventRow, record: Record, project: Arc<Project>, rules: &FrameRules) -> WholeEvent {
    let context = &record.head.context;
    let input = FactsInput {
        received: record.head.received,
        drift_ms: context.drift_ms,
        client_ip: context.client_ip,
        rules,
    };
    // By the same function as the issue's, so that both say the same.
    let facts = Scan::read(&record.body).map(|scan| derive(&scan, &input));
    let (title, culprit, indexed) = facts.map_or_else(
        |_| (UNREADABLE.to_owned(), String::new(), Tags::default()),
        |facts| (facts.title, facts.culprit, facts.tags),
    );
    let event = normalize::event(&record, rules);
    WholeEvent {
        row,
        project,
        record,
        event,
        title,
        culprit,
        indexed,
    }
}

/// Returns a filter for all events of projects.
#[must_use]
pub fn events_of(projects: impl IntoIterator<Item = ProjectId>) -> EventFilter {
    EventFilter {
        projects: projects.into_iter().collect(),
        ..EventFilter::default()
    }
}
