//! The events of an issue.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::READ;
use super::find::{self, At, Found};
use super::neighbours;
use crate::model::event::EventRow;
use crate::state::AppState;
use crate::store::query::EventFilter;
use crate::web::access::Access;
use crate::web::api0::events::{event_id, page_by_time, user_report};
use crate::web::error::ApiError;
use crate::web::event_search::{self, Wanted};
use crate::web::extract::{Base, Names, Pairs};
use crate::web::paging::{Listed, Part, Place};
use crate::web::period::period;
use crate::web::present::{WholeEvent, event};
use crate::web::reading;

pub(super) async fn list(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(at): Names<At>,
    query: Pairs,
) -> Result<Listed<Value>, ApiError> {
    caller.require(READ)?;
    if !matches!(query.first("sort"), None | Some("-timestamp" | "-date")) {
        let detail = "events are sorted by -timestamp, the newest first";
        return Err(ApiError::invalid("unknown_sort", detail));
    }
    let part = Part::of(&query)?;
    reading::settle_search(&state).await;
    let found = find::issue(&state, &caller, &at).await?;
    let is_full = matches!(query.first("full"), Some("1" | "true"));
    let show = move |whole: &WholeEvent| match is_full {
        true => event::detail(whole),
        false => event::summary(whole),
    };
    let place = Place {
        base: &base,
        path: &at.path("events/"),
        query: &query,
    };
    let text = query.first("query").unwrap_or_default().trim();
    if !text.is_empty() {
        let wanted = Wanted {
            projects: &[found.project.id],
            issue: Some(found.issue.id),
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
    let filter = EventFilter {
        times: period(&query, state.clock.now())?,
        ..filter(&found, &query)
    };
    let (rows, next, has_more) = page_by_time(&state, filter, &part).await?;
    let project_of = |id| caller.project_by_id(id).cloned();
    let shown = reading::show_all(&*state.bodies, rows, project_of, show).await?;
    Ok(Listed::new(shown, &part, next, has_more, &place))
}

/// Shows an event of the issue: `latest`, `oldest`, `recommended`, or the one of an id.
pub(super) async fn detail(
    State(state): State<AppState>,
    caller: Access,
    Names(at): Names<At>,
    query: Pairs,
) -> Result<Json<Value>, ApiError> {
    caller.require(READ)?;
    reading::settle_list(&state).await;
    let found = find::issue(&state, &caller, &at).await?;
    let filter = filter(&found, &query);
    let row = match at.event.as_str() {
        "latest" => neighbours::latest(&state, &filter).await?,
        "oldest" => neighbours::oldest(&state, &filter, &found).await?,
        "recommended" | "helpful" => neighbours::recommended(&state, &caller, &filter).await?,
        id => named(&state, &found, id).await?,
    };
    let row = row.ok_or_else(ApiError::not_found)?;
    let (before, after) = neighbours::beside(&state, &filter, &row, &found).await?;
    let whole = reading::load(&state, row, &found.project).await?;
    let mut shown = event::detail(&whole);
    let said = user_report(&state, &whole).await?;
    if let Value::Object(shown) = &mut shown {
        let mut tell = |name: &str, value: Value| drop(shown.insert(name.to_owned(), value));
        tell("previousEventID", json!(before.map(|id| id.to_string())));
        tell("nextEventID", json!(after.map(|id| id.to_string())));
        if let Some(said) = said {
            tell("userReport", said);
        }
    }
    Ok(Json(shown))
}

async fn named(state: &AppState, found: &Found, id: &str) -> Result<Option<EventRow>, ApiError> {
    let row = reading::find(state, found.project.id, event_id(id)?).await?;
    Ok(row.filter(|row| row.issue == found.issue.id))
}

fn filter(found: &Found, query: &Pairs) -> EventFilter {
    EventFilter {
        projects: vec![found.project.id],
        issue: Some(found.issue.id),
        environments: query.all("environment").map(str::to_owned).collect(),
        ..EventFilter::default()
    }
}
