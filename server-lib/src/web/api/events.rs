//! Events: a list with filters, and one with all that is known of it.

use axum::Json;
use axum::extract::State;
use mini_sentry::protocol::{EventId, Level};
use serde_json::{Value, json};

use super::asked;
use crate::address::BaseUrl;
use crate::model::event::EventRow;
use crate::model::ids::{ProjectId, Seq};
use crate::model::scope::Scope;
use crate::state::AppState;
use crate::store::query::{EventFilter, Expr, Page};
use crate::store::search::{BareWords, ParseOptions, Subject, parse};
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::event_search::{Bounds, Found};
use crate::web::extract::{Base, Names, Pairs};
use crate::web::paging::{Cursor, Part, Place};
use crate::web::period::{between, moment};
use crate::web::present::own;
use crate::web::reading;

/// How many events a list has when the caller does not say.
const DEFAULT_LIMIT: u64 = 50;
/// How many it has at most.
const MAX_LIMIT: u64 = 1000;

pub(super) async fn list(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    caller.require(&[Scope::EventRead])?;
    let filter = filter(&caller, &query)?;
    let limit = query.parsed("limit")?.unwrap_or(DEFAULT_LIMIT);
    let limit = limit.clamp(1, MAX_LIMIT);
    let offset: u64 = query.parsed("offset")?.unwrap_or(0);
    if let Some(text) = query.first("q") {
        let page = Page { offset, limit };
        return search(&state, &caller, &base, &query, text, page).await;
    }
    reading::settle_list(&state).await;
    let count = state.store.events.count(&filter).await?;
    let page = Page { offset, limit };
    let rows = state.store.events.list(&filter, page).await?;
    let shown = rows.len() as u64;
    let project_of = |id| caller.project_by_id(id).cloned();
    let results = reading::show_all(&*state.bodies, rows, project_of, own::summary).await?;

    let place = Place {
        base: &base,
        path: "/api/events/",
        query: &query,
    };
    let link =
        |offset: u64| place.with(&[("limit", limit.to_string()), ("offset", offset.to_string())]);
    let end = offset.saturating_add(shown);
    let next = (shown > 0 && end < count).then(|| link(end));
    let previous = (offset > 0).then(|| link(offset.saturating_sub(limit)));
    Ok(Json(json!({
        "count": count,
        "next": next,
        "previous": previous,
        "results": results,
    })))
}

pub(super) async fn detail(
    State(state): State<AppState>,
    caller: Access,
    Names(id): Names<String>,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    caller.require(&[Scope::EventRead])?;
    let projects = asked::projects(&caller, &query)?;
    let row = find(&state, &projects, &id).await?;
    let row = row.ok_or_else(ApiError::not_found)?;
    let project = caller.project_by_id(row.project);
    let project = project.ok_or_else(ApiError::not_found)?;
    let whole = reading::load(&state, row, project).await?;
    Ok(Json(own::detail(&whole)))
}

/// Finds an event by its id, with or without hyphens, or by its number.
async fn find(
    state: &AppState,
    projects: &[ProjectId],
    id: &str,
) -> Result<Option<EventRow>, ApiError> {
    if let Ok(id) = id.parse::<EventId>() {
        let found = reading::find_in(state, projects, id).await?;
        return Ok(found.into_iter().next());
    }
    let Ok(seq) = id.parse::<Seq>() else {
        return Ok(None);
    };
    let found = reading::get(state, seq).await?;
    Ok(found.filter(|row| projects.contains(&row.project)))
}

/// Lists what a search finds. The next part is named by a cursor; a part that is named by an offset
/// alone is counted out, up to a bound.
async fn search(
    state: &AppState,
    caller: &Access,
    base: &BaseUrl,
    query: &Pairs,
    text: &str,
    page: Page,
) -> Result<Json<Value>, ApiError> {
    let Page { offset, limit } = page;
    let options = ParseOptions::new(Subject::Events, state.clock.now());
    let read = parse(text, &options.bare_words(BareWords::Any))?;
    let mut bounds = Bounds {
        filter: Expr::everything(),
        times: between(moment(query, "from")?, moment(query, "to")?)?,
    };
    let levels: Vec<_> = query.all("level").map(level).collect::<Result<_, _>>()?;
    bounds.and_tag("level", levels.into_iter().map(Level::as_str));
    bounds.and_tag("environment", query.all("environment"));
    bounds.and_tag("release", query.all("release"));
    let projects = asked::projects(caller, query)?;
    reading::settle_search(state).await;
    let found = Found::of(state, caller, &projects, &read, bounds).await?;
    let (count, is_exact) = found.count(state).await?;
    let cursor = match query.first("cursor") {
        Some(text) => Some(text.parse()?),
        None => before(state, caller, &found, offset).await?,
    };
    let page = match cursor {
        Some(cursor) => {
            let part = Part { cursor, limit };
            found.page(state, caller, &part, own::summary).await?
        }
        None => Found::nothing(),
    };

    let place = Place {
        base,
        path: "/api/events/",
        query,
    };
    let link = |offset: u64, cursor: String| {
        place.with(&[
            ("limit", limit.to_string()),
            ("offset", offset.to_string()),
            ("cursor", cursor),
        ])
    };
    let end = offset.saturating_add(page.shown.len() as u64);
    let next = page.has_more.then(|| link(end, page.next.to_string()));
    let previous = (offset > 0).then(|| link(offset.saturating_sub(limit), String::new()));
    Ok(Json(json!({
        "count": count,
        "count_is_exact": is_exact,
        "next": next,
        "previous": previous,
        "results": page.shown,
    })))
}

/// Finds the place that has so many events before it; `None` when there are not so many.
async fn before(
    state: &AppState,
    caller: &Access,
    found: &Found,
    offset: u64,
) -> Result<Option<Cursor>, ApiError> {
    if offset > MAX_LIMIT {
        let detail = format!("a search has an offset of at most {MAX_LIMIT}; follow next");
        return Err(ApiError::invalid("offset_too_large", detail));
    }
    if offset == 0 {
        return Ok(Some(Cursor::default()));
    }
    let part = Part {
        cursor: Cursor::default(),
        limit: offset,
    };
    let page = found.page(state, caller, &part, |_| ()).await?;
    Ok(page.has_more.then_some(page.next))
}

fn filter(caller: &Access, query: &Pairs) -> Result<EventFilter, ApiError> {
    let mut filter = reading::events_of(asked::projects(caller, query)?);
    for text in query.all("level") {
        filter.levels.push(level(text)?);
    }
    filter.environments = query.all("environment").map(str::to_owned).collect();
    filter.releases = query.all("release").map(str::to_owned).collect();
    filter.times = between(moment(query, "from")?, moment(query, "to")?)?;
    Ok(filter)
}

fn level(text: &str) -> Result<Level, ApiError> {
    Level::from_name(&text.trim().to_ascii_lowercase()).ok_or_else(|| {
        let detail = "a level is one of fatal, error, warning, info and debug";
        ApiError::invalid("unknown_level", detail)
    })
}
