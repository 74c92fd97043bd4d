//! Questions about many events at once, as dashboards ask them: rows, rows put together with numbers,
//! and series over time.
//!
//! The [index](crate::store::Index::split) puts events together by project, issue and tags without
//! looking at them. What only events themselves have is read from so many bodies at most. Where a
//! bound was met the answer says `dataScanned: partial`.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

mod answer;
mod attributes;
mod candidates;
mod columns;
mod functions;
mod intervals;
mod measure;
mod question;
mod rows;
mod series;
mod sort;
mod stats;
mod table;
mod timeseries;
mod validate;

use answer::{Rows, meta};
use columns::Column;
use question::Question;
use table::Ask;

use crate::model::scope::Scope;
use crate::state::AppState;
use crate::web::EitherSlash;
use crate::web::access::Access;
use crate::web::error::ApiError;
use crate::web::event_search::Found;
use crate::web::extract::{Base, Names, Pairs};
use crate::web::paging::{Listed, Part, Place};

const READ: &[Scope] = &[Scope::EventRead];

/// Returns the routes.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .either("/api/0/organizations/{organisation}/events/", get(list))
        .either(
            "/api/0/organizations/{organisation}/events/validate/",
            get(validate::validate),
        )
        .either(
            "/api/0/organizations/{organisation}/events-stats/",
            get(stats::show),
        )
        .either(
            "/api/0/organizations/{organisation}/events-timeseries/",
            get(timeseries::show),
        )
        .either(
            "/api/0/organizations/{organisation}/trace-items/attributes/",
            get(attributes::list),
        )
}

/// Lists events, or rows of events put together.
async fn list(
    State(state): State<AppState>,
    caller: Access,
    Base(base): Base,
    Names(organisation): Names<String>,
    query: Pairs,
) -> Result<Response, ApiError> {
    caller.require(READ)?;
    caller.organisation(&organisation)?;
    let part = Part::of(&query)?;
    let mut columns = Column::read_all(query.all("field"))?;
    if columns.is_empty() {
        let detail = "a field is needed, such as field=title or field=count()";
        return Err(ApiError::invalid("missing_field", detail));
    }
    let has_functions = columns.iter().any(Column::is_function);
    if !has_functions {
        for name in ["id", "project.name"] {
            if columns.iter().all(|column| column.name != name) {
                columns.push(Column::read(name)?);
            }
        }
    }
    let shown = columns.len();
    let sorts = sort::read(&query, &mut columns)?;
    let question = Question::of(&state, &caller, &query).await?;
    question.check(&state, &columns).await?;
    let ask = Ask {
        state: &state,
        caller: &caller,
        question: &question,
        columns: &columns,
        shown,
        sorts: &sorts,
    };
    let found = match &question.search {
        None => Rows::default(),
        Some(search) => answer_to(&ask, search, &part).await?,
    };
    let shown = columns.iter().take(shown);
    let meta = meta(shown, &question.dataset, found.is_incomplete);
    let place = Place {
        base: &base,
        path: &format!("/api/0/organizations/{organisation}/events/"),
        query: &query,
    };
    let listed = Listed::new(found.data, &part, found.next, found.has_more, &place);
    Ok(listed.within(|data: Vec<Value>| json!({ "data": data, "meta": meta })))
}

/// Has the index answer where it can, and reads events where it cannot.
async fn answer_to(ask: &Ask<'_>, search: &Found, part: &Part) -> Result<Rows, ApiError> {
    if ask.has_functions()
        && ask.is_of_index()
        && let Some((index, is_exact)) = ask.question.of_index(ask.state).await?
    {
        let mut rows = table::table(ask, &index, part).await?;
        rows.is_incomplete |= !is_exact;
        return Ok(rows);
    }
    rows::rows(ask, search, part).await
}
