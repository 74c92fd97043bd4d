//! From a question to events: waiting for digest where that makes an answer complete, reading
//! bodies, and building the events of them.

use std::sync::Arc;
use std::time::Duration;

use mini_sentry::protocol::{Event, EventId};

use super::error::ApiError;
use crate::digest::normalize;
use crate::facts::FrameRules;
use crate::model::catalog::Project;
use crate::model::event::EventRow;
use crate::model::ids::{ProjectId, Seq};
use crate::model::record::Record;
use crate::model::settings::ProjectSettings;
use crate::state::AppState;
use crate::store::query::EventFilter;

/// How long a list waits for what was just accepted.
const LIST_PATIENCE: Duration = Duration::from_millis(50);
/// How long the search for one thing waits, once it is not found.
const FIND_PATIENCE: Duration = Duration::from_secs(1);
/// How many bodies are in memory at once.
const CHUNK: usize = 50;

/// Waits shortly until what was accepted before now is in the store.
pub async fn settle_list(state: &AppState) {
    let tail = state.journal.tail();
    state.progress.reached(tail, LIST_PATIENCE).await;
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
    state.progress.reached(tail, FIND_PATIENCE).await;
    Ok(state.store.events.find(id, projects).await?)
}

/// Finds an event by its place.
///
/// # Errors
///
/// When the store cannot be read.
pub async fn get(state: &AppState, seq: Seq) -> Result<Option<EventRow>, ApiError> {
    let is_behind = state.progress.position() < seq && seq <= state.journal.tail();
    if is_behind {
        state.progress.reached(seq, FIND_PATIENCE).await;
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
    row: &EventRow,
    settings: &ProjectSettings,
) -> Result<(Record, Event), ApiError> {
    let mut read = state.bodies.read(&[row.seq]).await?;
    let record = read.pop().flatten().ok_or_else(ApiError::not_found)?;
    let event = normalize::event(&record, &frame_rules(settings));
    Ok((record, event))
}

/// Reads the bodies of events and shows each; those whose body is gone meanwhile are left out.
/// Bounded in memory however many there are, except for what is shown.
///
/// # Errors
///
/// When the bodies cannot be read.
pub async fn show_all<T, F>(
    state: &AppState,
    rows: Vec<EventRow>,
    project_of: impl Fn(ProjectId) -> Option<Arc<Project>>,
    show: F,
) -> Result<Vec<T>, ApiError>
where
    T: Send + 'static,
    F: Fn(&EventRow, &Project, &Event) -> T + Clone + Send + 'static,
{
    let mut shown = Vec::with_capacity(rows.len());
    for chunk in rows.chunks(CHUNK) {
        let seqs: Vec<_> = chunk.iter().map(|row| row.seq).collect();
        let records = state.bodies.read(&seqs).await?;
        let work: Vec<_> = chunk
            .iter()
            .zip(records)
            .filter_map(|(row, record)| Some((row.clone(), record?, project_of(row.project)?)))
            .collect();
        let show = show.clone();
        // Building fifty events takes milliseconds, too long for a thread that answers others.
        let part = tokio::task::spawn_blocking(move || {
            let mut rules: Option<(ProjectId, FrameRules)> = None;
            let show_one = |(row, record, project): (EventRow, Record, Arc<Project>)| {
                let fitting = rules.take().filter(|(id, _)| *id == project.id);
                let rules_now =
                    fitting.unwrap_or_else(|| (project.id, frame_rules(&project.settings)));
                let event = normalize::event(&record, &rules_now.1);
                rules = Some(rules_now);
                show(&row, &project, &event)
            };
            work.into_iter().map(show_one).collect::<Vec<_>>()
        });
        let part = part.await.map_err(|_| {
            ApiError::new(
                http::StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "the server failed",
            )
        })?;
        shown.extend(part);
    }
    Ok(shown)
}

/// Returns a filter for all events of projects.
#[must_use]
pub fn events_of(projects: impl IntoIterator<Item = ProjectId>) -> EventFilter {
    EventFilter {
        projects: projects.into_iter().collect(),
        ..EventFilter::default()
    }
}

fn frame_rules(settings: &ProjectSettings) -> FrameRules {
    let globs = |texts: &[String]| {
        texts
            .iter()
            .map(|text| wildmatch::WildMatch::new(text))
            .collect()
    };
    FrameRules {
        include: globs(&settings.in_app_include),
        exclude: globs(&settings.in_app_exclude),
    }
}
