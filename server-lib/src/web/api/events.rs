//! Events: a list with filters, and one with all that is known of it.

use axum::Json;
use axum::extract::State;
use mini_sentry::protocol::{EventId, Level};
use serde_json::{Value, json};

use crate::model::event::EventRow;
use crate::model::ids::{ProjectId, Seq};
use crate::model::scope::Scope;
use crate::state::AppState;
use crate::store::query::{EventFilter, Page};
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::extract::{Base, Names, Pairs};
use crate::web::paging::Place;
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
    let projects = projects(&caller, &query)?;
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

fn filter(caller: &Access, query: &Pairs) -> Result<EventFilter, ApiError> {
    let mut filter = reading::events_of(projects(caller, query)?);
    for text in query.all("level") {
        filter.levels.push(level(text)?);
    }
    filter.environments = query.all("environment").map(str::to_owned).collect();
    filter.releases = query.all("release").map(str::to_owned).collect();
    filter.times = between(moment(query, "from")?, moment(query, "to")?)?;
    if let Some(text) = query.first("q") {
        narrow(&mut filter, text)?;
    }
    Ok(filter)
}

/// Narrows by the words of a search that name a field of the index.
fn narrow(filter: &mut EventFilter, text: &str) -> Result<(), ApiError> {
    for word in text.split_whitespace() {
        let (key, value) = word.split_once(':').unwrap_or(("", word));
        let value = value.trim_matches('"');
        match key {
            "level" | "severity" => filter.levels.push(level(value)?),
            "env" | "environment" => filter.environments.push(value.to_owned()),
            "release" => filter.releases.push(value.to_owned()),
            _ => {
                return Err(ApiError::invalid(
                    "unsupported_search",
                    "events are searched by level:, environment: and release: only",
                ));
            }
        }
    }
    Ok(())
}

fn level(text: &str) -> Result<Level, ApiError> {
    Level::from_name(&text.trim().to_ascii_lowercase()).ok_or_else(|| {
        let detail = "a level is one of fatal, error, warning, info and debug";
        ApiError::invalid("unknown_level", detail)
    })
}

/// Returns the projects that a query names; none means all.
fn projects(caller: &Access, query: &Pairs) -> Result<Vec<ProjectId>, ApiError> {
    let mut named = query.all("project").peekable();
    if named.peek().is_none() {
        return Ok(caller.projects().map(|project| project.id).collect());
    }
    named
        .map(|name| caller.project_by_name(name).map(|project| project.id))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_names_fields_and_nothing_else() {
        let mut filter = EventFilter::default();
        narrow(
            &mut filter,
            "level:error env:\"prod\" release:1.2 severity:warn",
        )
        .unwrap();
        assert_eq!(filter.levels, [Level::Error, Level::Warning]);
        assert_eq!(filter.environments, ["prod"]);
        assert_eq!(filter.releases, ["1.2"]);
        for text in ["timeout", "message:timeout", "level:loud"] {
            assert!(narrow(&mut filter, text).is_err(), "{text}");
        }
    }
}
