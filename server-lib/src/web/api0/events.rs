//! Events of a project.

use axum::Json;
use axum::extract::State;
use mini_sentry::protocol::{EventId, UserReport, read};
use serde_json::{Value, json};

use crate::model::event::EventRow;
use crate::model::record::RecordKind;
use crate::model::scope::Scope;
use crate::model::time::Millis;
use crate::state::AppState;
use crate::store::query::{EventFilter, ItemFilter, Page};
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::event_search::{self, Wanted};
use crate::web::extract::{Base, Names, Pairs};
use crate::web::paging::{Cursor, Listed, Part, Place};
use crate::web::period::period;
use crate::web::present::{WholeEvent, event, user_report};
use crate::web::reading;

const READ: &[Scope] = &[Scope::EventRead];

pub(super) async fn list(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names((organisation, name)): Names<(String, String)>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    let project = caller.project(&organisation, &name)?;
    let part = Part::of(&query)?;
    let place = Place {
        base: &base,
        path: &format!("/api/0/projects/{organisation}/{name}/events/"),
        query: &query,
    };
    let is_full = matches!(query.first("full"), Some("1" | "true"));
    let show = move |whole: &WholeEvent| match is_full {
        true => event::detail(whole),
        false => event::summary(whole),
    };
    let text = query.first("query").unwrap_or_default().trim();
    if !text.is_empty() {
        reading::settle_search(&state).await;
        let wanted = Wanted {
            projects: &[project.id],
            issue: None,
            text,
        };
        let page = event_search::search(&state, &caller, wanted, &query, show).await?;
        return Ok(Listed::new(
            page.shown,
            &part,
            page.next,
            page.has_more,
            &place,
        ));
    }
    let mut filter = reading::events_of([project.id]);
    filter.environments = query.all("environment").map(str::to_owned).collect();
    filter.times = period(&query, state.clock.now())?;
    reading::settle_list(&state).await;
    let (rows, next, has_more) = page_by_time(&state, filter, &part).await?;
    let project_of = |id| caller.project_by_id(id).cloned();
    let shown = reading::show_all(&*state.bodies, rows, project_of, show).await?;
    Ok(Listed::new(shown, &part, next, has_more, &place))
}

/// Reads a part of a list of events, newest first, with the place behind it and whether anything is
/// there.
pub(super) async fn page_by_time(
    state: &AppState,
    filter: EventFilter,
    part: &Part,
) -> Result<(Vec<EventRow>, Cursor, bool), ApiError> {
    let mut filter = filter;
    let mut offset = part.cursor.offset;
    if let Some((time, skip)) = part.cursor.at {
        let start = filter
            .times
            .map_or(Millis(i64::MIN), |times| *times.start());
        filter.times = Some(start..=time);
        offset = skip;
    }
    // One more than shown tells whether there is a next page.
    let limit = part.limit.saturating_add(1);
    let page = Page { offset, limit };
    let mut rows = state.store.events.list(&filter, page).await?;
    let shown = usize::try_from(part.limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > shown;
    rows.truncate(shown);
    let times: Vec<_> = rows.iter().map(|row| row.timestamp).collect();
    Ok((rows, part.next_by_time(&times), has_more))
}

pub(super) async fn detail(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name, id)): Names<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let whole = find(&state, &caller, &organisation, &name, &id).await?;
    let mut shown = event::detail(&whole);
    if let (Some(said), Value::Object(shown)) = (user_report(&state, &whole).await?, &mut shown) {
        shown.insert("userReport".to_owned(), said);
    }
    Ok(Json(shown))
}

/// Returns what a user said about the event last.
pub(super) async fn user_report(
    state: &AppState,
    whole: &WholeEvent,
) -> Result<Option<Value>, ApiError> {
    let filter = ItemFilter {
        projects: vec![whole.row.project],
        kinds: vec![RecordKind::UserReport],
        event_id: Some(whole.row.event_id),
    };
    let items = state.store.events.items(&filter, Page::first(1)).await?;
    let Some(item) = items.first() else {
        return Ok(None);
    };
    let record = state.bodies.read(&[item.seq]).await?.pop().flatten();
    let report = record.and_then(|record| read::from_json::<UserReport>(&record.body).ok());
    Ok(report.map(|(report, _)| user_report::user_report(item, &report)))
}

/// Shows the event in the protocol's own form.
pub(super) async fn json(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, name, id)): Names<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let whole = find(&state, &caller, &organisation, &name, &id).await?;
    Ok(Json(event::protocol(&whole)))
}

/// Shows the event in the protocol's own form, in whichever project it is.
pub(super) async fn json_anywhere(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, id)): Names<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let whole = find_anywhere(&state, &caller, &organisation, &id).await?;
    Ok(Json(event::protocol(&whole)))
}

/// Tells which project an event is in.
pub(super) async fn resolve(
    State(state): State<AppState>,
    caller: Access,
    Names((organisation, id)): Names<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let whole = find_anywhere(&state, &caller, &organisation, &id).await?;
    Ok(Json(json!({
        "organizationSlug": caller.own_organisation().slug,
        "projectSlug": whole.project.slug,
        "groupId": whole.row.issue.to_string(),
        "eventId": whole.row.event_id.to_string(),
        "event": event::detail(&whole),
    })))
}

/// Finds an event of a project, for whoever may read it.
pub(super) async fn find(
    state: &AppState,
    caller: &Access,
    organisation: &str,
    name: &str,
    id: &str,
) -> Result<WholeEvent, ApiError> {
    caller.require(READ)?;
    let project = caller.project(organisation, name)?;
    let id = event_id(id)?;
    let row = reading::find(state, project.id, id).await?;
    reading::load(state, row.ok_or_else(ApiError::not_found)?, project).await
}

async fn find_anywhere(
    state: &AppState,
    caller: &Access,
    organisation: &str,
    id: &str,
) -> Result<WholeEvent, ApiError> {
    caller.require(READ)?;
    caller.organisation(organisation)?;
    let projects: Vec<_> = caller.projects().map(|project| project.id).collect();
    let rows = reading::find_in(state, &projects, event_id(id)?).await?;
    let row = rows.into_iter().next().ok_or_else(ApiError::not_found)?;
    let project = caller
        .project_by_id(row.project)
        .ok_or_else(ApiError::not_found)?;
    reading::load(state, row, project).await
}

/// Reads the id of an event; what is none names nothing.
pub(super) fn event_id(text: &str) -> Result<EventId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found())
}
